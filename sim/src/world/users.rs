//! The users: their actions on the calls of their phones.

use bytes::Bytes;
use offhook::{CallCommand, Command, Dial, Request, SessionId, Status};

use super::{ScheduledEvent, World};
use crate::node::Call;
use crate::scenario::{Behaviour, UserAction};

impl World {
    /// Executes an action of a user. One on a call applies to the newest call in a suitable state. Without one, it has no effect.
    pub(super) fn perform(&mut self, phone: usize, action: &UserAction) {
        if !self.phones[phone].is_awake() {
            return;
        }
        let established = |call: &Call| call.status == Status::Established;
        let rings = |call: &Call| !call.outgoing && !call.user_acted && call.status <= Status::Establishing;
        let node = &self.phones[phone];
        let session = match action {
            UserAction::Answer | UserAction::Reject(_) | UserAction::EarlyMedia => node.newest(rings),
            UserAction::HangUp | UserAction::SetMediaTypes(_) | UserAction::Mute(_) => {
                node.newest(|call| call.status < Status::Terminating)
            }
            UserAction::Hold => node.newest(|call| established(call) && !call.local_hold),
            UserAction::Resume => {
                node.newest(|call| established(call) && (call.local_hold || call.requested_hold))
            }
            UserAction::Digits { .. }
            | UserAction::Transfer(_)
            | UserAction::Info { .. }
            | UserAction::RestartMedia => node.newest(established),
            UserAction::DecideTransfer { .. } => node.newest(|call| call.requested_transfer.is_some()),
            UserAction::Behaviour(behaviour) => return self.phones[phone].behaviour = *behaviour,
            UserAction::Dial(to) => return self.dials(phone, to),
            UserAction::Message(to) => return self.requests(phone, Request::message(to.as_str(), "hello")),
            UserAction::LongMessage(to) => {
                return self.requests(phone, Request::message(to.as_str(), "news ".repeat(300)));
            }
            UserAction::AskCapabilities(to) => return self.requests(phone, Request::options(to.as_str())),
            _ => return self.perform_on_account(phone, action),
        };
        if let Some(session) = session {
            self.react(phone, session, action);
        }
    }

    fn dials(&mut self, phone: usize, to: &str) {
        let node = &self.phones[phone];
        let Some(account) = node.account.id else { return };
        let (session, dial) = (node.next_session(), Dial::to(to).with_account(account));
        self.give(phone, Command::Dial { session, dial });
    }

    fn requests(&mut self, phone: usize, request: Request) {
        let node = &self.phones[phone];
        let Some(account) = node.account.id else { return };
        let (request, send) = (node.next_request(), request.with_account(account));
        self.give(phone, Command::Request { request, send });
    }

    /// Executes an action of a user on one call. If it is too late, the phone refuses the command.
    pub(super) fn react(&mut self, phone: usize, session: SessionId, action: &UserAction) {
        let node = &mut self.phones[phone];
        let asked = node.calls.get(&session).and_then(|call| call.requested_transfer);
        node.infos += u32::from(matches!(action, UserAction::Info { .. }));
        let Some(command) = of_call(action, asked, node.infos) else { return };
        if let Some(call) = node.calls.get_mut(&session) {
            call.user_acted |=
                matches!(action, UserAction::Answer | UserAction::Reject(_) | UserAction::HangUp);
            call.requested_hold =
                *action == UserAction::Hold || call.requested_hold && *action != UserAction::Resume;
            call.requested_transfer.take_if(|_| matches!(action, UserAction::DecideTransfer { .. }));
        }
        self.give(phone, Command::Call { session, command });
    }

    /// Gives a command. A refusal is recorded on the tape and observed by the oracles.
    pub(super) fn give(&mut self, phone: usize, command: Command) {
        let _refused = self.give_command(phone, command);
    }

    pub(super) fn schedule_reaction(&mut self, phone: usize, session: SessionId) {
        let (after, action) = match self.phones[phone].behaviour {
            Behaviour::Answer { after } => (after, UserAction::Answer),
            Behaviour::Reject { code, after } => (after, UserAction::Reject(code)),
            Behaviour::Ignore => return,
        };
        self.queue.schedule(self.now + after, ScheduledEvent::UserReacts { phone, session, action });
    }

    /// Users decide on transfers as on incoming calls.
    pub(super) fn schedule_decision(&mut self, phone: usize, session: SessionId) {
        let (after, accept) = match self.phones[phone].behaviour {
            Behaviour::Answer { after } => (after, true),
            Behaviour::Reject { after, .. } => (after, false),
            Behaviour::Ignore => return,
        };
        let action = UserAction::DecideTransfer { accept };
        self.queue.schedule(self.now + after, ScheduledEvent::UserReacts { phone, session, action });
    }

    /// Ends all calls, and rejects new ones.
    pub(super) fn hang_up_all(&mut self) {
        for phone in 0..self.phones.len() {
            if !self.phones[phone].alive {
                continue;
            }
            self.phones[phone].behaviour = Behaviour::Reject { code: 480, after: std::time::Duration::ZERO };
            let calls: Vec<SessionId> = self.phones[phone].calls.keys().copied().collect();
            for session in calls {
                self.react(phone, session, &UserAction::HangUp);
            }
        }
    }
}

/// The command for an action on a call with this requested transfer, and with this number for an INFO.
fn of_call(action: &UserAction, requested_transfer: Option<u32>, info: u32) -> Option<CallCommand> {
    Some(match action {
        UserAction::Answer => CallCommand::Answer,
        UserAction::Reject(code) => CallCommand::Reject { code: *code },
        UserAction::HangUp => CallCommand::HangUp,
        UserAction::Hold => CallCommand::Hold,
        UserAction::Resume => CallCommand::Resume,
        UserAction::RestartMedia => CallCommand::RestartMedia,
        UserAction::SetMediaTypes(types) => CallCommand::SetMediaTypes { types: *types },
        UserAction::Mute(types) => CallCommand::Mute { types: *types },
        UserAction::EarlyMedia => CallCommand::EarlyMedia,
        UserAction::Digits { digits, path, tone } => {
            CallCommand::Digits { digits: digits.clone(), duration: *tone, path: *path }
        }
        UserAction::Info { package } => CallCommand::Info {
            info,
            package: package.clone(),
            content_type: "text/plain".to_owned(),
            body: Bytes::from_static(b"news"),
        },
        UserAction::DecideTransfer { accept } => match (requested_transfer?, accept) {
            (request, true) => CallCommand::AcceptTransfer { request },
            (request, false) => CallCommand::RejectTransfer { request },
        },
        UserAction::Transfer(target) => CallCommand::Transfer { target: target.clone() },
        _ => return None,
    })
}
