//! After the recovery, an established call is established at both ends, and both agree on the hold state, as do their media engines:
//! neither the phones nor the engines read a description differently (RFC 3264 §6.1, §8.4).

use offhook::Status;

use super::{Oracle, PhaseEnd, WorldView};
use crate::media::End;
use crate::node::{Call, PhoneNode};

pub(super) struct Agreement;

impl Oracle for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end != PhaseEnd::Recovery {
            return Ok(());
        }
        for (index, phone) in view.phones.iter().enumerate().filter(|(_, phone)| phone.alive) {
            for (&session, call) in phone.calls.iter().filter(|(_, call)| is_settled(view, call)) {
                // Nothing is known of the other end if it is a rogue or was sent a corrupted message.
                let end = (index, session);
                let corrupted = |end| view.corrupted_calls.of_end(end);
                if view.engines.is_with_stranger(end)
                    || corrupted(end)
                    || view.engines.peer(end).is_some_and(corrupted)
                {
                    continue;
                }
                let here = format!("call {session} of {}", phone.setup.name);
                let Some((other, peer)) = view.engines.peer((index, session)) else {
                    return Err(format!("{here} is established, but its media has no peer"));
                };
                let other = &view.phones[other];
                let there = format!("call {peer} of {}", other.setup.name);
                let Some(theirs) = other.calls.get(&peer).filter(|call| call.status == Status::Established)
                else {
                    return Err(format!("{here} is established, but {there} is not"));
                };
                if is_uncertain(phone, call, other) || is_uncertain(other, theirs, phone) {
                    continue;
                }
                if (call.local_hold, call.remote_hold) != (theirs.remote_hold, theirs.local_hold) {
                    return Err(format!("{here} and {there} disagree on the hold state"));
                }
                if let Some(what) = engines_disagree(view, (index, session), call.remote_hold) {
                    return Err(format!("{what} of {here} and {there}"));
                }
            }
        }
        Ok(())
    }
}

/// Whether an UPDATE may have been accepted although its sender was told otherwise: it was lost with its connection, or its response
/// was. Without an ACK the peer does not notice, and later offers are refused or do not reach it.
fn is_uncertain(phone: &PhoneNode, call: &Call, peer: &PhoneNode) -> bool {
    phone.setup.by_update && (call.hold_failed || call.types_failed || !peer.is_registered())
}

/// What the engines of a call and its peer read differently, or the phone and its engine.
fn engines_disagree(view: &WorldView<'_>, end: End, remote_hold: bool) -> Option<&'static str> {
    let (leg, peer) = view.engines.legs_of(end).find_map(|leg| Some((leg, view.engines.peer_of(leg)?)))?;
    let (ours, theirs) = (view.engines.agreed(leg)?, view.engines.agreed(peer)?);
    if ours.direction != theirs.direction.reversed() {
        Some("the media engines have different directions")
    } else if ours.telephone_event != theirs.telephone_event {
        Some("one media engine only has telephone-event")
    } else if ours.types != theirs.types {
        Some("the media engines have different types of media")
    } else if ours.held != remote_hold {
        Some("the phone does not report the hold that its media engine read")
    } else {
        None
    }
}

/// Whether a call has been established long enough for its other end to know.
fn is_settled(view: &WorldView<'_>, call: &Call) -> bool {
    let for_long = view.now.saturating_since(call.since).as_secs() > 60;
    call.status == Status::Established && for_long
}
