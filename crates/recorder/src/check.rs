//! Two running hashes of a run: one over its trace, one over its redacted outputs.
//!
//! The hashes must not change: recordings contain them.

use crate::redact;
use offhook::{Machine, Misuse, Output, Record, Traced};
use std::fmt;

const SPREAD: u64 = 0xa076_1d64_78bd_642f;
const TWIST: u64 = 0xe703_7ed1_a0b4_28db;

/// The progress of a phone: the counts and the hashes of its outputs and its trace so far.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// The number of outputs polled.
    pub outputs: u64,
    /// Their hash.
    pub output_hash: u64,
    /// The number of lines of its trace: transitions and marks.
    pub traced: u64,
    /// Their hash, including refused inputs.
    pub trace_hash: u64,
}

impl Default for Check {
    fn default() -> Self {
        Self { outputs: 0, output_hash: SPREAD, traced: 0, trace_hash: SPREAD }
    }
}

impl Check {
    /// Adds a line of the trace.
    pub fn on_trace(&mut self, record: &Record) {
        let Record { at, machine, what } = record;
        let mut hash = Hash(self.trace_hash);
        hash.word(at.as_nanos());
        let machine = match machine {
            None => 0,
            Some(Machine::Client(place)) => 1 | u64::from(*place) << 8,
            Some(Machine::Server(place)) => 2 | u64::from(*place) << 8,
            Some(Machine::Connection(connection)) => 3 | u64::from(connection.0) << 8,
            Some(Machine::Registration(account)) => 4 | u64::from(account.0) << 8,
            Some(Machine::Session(id)) => {
                let (slot, generation) = id.parts();
                // A slot has 24 bits.
                5 | u64::from(slot) << 8 | u64::from(generation) << 32
            }
            Some(other) => {
                hash.text(&format_args!("{other}"));
                6
            }
        };
        hash.word(machine);
        match what {
            Traced::Transition { from, trigger, to } => {
                [from, trigger, to].into_iter().for_each(|word| hash.part(word.as_bytes()));
            }
            Traced::Mark(words) => hash.bytes(words.as_bytes()),
        }
        self.trace_hash = hash.0;
    }

    /// Adds the result of an input: the number of trace lines (of which a phone keeps only the last ones), and the error.
    pub fn on_handled(&mut self, traced: u64, refused: Option<&Misuse>) {
        self.traced = traced;
        if let Some(misuse) = refused {
            let mut hash = Hash(self.trace_hash);
            hash.text(&format_args!("refused: {misuse}"));
            self.trace_hash = hash.0;
        }
    }

    /// Adds an output.
    pub fn on_output(&mut self, output: &Output) {
        let mut hash = Hash(self.output_hash);
        match output {
            Output::Transmit { connection, data } => {
                hash.word(1);
                hash.word(u64::from(connection.0));
                hash.bytes(&redact::message(data));
            }
            Output::Open { connection, account, hop } => {
                let hop = redact::hop(hop);
                hash.text(&format_args!("open {} {} {hop}", connection.0, account.0));
            }
            Output::Close { connection } => hash.text(&format_args!("close {}", connection.0)),
            Output::Effect { id, effect } => {
                hash.word(id.as_u64());
                let mut effect = redact::effect(effect);
                hash.text(&format_args!("{effect:?}"));
                if let Some(text) = redact::description(&mut effect) {
                    hash.bytes(text);
                }
            }
            Output::Event(event) => hash.text(&format_args!("{:?}", redact::event(event))),
        }
        self.outputs += 1;
        self.output_hash = hash.0;
    }
}

/// A running hash, the same on every platform.
struct Hash(u64);

impl Hash {
    fn word(&mut self, word: u64) {
        let product = u128::from(self.0 ^ word ^ TWIST) * u128::from(SPREAD ^ self.0.rotate_left(32) | 1);
        self.0 = (product as u64) ^ ((product >> 64) as u64) ^ word.rotate_left(17);
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.part(bytes);
        self.word(bytes.len() as u64);
    }

    fn part(&mut self, bytes: &[u8]) {
        let (chunks, rest) = bytes.as_chunks::<8>();
        for chunk in chunks {
            self.word(u64::from_le_bytes(*chunk));
        }
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        self.word(u64::from_le_bytes(last));
    }

    fn text(&mut self, text: &fmt::Arguments<'_>) {
        self.bytes(text.to_string().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use offhook::ConnectionId;

    fn check(outputs: &[Output]) -> Check {
        let mut check = Check::default();
        outputs.iter().for_each(|output| check.on_output(output));
        check
    }

    fn sent(text: &'static str) -> Output {
        Output::Transmit { connection: ConnectionId(1), data: Bytes::from_static(text.as_bytes()) }
    }

    #[test]
    fn hash_is_stable() {
        let it = check(&[Output::Close { connection: ConnectionId(3) }, sent("BYE sip:a SIP/2.0\r\n\r\n")]);
        assert_eq!((it.outputs, it.output_hash), (2, 10338547030008594583));
    }

    #[test]
    fn hash_excludes_secrets_only() {
        let with = |secret: &'static str| check(&[sent(secret)]);
        assert_eq!(with("A b c\r\nX-Key: 1\r\n\r\n"), with("A b c\r\nX-Key: 2\r\n\r\n"));
        assert_ne!(with("A b c\r\nVia: 1\r\n\r\n"), with("A b c\r\nVia: 2\r\n\r\n"));
        let (one, two) =
            (Output::Close { connection: ConnectionId(1) }, Output::Close { connection: ConnectionId(2) });
        assert_ne!(check(&[one.clone(), two.clone()]), check(&[two, one]));
    }
}
