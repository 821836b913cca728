//! What the log hears of calls.

use offhook_wire::{Message, Method};

use crate::cx::Cx;
use crate::event::{CallStep, Event, shown};

/// The request that begins or ends a call.
pub(super) struct Call {
    call_id: String,
    from: String,
    to: String,
    ends: bool,
    rang: bool,
}

impl Call {
    /// A call, if this is an INVITE outside a dialog or a BYE.
    pub(super) fn of(request: &Message) -> Option<Self> {
        let to = request.to().ok()?;
        let ends = match request.method()? {
            Method::Invite if to.tag().is_none() => false,
            Method::Bye => true,
            _ => return None,
        };
        let call_id = shown(request.call_id().ok()?);
        Some(Self { call_id, from: shown(request.from().ok()?.uri), to: shown(to.uri), ends, rang: false })
    }

    /// How many bytes this keeps.
    pub(super) fn bytes(&self) -> usize {
        self.call_id.len() + self.from.len() + self.to.len()
    }

    pub(super) fn offered(&self, cx: &mut Cx, branches: usize) {
        if !self.ends {
            self.tell(cx, CallStep::Offered { branches });
        }
    }

    pub(super) fn ringing(&mut self, cx: &mut Cx, status: u16) {
        if !self.ends && !self.rang && (180..=183).contains(&status) {
            self.rang = true;
            self.tell(cx, CallStep::Ringing);
        }
    }

    pub(super) fn finished(&self, cx: &mut Cx, status: u16) {
        match (self.ends, status) {
            // A challenge is a question, not an answer.
            (_, 401 | 407) => {}
            // Whatever the other side says to a BYE, who sent it is gone (RFC 3261 §15.1.1).
            (true, _) => self.tell(cx, CallStep::Ended),
            (false, 200..=299) => self.tell(cx, CallStep::Answered),
            (false, _) => self.tell(cx, CallStep::Refused { status }),
        }
    }

    fn tell(&self, cx: &mut Cx, step: CallStep) {
        let (call_id, from, to) = (self.call_id.clone(), self.from.clone(), self.to.clone());
        cx.event(Event::Call { call_id, from, to, step });
    }
}
