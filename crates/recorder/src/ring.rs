//! The last of what happened, in bounded memory.

use crate::scribe::TrackId;
use crate::{Scribe, write};
use std::collections::{BTreeMap, VecDeque};

/// Keeps the newest lines of a recording, at most so many bytes of them.
///
/// A phone is a function of its inputs from the first one on, or from a moment on at which it rested: with neither a call nor a
/// transaction (those of its own INVITEs, and over UDP all others' requests, last half a minute after their answer). What is left of a phone whose first inputs had to make room is replayed from the first such moment
/// among it, and the recording says how many inputs were before. A phone that found no rest while the ring was filled once over,
/// since it was never quiet for so long, can be read but not replayed; the recording says that, too.
#[derive(Debug)]
pub struct Ring {
    limit: usize,
    used: usize,
    phones: BTreeMap<TrackId, Kept>,
    lines: VecDeque<Lines>,
}

/// What is kept of a phone beside its lines.
#[derive(Debug)]
struct Kept {
    name: String,
    made: String,
    forgotten: u64,
    gone: bool,
    /// How many of the ring's lines are its.
    count: usize,
}

#[derive(Debug)]
struct Lines {
    track: TrackId,
    text: Box<str>,
    is_input: bool,
}

impl Ring {
    /// An empty ring of at most `limit` bytes; phones that still exist are kept whatever they need.
    pub fn new(limit: usize) -> Self {
        Self { limit, used: 0, phones: BTreeMap::new(), lines: VecDeque::new() }
    }

    /// A phone and the lines that say what it was made from.
    pub fn made(&mut self, track: TrackId, name: &str, made: &str) {
        self.used += made.len();
        let kept = Kept { name: name.to_owned(), made: made.to_owned(), forgotten: 0, gone: false, count: 0 };
        self.phones.insert(track, kept);
    }

    /// Lines of a phone: an input, or something else.
    pub fn push(&mut self, track: TrackId, text: &str, is_input: bool) {
        let Some(kept) = self.phones.get_mut(&track).filter(|_| !text.is_empty()) else { return };
        kept.count += 1;
        self.used += text.len();
        self.lines.push_back(Lines { track, text: text.into(), is_input });
        while self.used > self.limit {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.forget(&oldest);
        }
    }

    /// The phone is no more: it is forgotten with the last of its lines.
    pub fn gone(&mut self, track: TrackId) {
        if let Some(kept) = self.phones.get_mut(&track) {
            kept.gone = true;
            self.bury(track);
        }
    }

    /// The recording of what is kept.
    pub fn dump(&self) -> String {
        let mut out = Scribe::header();
        for kept in self.phones.values() {
            out.push_str(&kept.made);
            if kept.forgotten > 0 {
                write::forgot(&mut out, &kept.name, kept.forgotten);
            }
        }
        self.lines.iter().for_each(|lines| out.push_str(&lines.text));
        out.push_str(&Scribe::end());
        out
    }

    fn forget(&mut self, lines: &Lines) {
        self.used -= lines.text.len();
        if let Some(kept) = self.phones.get_mut(&lines.track) {
            kept.count -= 1;
            // Whatever is missing, the rest is not the whole.
            kept.forgotten += u64::from(lines.is_input);
            self.bury(lines.track);
        }
    }

    fn bury(&mut self, track: TrackId) {
        let is_dead = |kept: &Kept| kept.gone && kept.count == 0;
        if self.phones.get(&track).is_some_and(is_dead)
            && let Some(kept) = self.phones.remove(&track)
        {
            self.used -= kept.made.len();
        }
    }
}
