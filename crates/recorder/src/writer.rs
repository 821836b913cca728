//! Writes recordings of running phones.

use crate::check::Check;
use crate::{redact, write};
use offhook::{Checkpoint, Config, Input, Instant, Output};
use std::collections::BTreeMap;
use std::time::Duration;

/// The number of a phone in a recording.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PhoneId(pub u32);

/// An event of a phone, not redacted.
#[derive(Clone, Debug)]
pub enum Notice {
    /// The phone was created. The first notice of each phone.
    Created {
        /// Its name; a number is added if another phone has it.
        name: String,
        /// What [`Phone::new`](offhook::Phone::new) got.
        config: Box<Config>,
        /// What [`Phone::new`](offhook::Phone::new) got.
        seed: Box<[u8; 32]>,
        /// What [`Phone::new`](offhook::Phone::new) got.
        now: Instant,
        /// The time since the recording began.
        made: Duration,
    },
    /// The phone is about to process an input: one that makes it panic has to be in the recording.
    Input {
        /// What [`Phone::handle`](offhook::Phone::handle) gets.
        at: Instant,
        /// What [`Phone::handle`](offhook::Phone::handle) gets.
        input: Input,
    },
    /// It was created or processed an input, and its trace grew.
    Handled {
        /// The number of lines of its trace so far.
        traced: u64,
        /// Their hash, as computed by [`Check`].
        trace_hash: u64,
    },
    /// It emitted an output.
    Output(Output),
    /// It is idle and has no more outputs.
    Checkpoint(Box<Checkpoint>),
    /// Its recording ends early.
    Lost {
        /// The reason.
        why: &'static str,
    },
    /// The phone was dropped.
    Removed,
}

/// Writes the notices of phones as a recording, redacted.
#[derive(Debug, Default)]
pub struct RecordingWriter {
    phones: BTreeMap<PhoneId, PhoneState>,
    /// The names in use, and how often each was requested.
    names: BTreeMap<String, u32>,
}

#[derive(Debug)]
struct PhoneState {
    name: String,
    check: Check,
    /// Whether the check changed since it was written.
    check_due: bool,
    /// Whether its recording has ended.
    closed: bool,
}

impl RecordingWriter {
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

    /// Appends the lines of a notice. The caller assigns each phone a unique number.
    pub fn write(&mut self, phone: PhoneId, notice: &Notice, out: &mut String) {
        if let Notice::Created { name, config, seed, now, made } = notice {
            return self.add_phone(phone, name, &redact::config(config), seed, (*now, *made), out);
        }
        let Some(entry) = self.phones.get_mut(&phone).filter(|entry| !entry.closed) else { return };
        match notice {
            Notice::Created { .. } => {}
            Notice::Input { at, input } => {
                entry.write_check(out);
                let length = out.len();
                if write::input(out, &entry.name, *at, &redact::input(input)).is_none() {
                    out.truncate(length);
                    entry.close("an input that this version cannot record", out);
                }
            }
            Notice::Handled { traced, trace_hash } => {
                (entry.check.traced, entry.check.trace_hash) = (*traced, *trace_hash);
                entry.check_due = true;
            }
            Notice::Output(output) => {
                entry.check.on_output(output);
                entry.check_due = true;
            }
            Notice::Checkpoint(checkpoint) => {
                entry.write_check(out);
                let length = out.len();
                if write::checkpoint(out, &entry.name, &entry.check, &redact::checkpoint(checkpoint))
                    .is_none()
                {
                    // Another checkpoint will follow.
                    out.truncate(length);
                }
            }
            Notice::Lost { why } => entry.close(why, out),
            Notice::Removed => {
                entry.write_check(out);
                self.phones.remove(&phone);
            }
        }
    }

    /// Appends the check of a phone, if it was not written yet.
    pub fn write_check(&mut self, phone: PhoneId, out: &mut String) {
        if let Some(entry) = self.phones.get_mut(&phone).filter(|entry| !entry.closed) {
            entry.write_check(out);
        }
    }

    /// The name of a phone in the recording.
    pub fn name(&self, phone: PhoneId) -> Option<&str> {
        self.phones.get(&phone).map(|entry| entry.name.as_str())
    }

    fn add_phone(
        &mut self,
        phone: PhoneId,
        name: &str,
        config: &Config,
        seed: &[u8; 32],
        times: (Instant, Duration),
        out: &mut String,
    ) {
        let name = self.unique_name(if name.is_empty() { "phone" } else { name });
        let length = out.len();
        let written = write::phone(out, &name, config, seed, times);
        if written.is_none() {
            out.truncate(length);
        }
        let entry = PhoneState { name, check: Check::default(), check_due: false, closed: written.is_none() };
        self.phones.insert(phone, entry);
    }

    /// The name, with a number if it is in use.
    fn unique_name(&mut self, wanted: &str) -> String {
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

impl PhoneState {
    fn write_check(&mut self, out: &mut String) {
        if std::mem::take(&mut self.check_due) {
            write::check(out, &self.name, &self.check);
        }
    }

    fn close(&mut self, why: &str, out: &mut String) {
        self.write_check(out);
        write::lost(out, &self.name, why);
        self.closed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::Account;

    #[test]
    fn names_are_unique() {
        let (mut writer, mut out) = (RecordingWriter::default(), String::new());
        let config = Config::new(Account::new("sip:a@b", None, "ws://h").expect("a hop"));
        let mut made = |phone, name: &str| {
            let notice = Notice::Created {
                name: name.to_owned(),
                config: Box::new(config.clone()),
                seed: Box::new([0; 32]),
                now: Instant::ZERO,
                made: Duration::ZERO,
            };
            writer.write(PhoneId(phone), &notice, &mut out);
            let given = writer.name(PhoneId(phone)).unwrap_or_default().to_owned();
            writer.write(PhoneId(phone), &Notice::Removed, &mut out);
            given
        };
        let given: Vec<String> =
            (0..).zip(["a", "a-2", "a", "a", "", ""]).map(|(phone, name)| made(phone, name)).collect();
        assert_eq!(given, ["a", "a-2", "a-3", "a-4", "phone", "phone-2"]);
    }
}
