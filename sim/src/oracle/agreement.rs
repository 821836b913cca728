//! After the recovery, an established call is established at both ends, and both agree on the hold state.

use offhook::Status;

use super::{Oracle, PhaseEnd, WorldView};
use crate::node::Call;

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
                if (call.local_hold, call.remote_hold) != (theirs.remote_hold, theirs.local_hold) {
                    return Err(format!("{here} and {there} disagree on the hold state"));
                }
            }
        }
        Ok(())
    }
}

/// Whether a call has been established long enough for its other end to know.
fn is_settled(view: &WorldView<'_>, call: &Call) -> bool {
    let for_long = view.now.saturating_since(call.since).as_secs() > 60;
    call.status == Status::Established && for_long
}
