//! From a running phone to the lines of a recording.

use crate::check::Check;
use crate::{redact, write};
use offhook::{Checkpoint, Config, Input, Instant, Output};
use std::collections::BTreeMap;
use std::time::Duration;

/// The place of a phone in a recording.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TrackId(pub u32);

/// Something that happened to a phone, with its secrets.
#[derive(Clone, Debug)]
pub enum Notice {
    /// A phone was made. Before anything else of this track.
    Made {
        /// Its name, which is made another one if there is such a phone already.
        name: String,
        /// What [`Phone::new`](offhook::Phone::new) got.
        config: Box<Config>,
        /// What [`Phone::new`](offhook::Phone::new) got.
        seed: Box<[u8; 32]>,
        /// What [`Phone::new`](offhook::Phone::new) got.
        now: Instant,
        /// The same time since the recording began.
        made: Duration,
    },
    /// It is about to be given something. Before it is: an input that makes a phone panic has to be in the recording.
    Given {
        /// What [`Phone::handle`](offhook::Phone::handle) gets.
        at: Instant,
        /// What [`Phone::handle`](offhook::Phone::handle) gets.
        input: Input,
    },
    /// It was given that, or was made, and something came of it.
    Handled {
        /// How many lines the phone's trace had so far.
        traced: u64,
        /// The hash of them, as [`Check`] makes it.
        trace_hash: u64,
    },
    /// This was taken from it.
    PutOut(Output),
    /// All was taken from it, and it rests.
    Rested(Box<Checkpoint>),
    /// Nothing can be recorded of it from here on.
    Lost {
        /// Why not.
        why: &'static str,
    },
    /// It is no more.
    Gone,
}

/// Writes what happens to some phones, without their secrets.
#[derive(Debug, Default)]
pub struct Scribe {
    tracks: BTreeMap<TrackId, Live>,
    /// The names that were given, and how often each was wanted.
    names: BTreeMap<String, u32>,
}

#[derive(Debug)]
struct Live {
    name: String,
    check: Check,
    /// Whether the check has changed since it was written.
    unwritten: bool,
    /// Nothing more is written of it.
    over: bool,
}

impl Scribe {
    /// The first lines of a recording.
    pub fn header() -> String {
        let mut out = String::new();
        write::header(&mut out);
        out
    }

    /// The last line.
    pub fn end() -> String {
        let mut out = String::new();
        write::end(&mut out);
        out
    }

    /// Appends what is to be written of a notice. The caller gives each phone a number of its own.
    pub fn note(&mut self, track: TrackId, notice: &Notice, out: &mut String) {
        if let Notice::Made { name, config, seed, now, made } = notice {
            return self.made(track, name, &redact::config(config), seed, (*now, *made), out);
        }
        let Some(live) = self.tracks.get_mut(&track).filter(|live| !live.over) else { return };
        match notice {
            Notice::Made { .. } => {}
            Notice::Given { at, input } => {
                live.settle(out);
                let length = out.len();
                if write::input(out, &live.name, *at, &redact::input(input)).is_none() {
                    out.truncate(length);
                    live.lose("there are no words for what happened", out);
                }
            }
            Notice::Handled { traced, trace_hash } => {
                (live.check.traced, live.check.trace_hash) = (*traced, *trace_hash);
                live.unwritten = true;
            }
            Notice::PutOut(output) => {
                live.check.put_out(output);
                live.unwritten = true;
            }
            Notice::Rested(checkpoint) => {
                live.settle(out);
                let length = out.len();
                if write::rest(out, &live.name, &live.check, &redact::checkpoint(checkpoint)).is_none() {
                    // Of no importance: there will be another rest.
                    out.truncate(length);
                }
            }
            Notice::Lost { why } => live.lose(why, out),
            Notice::Gone => {
                live.settle(out);
                self.tracks.remove(&track);
            }
        }
    }

    /// Appends how far a phone is, if that is not written yet.
    pub fn settle(&mut self, track: TrackId, out: &mut String) {
        if let Some(live) = self.tracks.get_mut(&track).filter(|live| !live.over) {
            live.settle(out);
        }
    }

    /// The name of a phone in the recording.
    pub fn name(&self, track: TrackId) -> Option<&str> {
        self.tracks.get(&track).map(|live| live.name.as_str())
    }

    fn made(
        &mut self,
        track: TrackId,
        name: &str,
        config: &Config,
        seed: &[u8; 32],
        times: (Instant, Duration),
        out: &mut String,
    ) {
        let name = self.free_name(if name.is_empty() { "phone" } else { name });
        let length = out.len();
        let written = write::phone(out, &name, config, seed, times);
        if written.is_none() {
            out.truncate(length);
        }
        let live = Live { name, check: Check::default(), unwritten: false, over: written.is_none() };
        self.tracks.insert(track, live);
    }

    /// The name, or if it was given before the name and a number.
    fn free_name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while self.names.contains_key(&name) {
            let given = self.names.entry(wanted.to_owned()).or_insert(1);
            *given += 1;
            name = format!("{wanted}-{given}");
        }
        self.names.insert(name.clone(), 1);
        name
    }
}

impl Live {
    fn settle(&mut self, out: &mut String) {
        if std::mem::take(&mut self.unwritten) {
            write::check(out, &self.name, &self.check);
        }
    }

    fn lose(&mut self, why: &str, out: &mut String) {
        self.settle(out);
        write::lost(out, &self.name, why);
        self.over = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::Account;

    #[test]
    fn names_are_given_once() {
        let (mut scribe, mut out) = (Scribe::default(), String::new());
        let config = Config::new(Account::new("sip:a@b", None, "ws://h").expect("a target"));
        let mut made = |track, name: &str| {
            let notice = Notice::Made {
                name: name.to_owned(),
                config: Box::new(config.clone()),
                seed: Box::new([0; 32]),
                now: Instant::ZERO,
                made: Duration::ZERO,
            };
            scribe.note(TrackId(track), &notice, &mut out);
            let given = scribe.name(TrackId(track)).unwrap_or_default().to_owned();
            scribe.note(TrackId(track), &Notice::Gone, &mut out);
            given
        };
        let given: Vec<String> =
            (0..).zip(["a", "a-2", "a", "a", "", ""]).map(|(track, name)| made(track, name)).collect();
        assert_eq!(given, ["a", "a-2", "a-3", "a-4", "phone", "phone-2"]);
    }
}
