//! What happened in a run: kept as entries when somebody will read it, and always as one number.

#[cfg(feature = "media")]
use std::net::SocketAddr;

use bytes::Bytes;
use offhook::{Command, Event, Machine, Misuse};
use offhook_wire::Instant;

#[cfg(feature = "media")]
use crate::describe;
use crate::fate::Arrivals;
use crate::hash::Digest;
#[cfg(feature = "media")]
use crate::media::{End, Kind};

/// A machine of the world, by its place in the scenario.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A phone.
    Phone(usize),
    /// An exchange.
    Exchange(usize),
    /// A rogue.
    Rogue(usize),
}

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// When, in world time.
    pub at: Instant,
    /// What.
    pub what: EntryKind,
}

/// What can happen.
#[derive(Clone, Debug)]
pub enum EntryKind {
    /// A message was sent.
    Sent {
        /// By whom.
        from: Node,
        /// To whom.
        to: Node,
        /// The message.
        data: Bytes,
        /// What becomes of it.
        arrivals: Arrivals,
        /// How often it was sent before.
        repeat: u32,
    },
    /// A phone told its user something.
    Event {
        /// Which phone.
        phone: usize,
        /// What.
        event: Event,
    },
    /// A user asked for something.
    Command {
        /// At which phone.
        phone: usize,
        /// For what.
        command: Command,
        /// Why it cannot be, if it cannot.
        refused: Option<Misuse>,
    },
    /// A phone came to a rare decision.
    Mark {
        /// Which phone.
        phone: usize,
        /// In which of its machines.
        machine: Option<Machine>,
        /// Which decision, in words.
        words: &'static str,
    },
    /// Something about one machine: a connection, its media, a fault.
    Note {
        /// Which one.
        node: Node,
        /// What.
        text: String,
    },
    /// A phase began.
    Phase {
        /// Which one.
        name: &'static str,
    },
}

/// The record of a run.
#[derive(Debug)]
pub struct Tape {
    keep: bool,
    entries: Vec<Entry>,
    digest: Digest,
    messages: u64,
}

impl Tape {
    /// A record that keeps its entries, or only its hash.
    pub fn new(keep: bool) -> Self {
        Self { keep, entries: Vec::new(), digest: Digest::new(0), messages: 0 }
    }

    /// What was kept.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The hash of all messages that were sent, each with its time, its connection and its bytes. No name of the code is part
    /// of it.
    pub fn hash(&self) -> u64 {
        self.digest.finish()
    }

    /// How many messages were sent.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Keeps an entry, when entries are kept.
    pub fn note(&mut self, at: Instant, what: impl FnOnce() -> EntryKind) {
        if self.keep {
            self.entries.push(Entry { at, what: what() });
        }
    }

    /// Counts a message of a phone into the hash.
    pub fn phone_message(&mut self, at: Instant, phone: usize, flow: u32, data: &[u8]) {
        self.message(at, phone as u64, flow.into(), data);
    }

    /// Counts a message of a rogue into the hash. What it sends to a phone past the exchanges has no connection: 0.
    pub fn rogue_message(&mut self, at: Instant, rogue: usize, flow: u64, data: &[u8]) {
        self.message(at, 1 << 32 | rogue as u64, flow, data);
    }

    /// Counts a message of an exchange into the hash.
    pub fn exchange_message(&mut self, at: Instant, exchange: usize, flow: u64, data: &[u8]) {
        self.message(at, !(exchange as u64), flow, data);
    }

    fn message(&mut self, at: Instant, sender: u64, connection: u64, data: &[u8]) {
        self.messages += 1;
        self.digest = self.digest.word(at.as_nanos()).word(sender).word(connection).bytes(data);
    }

    /// Counts a datagram of media into the hash: what it is and how long, but nothing that is encrypted. DTLS does not
    /// even count by its length, because a signature may be a byte shorter.
    #[cfg(feature = "media")]
    pub fn datagram(&mut self, at: Instant, from: SocketAddr, to: SocketAddr, kind: Kind, length: usize) {
        let digest = self.digest.word(at.as_nanos()).word(from.port().into()).word(to.port().into());
        let digest = digest.word(kind.number());
        self.digest = match kind {
            Kind::Dtls => digest,
            Kind::Rtp { payload_type, sequence, timestamp } => digest
                .word(payload_type.into())
                .word(sequence.into())
                .word(timestamp.into())
                .word(length as u64),
            Kind::Stun | Kind::Rtcp | Kind::Other => digest.word(length as u64),
        };
    }

    /// Notes an event of a media engine.
    #[cfg(feature = "media")]
    pub fn media(&mut self, at: Instant, (phone, session): End, said: &offhook_media::MediaEvent) {
        self.note(at, || EntryKind::Note {
            node: Node::Phone(phone),
            text: format!("call {session}: {said:?}"),
        });
    }
}
