//! The newest part of a recording, in bounded memory.

use crate::writer::PhoneId;
use crate::{RecordingWriter, write};
use std::collections::{BTreeMap, VecDeque};

/// Keeps the newest lines of a recording, up to a number of bytes.
///
/// When the first inputs of a phone were dropped, its replay starts from the first checkpoint in the ring, and the recording contains the
/// number of dropped inputs. A checkpoint is taken when the phone has no call and no transaction: transactions last up to half a minute after
/// the final response. A phone that is never idle that long while the ring is filled once can be read, but not replayed; the recording says
/// so.
#[derive(Debug)]
pub struct Ring {
    limit: usize,
    used: usize,
    phones: BTreeMap<PhoneId, KeptPhone>,
    lines: VecDeque<Chunk>,
}

/// The state of a phone in the ring.
#[derive(Debug)]
struct KeptPhone {
    name: String,
    made: String,
    forgotten: u64,
    gone: bool,
    /// The number of its chunks in the ring.
    count: usize,
}

#[derive(Debug)]
struct Chunk {
    phone: PhoneId,
    text: Box<str>,
    is_input: bool,
}

impl Ring {
    /// An empty ring of at most `limit` bytes, plus the configurations of all existing phones.
    pub fn new(limit: usize) -> Self {
        Self { limit, used: 0, phones: BTreeMap::new(), lines: VecDeque::new() }
    }

    /// Adds a phone and the lines of its configuration.
    pub fn add_phone(&mut self, phone: PhoneId, name: &str, made: &str) {
        self.used += made.len();
        let kept =
            KeptPhone { name: name.to_owned(), made: made.to_owned(), forgotten: 0, gone: false, count: 0 };
        self.phones.insert(phone, kept);
    }

    /// Chunk of a phone: an input, or something else.
    pub fn push(&mut self, phone: PhoneId, text: &str, is_input: bool) {
        let Some(kept) = self.phones.get_mut(&phone).filter(|_| !text.is_empty()) else { return };
        kept.count += 1;
        self.used += text.len();
        self.lines.push_back(Chunk { phone, text: text.into(), is_input });
        while self.used > self.limit {
            let Some(oldest) = self.lines.pop_front() else { return };
            self.forget(&oldest);
        }
    }

    /// The phone was dropped: it is removed with the last of its lines.
    pub fn remove_phone(&mut self, phone: PhoneId) {
        if let Some(kept) = self.phones.get_mut(&phone) {
            kept.gone = true;
            self.remove_if_empty(phone);
        }
    }

    /// The recording of all kept lines.
    pub fn to_text(&self) -> String {
        let mut out = RecordingWriter::header();
        for kept in self.phones.values() {
            out.push_str(&kept.made);
            if kept.forgotten > 0 {
                write::forgot(&mut out, &kept.name, kept.forgotten);
            }
        }
        self.lines.iter().for_each(|lines| out.push_str(&lines.text));
        out.push_str(&RecordingWriter::end());
        out
    }

    fn forget(&mut self, lines: &Chunk) {
        self.used -= lines.text.len();
        if let Some(kept) = self.phones.get_mut(&lines.phone) {
            kept.count -= 1;
            kept.forgotten += u64::from(lines.is_input);
            self.remove_if_empty(lines.phone);
        }
    }

    fn remove_if_empty(&mut self, phone: PhoneId) {
        let is_dead = |kept: &KeptPhone| kept.gone && kept.count == 0;
        if self.phones.get(&phone).is_some_and(is_dead)
            && let Some(kept) = self.phones.remove(&phone)
        {
            self.used -= kept.made.len();
        }
    }
}
