//! The callee's role until the ACK (RFC 3261 §13.3).

use super::cx::CallCx;
use super::description::sdp_of;
use super::established::Established;
use super::leg::{Leg, ONLY};
use super::machine::Trigger;
use super::offer_answer::fault_of;
use super::provisional::Provisional;
use super::reasons::{cancel_reason, not_connected, refusal_of};
use super::session::Session;
use super::states::{Incoming, State};
use crate::api::reason::reason_of;
use crate::base::marks::Mark;
use crate::base::name::SessionTimer;
use crate::dialog::{Dialog, Order};
use crate::negotiation::{Carrier, OfferAnswer, Offered, Trigger as Offering};
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{
    CallEvent, Cause, ConnectionId, EffectResult, EndReason, EndedBy, MediaFault, MediaTypes, SessionId,
};
use bytes::Bytes;
use offhook_wire::{Message, Method};

/// The final response to an INVITE that is refused.
struct Refusal {
    code: u16,
    /// The fault of its offer.
    fault: Option<MediaFault>,
}

impl Session {
    /// A call from an INVITE. `None`, with a response sent, if the INVITE cannot create a dialog.
    pub(crate) fn incoming(
        id: SessionId,
        cx: &mut CallCx<'_, '_>,
        tx: ServerTx,
        connection: ConnectionId,
        invite: Message,
    ) -> Option<Self> {
        let mut session = Self::new(id, cx, None);
        let Ok(dialog) = Dialog::of_request(&invite, session.tag.as_bytes()) else {
            cx.mark(Mark::NoDialog);
            respond::answer(cx.base, cx.txs, tx, &invite, 400);
            return None;
        };
        let mut leg = Leg::new(dialog, OfferAnswer::Stable);
        leg.update_peer(cx.base.config, &invite);
        let offer = sdp_of(&invite);
        let incoming =
            Incoming { tx, connection, invite: Box::new(invite), leg, provisional: Provisional::default() };
        match offer {
            Some(offer) => session.check_offer(cx, incoming, offer),
            None => {
                session.report_incoming(cx, &incoming.invite, None);
                session.transition(cx.base, Trigger::Invite, |_| State::Ringing(incoming));
                session.alert(cx);
            }
        }
        Some(session)
    }

    pub(super) fn report_incoming(
        &self,
        cx: &mut CallCx<'_, '_>,
        invite: &Message,
        types: Option<MediaTypes>,
    ) {
        let (Ok(from), Ok(to)) = (invite.from(), invite.to()) else {
            unreachable!("a dialog was made of them")
        };
        cx.base.out.call_event(
            self.id,
            CallEvent::Incoming(crate::Incoming {
                account: self.account,
                from: String::from_utf8_lossy(from.uri).into_owned(),
                display_name: from.display_name().map(|name| name.into_owned()),
                to: String::from_utf8_lossy(to.uri).into_owned(),
                types,
            }),
        );
    }

    /// Informs the caller that the user is alerted, and limits the time of that.
    pub(super) fn alert(&mut self, cx: &mut CallCx<'_, '_>) {
        if !planted!(cx.base.config, RingingNotSaid) {
            self.send_provisional(cx, 180, None);
        }
        self.set_timer(cx.base, cx.base.config.no_answer, SessionTimer::NoAnswer);
    }

    /// The user answers.
    pub(crate) fn answer(&mut self, cx: &mut CallCx<'_, '_>) {
        let State::Ringing(incoming) = &self.state else { return };
        let Incoming { invite, leg, provisional, .. } = incoming;
        let begins = leg.offer_answer.is_stable() && !provisional.has_description();
        let offer = sdp_of(invite);
        // The media engine, which may ask the user for a microphone, has as long as the call may ring.
        self.set_timer(cx.base, cx.base.config.no_answer, SessionTimer::NoAnswer);
        self.transition(cx.base, Trigger::Answer, |state| match state {
            State::Ringing(incoming) => State::Answering(incoming),
            other => other,
        });
        match offer {
            // Early media: the 2xx follows when its exchange is complete.
            _ if !begins => self.answer_if_ready(cx),
            Some(offer) => self.begin_answer(cx, ONLY, offer, false, Carrier::Invite),
            None => {
                cx.mark(Mark::LateOffer);
                let intent = Offered { types: self.intent.types, ..Offered::default() };
                self.begin_offer(cx, ONLY, intent, Carrier::Invite);
            }
        }
    }

    /// The media engine created the answer to the offer of the INVITE, or not.
    pub(super) fn on_invite_answer_result(&mut self, cx: &mut CallCx<'_, '_>, result: EffectResult) {
        let EffectResult::Answered { answer, agreed } = result else {
            return self.no_description(cx, fault_of(&result));
        };
        self.step(cx, ONLY, Offering::Described, OfferAnswer::Stable);
        self.set_agreed(cx, ONLY, agreed);
        match &self.state {
            State::Ringing(_) => {
                cx.mark(Mark::EarlyMediaSent);
                self.send_provisional(cx, 183, Some(answer));
            }
            _ => self.accept(cx, Some(answer)),
        }
    }

    /// The media engine created the offer that an INVITE without one asks for, or not.
    pub(super) fn on_late_offer_result(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        intent: Offered,
        result: EffectResult,
    ) {
        let EffectResult::Description(offer) = result else {
            return self.no_description(cx, fault_of(&result));
        };
        self.step(cx, ONLY, Offering::Described, OfferAnswer::OfferSent { intent });
        match &self.state {
            State::Ringing(_) => {
                cx.mark(Mark::EarlyMediaSent);
                self.send_provisional(cx, 183, Some(offer));
            }
            _ => self.accept(cx, Some(offer)),
        }
    }

    /// The media engine created no description: without early media the call rings on, but it cannot be answered.
    fn no_description(&mut self, cx: &mut CallCx<'_, '_>, fault: MediaFault) {
        if !matches!(self.state, State::Ringing(_)) {
            return self.refuse_unusable(cx, fault);
        }
        cx.mark(Mark::EarlyMediaFailed);
        self.step(cx, ONLY, Offering::NoMedia, OfferAnswer::Stable);
    }

    /// The media engine cannot use the caller's description, or failed: refuses the INVITE.
    pub(super) fn refuse_unusable(&mut self, cx: &mut CallCx<'_, '_>, fault: MediaFault) {
        cx.mark(Mark::MediaRefused);
        self.cancel_timer(cx.base, SessionTimer::NoAnswer);
        let (code, cause) = refusal_of(fault);
        let why = EndReason::new(EndedBy::Us, cause, Some(code), "the media engine refused the call");
        let refusal = Refusal { code, fault: Some(fault) };
        self.refuse_with(cx, Trigger::NoMedia, refusal, why);
    }

    /// Sends the 2xx after early media, when the exchange of the descriptions is complete and acknowledged (RFC 3262 §3).
    pub(super) fn answer_if_ready(&mut self, cx: &mut CallCx<'_, '_>) {
        let State::Answering(incoming) = &self.state else { return };
        let provisional = &incoming.provisional;
        let delayed = provisional.delays_2xx() && !planted!(cx.base.config, AnswerBeforePrack);
        let has_description = provisional.has_description() && !delayed;
        if !incoming.leg.offer_answer.is_stable() || !has_description {
            return;
        }
        let preview = provisional.preview.clone();
        self.accept(cx, preview);
    }

    /// Sends the 2xx.
    fn accept(&mut self, cx: &mut CallCx<'_, '_>, sdp: Option<Bytes>) {
        self.cancel_timer(cx.base, SessionTimer::NoAnswer);
        let State::Answering(incoming) = &self.state else { return };
        let unacknowledged = incoming.provisional.last();
        let (tag, contact) = (self.tag.as_bytes(), cx.account.contact());
        let response = match &sdp {
            Some(sdp) => respond::accept(cx.base.config, &incoming.invite, tag, contact, sdp),
            None => respond::accept_without_sdp(cx.base.config, &incoming.invite, tag, contact),
        };
        self.end_provisional(cx);
        let sent = self.transition_with(cx.base, Trigger::Described, |state| match state {
            State::Answering(Incoming { tx, invite, leg, .. }) => {
                (State::AwaitingAck(Established::new(leg, false)), Some((tx, invite)))
            }
            other => (other, None),
        });
        if let (Some(e), Some((tx, invite))) = (self.established_mut(), sent) {
            e.send_2xx(cx, tx, &invite, response);
            e.provisional = unacknowledged;
        }
        self.set_timer(cx.base, cx.base.config.times.t1, SessionTimer::Retransmit);
    }

    /// Rejects the call, for the user or by a rule.
    pub(super) fn refuse(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, code: u16, why: EndReason) {
        let refusal = Refusal { code, fault: None };
        self.refuse_with(cx, trigger, refusal, why);
    }

    fn refuse_with(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, refusal: Refusal, why: EndReason) {
        self.cancel_open_request(cx);
        self.end_provisional(cx);
        let is_known = self.before_end(cx, &why);
        let open = self.transition_with(cx.base, trigger, |state| match state {
            State::Checking(incoming, _) | State::Ringing(incoming) | State::Answering(incoming) => {
                (State::Ended, Some((incoming.tx, incoming.invite)))
            }
            _ => unreachable!("only a call without a final response can be refused"),
        });
        if let Some((tx, invite)) = open {
            let tag = Some(self.tag.as_bytes());
            match refusal.fault {
                Some(fault) => respond::refuse_offer(cx.base, cx.txs, tx, &invite, tag, fault),
                None => {
                    let response = respond::bare(cx.base.config, &invite, refusal.code, tag);
                    cx.txs.finish(cx.base, tx, refusal.code, response);
                }
            }
        }
        if is_known {
            self.after_end(cx, why);
        }
    }

    pub(super) fn invite_cancelled(&mut self, cx: &mut CallCx<'_, '_>, cancel: &Message) {
        self.refuse(cx, Trigger::Cancelled, 487, cancel_reason(cancel));
    }

    pub(super) fn ringing_connection_lost(&mut self, cx: &mut CallCx<'_, '_>) {
        // The transaction was lost with its connection: no response can be sent.
        self.end(cx, Trigger::NoConnection, not_connected());
    }
}

/// Requests of the peer before the 2xx, and the ACK.
impl Session {
    /// A request of the caller within the early dialog (RFC 3261 §12.2.2).
    pub(super) fn early_dialog_request(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        let Some(leg) = self.leg_mut(ONLY) else { return };
        let order = leg.dialog.order(cx.base.config, request);
        match (request.method(), order) {
            // The first INVITE has no final response yet (§14.2).
            (Some(Method::Invite), _) => return respond::retry_later(cx.base, cx.txs, tx, request),
            (_, Order::Late) => {
                cx.mark(Mark::LateSequence);
                return respond::answer(cx.base, cx.txs, tx, request, 500);
            }
            (Some(Method::Bye), _) => cx.mark(Mark::RingingBye),
            (Some(Method::Update), Order::Repeated) => {
                return self.retransmitted_update(cx, ONLY, tx, request);
            }
            (Some(Method::Prack), Order::Repeated) => return self.repeated_prack(cx, tx, request),
            (Some(Method::Prack), _) => return self.on_prack(cx, tx, request),
            (Some(Method::Update), _) => return self.on_update(cx, ONLY, tx, request),
            _ => {
                cx.mark(Mark::RingingRequest);
                return respond::out_of_dialog(cx.base, cx.txs, cx.account.id(), tx, request, 200);
            }
        }
        respond::answer(cx.base, cx.txs, tx, request, 200);
        let (code, text) = reason_of(request);
        let why = EndReason { by: EndedBy::Peer, cause: Cause::Cancelled, code, text };
        self.refuse(cx, Trigger::Bye, 487, why);
    }

    pub(super) fn acknowledged(&mut self, cx: &mut CallCx<'_, '_>) {
        match &self.state {
            State::AwaitingAck(_) => {
                self.transition(cx.base, Trigger::Acked, |state| match state {
                    State::AwaitingAck(established) => State::Established(established),
                    other => other,
                });
                if self.established_mut().is_some_and(|e| e.is_held()) {
                    self.hold_event(cx);
                }
                self.report_types(cx, None);
                self.await_media(cx);
            }
            State::HangUpAfterAck(_, why) => {
                let why = why.clone();
                self.terminate_dialog(cx, Trigger::Acked, why);
            }
            _ => {}
        }
    }
}
