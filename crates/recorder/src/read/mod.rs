//! Reading a recording. What is not understood is refused with the number of its line; nothing in a file makes this
//! panic, and it holds no more than some times the size of the file.

mod config;
mod input;
mod rest;

use crate::check::Check;
use crate::recording::{Entry, Recording, Track, What};
use crate::text::{Block, split};
use crate::write::{HEADER, VERSION};
use config::Draft;
use input::Pending;
use offhook::Instant;
use std::collections::BTreeMap;

/// The most phones in one recording.
const PHONES: usize = 4096;
/// The longest line: a message that is one line of escapes.
const LINE: usize = 1 << 20;

/// Why a recording cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct ReadError {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: Unreadable,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unreadable {
    /// The first line is not that of a recording.
    #[error("not a recording: it does not start with `{HEADER} {VERSION}`")]
    NotARecording,
    /// A recording of a later version of the format.
    #[error("a recording of version {0}, which a newer offhook wrote: this one reads version {VERSION}")]
    Newer(u32),
    /// A recording of an earlier version of the format.
    #[error("a recording of version {0}, which an older offhook wrote: this one reads version {VERSION}")]
    Older(u32),
    /// Not UTF-8.
    #[error("not text")]
    NotText,
    /// Too long, or too many.
    #[error("too large: {0}")]
    TooLarge(&'static str),
    /// A line that is not what can stand there.
    #[error("{0}")]
    Line(String),
}

impl From<String> for Unreadable {
    fn from(why: String) -> Self {
        Unreadable::Line(why)
    }
}

impl From<&str> for Unreadable {
    fn from(why: &str) -> Self {
        Unreadable::Line(why.to_owned())
    }
}

impl Recording {
    /// Reads a file. One that ends in the middle of something, because the program was killed, is read up to there.
    ///
    /// # Errors
    /// When it is no recording, of another version, or has a line that is not understood.
    pub fn read(file: &[u8]) -> Result<Self, ReadError> {
        let mut reader = Reader::default();
        let mut rest = file;
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            reader.number += 1;
            let line = rest[..end].strip_suffix(b"\r").unwrap_or(&rest[..end]);
            reader.line(line).map_err(|why| ReadError { line: reader.number, why })?;
            rest = &rest[end + 1..];
        }
        reader.finish().map_err(|why| ReadError { line: 1, why })
    }
}

#[derive(Default)]
struct Reader {
    recording: Recording,
    places: BTreeMap<String, usize>,
    number: usize,
    /// The phone whose configuration is being read.
    draft: Option<Draft>,
    /// The phone that rests, and how far it was.
    rest: Option<Rest>,
    /// The input whose bytes are being read.
    open: Option<Open>,
}

struct Rest {
    track: usize,
    line: usize,
    check: Check,
    draft: rest::Draft,
}

struct Open {
    track: usize,
    line: usize,
    at: Instant,
    pending: Pending,
    block: Block,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), Unreadable> {
        if line.len() > LINE {
            return Err(Unreadable::TooLarge("the line"));
        }
        if self.number == 1 {
            return first(line);
        }
        let line = std::str::from_utf8(line).map_err(|_| Unreadable::NotText)?;
        if let Some(open) = &mut self.open {
            open.block.line(line).ok_or("not the next line of the bytes above")?;
            return self.close_block();
        }
        let words = split(line).ok_or("a quotation mark or an escape that is not ended")?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if line.starts_with("  ") {
            if let Some(rest) = &mut self.rest {
                return rest.draft.line(&words);
            }
            let draft = self.draft.as_mut().ok_or("belongs to no phone")?;
            return draft.line(&words);
        }
        self.close_draft()?;
        self.close_rest()?;
        self.top(&words)
    }

    fn top(&mut self, words: &[&str]) -> Result<(), Unreadable> {
        if self.recording.complete {
            return Err("something after the end".into());
        }
        match words {
            [] | ["by", ..] => {}
            [comment, ..] if comment.starts_with('#') => {}
            ["end"] => self.recording.complete = true,
            ["phone", name] => {
                if self.places.contains_key(*name) {
                    return Err(format!("there is a phone {name} already").into());
                }
                if self.places.len() == PHONES {
                    return Err(Unreadable::TooLarge("the number of phones"));
                }
                self.draft = Some(Draft::new(name));
            }
            ["=", name, counts @ ..] => {
                let what = What::Check(check(counts).ok_or("expected `= NAME COUNT HASH COUNT HASH`")?);
                let line = self.number;
                self.track(name)?.entries.push(Entry { line, what });
            }
            ["rest", name, at, counts @ ..] => {
                let expected = "expected `rest NAME TIME COUNT HASH COUNT HASH`";
                let (now, check) =
                    (crate::text::instant(at).ok_or(expected)?, check(counts).ok_or(expected)?);
                self.track(name)?;
                let draft = rest::Draft::new(now, check.traced);
                self.rest = Some(Rest { track: self.places[*name], line: self.number, check, draft });
            }
            ["forgot", name, inputs] => {
                let inputs = inputs.parse().map_err(|_| "expected a number")?;
                self.track(name)?.forgotten = inputs;
            }
            ["lost", name, why] => self.track(name)?.lost = Some((*why).to_owned()),
            [at, name, verb @ ..] if at.starts_with(|c: char| c.is_ascii_digit()) => {
                let at = crate::text::instant(at).ok_or("expected a time such as 1.250000000")?;
                self.input(at, name, verb)?;
            }
            [word, ..] => return Err(format!("nobody knows what `{}` is", shown(word)).into()),
        }
        Ok(())
    }

    fn input(&mut self, at: Instant, name: &str, words: &[&str]) -> Result<(), Unreadable> {
        let line = self.number;
        self.track(name)?;
        let track = self.places[name];
        let (pending, length) =
            input::read(words).ok_or_else(|| format!("not understood: `{}`", shown(&words.join(" "))))?;
        let block = Block::of(length).ok_or(Unreadable::TooLarge("the bytes"))?;
        self.open = Some(Open { track, line, at, pending, block });
        self.close_block()
    }

    fn close_block(&mut self) -> Result<(), Unreadable> {
        if let Some(Open { track, line, at, pending, block }) =
            self.open.take_if(|open| open.block.is_whole())
        {
            let what = What::Input { at, input: pending.with(block.finish()) };
            self.recording.tracks[track].entries.push(Entry { line, what });
        }
        Ok(())
    }

    fn close_draft(&mut self) -> Result<(), Unreadable> {
        if let Some(draft) = self.draft.take() {
            let track = draft.finish()?;
            self.places.insert(track.name.clone(), self.recording.tracks.len());
            self.recording.tracks.push(track);
        }
        Ok(())
    }

    fn close_rest(&mut self) -> Result<(), Unreadable> {
        if let Some(Rest { track, line, check, draft }) = self.rest.take() {
            let what = What::Rest(check, Box::new(draft.finish()?));
            self.recording.tracks[track].entries.push(Entry { line, what });
        }
        Ok(())
    }

    fn track(&mut self, name: &str) -> Result<&mut Track, Unreadable> {
        let place = *self.places.get(name).ok_or_else(|| format!("no phone is called `{}`", shown(name)))?;
        Ok(&mut self.recording.tracks[place])
    }

    /// What is open at the end of the file was cut off, and is left out.
    fn finish(mut self) -> Result<Recording, Unreadable> {
        if self.number == 0 {
            return Err(Unreadable::NotARecording);
        }
        if self.close_draft().is_err() || self.rest.is_some() || self.open.is_some() {
            self.recording.complete = false;
        }
        Ok(self.recording)
    }
}

fn first(line: &[u8]) -> Result<(), Unreadable> {
    let line = std::str::from_utf8(line).map_err(|_| Unreadable::NotARecording)?;
    let version = line.strip_prefix(HEADER).and_then(|rest| rest.strip_prefix(' '));
    match version.and_then(|version| version.parse().ok()) {
        Some(VERSION) => Ok(()),
        Some(version @ ..VERSION) => Err(Unreadable::Older(version)),
        Some(version) => Err(Unreadable::Newer(version)),
        None => Err(Unreadable::NotARecording),
    }
}

fn check(words: &[&str]) -> Option<Check> {
    let [outputs, output_hash, traced, trace_hash] = words else { return None };
    let hash = |text: &str| (text.len() == 16).then(|| u64::from_str_radix(text, 16).ok()).flatten();
    Some(Check {
        outputs: outputs.parse().ok()?,
        output_hash: hash(output_hash)?,
        traced: traced.parse().ok()?,
        trace_hash: hash(trace_hash)?,
    })
}

fn yes(word: &str) -> Option<bool> {
    match word {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

/// Enough of a text for an error.
fn shown(text: &str) -> &str {
    let end = text.char_indices().nth(60).map_or(text.len(), |(at, _)| at);
    &text[..end]
}
