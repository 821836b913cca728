//! No call is stuck: each transient status of a call has a time limit, and a timer or effect is pending in it.

use std::time::Duration;

use offhook::Status;

use super::{Observation, Oracle, WorldView};
use crate::node::Call;
use crate::scenario::Seconds;

pub(super) struct Stuck;

/// 64·T1, the time-out of a transaction (RFC 3261 §17).
const TRANSACTION: Duration = Duration::from_secs(32);

/// Slack for effects, which have no time-out, and for clock drift.
const SLACK: Duration = Duration::from_secs(20);

impl Oracle for Stuck {
    fn name(&self) -> &'static str {
        "stuck"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        let &Observation::PhonePolled { phone, .. } = observation else { return Ok(()) };
        let node = &view.phones[phone];
        let name = &node.setup.name;
        for (session, call) in &node.calls {
            let lasts = node.elapsed(view.now).saturating_sub(call.elapsed);
            if lasts > bound(call) {
                return Err(format!(
                    "call {session} of {name} has been {} for {}",
                    call.status,
                    Seconds(lasts)
                ));
            }
            let busy = call.status != Status::Established;
            let effect = node.effects.values().any(|leg| leg.end.1 == *session);
            if busy && !effect && node.next_deadline().is_none() {
                return Err(format!(
                    "call {session} of {name} is {} without a pending timer or effect",
                    call.status
                ));
            }
        }
        Ok(())
    }
}

/// The time limit of a status.
fn bound(call: &Call) -> Duration {
    match call.status {
        // A media engine that does not answer has the limit of a peer that does not answer.
        Status::Initial => NO_ANSWER + SLACK,
        // Ringing, a media engine that does not answer, an unanswered CANCEL, a final response without an ACK.
        Status::Establishing => NO_ANSWER * 2 + TRANSACTION * 2 + SLACK,
        Status::Established => Duration::MAX,
        // An INVITE without a provisional response (its CANCEL waits, RFC 3261 §9.1), the final response after the CANCEL, and if
        // that is a 2xx, the response to the BYE.
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
    fn the_limit_of_ringing_is_the_default_of_the_phone() {
        let account = Account::new("sip:a@b", None, "ws://b").expect("a good server");
        assert_eq!(Config::new(account).no_answer, NO_ANSWER);
    }
}
