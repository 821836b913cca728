//! The order of the events of a call.
//!
//! A call begins with `Incoming`, with an accepted `Dial`, or with `Referred`. Its status changes along legal edges only, each from the
//! last status. It ends exactly once, and no event follows.

use std::collections::BTreeMap;

use offhook::{Command, Event, SessionId, Status};

use super::{Observation, Oracle, WorldView, session_of};
use crate::describe;

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
            Observation::Event { phone, event } => self.on_event(phone, event).map_err(|what| {
                format!("{} reports `{}`, but {what}", view.phones[phone].setup.name, describe::event(event))
            }),
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

    fn on_event(&mut self, phone: usize, event: &Event) -> Result<(), String> {
        match event {
            Event::Incoming(incoming) => return self.begin(phone, incoming.session, false),
            Event::Referred { session, by, .. } => {
                self.progress(phone, *by)?;
                return self.begin(phone, *session, true);
            }
            _ => {}
        }
        let Some(session) = session_of(event) else { return Ok(()) };
        let progress = self.progress(phone, session)?;
        match event {
            Event::Status { from, to, .. } => {
                if *from != progress.status || !from.may_become(*to) {
                    return Err(format!("it was {}", progress.status));
                }
                progress.status = *to;
            }
            Event::Progress { .. } if !progress.outgoing || progress.status != Status::Establishing => {
                return Err(format!("it is {}", progress.status));
            }
            Event::Hold { .. } | Event::HoldFailed { .. } | Event::Transfer { .. }
                if progress.status < Status::Established =>
            {
                return Err(format!("it is only {}", progress.status));
            }
            // The caller may talk before its ACK is here.
            Event::Digit { .. } if progress.status < Status::Establishing => {
                return Err(format!("it is only {}", progress.status));
            }
            Event::Ended { .. } => {
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

    fn status(session: SessionId, from: Status, to: Status) -> Event {
        Event::Status { session, from, to }
    }

    fn ended(session: SessionId) -> Event {
        let why = EndReason { by: EndedBy::Peer, cause: Cause::HungUp, code: None, text: String::new() };
        Event::Ended { session, why }
    }

    fn progress(events: &[Event]) -> Result<(), String> {
        let mut grammar = Grammar::default();
        grammar.begin(0, session(), true)?;
        events.iter().try_for_each(|event| grammar.on_event(0, event))
    }

    #[test]
    fn events_are_in_order_and_a_call_ends_once() {
        use Status::{Established, Establishing, Idle, Initial};
        let id = session();
        let rings = status(id, Initial, Establishing);
        let talks = status(id, Establishing, Established);
        let over = status(id, Established, Idle);
        let hold = Event::Hold { session: id, local: true, remote: false };
        let whole = [rings.clone(), talks.clone(), hold.clone(), over.clone(), ended(id)];
        assert_eq!(progress(&whole), Ok(()));
        for wrong in [
            vec![talks.clone()],
            vec![rings.clone(), hold],
            vec![rings.clone(), talks.clone(), ended(id)],
            vec![rings.clone(), talks.clone(), rings.clone()],
            vec![rings.clone(), talks.clone(), over.clone(), ended(id), ended(id)],
            vec![rings, talks, over, ended(id), Event::Media { session: id, up: true }],
        ] {
            assert!(progress(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn an_event_of_an_unknown_call_is_a_violation() {
        assert!(Grammar::default().on_event(0, &Event::Media { session: session(), up: true }).is_err());
    }
}
