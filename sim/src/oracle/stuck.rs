//! Nothing is stuck: a call that is on its way somewhere gets there in bounded time, and something is pending for it.

use std::time::Duration;

use offhook::Status;

use super::{Observation, Oracle, WorldView};
use crate::node::Call;
use crate::scenario::Seconds;

pub(super) struct Stuck;

/// 64·T1, the life of a transaction (RFC 3261 §17).
const TRANSACTION: Duration = Duration::from_secs(32);

/// For effects, which have no deadline of their own, and for clocks that differ.
const SLACK: Duration = Duration::from_secs(20);

impl Oracle for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        let &Observation::PhonePolled { phone, .. } = sight else { return Ok(()) };
        let node = &view.phones[phone];
        let name = &node.setup.name;
        for (session, call) in &node.calls {
            let lasts = node.elapsed(view.now).saturating_sub(call.elapsed);
            if lasts > bound(call) {
                return Err(format!("call {session} of {name} is {} since {}", call.status, Seconds(lasts)));
            }
            let busy = call.status != Status::Established;
            let effect = node.effects.values().any(|of| of == session);
            if busy && !effect && node.next_deadline().is_none() {
                return Err(format!("call {session} of {name} is {} and waits for nothing", call.status));
            }
        }
        Ok(())
    }
}

/// How long a call may have one status.
fn bound(call: &Call) -> Duration {
    match call.status {
        // A media engine that never makes an offer, or an answer, is waited for as long as a peer that does not answer.
        Status::Initial => NO_ANSWER + SLACK,
        // The ringing, a CANCEL that nobody answers, a final response that nobody acknowledges.
        Status::Establishing => NO_ANSWER + TRANSACTION * 2 + SLACK,
        Status::Established => Duration::MAX,
        // An INVITE that is given up before anybody says anything to it (RFC 3261 §9.1: its CANCEL waits), the final response after
        // the CANCEL, and when that is a 2xx, which crossed it, the answer to the BYE.
        Status::Terminating => TRANSACTION * 3 + SLACK,
        Status::Idle => SLACK,
    }
}

/// The default of [`offhook::Config::no_answer`].
const NO_ANSWER: Duration = Duration::from_secs(120);

#[cfg(test)]
mod tests {
    use super::*;
    use offhook::{Account, Config};

    #[test]
    fn the_bound_on_ringing_is_that_of_the_phone() {
        let account = Account::new("sip:a@b", None, "ws://b").expect("a good server");
        assert_eq!(Config::new(account).no_answer, NO_ANSWER);
    }
}
