//! From a running phone to the lines of a recording.

use crate::check::Check;
use crate::{redact, write};
use offhook::{Config, Input, Instant, Misuse, Output, Phone, Record};

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
        /// What [`Phone::new`] got.
        config: Box<Config>,
        /// What [`Phone::new`] got.
        seed: Box<[u8; 32]>,
        /// What [`Phone::new`] got.
        now: Instant,
    },
    /// It is about to be given something. Before it is: an input that makes a phone panic has to be in the recording.
    Given {
        /// What [`Phone::handle`] gets.
        at: Instant,
        /// What [`Phone::handle`] gets.
        input: Input,
    },
    /// It was given that, or was made, and moved.
    Moved(Moved),
    /// These were taken from it.
    PutOut(Vec<Output>),
    /// Nothing can be recorded of it from here on.
    Lost {
        /// Why not.
        why: &'static str,
    },
    /// It is no more.
    Gone,
}

/// What one input did to a phone's machines.
#[derive(Clone, Debug, Default)]
pub struct Moved {
    /// How many transitions there were in the phone's life.
    pub transitions: u64,
    /// Those of this input, or the last of them if the phone does not remember all.
    pub records: Vec<Record>,
    /// Why the input was refused, if it was.
    pub refused: Option<Misuse>,
}

/// How much of a phone's trace has been seen.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    seen: u64,
}

impl Watch {
    /// What moved since the last time. `Ok(())` and [`Phone::new`] refuse nothing.
    pub fn moved(&mut self, phone: &Phone, handled: Result<(), Misuse>) -> Moved {
        let transitions = phone.transitions();
        let new = usize::try_from(transitions - self.seen).unwrap_or(usize::MAX);
        self.seen = transitions;
        let records = if new == 0 {
            Vec::new()
        } else {
            let known = phone.trace().count();
            phone.trace().skip(known.saturating_sub(new)).collect()
        };
        Moved { transitions, records, refused: handled.err() }
    }
}

/// Writes what happens to some phones, without their secrets.
#[derive(Debug, Default)]
pub struct Scribe {
    tracks: Vec<Live>,
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

    /// Appends what is to be written of a notice. Tracks are numbered as they are made.
    pub fn note(&mut self, track: TrackId, notice: &Notice, out: &mut String) {
        if let Notice::Made { name, config, seed, now } = notice {
            return self.made(name, &redact::config(config), seed, *now, out);
        }
        let Some(live) = self.tracks.get_mut(track.0 as usize).filter(|live| !live.over) else { return };
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
            Notice::Moved(Moved { transitions, records, refused }) => {
                live.check.moved(*transitions, records, refused.as_ref());
                live.unwritten |= !records.is_empty() || refused.is_some();
            }
            Notice::PutOut(outputs) => {
                outputs.iter().for_each(|output| live.check.put_out(output));
                live.unwritten |= !outputs.is_empty();
            }
            Notice::Lost { why } => live.lose(why, out),
            Notice::Gone => {
                live.settle(out);
                live.over = true;
            }
        }
    }

    /// Appends how far a phone is, if that is not written yet.
    pub fn settle(&mut self, track: TrackId, out: &mut String) {
        if let Some(live) = self.tracks.get_mut(track.0 as usize).filter(|live| !live.over) {
            live.settle(out);
        }
    }

    /// The name of a phone in the recording.
    pub fn name(&self, track: TrackId) -> Option<&str> {
        self.tracks.get(track.0 as usize).map(|live| live.name.as_str())
    }

    fn made(&mut self, name: &str, config: &Config, seed: &[u8; 32], now: Instant, out: &mut String) {
        let taken = |name: &str| self.tracks.iter().any(|live| live.name == name);
        let name = match taken(name) || name.is_empty() {
            false => name.to_owned(),
            true => (2..).map(|n| format!("{name}-{n}")).find(|name| !taken(name)).unwrap_or_default(),
        };
        let length = out.len();
        let written = write::phone(out, &name, config, seed, now);
        if written.is_none() {
            out.truncate(length);
        }
        self.tracks.push(Live { name, check: Check::default(), unwritten: false, over: written.is_none() });
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
