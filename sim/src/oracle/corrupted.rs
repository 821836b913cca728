//! Calls of which a message was corrupted in transit: the correct behaviour of these calls, and of no others, is unknown.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use offhook::SessionId;
use offhook_wire::{Frame, Instant, Limits, Message, Method, datagram, websocket};

use super::reading::{DialogId, Reading, call_of};
use crate::media::{End, Engines};

/// The calls and registrations of which a message was corrupted.
#[derive(Default)]
pub struct CorruptedCalls {
    /// Whether a corrupted message arrived, also one whose Call-ID cannot be read.
    any: bool,
    /// By Call-ID, before and after the corruption: the time of the last arrival.
    calls: BTreeMap<u64, Instant>,
    /// The Call-ID of each call of a phone.
    ends: BTreeMap<End, u64>,
    /// The Call-IDs of each phone's REGISTERs.
    registers: BTreeSet<(usize, u64)>,
    /// The Call-ID of the last message that each phone received.
    handed: BTreeMap<usize, u64>,
}

impl CorruptedCalls {
    /// The Call-IDs that a node may parse from the data.
    pub fn calls_in(data: &Bytes) -> Vec<u64> {
        let limits = Limits::default();
        let frames = [datagram(data.clone(), &limits), websocket(data.clone(), &limits)];
        let read = frames.into_iter().filter_map(|frame| match frame {
            Frame::Message(message) => Some(message),
            _ => None,
        });
        read.chain(Message::salvage(data.clone(), &limits)).filter_map(|message| call_of(&message)).collect()
    }

    /// Records that a corrupted message arrives, at a phone or from it.
    pub fn arrives(&mut self, now: Instant, phone: usize, calls: &[u64]) {
        self.any = true;
        self.calls.extend(calls.iter().map(|call| (*call, now)));
        if let Some(call) = calls.last() {
            self.handed.insert(phone, *call);
        }
    }

    /// Records that a phone receives a message.
    pub fn received(&mut self, phone: usize, message: &Reading<'_>) {
        self.handed.insert(phone, message.dialog.call);
    }

    /// Records that a phone sends a message.
    pub fn sent(&mut self, phone: usize, message: &Reading<'_>, engines: &Engines) {
        let call = message.dialog.call;
        match message.method() {
            Some(Method::Register) => drop(self.registers.insert((phone, call))),
            Some(Method::Invite) if message.dialog.remote == DialogId::NO_TAG => {
                let offer = engines.offer_in(message.body_bytes());
                self.ends.extend(offer.map(|(end, _)| (end, call)));
            }
            _ => {}
        }
    }

    /// Records an incoming call of a phone, when its offer is checked or its user alerted, whichever is first: its last received message
    /// is the INVITE.
    pub fn incoming(&mut self, phone: usize, session: SessionId) {
        if let Some(call) = self.handed.get(&phone) {
            self.ends.entry((phone, session)).or_insert(*call);
        }
    }

    /// Whether a message with this Call-ID was corrupted.
    pub(super) fn of_call(&self, call: u64) -> bool {
        self.calls.contains_key(&call)
    }

    /// Whether any message was corrupted.
    pub fn any(&self) -> bool {
        self.any
    }

    /// Whether a message of this call was corrupted. With real media the Call-ID of a call is unknown, and any corruption counts.
    pub(super) fn of_end(&self, end: End) -> bool {
        self.ends.get(&end).map_or_else(|| self.any(), |call| self.of_call(*call))
    }

    /// The last time a message of the registration of a phone was corrupted.
    pub(super) fn of_registration(&self, phone: usize) -> Option<Instant> {
        let of_phone = self.registers.range((phone, 0)..=(phone, u64::MAX));
        of_phone.filter_map(|(_, call)| self.calls.get(call).copied()).max()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;

    fn invite(call: &str) -> Bytes {
        let text = format!(
            "INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{call}\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>\r\n\
             Call-ID: {call}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        );
        text.into()
    }

    #[test]
    fn corruption_of_one_call_does_not_exempt_another() {
        let world = World::builder().phone("alice").cold();
        let session = world.phone("alice").next_session();
        let sent = |call: &str| Message::parse(invite(call), &Limits::default()).expect("a good message");
        let mut corrupted_calls = CorruptedCalls::default();
        corrupted_calls.received(0, &Reading::received(&sent("one")).expect("all that it needs is there"));
        corrupted_calls.incoming(0, session);
        let calls =
            [invite("two"), invite("twp")].iter().flat_map(CorruptedCalls::calls_in).collect::<Vec<u64>>();
        corrupted_calls.arrives(Instant::ZERO, 1, &calls);
        corrupted_calls.incoming(1, session);
        assert!(!corrupted_calls.of_end((0, session)), "not corrupted");
        assert!(corrupted_calls.of_end((1, session)), "its INVITE is the corrupted one of another call");
        assert!(
            ["two", "twp"]
                .iter()
                .all(|call| corrupted_calls.of_call(call_of(&sent(call)).expect("it has one")))
        );
        assert!(corrupted_calls.of_end((2, session)), "its Call-ID is unknown");
        assert_eq!(corrupted_calls.of_registration(1), None);
    }

    #[test]
    fn corruption_without_a_call_id_counts() {
        let mut corrupted_calls = CorruptedCalls::default();
        assert!(!corrupted_calls.any());
        corrupted_calls.arrives(
            Instant::ZERO,
            0,
            &CorruptedCalls::calls_in(&Bytes::from_static(b"OPTIONS sip:b SIP/2.0\r\nVi")),
        );
        assert!(corrupted_calls.any());
    }
}
