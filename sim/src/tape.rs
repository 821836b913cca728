//! The record of a run: a hash, and optionally all entries.

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

/// A node of a world, by its index in the scenario.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Node {
    /// A phone.
    Phone(usize),
    /// An exchange.
    Exchange(usize),
    /// A rogue.
    Rogue(usize),
}

/// An entry of the tape.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The time of the world.
    pub at: Instant,
    /// The kind.
    pub what: EntryKind,
}

/// The kind of an entry.
#[derive(Clone, Debug)]
pub enum EntryKind {
    /// A message was sent.
    Sent {
        /// The sender.
        from: Node,
        /// The receiver.
        to: Node,
        /// The bytes of the message.
        data: Bytes,
        /// Its delays.
        arrivals: Arrivals,
        /// The number of earlier transmissions.
        repeat: u32,
    },
    /// A phone reported an event to its user.
    Event {
        /// The phone.
        phone: usize,
        /// The event.
        event: Event,
    },
    /// A user gave a command.
    Command {
        /// The phone.
        phone: usize,
        /// The command.
        command: Command,
        /// The reason, if the phone refused it.
        refused: Option<Misuse>,
    },
    /// A phone reached a mark: a rare decision of the core.
    Mark {
        /// The phone.
        phone: usize,
        /// The state machine, if it belongs to one.
        machine: Option<Machine>,
        /// The text of the mark.
        words: &'static str,
    },
    /// A note on a node: about a connection, media or a fault.
    Note {
        /// The node.
        node: Node,
        /// The note.
        text: String,
    },
    /// A phase began.
    Phase {
        /// Its name.
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
    /// A tape with entries, or with the hash only.
    pub fn new(keep: bool) -> Self {
        Self { keep, entries: Vec::new(), digest: Digest::new(0), messages: 0 }
    }

    /// The entries.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The hash of all sent messages, each with its time, connection and bytes. It contains no identifiers of the code.
    pub fn hash(&self) -> u64 {
        self.digest.finish()
    }

    /// The number of sent messages.
    pub fn messages(&self) -> u64 {
        self.messages
    }

    /// Adds an entry, if entries are kept.
    pub fn note(&mut self, at: Instant, what: impl FnOnce() -> EntryKind) {
        if self.keep {
            self.entries.push(Entry { at, what: what() });
        }
    }

    /// Adds a message of a phone to the hash.
    pub fn phone_message(&mut self, at: Instant, phone: usize, flow: u32, data: &[u8]) {
        self.message(at, phone as u64, flow.into(), data);
    }

    /// Adds a message of a rogue to the hash. The connection is 0 for messages sent directly to a phone.
    pub fn rogue_message(&mut self, at: Instant, rogue: usize, flow: u64, data: &[u8]) {
        self.message(at, 1 << 32 | rogue as u64, flow, data);
    }

    /// Adds a message of an exchange to the hash.
    pub fn exchange_message(&mut self, at: Instant, exchange: usize, flow: u64, data: &[u8]) {
        self.message(at, !(exchange as u64), flow, data);
    }

    fn message(&mut self, at: Instant, sender: u64, connection: u64, data: &[u8]) {
        self.messages += 1;
        self.digest = self.digest.word(at.as_nanos()).word(sender).word(connection).bytes(data);
    }

    /// Adds a media datagram to the hash: its kind and length, but no encrypted bytes, and for DTLS not the length, because signatures
    /// vary by a byte.
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
    pub fn media(&mut self, at: Instant, (phone, session): End, event: &offhook_media::MediaEvent) {
        self.note(at, || EntryKind::Note {
            node: Node::Phone(phone),
            text: format!("{session} {}", describe::media_event(event)),
        });
    }
}
