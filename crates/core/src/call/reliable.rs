//! Reliable provisional responses to an INVITE of the peer (RFC 3262 §3), and early media (§5).

use super::cx::CallCx;
use super::description::{has_sdp, sdp_of};
use super::leg::ONLY;
use super::machine::Trigger as CallTrigger;
use super::machine::reliable::{EDGES, Phase, Trigger};
use super::provisional::Unacknowledged;
use super::session::Session;
use super::states::{Incoming, State};
use crate::base::decimal::decimal;
use crate::base::marks::Mark;
use crate::base::name::{Machine, SessionTimer};
use crate::capabilities::CAPABILITIES;
use crate::negotiation::{Carrier, OfferAnswer, Offered, PeerRequest, Trigger as Offering};
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{Cause, EndReason, EndedBy};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message, Method};

/// Whether the caller requires or supports reliable provisional responses.
fn requires(invite: &Message) -> bool {
    invite.header(HeaderName::Require).is_some() && invite.has_token(HeaderName::Require, "100rel")
}

pub(super) fn supports(invite: &Message) -> bool {
    requires(invite) || invite.has_token(HeaderName::Supported, "100rel")
}

impl Session {
    fn incoming_mut(&mut self) -> Option<&mut Incoming> {
        match &mut self.state {
            State::Ringing(incoming) | State::Answering(incoming) => Some(incoming),
            _ => None,
        }
    }

    /// Sends a provisional response: reliably if the caller requires it, or if it has a description and the caller supports that.
    pub(super) fn send_provisional(&mut self, cx: &mut CallCx<'_, '_>, code: u16, sdp: Option<Bytes>) {
        let prefers = cx.base.config.reliable_provisional || sdp.is_some();
        let Some(incoming) = self.incoming_mut() else { return };
        let required = requires(&incoming.invite);
        let mut reliable = required || prefers && supports(&incoming.invite);
        // Without an offer in the INVITE, the first reliable response must have ours (§5).
        if reliable && sdp.is_none() && !has_sdp(&incoming.invite) {
            if required {
                // An unreliable one is not allowed.
                cx.mark(Mark::RingingNotReliable);
                return;
            }
            reliable = false;
        }
        if reliable && incoming.provisional.unacknowledged.is_some() {
            incoming.provisional.next = Some((code, sdp));
            return;
        }
        let rseq = reliable.then(|| incoming.provisional.next_rseq(cx));
        let response = self.provisional(cx, code, rseq, sdp.as_ref());
        let Some(incoming) = self.incoming_mut() else { return };
        if let Some(sdp) = &sdp {
            incoming.provisional.described = reliable;
            incoming.provisional.preview = (!reliable).then(|| sdp.clone());
        }
        cx.txs.provisional(cx.base, &incoming.tx, response.clone());
        if reliable {
            let times = cx.base.config.times;
            let give_up = cx.base.now + times.t1 * 64;
            let has_sdp = sdp.is_some();
            let unacknowledged = Unacknowledged { response, has_sdp, interval: times.t1, give_up };
            self.reliable(cx, Trigger::Sent, Some(Box::new(unacknowledged)));
            self.set_timer(cx.base, times.t1, SessionTimer::Retransmit);
        }
    }

    fn provisional(&self, cx: &CallCx<'_, '_>, code: u16, rseq: Option<u32>, sdp: Option<&Bytes>) -> Bytes {
        let (State::Ringing(incoming) | State::Answering(incoming)) = &self.state else {
            return Bytes::new();
        };
        let (tag, contact) = (self.tag.as_bytes(), cx.account.contact());
        let mut b = respond::reply(cx.base.config, &incoming.invite, code, tag, contact);
        if let Some(rseq) = rseq {
            b.header(HeaderName::Require, b"100rel");
            b.header(HeaderName::RSeq, decimal(rseq, &mut [0; 10]));
            // RFC 3311 §5.1: the caller may send UPDATE in the early dialog.
            b.header(HeaderName::Allow, CAPABILITIES.allow);
        }
        match sdp {
            Some(sdp) => b.body(respond::SDP, sdp),
            None => b.finish(),
        }
    }

    /// Writes the state of the reliable provisional responses. Returns what was unacknowledged.
    fn reliable(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        trigger: Trigger,
        next: Option<Box<Unacknowledged>>,
    ) -> Option<Box<Unacknowledged>> {
        let machine = Machine::Reliable(self.id);
        let provisional = &mut self.incoming_mut()?.provisional;
        let from = provisional.phase();
        let before = std::mem::replace(&mut provisional.unacknowledged, next);
        cx.base.trace.transition(cx.base.now, machine, &EDGES, from, trigger, provisional.phase());
        before
    }

    /// Retransmits the response that has no PRACK yet. After 64·T1 the INVITE is refused (§3).
    pub(super) fn retransmit_provisional(&mut self, cx: &mut CallCx<'_, '_>) {
        let Some(incoming) = self.incoming_mut() else { return };
        let Some(unacknowledged) = &mut incoming.provisional.unacknowledged else { return };
        let now = cx.base.now;
        if now >= unacknowledged.give_up {
            cx.mark(Mark::PrackMissing);
            let text = "no PRACK came";
            let why = EndReason::new(EndedBy::Network, Cause::TimedOut, Some(504), text);
            return self.refuse(cx, CallTrigger::Timeout, 504, why);
        }
        // No maximum: the interval doubles until the end (§3).
        unacknowledged.interval *= 2;
        let wait = unacknowledged.interval.min(unacknowledged.give_up.saturating_since(now));
        let response = unacknowledged.response.clone();
        if !planted!(cx.base.config, ProvisionalNotRepeated) {
            cx.txs.provisional(cx.base, &incoming.tx, response);
        }
        let machine = Machine::Reliable(self.id);
        let phase = Phase::Unacknowledged;
        cx.base.trace.transition(now, machine, &EDGES, phase, Trigger::Retransmitted, phase);
        cx.mark(Mark::ProvisionalAgain);
        self.set_timer(cx.base, wait, SessionTimer::Retransmit);
    }

    /// A PRACK of the caller: it acknowledges the response that it names (§3).
    pub(super) fn on_prack(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        let named = request.rack().ok().flatten();
        let Some(incoming) = self.incoming_mut() else {
            return self.late_prack(cx, tx, request, named.map(|(rseq, _)| rseq));
        };
        let cseq = incoming.invite.cseq().map_or(0, |cseq| cseq.number);
        let matches = named.is_some_and(|(rseq, of)| {
            rseq == incoming.provisional.rseq && of.number == cseq && of.method == Method::Invite
        });
        if !matches || incoming.provisional.unacknowledged.is_none() {
            cx.mark(Mark::PrackOfAnother);
            return respond::answer(cx.base, cx.txs, tx, request, 481);
        }
        self.cancel_timer(cx.base, SessionTimer::Retransmit);
        let had_sdp = self.reliable(cx, Trigger::Prack, None).is_some_and(|response| response.has_sdp);
        cx.mark(Mark::PrackReceived);
        self.on_prack_body(cx, tx, request, had_sdp);
        let next = self.incoming_mut().and_then(|incoming| incoming.provisional.next.take());
        if let Some((code, sdp)) = next {
            self.send_provisional(cx, code, sdp);
        }
        self.answer_if_ready(cx);
    }

    /// A PRACK that was processed already, in another transaction: its 200 was lost.
    pub(super) fn repeated_prack(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        let named = request.rack().ok().flatten().map(|(rseq, _)| rseq);
        let last = self.incoming_mut().map(|incoming| &incoming.provisional);
        let known = last.is_some_and(|last| last.last().is_none() && Some(last.rseq) == named);
        // The answer to an offer in it would be needed again.
        let code = if known && sdp_of(request).is_none() { 200 } else { 500 };
        respond::answer(cx.base, cx.txs, tx, request, code);
    }

    /// A PRACK that arrives after the 2xx (§3).
    fn late_prack(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message, rseq: Option<u32>) {
        let awaited = self.established_mut().and_then(|e| e.provisional.take_if(|last| Some(*last) == rseq));
        let code = if awaited.is_some() { 200 } else { 481 };
        respond::answer(cx.base, cx.txs, tx, request, code);
    }

    /// The description in a PRACK: the answer to the offer of our response, or another offer (§5).
    fn on_prack_body(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message, had_sdp: bool) {
        let open =
            self.leg(ONLY).is_some_and(|leg| matches!(leg.offer_answer, OfferAnswer::OfferSent { .. }));
        if had_sdp && let Some(incoming) = self.incoming_mut() {
            incoming.provisional.agreed = true;
        }
        if !request.body_bytes().is_empty() && !has_sdp(request) {
            return respond::unsupported_media(cx.base, cx.txs, tx, request);
        }
        match sdp_of(request) {
            Some(answer) if open && had_sdp => {
                respond::answer(cx.base, cx.txs, tx, request, 200);
                self.begin_apply(cx, ONLY, answer);
            }
            None if open && had_sdp => {
                respond::answer(cx.base, cx.txs, tx, request, 200);
                let text = "a PRACK without an answer";
                let why = EndReason::new(EndedBy::Peer, Cause::Protocol, Some(400), text);
                self.refuse(cx, CallTrigger::Refused, 400, why);
            }
            Some(_) if !self.is_agreed() => {
                // RFC 3262 §5: an offer is possible only after the first exchange.
                respond::retry_later(cx.base, cx.txs, tx, request);
            }
            Some(offer) => {
                if let Some(glare) = self.leg(ONLY).and_then(|leg| leg.offer_answer.glare()) {
                    return self.refuse_colliding(cx, tx, request, glare);
                }
                let carrier = Carrier::Response(Box::new(PeerRequest { tx, message: request.clone() }));
                self.begin_answer(cx, ONLY, offer, false, carrier);
            }
            None => respond::answer(cx.base, cx.txs, tx, request, 200),
        }
    }

    fn is_agreed(&mut self) -> bool {
        self.incoming_mut().is_some_and(|incoming| incoming.provisional.is_agreed())
    }

    /// Whether early media can be sent: an offer can be answered in any provisional response, but ours only be made in a reliable one
    /// (RFC 3262 §5).
    pub(crate) fn can_send_early_media(&self) -> bool {
        match &self.state {
            State::Ringing(incoming) => {
                let provisional = &incoming.provisional;
                incoming.leg.offer_answer.is_stable()
                    && !provisional.has_description()
                    && (sdp_of(&incoming.invite).is_some() || supports(&incoming.invite))
            }
            _ => false,
        }
    }

    /// Begins early media: a 183 with our description.
    pub(crate) fn send_early_media(&mut self, cx: &mut CallCx<'_, '_>) {
        let State::Ringing(incoming) = &self.state else { return };
        match sdp_of(&incoming.invite) {
            Some(offer) => self.begin_answer(cx, ONLY, offer, false, Carrier::Invite),
            None => self.begin_offer(cx, ONLY, Offered::default(), Carrier::Invite),
        }
    }

    /// The 2xx or a refusal ends the retransmission.
    pub(super) fn end_provisional(&mut self, cx: &mut CallCx<'_, '_>) {
        if self.incoming_mut().is_some_and(|incoming| incoming.provisional.unacknowledged.is_some()) {
            self.reliable(cx, Trigger::Final, None);
        }
        self.cancel_timer(cx.base, SessionTimer::Retransmit);
    }

    /// A request of the caller that waits for our description gets 487.
    pub(super) fn cancel_open_request(&mut self, cx: &mut CallCx<'_, '_>) {
        let open = self.only_leg().and_then(|leg| leg.offer_answer.request_mut());
        if open.is_some()
            && let Some(request) = self.take_request(cx, ONLY, Offering::Cancelled, OfferAnswer::Stable)
        {
            respond::answer(cx.base, cx.txs, request.tx, &request.message, 487);
        }
    }
}
