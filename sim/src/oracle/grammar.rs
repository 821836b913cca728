//! The order of the events of a call.
//!
//! A call begins with `Incoming`, with an accepted `Dial`, or with `Referred`. Its status changes along legal edges only, each from the
//! last status. It ends exactly once, and no event follows.

use std::collections::BTreeMap;

use offhook::{Command, SessionId, Status};

use super::{Observation, Oracle, WorldView};
use crate::told::{Told, told};

#[derive(Default)]
pub(super) struct Grammar {
    /// By phone and call; `None` when it ended.
    calls: BTreeMap<(usize, SessionId), Option<CallProgress>>,
}

#[derive(Copy, Clone)]
struct CallProgress {
    outgoing: bool,
    status: Status,
}

impl Oracle for Grammar {
    fn name(&self) -> &'static str {
        "grammar"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command { phone, command: Command::Dial { session, .. }, refused: None } => {
                self.begin(phone, *session, true)
            }
            Observation::Event { phone, event } => match told(event) {
                Some((session, told)) => self.on_told(phone, session, told).map_err(|what| {
                    format!("{} reports `{event}`, but {what}", view.phones[phone].setup.name)
                }),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }
}

impl Grammar {
    fn begin(&mut self, phone: usize, session: SessionId, outgoing: bool) -> Result<(), String> {
        let progress = Some(CallProgress { outgoing, status: Status::Initial });
        match self.calls.insert((phone, session), progress) {
            None => Ok(()),
            Some(_) => Err(format!("call {session} is not new")),
        }
    }

    fn on_told(&mut self, phone: usize, session: SessionId, told: Told<'_>) -> Result<(), String> {
        match told {
            Told::Incoming { .. } => return self.begin(phone, session, false),
            Told::Referred { by, .. } => {
                self.progress(phone, by)?;
                return self.begin(phone, session, true);
            }
            _ => {}
        }
        let progress = self.progress(phone, session)?;
        match told {
            Told::Status { from, to, .. } => {
                if from != progress.status || !from.may_become(to) {
                    return Err(format!("it was {}", progress.status));
                }
                progress.status = to;
            }
            Told::Progress if !progress.outgoing || progress.status != Status::Establishing => {
                return Err(format!("it is {}", progress.status));
            }
            Told::Hold { .. } | Told::HoldFailed { .. } | Told::Transfer(_)
                if progress.status < Status::Established =>
            {
                return Err(format!("it is only {}", progress.status));
            }
            // The caller may talk before its ACK is here.
            Told::Digit { .. } if progress.status < Status::Establishing => {
                return Err(format!("it is only {}", progress.status));
            }
            Told::Ended(_) => {
                if progress.status != Status::Idle {
                    return Err(format!("it is {}", progress.status));
                }
                self.calls.insert((phone, session), None);
            }
            _ => {}
        }
        Ok(())
    }

    fn progress(&mut self, phone: usize, session: SessionId) -> Result<&mut CallProgress, String> {
        match self.calls.get_mut(&(phone, session)) {
            Some(Some(progress)) => Ok(progress),
            Some(None) => Err(format!("call {session} is over")),
            None => Err(format!("call {session} is unknown")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::World;
    use offhook::{Cause, EndReason, EndedBy};

    /// A name for a call.
    fn session() -> SessionId {
        World::builder().phone("alice").cold().phone("alice").next_session()
    }

    fn status<'a>(from: Status, to: Status) -> Told<'a> {
        Told::Status { from, to, why: None }
    }

    fn progress(events: &[Told<'_>]) -> Result<(), String> {
        let mut grammar = Grammar::default();
        grammar.begin(0, session(), true)?;
        events.iter().try_for_each(|told| grammar.on_told(0, session(), *told))
    }

    #[test]
    fn events_are_in_order_and_a_call_ends_once() {
        use Status::{Established, Establishing, Idle, Initial};
        let rings = status(Initial, Establishing);
        let talks = status(Establishing, Established);
        let over = status(Established, Idle);
        let hold = Told::Hold { local: true, remote: false };
        let why = EndReason::new(EndedBy::Peer, Cause::HungUp, None, "");
        let ended = Told::Ended(&why);
        assert_eq!(progress(&[rings, talks, hold, over, ended]), Ok(()));
        for wrong in [
            vec![talks],
            vec![rings, hold],
            vec![rings, talks, ended],
            vec![rings, talks, rings],
            vec![rings, talks, over, ended, ended],
            vec![rings, talks, over, ended, Told::Other],
        ] {
            assert!(progress(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_event_of_an_unknown_call_is_a_violation() {
        assert!(Grammar::default().on_told(0, session(), Told::Other).is_err());
    }
}
