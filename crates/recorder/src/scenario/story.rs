//! What the user of a recorded phone did, and what its unrecorded peers did.

use super::cast::{Cast, user_of};
use super::{Steps, whole};
use crate::replay::{Replay, Seen, Sight};
use crate::text::Seconds;
use offhook::{Command, DtmfPath, EndedBy, Event, FlowFailure, FlowState, Input, Instant, SessionId, Status};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long a silent connection takes to be noticed: what a phone waits for the answer to its keep-alive.
const NOTICED: Duration = Duration::from_secs(10);

/// How long a call takes from the one who dials to the one at whose phone it arrives.
const ARRIVES: Duration = Duration::from_millis(100);
/// A manner is taken before the call that it is for.
const MANNERLY: Duration = Duration::from_millis(1);

struct Call {
    /// Who is at the other end.
    user: String,
    incoming: bool,
    /// When it was dialled, or came in.
    begun: Instant,
    /// When it rang at the peer's.
    rang: Option<Instant>,
    answered: bool,
    held_by_peer: bool,
}

/// A call that came in, and what the user did with it.
struct Ringing {
    session: SessionId,
    at: Instant,
    will: String,
}

pub(super) fn tell(phone: usize, replay: &Replay, cast: &mut Cast, steps: &mut Steps) {
    let mut teller = Teller { phone, cast, steps, calls: BTreeMap::new(), ringing: Vec::new() };
    for Sight { at, what } in &replay.sights {
        match what {
            Seen::Given { input: Input::Command(command), refused: None } => teller.wanted(*at, command),
            Seen::Told(event) => teller.told(*at, event),
            _ => {}
        }
    }
    teller.manners();
}

struct Teller<'t> {
    phone: usize,
    cast: &'t mut Cast,
    steps: &'t mut Steps,
    calls: BTreeMap<SessionId, Call>,
    ringing: Vec<Ringing>,
}

impl Teller<'_> {
    fn does(&mut self, at: Instant, what: &str) {
        let name = self.cast.name(self.phone);
        self.steps.add(at, format!("{name} {what}"));
    }

    fn wanted(&mut self, at: Instant, command: &Command) {
        match command {
            Command::Register { .. } => self.does(at, "registers"),
            Command::Unregister { .. } => self.does(at, "unregisters"),
            Command::Dial { session, dial } => {
                let user = user_of(&dial.to);
                self.does(at, &format!("dials {user}"));
                self.begin(*session, user, false, at);
            }
            Command::Answer { session } => self.reacts(*session, at, "answer"),
            Command::Reject { session, code } => self.reacts(*session, at, &format!("reject {code}")),
            Command::HangUp { session } if self.calls.contains_key(session) => self.does(at, "hangs up"),
            Command::Hold { .. } => self.does(at, "holds"),
            Command::Resume { .. } => self.does(at, "resumes"),
            Command::Digits { digits, duration, path, .. } => {
                self.does(at, &format!("sends {digits} by {} for {}", word(*path), Seconds(*duration)));
            }
            Command::Transfer { target, .. } => self.does(at, &format!("transfers to {}", user_of(target))),
            _ => {}
        }
    }

    fn told(&mut self, at: Instant, event: &Event) {
        match event {
            Event::Incoming(incoming) => {
                let user = user_of(&incoming.from);
                if !self.cast.is_recorded(&user) {
                    let (peer, own) = (self.cast.peer(&user), self.cast.user(self.phone));
                    self.steps.add_early(at, ARRIVES, format!("{peer} dials {own}"));
                }
                self.begin(incoming.session, user, true, at);
                self.ringing.push(Ringing { session: incoming.session, at, will: "ignore".to_owned() });
            }
            Event::Referred { session, by, target } => {
                self.peer_does(*by, at, &format!("transfers to {}", user_of(target)));
                self.begin(*session, user_of(target), false, at);
            }
            Event::Progress { session, code: 180..=189 } => {
                if let Some(call) = self.calls.get_mut(session) {
                    call.rang.get_or_insert(at);
                }
            }
            Event::Status { session, to: Status::Established, .. } => {
                if let Some(call) = self.calls.get_mut(session) {
                    call.answered = true;
                }
                self.peer_will(*session, at, "answer");
            }
            Event::Hold { session, remote, .. } => {
                let call = self.calls.get_mut(session).filter(|call| call.held_by_peer != *remote);
                if let Some(call) = call {
                    call.held_by_peer = *remote;
                    self.peer_does(*session, at, if *remote { "holds" } else { "resumes" });
                }
            }
            Event::Digit { session, digit, duration, path } => {
                let text = format!("sends {digit} by {} for {}", word(*path), Seconds(*duration));
                self.peer_does(*session, at, &text);
            }
            Event::Ended { session, why } => {
                match (why.by, why.code) {
                    (EndedBy::Peer, Some(code @ 300..=699)) => {
                        self.peer_will(*session, at, &format!("reject {code}"));
                    }
                    (EndedBy::Peer, _) => self.peer_does(*session, at, "hangs up"),
                    _ => {}
                }
                self.calls.remove(session);
            }
            Event::Flow { state: FlowState::Down(FlowFailure::TimedOut), .. } => {
                let nanos = u64::try_from(NOTICED.as_nanos()).unwrap_or(u64::MAX);
                let before = Instant::from_nanos(at.as_nanos().saturating_sub(nanos));
                self.does(before, "loses its connection silently");
            }
            _ => {}
        }
    }

    fn begin(&mut self, session: SessionId, user: String, incoming: bool, begun: Instant) {
        let call = Call { user, incoming, begun, rang: None, answered: false, held_by_peer: false };
        self.calls.insert(session, call);
    }

    /// What the user does with a call that came in.
    fn reacts(&mut self, session: SessionId, at: Instant, how: &str) {
        if let Some(ringing) = self.ringing.iter_mut().rev().find(|ringing| ringing.session == session) {
            ringing.will = format!("{how} after {}", Seconds(whole(at.saturating_since(ringing.at))));
        }
    }

    /// How the peer of a call of ours took it: its manner when we dialled.
    fn peer_will(&mut self, session: SessionId, at: Instant, how: &str) {
        let Some(call) = self.calls.get(&session) else { return };
        let never_rang = call.rang.is_none() && !call.answered;
        if call.incoming || self.cast.is_recorded(&call.user) || never_rang && how != "answer" {
            return;
        }
        let after = whole(at.saturating_since(call.rang.unwrap_or(call.begun)));
        let (begun, peer) = (call.begun, self.cast.peer(&call.user));
        let says = format!("{peer} will {how} after {}", Seconds(after));
        self.steps.add_early(begun, MANNERLY, says);
    }

    fn peer_does(&mut self, session: SessionId, at: Instant, what: &str) {
        let Some(call) = self.calls.get(&session) else { return };
        if !self.cast.is_recorded(&call.user) {
            let peer = self.cast.peer(&call.user);
            self.steps.add(at, format!("{peer} {what}"));
        }
    }

    /// The user's manner has to be there before the call is, however long that takes elsewhere: it is taken half-way
    /// between two calls.
    fn manners(&mut self) {
        let mut last: Option<Instant> = None;
        for Ringing { at, will, .. } in std::mem::take(&mut self.ringing) {
            let before = last.map_or(self.steps.start, |last| last + at.saturating_since(last) / 2);
            self.does(before, &format!("will {will}"));
            last = Some(at);
        }
    }
}

fn word(path: DtmfPath) -> &'static str {
    match path {
        DtmfPath::Auto => "auto",
        DtmfPath::Rtp => "rtp",
        DtmfPath::Info => "info",
    }
}
