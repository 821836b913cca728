//! Reads recordings. Errors have the number of the line. No input makes it panic, and the memory that it needs is proportional to the
//! size of the file.

mod account;
mod account_state;
mod agreed;
mod checkpoint;
mod command;
mod config;
mod error;
mod input;
mod pending;
mod value;

use crate::check::Check;
use crate::recording::{Entry, EntryKind, PhoneRecording, Recording};
use crate::text::{Block, split};
use crate::write::{HEADER, VERSION};
use bytes::Bytes;
use config::Draft;
use error::excerpt;
pub use error::{ReadError, Unreadable};
use offhook::{Account, Input, Instant};
use pending::Pending;
use std::collections::BTreeMap;

/// The most phones in one recording.
const MAX_PHONES: usize = 4096;
/// The longest line, in bytes.
const MAX_LINE: usize = 1 << 20;

impl Recording {
    /// Reads a file. An incomplete last entry, as after the program was killed, is left out.
    ///
    /// # Errors
    /// When it is no recording, has another version, or contains an invalid line.
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
    indices: BTreeMap<String, usize>,
    number: usize,
    /// The phone whose configuration is being read.
    draft: Option<Draft>,
    /// The checkpoint that is being read.
    checkpoint: Option<OpenCheckpoint>,
    /// The input of which a part is being read.
    open: Option<OpenInput>,
}

struct OpenCheckpoint {
    phone: usize,
    line: usize,
    check: Check,
    draft: checkpoint::Draft,
}

struct OpenInput {
    phone: usize,
    line: usize,
    at: Instant,
    rest: Rest,
}

/// The part of an input that follows in further lines.
enum Rest {
    Bytes(Block, Box<dyn FnOnce(Bytes) -> Input>),
    Account(Option<account::Draft>, Box<dyn FnOnce(Box<Account>) -> Input>),
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), Unreadable> {
        if line.len() > MAX_LINE {
            return Err(Unreadable::TooLarge("the line"));
        }
        if self.number == 1 {
            return first(line);
        }
        let line = std::str::from_utf8(line).map_err(|_| Unreadable::NotText)?;
        if let Some(OpenInput { rest: Rest::Bytes(block, _), .. }) = &mut self.open {
            block.line(line).ok_or("expected the next line of the bytes above")?;
            return self.close_bytes();
        }
        let words = split(line).ok_or("an unterminated quotation mark or escape")?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if line.starts_with("  ") {
            if let Some(OpenInput { rest: Rest::Account(draft, _), .. }) = &mut self.open {
                return account_line(draft, &words);
            }
            if let Some(checkpoint) = &mut self.checkpoint {
                return checkpoint.draft.line(&words);
            }
            let draft = self.draft.as_mut().ok_or("an indented line without a phone")?;
            return draft.line(&words);
        }
        self.close_draft()?;
        self.close_checkpoint()?;
        self.close_account()?;
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
                if self.indices.contains_key(*name) {
                    return Err(format!("a second phone `{name}`").into());
                }
                if self.indices.len() == MAX_PHONES {
                    return Err(Unreadable::TooLarge("the number of phones"));
                }
                self.draft = Some(Draft::new(name)?);
            }
            ["=", name, counts @ ..] => {
                let kind = EntryKind::Check(check(counts).ok_or("expected `= NAME COUNT HASH COUNT HASH`")?);
                let line = self.number;
                self.phone(name)?.entries.push(Entry { line, kind });
            }
            ["checkpoint", name, at, counts @ ..] => {
                let expected = "expected `checkpoint NAME TIME COUNT HASH COUNT HASH`";
                let (now, check) =
                    (crate::text::instant(at).ok_or(expected)?, check(counts).ok_or(expected)?);
                self.phone(name)?;
                let draft = checkpoint::Draft::new(now, check.traced);
                let phone = self.indices[*name];
                self.checkpoint = Some(OpenCheckpoint { phone, line: self.number, check, draft });
            }
            ["forgot", name, inputs] => {
                let inputs = inputs.parse().map_err(|_| "expected a number")?;
                self.phone(name)?.forgotten = inputs;
            }
            ["lost", name, why] => self.phone(name)?.lost = Some((*why).to_owned()),
            [at, name, verb @ ..] if at.starts_with(|c: char| c.is_ascii_digit()) => {
                let at = crate::text::instant(at).ok_or("expected a time such as 1.250000000")?;
                self.input(at, name, verb)?;
            }
            [word, ..] => return Err(format!("unknown line `{}`", excerpt(word)).into()),
        }
        Ok(())
    }

    fn input(&mut self, at: Instant, name: &str, words: &[&str]) -> Result<(), Unreadable> {
        let line = self.number;
        self.phone(name)?;
        let phone = self.indices[name];
        let pending =
            input::read(words).ok_or_else(|| format!("invalid line: `{}`", excerpt(&words.join(" "))))?;
        let rest = match pending {
            Pending::Whole(input) => {
                self.add_input(phone, line, at, input);
                return Ok(());
            }
            Pending::Bytes(length, input) => {
                Rest::Bytes(Block::of(length).ok_or(Unreadable::TooLarge("the bytes"))?, input)
            }
            Pending::Account(input) => Rest::Account(None, input),
        };
        self.open = Some(OpenInput { phone, line, at, rest });
        self.close_bytes()
    }

    fn add_input(&mut self, phone: usize, line: usize, at: Instant, input: Input) {
        self.recording.phones[phone].entries.push(Entry { line, kind: EntryKind::Input { at, input } });
    }

    /// Adds the input whose bytes have been read.
    fn close_bytes(&mut self) -> Result<(), Unreadable> {
        let is_whole = |open: &mut OpenInput| matches!(&open.rest, Rest::Bytes(block, _) if block.is_whole());
        if let Some(OpenInput { phone, line, at, rest: Rest::Bytes(block, input) }) =
            self.open.take_if(is_whole)
        {
            self.add_input(phone, line, at, input(block.finish()));
        }
        Ok(())
    }

    /// Adds the input whose account has been read: another line follows.
    fn close_account(&mut self) -> Result<(), Unreadable> {
        if let Some(OpenInput { phone, line, at, rest: Rest::Account(draft, input) }) = self.open.take() {
            let account = draft.ok_or("the command above has no account")?.finish()?;
            self.add_input(phone, line, at, input(Box::new(account)));
        }
        Ok(())
    }

    fn close_draft(&mut self) -> Result<(), Unreadable> {
        if let Some(draft) = self.draft.take() {
            let track = draft.finish()?;
            self.indices.insert(track.name.clone(), self.recording.phones.len());
            self.recording.phones.push(track);
        }
        Ok(())
    }

    fn close_checkpoint(&mut self) -> Result<(), Unreadable> {
        if let Some(OpenCheckpoint { phone, line, check, draft }) = self.checkpoint.take() {
            let kind = EntryKind::Checkpoint(check, Box::new(draft.finish()?));
            self.recording.phones[phone].entries.push(Entry { line, kind });
        }
        Ok(())
    }

    fn phone(&mut self, name: &str) -> Result<&mut PhoneRecording, Unreadable> {
        let place = *self.indices.get(name).ok_or_else(|| format!("unknown phone `{}`", excerpt(name)))?;
        Ok(&mut self.recording.phones[place])
    }

    /// An incomplete entry at the end of the file is left out.
    fn finish(mut self) -> Result<Recording, Unreadable> {
        if self.number == 0 {
            return Err(Unreadable::NotARecording);
        }
        if self.close_draft().is_err() || self.checkpoint.is_some() || self.open.is_some() {
            self.recording.complete = false;
        }
        Ok(self.recording)
    }
}

/// A line of the account of a command.
fn account_line(draft: &mut Option<account::Draft>, words: &[&str]) -> Result<(), Unreadable> {
    match (draft, words) {
        (Some(draft), words) => draft.line(words),
        (empty, ["account", values @ ..]) => {
            *empty = Some(account::Draft::new(values)?);
            Ok(())
        }
        _ => Err("expected `account ADDRESS`".into()),
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
