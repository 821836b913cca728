//! The users: they act on the calls that they see.

use offhook::{AccountId, Command, Dial, SessionId, Status};

use super::{Happening, World};
use crate::node::Call;
use crate::scenario::{Deed, Manner};

impl World {
    /// Does what a user wants, on the newest call that is in the state for it. Without one, nothing.
    pub(super) fn do_deed(&mut self, phone: usize, deed: &Deed) {
        if !self.phones[phone].is_awake() {
            return;
        }
        let established = |call: &Call| call.status == Status::Established;
        let rings = |call: &Call| !call.outgoing && !call.acted && call.status <= Status::Establishing;
        let node = &self.phones[phone];
        let session = match deed {
            Deed::Answer | Deed::Reject(_) => node.newest(rings),
            Deed::HangUp => node.newest(|call| call.status < Status::Terminating),
            Deed::Hold => node.newest(|call| established(call) && !call.local_hold),
            Deed::Resume => node.newest(|call| established(call) && (call.local_hold || call.wished_hold)),
            Deed::Digits { .. } | Deed::Transfer(_) => node.newest(established),
            Deed::Dial(_) | Deed::Register | Deed::Unregister | Deed::Manner(_) => Some(node.next_session()),
        };
        if let Some(session) = session {
            self.react(phone, session, deed);
        }
    }

    /// Does what a user wants with one call. Too late is no fault: the phone says so, and that is the end of it.
    pub(super) fn react(&mut self, phone: usize, session: SessionId, deed: &Deed) {
        let account = AccountId(0);
        let node = &mut self.phones[phone];
        let command = match deed {
            Deed::Manner(manner) => return node.manner = *manner,
            Deed::Register | Deed::Unregister => {
                node.wants_registration = *deed == Deed::Register;
                if node.wants_registration {
                    Command::Register { account }
                } else {
                    Command::Unregister { account }
                }
            }
            Deed::Dial(to) => Command::Dial { session, dial: Dial::to(to.as_str()) },
            Deed::Answer => Command::Answer { session },
            Deed::Reject(code) => Command::Reject { session, code: *code },
            Deed::HangUp => Command::HangUp { session },
            Deed::Hold => Command::Hold { session },
            Deed::Resume => Command::Resume { session },
            Deed::Digits { digits, path, tone } => {
                Command::Digits { session, digits: digits.clone(), duration: *tone, path: *path }
            }
            Deed::Transfer(target) => Command::Transfer { session, target: target.clone() },
        };
        if let Some(call) = node.calls.get_mut(&session) {
            call.acted |= matches!(deed, Deed::Answer | Deed::Reject(_) | Deed::HangUp);
            call.wished_hold = *deed == Deed::Hold || call.wished_hold && *deed != Deed::Resume;
        }
        // What a phone refuses is on the tape, and the oracles see it.
        let _refused = self.ask(phone, command);
    }

    pub(super) fn plan_reaction(&mut self, phone: usize, session: SessionId) {
        let (after, deed) = match self.phones[phone].manner {
            Manner::Answer { after } => (after, Deed::Answer),
            Manner::Reject { code, after } => (after, Deed::Reject(code)),
            Manner::Ignore => return,
        };
        self.queue.plan(self.now + after, Happening::React { phone, session, deed });
    }

    /// Ends all calls, and lets no new one in.
    pub(super) fn everybody_hangs_up(&mut self) {
        for phone in 0..self.phones.len() {
            if !self.phones[phone].alive {
                continue;
            }
            self.phones[phone].manner = Manner::Reject { code: 480, after: std::time::Duration::ZERO };
            let calls: Vec<SessionId> = self.phones[phone].calls.keys().copied().collect();
            for session in calls {
                self.react(phone, session, &Deed::HangUp);
            }
        }
    }
}
