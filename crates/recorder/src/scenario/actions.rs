//! The actions of the user of a recorded phone, and of its peers that were not recorded.

use super::participants::{Participants, user_of};
use super::steps::{Steps, whole_millis};
use crate::replay::{Observation, ObservationKind, Replay};
use crate::text::Seconds;
use offhook::{
    AccountCommand, AccountEvent, CallCommand, CallEvent, Command, ConnectionFailure, ConnectionState,
    DtmfPath, EndReason, EndedBy, Event, Input, Instant, SessionId, Status,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// The time until a silent loss of a connection is detected: the time-out of a keep-alive.
const DETECTION_TIME: Duration = Duration::from_secs(10);

/// The time from dialling until the call reaches the callee.
const SETUP_TIME: Duration = Duration::from_millis(100);
/// The time between setting a reaction and the call that it applies to.
const REACTION_LEAD: Duration = Duration::from_millis(1);

struct Call {
    /// The user at the other end.
    user: String,
    incoming: bool,
    /// When it was dialled or received.
    started: Instant,
    /// When the peer's phone rang.
    ringing_since: Option<Instant>,
    answered: bool,
    held_by_peer: bool,
}

/// An incoming call and the user's reaction.
struct Ringing {
    session: SessionId,
    at: Instant,
    reaction: String,
}

pub(super) fn add(phone: usize, replay: &Replay, participants: &mut Participants, steps: &mut Steps) {
    let mut actions = Actions { phone, participants, steps, calls: BTreeMap::new(), ringing: Vec::new() };
    for Observation { at, kind } in &replay.observations {
        match kind {
            ObservationKind::Input { input: Input::Command(command), refused: None } => {
                actions.on_command(*at, command)
            }
            ObservationKind::Event(event) => actions.on_event(*at, event),
            _ => {}
        }
    }
    actions.add_reactions();
}

struct Actions<'t> {
    phone: usize,
    participants: &'t mut Participants,
    steps: &'t mut Steps,
    calls: BTreeMap<SessionId, Call>,
    ringing: Vec<Ringing>,
}

impl Actions<'_> {
    fn add_action(&mut self, at: Instant, what: &str) {
        let name = self.participants.name(self.phone);
        self.steps.add(at, format!("{name} {what}"));
    }

    fn on_command(&mut self, at: Instant, command: &Command) {
        match command {
            Command::Account { command: AccountCommand::Register, .. } => self.add_action(at, "registers"),
            Command::Account { command: AccountCommand::Unregister, .. } => {
                self.add_action(at, "unregisters")
            }
            Command::Dial { session, dial } => {
                let user = user_of(&dial.to);
                self.add_action(at, &format!("dials {user}"));
                self.begin(*session, user, false, at);
            }
            Command::Call { session, command } => self.on_call_command(at, *session, command),
            _ => {}
        }
    }

    fn on_call_command(&mut self, at: Instant, session: SessionId, command: &CallCommand) {
        match command {
            CallCommand::Answer => self.set_reaction(session, at, "answer"),
            CallCommand::Reject { code } => self.set_reaction(session, at, &format!("reject {code}")),
            CallCommand::HangUp if self.calls.contains_key(&session) => self.add_action(at, "hangs up"),
            CallCommand::Hold => self.add_action(at, "holds"),
            CallCommand::Resume => self.add_action(at, "resumes"),
            CallCommand::RestartMedia => self.add_action(at, "restarts media"),
            CallCommand::SetMediaTypes { types } => self.add_action(at, &format!("sets media to {types}")),
            CallCommand::Mute { types } => self.add_action(at, &format!("mutes {types}")),
            CallCommand::Digits { digits, duration, path } => {
                let (path, duration) = (path_name(*path), Seconds(*duration));
                self.add_action(at, &format!("sends {digits} by {path} for {duration}"));
            }
            CallCommand::Transfer { target } => {
                self.add_action(at, &format!("transfers to {}", user_of(target)));
            }
            _ => {}
        }
    }

    fn on_event(&mut self, at: Instant, event: &Event) {
        match event {
            Event::Call { session, event } => self.on_call_event(at, *session, event),
            Event::Account { event: AccountEvent::Connection { state, .. }, .. }
                if *state == ConnectionState::Down(ConnectionFailure::TimedOut) =>
            {
                let nanos = u64::try_from(DETECTION_TIME.as_nanos()).unwrap_or(u64::MAX);
                let before = Instant::from_nanos(at.as_nanos().saturating_sub(nanos));
                self.add_action(before, "loses its connection silently");
            }
            _ => {}
        }
    }

    fn on_call_event(&mut self, at: Instant, session: SessionId, event: &CallEvent) {
        if let Some(incoming) = event.incoming() {
            self.on_incoming(at, session, &user_of(&incoming.from));
        }
        if event.status() == Some(Status::Established) {
            if let Some(call) = self.calls.get_mut(&session) {
                call.answered = true;
            }
            self.add_peer_reaction(session, at, "answer");
        }
        if let Some(why) = event.ended() {
            self.on_end(at, session, why);
        }
        match event {
            CallEvent::Referred { by, target } => {
                self.add_peer_action(*by, at, &format!("transfers to {}", user_of(target)));
                self.begin(session, user_of(target), false, at);
            }
            CallEvent::Progress { code: 180..=189, .. } => {
                if let Some(call) = self.calls.get_mut(&session) {
                    call.ringing_since.get_or_insert(at);
                }
            }
            // The peer wants the types that were agreed on.
            CallEvent::MediaTypes { agreed } => {
                self.add_peer_action(session, at, &format!("sets media to {agreed}"));
            }
            CallEvent::Hold { remote, .. } => {
                let call = self.calls.get_mut(&session).filter(|call| call.held_by_peer != *remote);
                if let Some(call) = call {
                    call.held_by_peer = *remote;
                    self.add_peer_action(session, at, if *remote { "holds" } else { "resumes" });
                }
            }
            CallEvent::Digit { digit, duration, path } => {
                let text = format!("sends {digit} by {} for {}", path_name(*path), Seconds(*duration));
                self.add_peer_action(session, at, &text);
            }
            _ => {}
        }
    }

    fn on_incoming(&mut self, at: Instant, session: SessionId, user: &str) {
        if !self.participants.is_recorded(user) {
            let (peer, own) = (self.participants.peer(user), self.participants.user(self.phone));
            self.steps.add_early(at, SETUP_TIME, format!("{peer} dials {own}"));
        }
        self.begin(session, user.to_owned(), true, at);
        self.ringing.push(Ringing { session, at, reaction: "ignore".to_owned() });
    }

    fn on_end(&mut self, at: Instant, session: SessionId, why: &EndReason) {
        match (why.by, why.code) {
            (EndedBy::Peer, Some(code @ 300..=699)) => {
                self.add_peer_reaction(session, at, &format!("reject {code}"));
            }
            (EndedBy::Peer, _) => self.add_peer_action(session, at, "hangs up"),
            _ => {}
        }
        self.calls.remove(&session);
    }

    fn begin(&mut self, session: SessionId, user: String, incoming: bool, started: Instant) {
        let call =
            Call { user, incoming, started, ringing_since: None, answered: false, held_by_peer: false };
        self.calls.insert(session, call);
    }

    /// Sets the user's reaction to an incoming call.
    fn set_reaction(&mut self, session: SessionId, at: Instant, how: &str) {
        if let Some(ringing) = self.ringing.iter_mut().rev().find(|ringing| ringing.session == session) {
            ringing.reaction =
                format!("{how} after {}", Seconds(whole_millis(at.saturating_since(ringing.at))));
        }
    }

    /// Adds the reaction of the peer to an outgoing call, before the call.
    fn add_peer_reaction(&mut self, session: SessionId, at: Instant, how: &str) {
        let Some(call) = self.calls.get(&session) else { return };
        let never_rang = call.ringing_since.is_none() && !call.answered;
        if call.incoming || self.participants.is_recorded(&call.user) || never_rang && how != "answer" {
            return;
        }
        let after = whole_millis(at.saturating_since(call.ringing_since.unwrap_or(call.started)));
        let (started, peer) = (call.started, self.participants.peer(&call.user));
        let step = format!("{peer} will {how} after {}", Seconds(after));
        self.steps.add_early(started, REACTION_LEAD, step);
    }

    fn add_peer_action(&mut self, session: SessionId, at: Instant, what: &str) {
        let Some(call) = self.calls.get(&session) else { return };
        if !self.participants.is_recorded(&call.user) {
            let peer = self.participants.peer(&call.user);
            self.steps.add(at, format!("{peer} {what}"));
        }
    }

    /// Adds the user's reactions, each half-way between two calls: it has to be set before the call arrives, whatever the delays.
    fn add_reactions(&mut self) {
        let mut last: Option<Instant> = None;
        for Ringing { at, reaction, .. } in std::mem::take(&mut self.ringing) {
            let before = last.map_or(self.steps.start, |last| last + at.saturating_since(last) / 2);
            self.add_action(before, &format!("will {reaction}"));
            last = Some(at);
        }
    }
}

fn path_name(path: DtmfPath) -> &'static str {
    match path {
        DtmfPath::Auto => "auto",
        DtmfPath::Rtp => "rtp",
        DtmfPath::Info => "info",
    }
}
