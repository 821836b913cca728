//! The grammar of events: what a user is told about a call makes a story.
//!
//! A call begins with `Incoming`, with a `Dial` that was accepted, or with `Referred`. Its status walks along legal
//! edges only, each step from where the last one ended. It ends exactly once, and nothing is said of it later.

use std::collections::BTreeMap;

use offhook::{Command, Event, SessionId, Status};

use super::{Oracle, Scene, Sight, session_of};

#[derive(Default)]
pub(super) struct Grammar {
    /// By phone and call; `None` when it ended.
    calls: BTreeMap<(usize, SessionId), Option<Tale>>,
}

#[derive(Copy, Clone)]
struct Tale {
    outgoing: bool,
    status: Status,
}

impl Oracle for Grammar {
    fn name(&self) -> &'static str {
        "grammar"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        match *sight {
            Sight::Asked { phone, command: Command::Dial { session, .. }, refused: None } => {
                self.begin(phone, *session, true)
            }
            Sight::Told { phone, event } => self
                .told(phone, event)
                .map_err(|what| format!("{} says {event:?}, but {what}", scene.phones[phone].setup.name)),
            _ => Ok(()),
        }
    }
}

impl Grammar {
    fn begin(&mut self, phone: usize, session: SessionId, outgoing: bool) -> Result<(), String> {
        let tale = Some(Tale { outgoing, status: Status::Initial });
        match self.calls.insert((phone, session), tale) {
            None => Ok(()),
            Some(_) => Err(format!("call {session} is not new")),
        }
    }

    fn told(&mut self, phone: usize, event: &Event) -> Result<(), String> {
        match event {
            Event::Incoming(incoming) => return self.begin(phone, incoming.session, false),
            Event::Referred { session, by, .. } => {
                self.tale(phone, *by)?;
                return self.begin(phone, *session, true);
            }
            _ => {}
        }
        let Some(session) = session_of(event) else { return Ok(()) };
        let tale = self.tale(phone, session)?;
        match event {
            Event::Status { from, to, .. } => {
                if *from != tale.status || !from.may_become(*to) {
                    return Err(format!("it was {}", tale.status));
                }
                tale.status = *to;
            }
            Event::Progress { .. } if !tale.outgoing || tale.status != Status::Establishing => {
                return Err(format!("it is {}", tale.status));
            }
            Event::Hold { .. } | Event::HoldFailed { .. } | Event::Transfer { .. }
                if tale.status < Status::Established =>
            {
                return Err(format!("it is only {}", tale.status));
            }
            // The caller may talk before its ACK is here.
            Event::Digit { .. } if tale.status < Status::Establishing => {
                return Err(format!("it is only {}", tale.status));
            }
            Event::Ended { .. } => {
                if tale.status != Status::Idle {
                    return Err(format!("it is {}", tale.status));
                }
                self.calls.insert((phone, session), None);
            }
            _ => {}
        }
        Ok(())
    }

    fn tale(&mut self, phone: usize, session: SessionId) -> Result<&mut Tale, String> {
        match self.calls.get_mut(&(phone, session)) {
            Some(Some(tale)) => Ok(tale),
            Some(None) => Err(format!("call {session} is over")),
            None => Err(format!("nobody heard of call {session}")),
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

    fn tale(events: &[Event]) -> Result<(), String> {
        let mut grammar = Grammar::default();
        grammar.begin(0, session(), true)?;
        events.iter().try_for_each(|event| grammar.told(0, event))
    }

    #[test]
    fn a_story_is_told_in_order_and_ends_once() {
        use Status::{Established, Establishing, Idle, Initial};
        let id = session();
        let rings = status(id, Initial, Establishing);
        let talks = status(id, Establishing, Established);
        let over = status(id, Established, Idle);
        let hold = Event::Hold { session: id, local: true, remote: false };
        let whole = [rings.clone(), talks.clone(), hold.clone(), over.clone(), ended(id)];
        assert_eq!(tale(&whole), Ok(()));
        for wrong in [
            vec![talks.clone()],
            vec![rings.clone(), hold],
            vec![rings.clone(), talks.clone(), ended(id)],
            vec![rings.clone(), talks.clone(), rings.clone()],
            vec![rings.clone(), talks.clone(), over.clone(), ended(id), ended(id)],
            vec![rings, talks, over, ended(id), Event::Media { session: id, up: true }],
        ] {
            assert!(tale(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn nothing_is_told_of_a_call_that_nobody_heard_of() {
        assert!(Grammar::default().told(0, &Event::Media { session: session(), up: true }).is_err());
    }
}
