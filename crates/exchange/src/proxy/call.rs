//! Events about calls.

use offhook_wire::{Message, Method};

use crate::cx::Cx;
use crate::event::{CallStep, Event, truncated};

/// A request that begins or ends a call.
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
        let call_id = truncated(request.call_id().ok()?);
        Some(Self {
            call_id,
            from: truncated(request.from().ok()?.uri),
            to: truncated(to.uri),
            ends,
            rang: false,
        })
    }

    /// The bytes kept.
    pub(super) fn bytes(&self) -> usize {
        self.call_id.len() + self.from.len() + self.to.len()
    }

    pub(super) fn on_fork(&self, cx: &mut Cx, branches: usize) {
        if !self.ends {
            self.emit(cx, CallStep::Offered { branches });
        }
    }

    pub(super) fn on_provisional(&mut self, cx: &mut Cx, status: u16) {
        if !self.ends && !self.rang && (180..=183).contains(&status) {
            self.rang = true;
            self.emit(cx, CallStep::Ringing);
        }
    }

    pub(super) fn on_final(&self, cx: &mut Cx, status: u16) {
        match (self.ends, status) {
            // A challenge does not end the call.
            (_, 401 | 407) => {}
            // The sender of a BYE ends the call whatever the response (RFC 3261 §15.1.1).
            (true, _) => self.emit(cx, CallStep::Ended),
            (false, 200..=299) => self.emit(cx, CallStep::Answered),
            (false, _) => self.emit(cx, CallStep::Refused { status }),
        }
    }

    fn emit(&self, cx: &mut Cx, step: CallStep) {
        let (call_id, from, to) = (self.call_id.clone(), self.from.clone(), self.to.clone());
        cx.event(Event::Call { call_id, from, to, step });
    }
}
