//! The offers and answers of the legs, whatever message carries them (RFC 3264, RFC 6337).

use super::cx::CallCx;
use super::leg::ONLY;
use super::session::Session;
use super::states::State;
use crate::base::waiter::CallWaiter;
use crate::negotiation::{Carrier, LegOf, OfferAnswer, Offered, PeerRequest, Phase, Trigger};
use crate::planted::planted;
use crate::request::respond;
use crate::{Agreed, CallEffect, Direction, EffectId, EffectResult, LegId, MediaFault, MediaTypes};
use bytes::Bytes;

/// The direction of our description: a hold receives nothing (RFC 3264 §8.4).
pub(super) fn direction(hold: bool) -> Direction {
    if hold { Direction::SendOnly } else { Direction::SendRecv }
}

/// What rejects all streams is no session: the engine should have said so.
fn checked(result: EffectResult) -> EffectResult {
    match &result {
        EffectResult::Answered { agreed, .. } | EffectResult::Applied(agreed) if agreed.types.is_empty() => {
            EffectResult::Failed(MediaFault::NoCommonMedia)
        }
        _ => result,
    }
}

/// The fault of a result that is not the expected one.
pub(super) fn fault_of(result: &EffectResult) -> MediaFault {
    match result {
        EffectResult::Failed(fault) => *fault,
        _ => MediaFault::Engine,
    }
}

impl Session {
    /// The leg whose offer or answer waits for the result of this effect.
    fn leg_awaiting(&self, effect: EffectId) -> Option<usize> {
        self.state.legs().iter().position(|leg| leg.offer_answer.effect() == Some(effect))
    }

    /// The result of an effect for an offer or answer. A stale one is ignored.
    pub(super) fn on_offer_answer_result(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        effect: EffectId,
        result: EffectResult,
    ) {
        if let State::Offering(offering) = &self.state {
            if offering.offer_answer.effect() == Some(effect) {
                self.on_offer_result(cx, result);
            }
            return;
        }
        let Some(n) = self.leg_awaiting(effect) else { return };
        let Some(leg) = self.leg(n) else { return };
        let result = checked(result);
        match &leg.offer_answer {
            OfferAnswer::CreatingOffer { carrier, intent, .. } => {
                let intent = *intent;
                match carrier {
                    Carrier::Invite => self.on_late_offer_result(cx, intent, result),
                    Carrier::Request => self.on_renegotiation_offer(cx, intent, result),
                    Carrier::Response(_) => self.on_wanted_offer(cx, n, intent, result),
                }
            }
            OfferAnswer::ApplyingAnswer { intent, .. } => self.on_applied(cx, n, *intent, result),
            OfferAnswer::CreatingAnswer { carrier: Carrier::Response(_), hold, .. } => {
                let hold = *hold;
                self.on_created_answer(cx, n, hold, result);
            }
            OfferAnswer::CreatingAnswer { .. } => self.on_invite_answer_result(cx, result),
            OfferAnswer::Stable | OfferAnswer::OfferSent { .. } => {}
        }
    }

    /// Writes the state of the offers and answers of a leg. Returns the state before.
    pub(super) fn step(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        n: usize,
        trigger: Trigger,
        next: OfferAnswer,
    ) -> OfferAnswer {
        let session = self.id;
        let Some(leg) = self.leg_mut(n) else { return OfferAnswer::Stable };
        let of = LegOf { session, leg: leg.media.unwrap_or_default() };
        leg.offer_answer.transition(cx.base, of, trigger, next)
    }

    /// The media session of a leg; the first description of a leg begins one.
    pub(super) fn media_leg(&mut self, n: usize) -> LegId {
        let known = self.leg(n).and_then(|leg| leg.media);
        let media = known.or_else(|| self.media.new_leg()).unwrap_or_default();
        if let Some(leg) = self.leg_mut(n) {
            leg.media = Some(media);
        }
        media
    }

    /// Begins an offer of ours.
    pub(super) fn begin_offer(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        n: usize,
        intent: Offered,
        carrier: Carrier,
    ) {
        let hold = intent.hold && !planted!(cx.base.config, HoldNotSaid);
        let effect =
            CallEffect::Offer { types: intent.types, direction: direction(hold), restart: intent.restart };
        let media = self.media_leg(n);
        let effect = self.effect(cx.base, media, effect, CallWaiter::OfferAnswer);
        self.step(cx, n, Trigger::Offer, OfferAnswer::CreatingOffer { effect, intent, carrier });
    }

    /// Begins the answer to an offer of the peer.
    pub(super) fn begin_answer(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        n: usize,
        offer: Bytes,
        hold: bool,
        carrier: Carrier,
    ) {
        let media = self.media_leg(n);
        let types = self.types_to_answer(n, &carrier);
        let effect = CallEffect::Answer { offer, types, direction: direction(hold) };
        let effect = self.effect(cx.base, media, effect, CallWaiter::OfferAnswer);
        self.step(cx, n, Trigger::RemoteOffer, OfferAnswer::CreatingAnswer { effect, hold, carrier });
    }

    /// Begins to apply the peer's answer to our offer. Returns `false` if none is open.
    pub(super) fn begin_apply(&mut self, cx: &mut CallCx<'_, '_>, n: usize, answer: Bytes) -> bool {
        let Some(OfferAnswer::OfferSent { intent }) = self.leg(n).map(|leg| &leg.offer_answer) else {
            return false;
        };
        let intent = *intent;
        let media = self.media_leg(n);
        let effect = self.effect(cx.base, media, CallEffect::Apply { answer }, CallWaiter::OfferAnswer);
        self.step(cx, n, Trigger::Answer, OfferAnswer::ApplyingAnswer { effect, intent });
        true
    }

    /// The media engine has applied the peer's answer, or not.
    fn on_applied(&mut self, cx: &mut CallCx<'_, '_>, n: usize, intent: Offered, result: EffectResult) {
        let EffectResult::Applied(agreed) = result else {
            return self.answer_not_applied(cx, n, intent, fault_of(&result));
        };
        self.step(cx, n, Trigger::Applied, OfferAnswer::Stable);
        match &self.state {
            State::Calling(_) => self.set_agreed(cx, n, agreed),
            State::Ringing(_) | State::Answering(_) => {
                self.set_agreed(cx, n, agreed);
                self.answer_if_ready(cx);
            }
            _ => self.renegotiation_done(cx, intent, agreed),
        }
    }

    fn answer_not_applied(&mut self, cx: &mut CallCx<'_, '_>, n: usize, intent: Offered, fault: MediaFault) {
        match &self.state {
            // The offer stays open: the 2xx may have another answer, or the same one, which then fails the call.
            State::Calling(_) => {
                self.step(cx, n, Trigger::NoMedia, OfferAnswer::OfferSent { intent });
            }
            State::Ringing(_) | State::Answering(_) => {
                self.step(cx, n, Trigger::NoMedia, OfferAnswer::Stable);
                self.refuse_unusable(cx, fault);
            }
            _ => {
                self.step(cx, n, Trigger::NoMedia, OfferAnswer::Stable);
                self.answer_unusable(cx, fault);
            }
        }
    }

    /// Stores what was agreed.
    pub(super) fn set_agreed(&mut self, cx: &mut CallCx<'_, '_>, n: usize, mut agreed: Agreed) {
        if planted!(cx.base.config, PeersHoldIgnored) {
            agreed.held = false;
        }
        if let Some(leg) = self.leg_mut(n) {
            leg.agreed = Some(agreed);
        }
    }

    /// Stores what was agreed in a confirmed dialog, with our own hold in it. Reports a changed hold and changed types of media.
    /// `answered`: the types of our offer that was answered.
    pub(super) fn set_agreed_with_hold(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        agreed: Agreed,
        hold: bool,
        answered: Option<MediaTypes>,
    ) {
        let Some(e) = self.established_mut() else { return };
        let before = (e.holds, e.is_held());
        e.holds = hold;
        self.set_agreed(cx, ONLY, agreed);
        let Some(e) = self.established_mut() else { return };
        let changed = before != (e.holds, e.is_held());
        if changed && self.may_report_hold() {
            self.hold_event(cx);
        }
        self.report_types(cx, answered);
        self.next_digit(cx);
    }

    /// The call ends: no offer is answered any more. A request of the peer that waits for our description gets 487.
    pub(super) fn close_offer(&mut self, cx: &mut CallCx<'_, '_>) {
        let Some(open) = self.leg(ONLY).map(|leg| leg.offer_answer.phase()) else { return };
        let trigger = match open {
            Phase::Stable => return,
            Phase::OfferSent | Phase::ApplyingAnswer => Trigger::Withdrawn,
            Phase::CreatingOffer | Phase::CreatingAnswer => Trigger::Cancelled,
        };
        if let Some(request) = self.take_request(cx, ONLY, trigger, OfferAnswer::Stable) {
            respond::answer(cx.base, cx.txs, request.tx, &request.message, 487);
        }
    }

    /// Takes the request of the peer that waits for our description.
    pub(super) fn take_request(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        n: usize,
        trigger: Trigger,
        next: OfferAnswer,
    ) -> Option<Box<PeerRequest>> {
        match self.step(cx, n, trigger, next) {
            OfferAnswer::CreatingOffer { carrier: Carrier::Response(request), .. }
            | OfferAnswer::CreatingAnswer { carrier: Carrier::Response(request), .. } => Some(request),
            _ => None,
        }
    }
}
