//! Notices on their way from a phone to the thread that writes.
//!
//! A phone's messages are copied, and not shared: memory that one thread asks for and another one frees costs both more than some
//! hundred bytes do.

use crate::scribe::Notice;
use bytes::Bytes;
use offhook::{Effect, EffectResult, Event, Input, Instant, Output};

/// Notices of some phones, in order, in two buffers that can be used again.
#[derive(Debug, Default)]
pub struct Batch {
    slips: Vec<Slip>,
    /// The bytes that are missing in the notices, one after another.
    bytes: Vec<u8>,
}

/// A notice without its bytes, and how many they are.
#[derive(Debug)]
struct Slip {
    notice: Notice,
    length: usize,
}

impl Batch {
    /// How many notices there are.
    pub fn len(&self) -> usize {
        self.slips.len()
    }

    /// How many bytes of messages are among them.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slips.is_empty()
    }

    /// Whether there is nothing but that something is missing, which has to be known.
    pub fn is_loss(&self) -> bool {
        matches!(self.slips[..], [Slip { notice: Notice::Lost { .. }, .. }])
    }

    /// Forgets them.
    pub fn clear(&mut self) {
        self.slips.clear();
        self.bytes.clear();
    }

    /// Adds a notice.
    pub fn push(&mut self, mut notice: Notice) {
        let own = bytes_of(&mut notice).map(std::mem::take).unwrap_or_default();
        self.add(notice, &own);
    }

    /// Adds [`Notice::Given`].
    pub(crate) fn given(&mut self, at: Instant, input: &Input) {
        match input {
            Input::Received { flow, data } => {
                let input = Input::Received { flow: *flow, data: Bytes::new() };
                self.add(Notice::Given { at, input }, data);
            }
            input => self.push(Notice::Given { at, input: input.clone() }),
        }
    }

    /// Adds [`Notice::PutOut`].
    pub(crate) fn put_out(&mut self, output: &Output) {
        match output {
            Output::Transmit { flow, data } => {
                let output = Output::Transmit { flow: *flow, data: Bytes::new() };
                self.add(Notice::PutOut(output), data);
            }
            output => self.push(Notice::PutOut(output.clone())),
        }
    }

    /// Moves all of another batch to the end of this one.
    pub fn append(&mut self, other: &mut Self) {
        self.slips.append(&mut other.slips);
        self.bytes.extend_from_slice(&other.bytes);
        other.bytes.clear();
    }

    fn add(&mut self, notice: Notice, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.slips.push(Slip { notice, length: bytes.len() });
    }

    /// Shows them. They stay, so that who made them can free them, too.
    pub fn show(&mut self, mut see: impl FnMut(&Notice)) {
        let mut rest = &self.bytes[..];
        for Slip { notice, length } in &mut self.slips {
            let (own, others) = rest.split_at(*length);
            rest = others;
            if let Some(bytes) = bytes_of(notice) {
                *bytes = Bytes::copy_from_slice(own);
            }
            see(notice);
            bytes_of(notice).map(std::mem::take);
        }
    }
}

/// What of a notice may share its memory with the phone or its host.
fn bytes_of(notice: &mut Notice) -> Option<&mut Bytes> {
    match notice {
        Notice::Given { input, .. } => match input {
            Input::Received { data, .. } => Some(data),
            Input::Done { result: EffectResult::Description(sdp), .. } => Some(sdp),
            _ => None,
        },
        Notice::PutOut(output) => match output {
            Output::Transmit { data, .. } => Some(data),
            Output::Effect {
                effect: Effect::Answer { offer: sdp, .. } | Effect::Apply { answer: sdp, .. },
                ..
            } => Some(sdp),
            Output::Event(Event::Message { body, .. } | Event::Info { body, .. }) => Some(body),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::{EffectId, FlowId};

    fn received(text: &'static str) -> Notice {
        let data = Bytes::from_static(text.as_bytes());
        Notice::Given { at: Instant::ZERO, input: Input::Received { flow: FlowId(1), data } }
    }

    fn described(text: &'static str) -> Notice {
        let result = EffectResult::Description(Bytes::from_static(text.as_bytes()));
        Notice::Given { at: Instant::ZERO, input: Input::Done { effect: EffectId::from_u64(1), result } }
    }

    #[test]
    fn what_goes_in_comes_out() {
        let notices = [received("one"), Notice::Gone, described(""), described("three"), received("four")];
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
                one.show(|notice| out.push(format!("{notice:?}")));
                assert_eq!(out, shown);
            }
            one.clear();
            assert_eq!((one.len(), one.bytes()), (0, 0));
        }
    }
}
