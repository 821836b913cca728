//! The check of the offer of an INVITE before the user is alerted: one that cannot be used is refused with 488 (RFC 3261 §13.3.1.3).

use super::cx::CallCx;
use super::machine::Trigger;
use super::offer_answer::fault_of;
use super::session::Session;
use super::states::{Incoming, State};
use crate::base::marks::Mark;
use crate::base::name::SessionTimer;
use crate::base::waiter::CallWaiter;
use crate::planted::{patched, planted};
use crate::{AccountEvent, CallEffect, EffectId, EffectResult, LegId, MediaFault, MediaTypes};
use bytes::Bytes;
use std::time::Duration;

/// The limit of the time for the check, by which it delays the alert.
const LIMIT: Duration = Duration::from_millis(200);

impl Session {
    pub(super) fn check_offer(&mut self, cx: &mut CallCx<'_, '_>, incoming: Incoming, offer: Bytes) {
        // Without a media session, so none is to be released.
        let check = CallEffect::Check { offer };
        let effect = cx.base.out.call_effect(self.id, LegId::default(), check, CallWaiter::Check);
        self.transition(cx.base, Trigger::Invite, |_| State::Checking(incoming, effect));
        self.set_timer(cx.base, LIMIT, SessionTimer::NoAnswer);
    }

    pub(super) fn on_check_result(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        effect: EffectId,
        result: &EffectResult,
    ) {
        if !matches!(&self.state, State::Checking(_, awaited) if *awaited == effect) {
            return;
        }
        if let EffectResult::Checked(agreed) = result {
            let types = patched!(cx.base.config, IncomingTypesForgotten, Some(agreed.types), None);
            return self.checked(cx, types);
        }
        match fault_of(result) {
            // A device or the engine failed: the user decides.
            MediaFault::Engine => self.checked(cx, None),
            _ if planted!(cx.base.config, OfferNotChecked) => self.checked(cx, None),
            fault => self.offer_unusable(cx, fault),
        }
    }

    /// The check took too long: the user is alerted, and the offer is judged when the call is answered.
    pub(super) fn check_timeout(&mut self, cx: &mut CallCx<'_, '_>) {
        cx.mark(Mark::CheckLate);
        self.checked(cx, None);
    }

    fn checked(&mut self, cx: &mut CallCx<'_, '_>, types: Option<MediaTypes>) {
        let State::Checking(incoming, _) = &self.state else { return };
        self.report_incoming(cx, &incoming.invite, types);
        self.transition(cx.base, Trigger::Checked, |state| match state {
            State::Checking(incoming, _) => State::Ringing(incoming),
            other => other,
        });
        self.alert(cx);
    }

    fn offer_unusable(&mut self, cx: &mut CallCx<'_, '_>, fault: MediaFault) {
        let State::Checking(incoming, _) = &self.state else { return };
        let from = incoming.invite.from().map(|from| String::from_utf8_lossy(from.uri).into_owned());
        let event = AccountEvent::InviteRefused { from: from.unwrap_or_default(), fault };
        cx.base.out.account_event(self.account, event);
        self.refuse_unusable(cx, fault);
    }
}
