//! Offers of the peer within a dialog: re-INVITE (RFC 3261 §14.2), UPDATE (RFC 3311 §5.2) and PRACK (RFC 3262 §5).

use super::cx::CallCx;
use super::description::sdp_of;
use super::leg::ONLY;
use super::machine::Trigger as CallTrigger;
use super::machine::renegotiation::Phase;
use super::offer_answer::fault_of;
use super::session::Session;
use super::states::State;
use crate::base::marks::Mark;
use crate::base::name::{ServerRef, SessionTimer};
use crate::negotiation::{Carrier, Glare, OfferAnswer, Offered, PeerRequest, Trigger};
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{Cause, EffectResult, EndReason, EndedBy, MediaFault};
use bytes::Bytes;
use offhook_wire::{Message, Method};

impl Session {
    /// The peer's re-INVITE.
    pub(super) fn on_reinvite(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        let Some(e) = self.established_mut() else { return };
        let glare = match e.leg.offer_answer.glare() {
            // An earlier INVITE of the peer is pending until its ACK.
            _ if e.unacked.is_some() => Some(Glare::Theirs),
            glare => glare,
        };
        let agreed = e.leg.agreed.map(|agreed| agreed.types);
        let hold = self.intent.hold;
        if let Some(glare) = glare {
            return self.refuse_colliding(cx, tx, request, glare);
        }
        if !request.body_bytes().is_empty() && sdp_of(request).is_none() {
            return respond::unsupported_media(cx.base, cx.txs, tx, request);
        }
        self.refresh_dialog(cx, ONLY, request);
        // For its CANCEL.
        cx.txs.set_owner(&tx, self.id);
        let carrier = Carrier::Response(Box::new(PeerRequest { tx, message: request.clone() }));
        match sdp_of(request) {
            Some(sdp) => self.begin_answer(cx, ONLY, sdp, hold, carrier),
            None => {
                let intent = Offered { hold, restart: false, types: self.types_to_offer(agreed) };
                self.begin_offer(cx, ONLY, intent, carrier);
            }
        }
        self.await_step(cx);
    }

    /// The peer's UPDATE, in an early or a confirmed dialog. Without a description it refreshes the dialog only.
    pub(super) fn on_update(&mut self, cx: &mut CallCx<'_, '_>, n: usize, tx: ServerTx, request: &Message) {
        let Some(offer) = sdp_of(request) else {
            if !request.body_bytes().is_empty() {
                return respond::unsupported_media(cx.base, cx.txs, tx, request);
            }
            self.refresh_dialog(cx, n, request);
            return self.accept_request(cx, tx, request, None);
        };
        let open = self.leg(n).and_then(|leg| leg.offer_answer.glare());
        if let Some(glare) = open.or_else(|| self.invite_offer_open()) {
            if planted!(cx.base.config, UpdateAcceptedInGlare) {
                return self.accept_request(cx, tx, request, None);
            }
            return self.refuse_colliding(cx, tx, request, glare);
        }
        cx.mark(Mark::UpdateWithOffer);
        self.refresh_dialog(cx, n, request);
        let hold = self.intent.hold;
        let carrier = Carrier::Response(Box::new(PeerRequest { tx, message: request.clone() }));
        self.begin_answer(cx, n, offer, hold, carrier);
        if self.established_mut().is_some() {
            self.await_step(cx);
        }
    }

    /// Whether the INVITE that creates the call has an offer without a reliable answer: another one collides (RFC 3311 §5.2).
    fn invite_offer_open(&self) -> Option<Glare> {
        match &self.state {
            State::Checking(incoming, _) | State::Ringing(incoming) | State::Answering(incoming) => {
                (!incoming.provisional.is_agreed()).then_some(Glare::Theirs)
            }
            _ => None,
        }
    }

    pub(super) fn refuse_colliding(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        tx: ServerTx,
        request: &Message,
        glare: Glare,
    ) {
        match glare {
            Glare::Ours if planted!(cx.base.config, GlareNotAnswered) => {}
            Glare::Ours => {
                cx.mark(Mark::GlareAnswered);
                respond::answer(cx.base, cx.txs, tx, request, 491);
            }
            Glare::Theirs => respond::retry_later(cx.base, cx.txs, tx, request),
        }
    }

    fn refresh_dialog(&mut self, cx: &mut CallCx<'_, '_>, n: usize, request: &Message) {
        let refreshed = !planted!(cx.base.config, TargetNotRefreshed);
        let Some(leg) = self.leg_mut(n) else { return };
        if refreshed {
            leg.dialog.refresh_target(request);
        }
        leg.update_peer(cx.base.config, request);
    }

    /// The media engine created the answer to an offer of the peer, or not.
    pub(super) fn on_created_answer(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        n: usize,
        hold: bool,
        result: EffectResult,
    ) {
        let EffectResult::Answered { answer, agreed } = result else {
            return self.refuse_open_request(cx, n, fault_of(&result));
        };
        let taken = self.take_request(cx, n, Trigger::Described, OfferAnswer::Stable);
        if let Some(request) = taken {
            if request.message.method() == Some(Method::Update)
                && let Some(leg) = self.leg_mut(n)
            {
                let cseq = request.message.cseq().map_or(0, |cseq| cseq.number);
                leg.answered_update = Some(Box::new((cseq, answer.clone())));
            }
            self.accept_request(cx, request.tx, &request.message, Some(&answer));
        }
        if self.established_mut().is_some() {
            self.set_agreed_with_hold(cx, agreed, hold, None);
            self.reconcile(cx);
        } else {
            self.set_agreed(cx, n, agreed);
            self.answer_if_ready(cx);
        }
    }

    /// The media engine created the offer that the peer's re-INVITE asks for, or not.
    pub(super) fn on_wanted_offer(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        n: usize,
        intent: Offered,
        result: EffectResult,
    ) {
        let EffectResult::Description(sdp) = result else {
            return self.refuse_open_request(cx, n, fault_of(&result));
        };
        let next = OfferAnswer::OfferSent { intent };
        if let Some(request) = self.take_request(cx, n, Trigger::Described, next) {
            self.accept_request(cx, request.tx, &request.message, Some(&sdp));
        }
    }

    /// Refuses the request of the peer that waits for our description.
    pub(super) fn refuse_open_request(&mut self, cx: &mut CallCx<'_, '_>, n: usize, fault: MediaFault) {
        if let Some(request) = self.take_request(cx, n, Trigger::NoMedia, OfferAnswer::Stable) {
            let tag = self.tag.as_bytes();
            respond::refuse_offer(cx.base, cx.txs, request.tx, &request.message, Some(tag), fault);
        }
        self.reconcile(cx);
        // The 2xx to the INVITE waits for it.
        self.answer_if_ready(cx);
    }

    /// Sends the 2xx to a request of the peer that may change the media.
    fn accept_request(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        tx: ServerTx,
        request: &Message,
        sdp: Option<&Bytes>,
    ) {
        let (tag, contact) = (self.tag.as_bytes(), cx.account.contact());
        let response = match sdp {
            Some(sdp) => respond::accept(cx.base.config, request, tag, contact, sdp),
            None => respond::accept_without_sdp(cx.base.config, request, tag, contact),
        };
        if request.method() != Some(Method::Invite) {
            return cx.txs.finish(cx.base, tx, 200, response);
        }
        if let Some(e) = self.established_mut() {
            e.send_2xx(cx, tx, request, response);
        }
        self.set_timer(cx.base, cx.base.config.times.t1, SessionTimer::Retransmit);
    }

    /// The peer's re-INVITE was retransmitted over another connection, after its transaction was lost with the first one. If it is still
    /// being answered, the response is sent in this transaction.
    pub(super) fn retransmitted_reinvite(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, again: &Message) {
        let session = self.id;
        let Some(e) = self.established_mut() else { return };
        let number = |invite: &Message| invite.cseq().map_or(0, |cseq| cseq.number);
        if let Some(sdp) = e.answered_sdp(number(again)) {
            // It was accepted after its transaction was lost, so the peer did not get the 2xx.
            cx.mark(Mark::ChangeRepeated);
            return self.accept_request(cx, tx, again, Some(&sdp));
        }
        match e.leg.offer_answer.request_mut() {
            Some(PeerRequest { tx: open, message })
                if number(message) == number(again) && message.method() == Some(Method::Invite) =>
            {
                cx.mark(Mark::ChangeRepeated);
                // For its CANCEL.
                cx.txs.set_owner(&tx, session);
                let before = std::mem::replace(open, tx);
                let request = std::mem::replace(message, again.clone());
                // For a peer that reused a CSeq number; nothing is sent if the transaction was lost.
                respond::answer(cx.base, cx.txs, before, &request, 500);
            }
            _ => respond::answer(cx.base, cx.txs, tx, again, 500),
        }
    }

    /// The same for an UPDATE. One that was answered gets the same answer again.
    pub(super) fn retransmitted_update(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        n: usize,
        tx: ServerTx,
        again: &Message,
    ) {
        let number = |message: &Message| message.cseq().map_or(0, |cseq| cseq.number);
        let Some(leg) = self.leg_mut(n) else { return };
        let answered = leg.answered_update.as_ref().filter(|answered| answered.0 == number(again));
        if let Some(answer) = answered.map(|answered| answered.1.clone()) {
            cx.mark(Mark::UpdateRepeated);
            return self.accept_request(cx, tx, again, Some(&answer));
        }
        match leg.offer_answer.request_mut() {
            Some(PeerRequest { tx: open, message })
                if number(message) == number(again) && message.method() == Some(Method::Update) =>
            {
                cx.mark(Mark::UpdateRepeated);
                let before = std::mem::replace(open, tx);
                let request = std::mem::replace(message, again.clone());
                respond::answer(cx.base, cx.txs, before, &request, 500);
            }
            // It was refused. While the other offer is open, it collides again.
            _ => match leg.offer_answer.glare() {
                Some(glare) => self.refuse_colliding(cx, tx, again, glare),
                None => respond::answer(cx.base, cx.txs, tx, again, 500),
            },
        }
    }

    pub(super) fn reinvite_cancelled(&mut self, cx: &mut CallCx<'_, '_>, invite: ServerRef) {
        let open = self.leg_mut(ONLY).and_then(|leg| leg.offer_answer.request_mut());
        if open.is_none_or(|request| request.tx.id() != invite) {
            return;
        }
        let taken = self.take_request(cx, ONLY, Trigger::Cancelled, OfferAnswer::Stable);
        self.roll_back(cx.base, ONLY);
        if let Some(request) = taken {
            respond::answer(cx.base, cx.txs, request.tx, &request.message, 487);
        }
        cx.mark(Mark::ChangeCancelled);
        self.reconcile(cx);
    }

    /// The ACK has the answer to the offer of our 2xx (§13.2.1).
    pub(super) fn answer_in_ack(&mut self, cx: &mut CallCx<'_, '_>, ack: &Message) {
        let State::Established(e) = &self.state else { return };
        let is_in_2xx = e.renegotiation != Phase::Negotiating;
        if !is_in_2xx || !matches!(e.leg.offer_answer, OfferAnswer::OfferSent { .. }) {
            return;
        }
        if let Some(answer) = sdp_of(ack) {
            cx.mark(Mark::AnswerInAck);
            self.begin_apply(cx, ONLY, answer);
            return self.await_step(cx);
        }
        cx.mark(Mark::NoAnswerInAck);
        self.step(cx, ONLY, Trigger::Withdrawn, OfferAnswer::Stable);
        let why = EndReason::new(EndedBy::Peer, Cause::Protocol, None, "an ACK without an answer");
        self.hang_up_with(cx, CallTrigger::Refused, why);
    }
}
