//! The users: their actions on the calls of their phones.

use offhook::{AccountCommand, AccountId, CallCommand, Command, Dial, SessionId, Status};

use super::{ScheduledEvent, World};
use crate::node::Call;
use crate::scenario::{Behaviour, UserAction};

impl World {
    /// Executes an action of a user on the newest call in a suitable state. Without one, it has no effect.
    pub(super) fn perform(&mut self, phone: usize, action: &UserAction) {
        if !self.phones[phone].is_awake() {
            return;
        }
        let established = |call: &Call| call.status == Status::Established;
        let rings = |call: &Call| !call.outgoing && !call.user_acted && call.status <= Status::Establishing;
        let node = &self.phones[phone];
        let session = match action {
            UserAction::Answer | UserAction::Reject(_) => node.newest(rings),
            UserAction::HangUp => node.newest(|call| call.status < Status::Terminating),
            UserAction::Hold => node.newest(|call| established(call) && !call.local_hold),
            UserAction::Resume => {
                node.newest(|call| established(call) && (call.local_hold || call.requested_hold))
            }
            UserAction::Digits { .. } | UserAction::Transfer(_) => node.newest(established),
            UserAction::DecideTransfer { .. } => node.newest(|call| call.requested_transfer.is_some()),
            UserAction::Dial(_)
            | UserAction::Register
            | UserAction::Unregister
            | UserAction::Behaviour(_) => Some(node.next_session()),
        };
        if let Some(session) = session {
            self.react(phone, session, action);
        }
    }

    /// Executes an action of a user on one call. If it is too late, the phone refuses the command.
    pub(super) fn react(&mut self, phone: usize, session: SessionId, action: &UserAction) {
        let node = &mut self.phones[phone];
        let command = match action {
            UserAction::Behaviour(behaviour) => return node.behaviour = *behaviour,
            UserAction::Register => {
                node.should_be_registered = true;
                of_account(AccountCommand::Register)
            }
            UserAction::Unregister => {
                node.should_be_registered = false;
                of_account(AccountCommand::Unregister)
            }
            UserAction::Dial(to) => Command::Dial { session, dial: Dial::to(to.as_str()) },
            _ => {
                let asked = node.calls.get(&session).and_then(|call| call.requested_transfer);
                let Some(command) = of_call(action, asked) else { return };
                Command::Call { session, command }
            }
        };
        if let Some(call) = node.calls.get_mut(&session) {
            call.user_acted |=
                matches!(action, UserAction::Answer | UserAction::Reject(_) | UserAction::HangUp);
            call.requested_hold =
                *action == UserAction::Hold || call.requested_hold && *action != UserAction::Resume;
            call.requested_transfer.take_if(|_| matches!(action, UserAction::DecideTransfer { .. }));
        }
        // A refusal is recorded on the tape and observed by the oracles.
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

fn of_account(command: AccountCommand) -> Command {
    Command::Account { account: AccountId(0), command }
}

/// The command for an action on a call with this requested transfer.
fn of_call(action: &UserAction, requested_transfer: Option<u32>) -> Option<CallCommand> {
    Some(match action {
        UserAction::Answer => CallCommand::Answer,
        UserAction::Reject(code) => CallCommand::Reject { code: *code },
        UserAction::HangUp => CallCommand::HangUp,
        UserAction::Hold => CallCommand::Hold,
        UserAction::Resume => CallCommand::Resume,
        UserAction::Digits { digits, path, tone } => {
            CallCommand::Digits { digits: digits.clone(), duration: *tone, path: *path }
        }
        UserAction::DecideTransfer { accept } => match (requested_transfer?, accept) {
            (request, true) => CallCommand::AcceptTransfer { request },
            (request, false) => CallCommand::RejectTransfer { request },
        },
        UserAction::Transfer(target) => CallCommand::Transfer { target: target.clone() },
        UserAction::Behaviour(_) | UserAction::Register | UserAction::Unregister | UserAction::Dial(_) => {
            return None;
        }
    })
}
