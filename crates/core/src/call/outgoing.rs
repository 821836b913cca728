//! The caller's role until the 2xx (RFC 3261 §13.2).

use super::cx::{CallAction, CallCx, Referrer};
use super::description::sdp_of;
use super::established::Established;
use super::invite::send_invite;
use super::leg::{Leg, ONLY};
use super::machine::Trigger;
use super::reasons::not_connected;
use super::session::Session;
use super::states::{Calling, Cancelling, Invitation, Invite, Offering, State};
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::SessionTimer;
use crate::base::waiter::CallWaiter;
use crate::dialog::{Dialog, LocalRequest, NoDialog, to_tag};
use crate::negotiation::{Carrier, LegOf, OfferAnswer, Offered, Trigger as Offer};
use crate::planted::planted;
use crate::request::respond;
use crate::request::restarts::Restarts;
use crate::{
    CallEffect, CallEvent, Cause, Direction, EffectResult, EndReason, EndedBy, LegId, MediaTypes, SessionId,
};
use offhook_wire::Message;

impl Session {
    /// The user dials. The call ends immediately if there is no connection.
    pub(crate) fn dial(
        id: SessionId,
        cx: &mut CallCx<'_, '_>,
        invitation: Invitation,
        referred_by: Option<Referrer>,
    ) -> Self {
        let mut session = Self::new(id, cx, referred_by);
        if cx.account.path().is_none() {
            session.end(cx, Trigger::NoConnection, not_connected());
            return session;
        }
        let types = invitation.types;
        session.intent.types = types;
        let leg = session.media.new_leg().unwrap_or_default();
        let effect = CallEffect::Offer { types, direction: Direction::SendRecv, restart: false };
        let effect = session.effect(cx.base, leg, effect, CallWaiter::OfferAnswer);
        let intent = Offered { types, ..Offered::default() };
        let mut offer_answer = OfferAnswer::Stable;
        let creating = OfferAnswer::CreatingOffer { effect, intent, carrier: Carrier::Invite };
        offer_answer.transition(cx.base, LegOf { session: id, leg }, Offer::Offer, creating);
        let offering = Offering { offer_answer, invitation };
        session.transition(cx.base, Trigger::Dial, |_| State::Offering(offering));
        session.set_timer(cx.base, cx.base.config.no_answer, SessionTimer::NoAnswer);
        session
    }

    /// The media engine created the offer of the INVITE, or not.
    pub(super) fn on_offer_result(&mut self, cx: &mut CallCx<'_, '_>, result: EffectResult) {
        let EffectResult::Description(sdp) = result else {
            let why = EndReason::new(EndedBy::Us, Cause::MediaFailed, None, "no offer was made");
            return self.end(cx, Trigger::NoMedia, why);
        };
        if cx.account.path().is_none() {
            return self.end(cx, Trigger::NoConnection, not_connected());
        }
        let call_id = cx.base.entropy.token(Label::Ids);
        let of = LegOf { session: self.id, leg: LegId::default() };
        let State::Offering(offering) = &mut self.state else { return };
        let OfferAnswer::CreatingOffer { intent, .. } = offering.offer_answer else { return };
        let sent = OfferAnswer::OfferSent { intent };
        offering.offer_answer.transition(cx.base, of, Offer::Described, sent);
        let invitation = std::mem::take(&mut offering.invitation);
        let mut invite = Invite::new(invitation, call_id, sdp);
        let Some(tx) = send_invite(self.id, &self.tag, cx, &mut invite) else {
            return self.end(cx, Trigger::NoConnection, not_connected());
        };
        self.transition(cx.base, Trigger::Described, |state| match state {
            State::Offering(_) => {
                let (legs, restarts) = (Vec::new(), Restarts::default());
                State::Calling(Calling { tx, invite, legs, restarts })
            }
            other => other,
        });
        self.set_timer(cx.base, cx.base.config.no_answer, SessionTimer::NoAnswer);
    }

    pub(super) fn invite_response(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        match code {
            100..=199 => self.invite_progress(cx, code, message),
            200..=299 => self.invite_accepted(cx, message),
            _ => self.invite_refused(cx, code, message),
        }
    }

    fn invite_accepted(&mut self, cx: &mut CallCx<'_, '_>, message: &Message) {
        self.cancel_timer(cx.base, SessionTimer::NoAnswer);
        let leg = self.confirm_leg(cx, message);
        self.leave_branches(cx);
        let Some(leg) = leg else {
            let text = "a 2xx without a dialog";
            let why = EndReason::new(EndedBy::Peer, Cause::Protocol, message.status(), text);
            return self.end(cx, Trigger::Refused, why);
        };
        let State::Calling(Calling { invite, .. }) = &self.state else { return };
        let offered = invite.invitation.types;
        let winner = leg.media;
        let was_up = self.media.is_any_up();
        self.transition(cx.base, Trigger::Accepted, |state| {
            let mut established = Established::new(leg, true);
            if let State::Calling(calling) = state {
                established.branches = with_requests(calling.legs);
            }
            State::Established(established)
        });
        // The other branches are given up: a 2xx of one of them gets ACK and BYE.
        if !planted!(cx.base.config, LegLeaked) {
            self.release_media(cx.base, winner);
        }
        if was_up && !self.media.is_any_up() {
            cx.base.out.call_event(self.id, CallEvent::Media { up: false });
        }
        self.apply_final_answer(cx, message, offered);
    }

    /// The leg of the branch whose 2xx was received, with its dialog confirmed and acknowledged (§13.2.2.4).
    fn confirm_leg(&mut self, cx: &mut CallCx<'_, '_>, message: &Message) -> Option<Leg> {
        let tag = to_tag(message).unwrap_or_default();
        let early = self.leg_of(|dialog| dialog.remote_tag() == tag);
        let n = match early {
            Some(n) => n,
            None => {
                let State::Calling(calling) = &self.state else { return None };
                let dialog = self.dialog_of(cx, message, &calling.invite).ok()?;
                let State::Calling(calling) = &mut self.state else { return None };
                calling.legs.reserve_exact(1);
                let offer = OfferAnswer::of_branch(calling.invite.invitation.types);
                calling.legs.push(Leg::new(dialog, offer));
                calling.legs.len() - 1
            }
        };
        if early.is_some() {
            self.leg_mut(n)?.dialog.confirm(cx.base.config, message).ok()?;
        }
        let early_answer = self.leg(n).is_some_and(|leg| leg.early_answer.is_some());
        self.choose_media(cx, n, early_answer || sdp_of(message).is_some());
        let State::Calling(calling) = &mut self.state else { return None };
        let mut leg = calling.legs.swap_remove(n);
        cx.txs.record_fork(calling.tx, leg.dialog.remote_tag());
        leg.realms = calling.invite.realms;
        leg.keep_credentials(calling.invite.cseq, std::mem::take(&mut calling.invite.credentials));
        leg.send_ack(cx, calling.invite.cseq);
        leg.update_peer(cx.base.config, message);
        Some(leg)
    }

    /// Chooses the media session of the branch that was accepted. A host that can hold one only has that of another branch, perhaps:
    /// then this one gets a new session, and offers again.
    fn choose_media(&mut self, cx: &mut CallCx<'_, '_>, n: usize, has_answer: bool) {
        let others = self.state.legs().iter().any(|leg| leg.media.is_some());
        let own = self.leg(n).is_some_and(|leg| leg.media.is_some());
        if own {
            cx.mark(Mark::EarlyMediaKept);
        } else if others {
            cx.mark(Mark::EarlyMediaOfAnother);
        }
        if has_answer && !self.has_media_for(cx, n, true) {
            cx.mark(Mark::MediaReplaced);
            let session = self.id;
            let leg = self.media.new_leg();
            let Some(own) = self.leg_mut(n) else { return };
            own.media = leg;
            let of = LegOf { session, leg: leg.unwrap_or_default() };
            own.offer_answer.transition(cx.base, of, Offer::Withdrawn, OfferAnswer::Stable);
        }
    }

    /// The answer in the 2xx to our offer of these types, unless a provisional response of the same branch had it.
    fn apply_final_answer(&mut self, cx: &mut CallCx<'_, '_>, message: &Message, offered: MediaTypes) {
        let Some(e) = self.established_mut() else { return };
        let is_open = matches!(e.leg.offer_answer, OfferAnswer::OfferSent { .. });
        let is_held = e.is_held();
        let early_answer = e.leg.early_answer.take().map(|answer| *answer);
        if is_open {
            let Some(answer) = sdp_of(message).or(early_answer) else {
                cx.mark(Mark::NoAnswerInside);
                let text = "a 2xx without an answer";
                let why = EndReason::new(EndedBy::Peer, Cause::Protocol, message.status(), text);
                return self.terminate(cx, Trigger::Refused, why);
            };
            self.begin_apply(cx, ONLY, answer);
        }
        if self.leg(ONLY).is_some_and(|leg| !leg.offer_answer.is_stable()) {
            // A media engine that never reports a result would block every hold.
            self.await_step(cx);
        }
        if is_held {
            self.hold_event(cx);
        }
        self.report_types(cx, (!is_open).then_some(offered));
        self.await_media(cx);
        self.report(cx, 200);
        // For media that was not agreed on yet.
        self.reconcile(cx);
    }

    pub(super) fn dialog_of(
        &self,
        cx: &CallCx<'_, '_>,
        message: &Message,
        invite: &Invite,
    ) -> Result<Dialog, NoDialog> {
        let (from, tag) = (cx.account.from(), self.tag.as_bytes());
        let local = LocalRequest { call_id: &invite.call_id, from, tag, uri: &invite.invitation.uri };
        Dialog::of_response(cx.base.config, message, Some(&local), invite.cseq)
    }

    /// Cancels the INVITE: the user hangs up, or the callee does not answer in time.
    pub(super) fn cancel(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, why: EndReason) {
        self.cancel_timer(cx.base, SessionTimer::NoAnswer);
        self.leave_branches(cx);
        if let State::Calling(calling) = &self.state
            && !planted!(cx.base.config, CancelForgotten)
        {
            cx.txs.cancel(cx.base, calling.tx);
        }
        self.transition(cx.base, trigger, |state| match state {
            State::Calling(Calling { tx, invite, legs, .. }) => {
                State::Cancelling(Cancelling { tx, invite, branches: with_requests(legs), why })
            }
            other => other,
        });
    }

    /// Ends the early dialogs: requests of the callees get 487, and responses to ours are absorbed.
    pub(super) fn leave_branches(&mut self, cx: &mut CallCx<'_, '_>) {
        let State::Calling(calling) = &mut self.state else { return };
        for leg in &mut calling.legs {
            for pending in leg.pending.drain(..) {
                cx.txs.detach_owner(pending.tx);
            }
        }
        for n in 0..self.state.legs().len() {
            if self.leg_mut(n).is_some_and(|leg| leg.offer_answer.request_mut().is_some())
                && let Some(request) = self.take_request(cx, n, Offer::Cancelled, OfferAnswer::Stable)
            {
                respond::answer(cx.base, cx.txs, request.tx, &request.message, 487);
            }
        }
    }

    pub(super) fn cancelled_response(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        if code < 200 {
            return;
        }
        let State::Cancelling(cancelling) = &self.state else { return };
        let why = cancelling.why.clone();
        if code >= 300 || planted!(cx.base.config, LateAnswerIgnored) {
            return self.end(cx, Trigger::Closed, why);
        }
        // The CANCEL crossed the 2xx: the call is established, and ended with a BYE (§9.1, §15).
        let Some(leg) = self.cancelled_leg(cx, message) else {
            return self.end(cx, Trigger::Closed, why);
        };
        cx.mark(Mark::AnswerCrossedCancel);
        self.transition(cx.base, Trigger::Accepted, |state| match state {
            State::Cancelling(Cancelling { why, branches, .. }) => {
                let mut established = Established::new(leg, true);
                established.branches = branches;
                State::Terminating(established, why)
            }
            other => other,
        });
        self.begin_terminating(cx);
    }

    /// The leg of a branch that was accepted in spite of the CANCEL, acknowledged.
    fn cancelled_leg(&mut self, cx: &mut CallCx<'_, '_>, message: &Message) -> Option<Leg> {
        let State::Cancelling(cancelling) = &self.state else { return None };
        let dialog = self.dialog_of(cx, message, &cancelling.invite).ok()?;
        let State::Cancelling(cancelling) = &mut self.state else { return None };
        let known = |leg: &Leg| leg.dialog.remote_tag() == dialog.remote_tag();
        let early = cancelling.branches.iter().position(known);
        let early = early.filter(|_| !planted!(cx.base.config, EarlySequenceForgotten));
        let mut leg = match early {
            Some(n) => cancelling.branches.swap_remove(n),
            None => Leg::new(dialog, OfferAnswer::Stable),
        };
        leg.dialog.confirm(cx.base.config, message).ok()?;
        leg.offer_answer = OfferAnswer::Stable;
        cx.txs.record_fork(cancelling.tx, leg.dialog.remote_tag());
        leg.realms = cancelling.invite.realms;
        leg.keep_credentials(cancelling.invite.cseq, std::mem::take(&mut cancelling.invite.credentials));
        leg.send_ack(cx, cancelling.invite.cseq);
        Some(leg)
    }

    pub(super) fn cancel_failed(&mut self, cx: &mut CallCx<'_, '_>) {
        let State::Cancelling(cancelling) = &self.state else { return };
        let why = cancelling.why.clone();
        self.end(cx, Trigger::Closed, why);
    }

    /// Reports the progress to the call in which the REFER for this one was received.
    pub(super) fn report(&mut self, cx: &mut CallCx<'_, '_>, code: u16) {
        if let Some(to) = self.referred_by {
            cx.actions.push(CallAction::Report { to, code });
            if code >= 200 {
                self.referred_by = None;
            }
        }
    }
}

/// The early dialogs in which a request was sent.
fn with_requests(legs: Vec<Leg>) -> Vec<Leg> {
    let mut branches: Vec<Leg> = legs.into_iter().filter(|leg| leg.rseq.is_some()).collect();
    branches.shrink_to_fit();
    branches
}
