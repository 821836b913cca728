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
