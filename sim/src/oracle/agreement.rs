//! After everything settled, an established call is established at both ends, and both agree on who holds whom.

use offhook::Status;

use super::{Oracle, PhaseEnd, WorldView};
use crate::node::Call;

pub(super) struct Agreement;

impl Oracle for Agreement {
    fn name(&self) -> &'static str {
        "agreement"
    }

    fn check(&mut self, view: &WorldView<'_>, moment: PhaseEnd) -> Result<(), String> {
        if moment != PhaseEnd::Recovery {
            return Ok(());
        }
        for (index, phone) in view.phones.iter().enumerate().filter(|(_, phone)| phone.alive) {
            for (&session, call) in phone.calls.iter().filter(|(_, call)| is_settled(view, call)) {
                // A rogue owes nobody anything, nor does who was told something that nobody said.
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
                    return Err(format!("{here} is established, and its media has no other end"));
                };
                let other = &view.phones[other];
                let there = format!("call {peer} of {}", other.setup.name);
                let Some(theirs) = other.calls.get(&peer).filter(|call| call.status == Status::Established)
                else {
                    return Err(format!("{here} is established, and {there} is not"));
                };
                if (call.local_hold, call.remote_hold) != (theirs.remote_hold, theirs.local_hold) {
                    return Err(format!("{here} and {there} do not agree on who holds whom"));
                }
            }
        }
        Ok(())
    }
}

/// Whether a call is established for so long that its other end must know.
fn is_settled(view: &WorldView<'_>, call: &Call) -> bool {
    let for_long = view.now.saturating_since(call.since).as_secs() > 60;
    call.status == Status::Established && for_long
}
