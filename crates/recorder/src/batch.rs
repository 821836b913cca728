//! Batches of notices from a phone to the writing thread.
//!
//! Messages are copied instead of shared: memory that one thread allocates and another one frees costs more than copying some hundred
//! bytes.

use crate::redact;
use crate::writer::Notice;
use bytes::Bytes;
use offhook::{CallCommand, Command, EffectResult, Input, Instant, Output, RequestKind};

/// Notices in order, in two reusable buffers.
#[derive(Debug, Default)]
pub struct Batch {
    items: Vec<Item>,
    /// The bytes of all notices, one after another.
    bytes: Vec<u8>,
}

/// A notice without its bytes, and their number.
#[derive(Debug)]
struct Item {
    notice: Notice,
    length: usize,
}

impl Batch {
    /// The number of notices.
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// The number of bytes of messages in them.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Whether it only contains the notice of a loss, which must not be dropped.
    pub fn is_loss(&self) -> bool {
        matches!(self.items[..], [Item { notice: Notice::Lost { .. }, .. }])
    }

    /// Removes all notices.
    pub fn clear(&mut self) {
        self.items.clear();
        self.bytes.clear();
    }

    /// Adds a notice.
    pub fn push(&mut self, mut notice: Notice) {
        let own = bytes_of(&mut notice).map(std::mem::take).unwrap_or_default();
        self.add(notice, &own);
    }

    /// Adds [`Notice::Input`].
    pub(crate) fn push_input(&mut self, at: Instant, input: &Input) {
        match input {
            Input::Received { connection, data } => {
                let input = Input::Received { connection: *connection, data: Bytes::new() };
                self.add(Notice::Input { at, input }, data);
            }
            input => self.push(Notice::Input { at, input: input.clone() }),
        }
    }

    /// Adds [`Notice::Output`].
    pub(crate) fn push_output(&mut self, output: &Output) {
        match output {
            Output::Transmit { connection, data } => {
                let output = Output::Transmit { connection: *connection, data: Bytes::new() };
                self.add(Notice::Output(output), data);
            }
            output => self.push(Notice::Output(output.clone())),
        }
    }

    /// Moves all of another batch to the end of this one.
    pub fn append(&mut self, other: &mut Self) {
        self.items.append(&mut other.items);
        self.bytes.extend_from_slice(&other.bytes);
        other.bytes.clear();
    }

    fn add(&mut self, notice: Notice, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.items.push(Item { notice, length: bytes.len() });
    }

    /// Calls `visit` with each notice. They stay, so that the allocating thread can free them.
    pub fn for_each(&mut self, mut visit: impl FnMut(&Notice)) {
        let mut rest = &self.bytes[..];
        for Item { notice, length } in &mut self.items {
            let (own, others) = rest.split_at(*length);
            rest = others;
            if let Some(bytes) = bytes_of(notice) {
                *bytes = Bytes::copy_from_slice(own);
            }
            visit(notice);
            bytes_of(notice).map(std::mem::take);
        }
    }
}

/// The bytes of a notice, which may share their memory with the phone or its host.
fn bytes_of(notice: &mut Notice) -> Option<&mut Bytes> {
    match notice {
        Notice::Input { input, .. } => match input {
            Input::Received { data, .. } => Some(data),
            Input::Done {
                result: EffectResult::Description(sdp) | EffectResult::Answered { answer: sdp, .. },
                ..
            } => Some(sdp),
            Input::Command(Command::Call { command: CallCommand::Info { body, .. }, .. }) => Some(body),
            Input::Command(Command::Request { send, .. }) => match &mut send.kind {
                RequestKind::Message { body, .. } => Some(body),
                _ => None,
            },
            _ => None,
        },
        Notice::Output(output) => match output {
            Output::Transmit { data, .. } => Some(data),
            Output::Effect { effect, .. } => redact::description(effect),
            Output::Event(event) => redact::body_of(event),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::{ConnectionId, EffectId};

    fn received(text: &'static str) -> Notice {
        let data = Bytes::from_static(text.as_bytes());
        Notice::Input { at: Instant::ZERO, input: Input::Received { connection: ConnectionId(1), data } }
    }

    fn described(text: &'static str) -> Notice {
        let result = EffectResult::Description(Bytes::from_static(text.as_bytes()));
        Notice::Input { at: Instant::ZERO, input: Input::Done { effect: EffectId::from_u64(1), result } }
    }

    #[test]
    fn notices_come_out_as_pushed() {
        let notices = [received("one"), Notice::Removed, described(""), described("three"), received("four")];
        let shown: Vec<String> = notices.iter().map(|notice| format!("{notice:?}")).collect();
        let (mut one, mut other) = (Batch::default(), Batch::default());
        for _ in 0..2 {
            for (place, notice) in notices.iter().enumerate() {
                let batch = if place < 2 { &mut one } else { &mut other };
                batch.push(notice.clone());
            }
            one.append(&mut other);
            assert_eq!((one.len(), one.bytes(), other.is_empty(), other.bytes()), (5, 12, true, 0));
            for _ in 0..2 {
                let mut out = Vec::new();
                one.for_each(|notice| out.push(format!("{notice:?}")));
                assert_eq!(out, shown);
            }
            one.clear();
            assert_eq!((one.len(), one.bytes()), (0, 0));
        }
    }
}
