//! The types of media that the user wants and mutes.

use super::cx::CallCx;
use super::session::Session;
use super::states::State;
use crate::base::cx::Cx;
use crate::base::marks::Mark;
use crate::base::waiter::CallWaiter;
use crate::negotiation::Carrier;
use crate::planted::planted;
use crate::{CallEffect, CallEvent, LegId, MediaTypes};

impl Session {
    /// The types of media that the user wants.
    pub(crate) fn types(&self) -> MediaTypes {
        self.intent.types
    }

    /// Sets the types of media.
    pub(crate) fn set_media_types(&mut self, cx: &mut CallCx<'_, '_>, types: MediaTypes) {
        self.intent.types = types;
        let is_open = match &self.state {
            // They are those of the answer.
            State::Checking(incoming, _) | State::Ringing(incoming) => {
                incoming.leg.offer_answer.is_stable() && !incoming.provisional.has_description()
            }
            _ => false,
        };
        if !is_open && !planted!(cx.base.config, MediaTypesNotOffered) {
            self.intent.types_pending = true;
            self.reconcile(cx);
        }
    }

    /// The types of an offer of ours: those that the user wants if that has changed, else the agreed ones.
    pub(super) fn types_to_offer(&self, agreed: Option<MediaTypes>) -> MediaTypes {
        agreed.filter(|_| !self.intent.types_pending).unwrap_or(self.intent.types)
    }

    /// The types to accept of an offer of the peer: those that the user wants. A change that was not answered yet takes nothing away from the
    /// agreed ones, and is none if this is the answer to the INVITE.
    pub(super) fn types_to_answer(&mut self, n: usize, carrier: &Carrier) -> MediaTypes {
        if let Carrier::Invite = carrier {
            self.intent.types_pending = false;
        }
        let pending = self.intent.types_pending;
        let agreed = self.leg(n).and_then(|leg| leg.agreed).filter(|_| pending);
        agreed.map_or(self.intent.types, |agreed| self.intent.types.union(agreed.types))
    }

    /// Reports the agreed types of an established call, if they have changed or the user waits for an outcome. `answered`: the types of
    /// our offer that was answered.
    pub(super) fn report_types(&mut self, cx: &mut CallCx<'_, '_>, answered: Option<MediaTypes>) {
        let State::Established(e) = &self.state else { return };
        let Some(agreed) = e.leg.agreed.map(|agreed| agreed.types) else { return };
        let wanted = self.intent.types;
        let settled = self.intent.types_pending && (agreed == wanted || answered == Some(wanted));
        if settled || agreed != self.intent.reported {
            self.intent.types_pending &= !settled;
            self.intent.reported = agreed;
            cx.mark(Mark::MediaTypesChanged);
            cx.base.out.call_event(self.id, CallEvent::MediaTypes { agreed });
        }
    }

    /// The wanted types were refused, unless they are the agreed ones: those become the intent.
    pub(super) fn types_refused(&mut self, cx: &mut CallCx<'_, '_>, code: Option<u16>) {
        let Some(agreed) = self.state.established_mut().and_then(|e| e.leg.agreed) else { return };
        if !self.intent.types_pending || self.intent.types == agreed.types {
            return;
        }
        self.intent.types_pending = false;
        self.intent.types = agreed.types;
        cx.mark(Mark::MediaTypesRefused);
        cx.base.out.call_event(self.id, CallEvent::MediaTypesFailed { code });
    }

    /// Mutes types of media, in all media sessions of the call.
    pub(crate) fn mute(&mut self, cx: &mut CallCx<'_, '_>, types: MediaTypes) {
        self.intent.muted = types;
        for leg in self.media.all_live() {
            self.mute_leg(cx.base, leg);
        }
    }

    /// Mutes a new media session, if the user wants that.
    pub(super) fn mute_new_leg(&self, cx: &mut Cx<'_>, leg: LegId) {
        if !self.intent.muted.is_empty() && !planted!(cx.config, MuteForgotten) {
            self.mute_leg(cx, leg);
        }
    }

    fn mute_leg(&self, cx: &mut Cx<'_>, leg: LegId) {
        let effect = CallEffect::Mute { types: self.intent.muted };
        cx.out.call_effect(self.id, leg, effect, CallWaiter::Nothing);
    }
}
