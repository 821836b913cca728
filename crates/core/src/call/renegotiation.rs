//! Renegotiation by the user's intent (RFC 3261 §14.1, RFC 3311 §5.1): hold, resume, a restart of ICE, other types of media. The
//! intent is stored, and our offers are derived from it.

use super::cx::CallCx;
use super::dialog_request::DialogRequest;
use super::established::Established;
use super::intent::Intent;
use super::leg::ONLY;
use super::machine::Trigger as CallTrigger;
use super::machine::renegotiation::{EDGES, Phase, Trigger};
use super::reasons::refusal_of;
use super::session::Session;
use super::states::State;
use crate::base::bounds;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::{Machine, SessionTimer};
use crate::negotiation::{Carrier, OfferAnswer, Offered, Trigger as Offering};
use crate::planted::planted;
use crate::transaction::TxFailure;
use crate::{Agreed, CallEvent, Cause, EffectResult, EndReason, EndedBy, MediaFault, RenegotiateBy};
use offhook_wire::Message;
use std::time::Duration;

/// The longest Retry-After of a 500 that is followed, in seconds: the RFCs say 0 to 10.
const LONGEST_DEFERRAL: u32 = 10;

impl Established {
    /// Whether the agreed media is not what the user wants.
    fn needs_offer(&self, intent: &Intent) -> bool {
        let is_other = |agreed: crate::Agreed| intent.types_pending && agreed.types != intent.types;
        let is_held_otherwise = intent.hold != self.holds;
        is_held_otherwise || intent.restart || self.uncertain || self.leg.agreed.is_none_or(is_other)
    }
}

impl Session {
    /// Writes the state of the renegotiation.
    fn renegotiation(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, to: Phase) {
        let machine = Machine::Renegotiation(self.id);
        let Some(e) = self.established_mut() else { return };
        let from = std::mem::replace(&mut e.renegotiation, to);
        cx.base.trace.transition(cx.base.now, machine, &EDGES, from, trigger, to);
    }

    /// Sets the user's intent.
    pub(crate) fn set_hold(&mut self, cx: &mut CallCx<'_, '_>, hold: bool) {
        let Some(e) = self.state.established_mut() else { return };
        let was_intent = std::mem::replace(&mut self.intent.hold, hold);
        self.intent.hold_pending = true;
        e.uncertain |= std::mem::take(&mut e.unsettled);
        let settled = e.leg.offer_answer.is_stable()
            && matches!(e.renegotiation, Phase::Idle | Phase::AwaitingConnection);
        if e.holds == hold && !e.uncertain && (was_intent == hold || settled) {
            if e.renegotiation == Phase::AwaitingConnection && !e.needs_offer(&self.intent) {
                self.renegotiation(cx, Trigger::Withdrawn, Phase::Idle);
                self.cancel_timer(cx.base, SessionTimer::Renegotiation);
            }
            return self.hold_event(cx);
        }
        self.reconcile(cx);
    }

    /// Restarts ICE.
    pub(crate) fn restart_media(&mut self, cx: &mut CallCx<'_, '_>) {
        if self.established_mut().is_none() {
            return;
        }
        self.intent.restart = true;
        self.reconcile(cx);
    }

    /// Begins an offer if the agreed media is not the intent, and nothing else is pending.
    pub(super) fn reconcile(&mut self, cx: &mut CallCx<'_, '_>) {
        let State::Established(e) = &mut self.state else { return };
        let busy = !e.leg.offer_answer.is_stable() || e.unacked.is_some();
        if busy || self.timers[SessionTimer::Glare as usize].is_some() {
            return;
        }
        let phase = e.renegotiation;
        if !e.needs_offer(&self.intent) {
            let hold_pending = self.intent.hold_pending;
            if phase != Phase::Idle {
                self.renegotiation(cx, Trigger::Withdrawn, Phase::Idle);
            }
            self.cancel_timer(cx.base, SessionTimer::Renegotiation);
            // An intent that was withdrawn while it waited has an outcome too.
            if hold_pending {
                cx.mark(Mark::WishTakenBack);
                self.hold_event(cx);
            }
            self.report_types(cx, None);
            return;
        }
        if cx.account.path().is_none() {
            // The connection may come back; the intent waits for it until the timer fires.
            if phase != Phase::AwaitingConnection {
                self.renegotiation(cx, Trigger::NoConnection, Phase::AwaitingConnection);
                self.set_timer(cx.base, cx.base.config.times.t1 * 64, SessionTimer::Renegotiation);
            }
            return;
        }
        let agreed = e.leg.agreed.map(|agreed| agreed.types);
        let (hold, restart) = (self.intent.hold, self.intent.restart);
        let intent = Offered { hold, restart, types: self.types_to_offer(agreed) };
        self.renegotiation(cx, Trigger::Offer, Phase::Negotiating);
        self.begin_offer(cx, ONLY, intent, Carrier::Request);
        self.await_step(cx);
    }

    /// Limits the time of a step that the media engine or the peer has to complete.
    pub(super) fn await_step(&mut self, cx: &mut CallCx<'_, '_>) {
        self.set_timer(cx.base, cx.base.config.times.t1 * 64, SessionTimer::Renegotiation);
    }

    /// The step was not completed in time, or there was no connection to begin it.
    pub(super) fn renegotiation_timeout(&mut self, cx: &mut CallCx<'_, '_>) {
        let Some(e) = self.established_mut() else { return };
        let phase = e.renegotiation;
        let stable = e.leg.offer_answer.is_stable();
        if stable && phase != Phase::AwaitingConnection {
            // The timer of a completed step.
            return;
        }
        cx.mark(Mark::ChangeOverdue);
        if planted!(cx.base.config, ChangeNeverEnds) {
            return;
        }
        match &e.leg.offer_answer {
            OfferAnswer::Stable => {
                self.renegotiation(cx, Trigger::Timeout, Phase::Idle);
                self.intent_refused(cx, None, None);
            }
            OfferAnswer::CreatingOffer { carrier: Carrier::Response(_), .. }
            | OfferAnswer::CreatingAnswer { .. } => {
                self.roll_back(cx.base, ONLY);
                self.refuse_open_request(cx, ONLY, MediaFault::Engine);
            }
            OfferAnswer::CreatingOffer { intent, .. } => {
                let offered = *intent;
                self.withdraw(cx, Offering::NoMedia);
                self.renegotiation(cx, Trigger::Timeout, Phase::Idle);
                self.intent_refused(cx, Some(offered), None);
            }
            // After a 1xx an INVITE has no time-out (§17.1.1.2). Now a final response follows, or its failure after 64·T1
            // (§9.1).
            OfferAnswer::OfferSent { .. } => {
                let reinvite = |p: &&super::dialog_request::PendingRequest| {
                    matches!(p.request, DialogRequest::Invite { .. })
                };
                if let Some(invite) = e.leg.pending.iter().find(reinvite) {
                    cx.txs.cancel(cx.base, invite.tx);
                }
            }
            OfferAnswer::ApplyingAnswer { .. } => {
                self.step(cx, ONLY, Offering::NoMedia, OfferAnswer::Stable);
                self.answer_unusable(cx, MediaFault::Engine);
            }
        }
    }

    /// The media engine created our offer, or not.
    pub(super) fn on_renegotiation_offer(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        intent: Offered,
        result: EffectResult,
    ) {
        let EffectResult::Description(sdp) = result else {
            self.step(cx, ONLY, Offering::NoMedia, OfferAnswer::Stable);
            self.renegotiation(cx, Trigger::Refused, Phase::Idle);
            return self.intent_refused(cx, Some(intent), None);
        };
        let by_update = cx.base.config.renegotiate_by == RenegotiateBy::Update
            && self.leg(ONLY).is_some_and(|leg| leg.allows_update);
        let request = if by_update { DialogRequest::Update { sdp } } else { DialogRequest::Invite { sdp } };
        if self.send_request(cx, ONLY, request) {
            self.step(cx, ONLY, Offering::Described, OfferAnswer::OfferSent { intent });
            self.await_step(cx);
        } else {
            // The connection was lost while the offer was created.
            self.withdraw(cx, Offering::Withdrawn);
            self.reconcile_after_loss(cx);
        }
    }

    /// Ends our offer without an answer: the media stays as agreed before (RFC 3264 §8).
    fn withdraw(&mut self, cx: &mut CallCx<'_, '_>, trigger: Offering) {
        self.step(cx, ONLY, trigger, OfferAnswer::Stable);
        if !planted!(cx.base.config, NoRollback) {
            self.roll_back(cx.base, ONLY);
        }
    }

    /// What was offered is refused: the agreed media becomes the intent. An intent that was not in the offer is offered next. `offered`:
    /// `None` if there was no connection for an offer, so that each intent has failed.
    fn intent_refused(&mut self, cx: &mut CallCx<'_, '_>, offered: Option<Offered>, code: Option<u16>) {
        let offered = offered.filter(|_| !planted!(cx.base.config, RefusalOfAll));
        let Some(e) = self.established_mut() else { return };
        e.glares = 0;
        if e.leg.agreed.is_none() {
            let why = EndReason::new(EndedBy::Peer, Cause::NotAcceptable, code, "no media was agreed on");
            return self.hang_up_with(cx, CallTrigger::Refused, why);
        }
        if self.intent.restart && offered.is_none_or(|offered| offered.restart) {
            self.intent.restart = false;
            cx.mark(Mark::RestartRefused);
            let event = CallEvent::MediaRestarted { accepted: false, code };
            cx.base.out.call_event(self.id, event);
        }
        if offered.is_none_or(|offered| offered.types == self.intent.types) {
            self.types_refused(cx, code);
        }
        if offered.is_none_or(|offered| offered.hold == self.intent.hold) {
            self.hold_refused(cx, code);
        }
        self.reconcile(cx);
    }

    /// The wanted hold was refused: the agreed one becomes the intent.
    fn hold_refused(&mut self, cx: &mut CallCx<'_, '_>, code: Option<u16>) {
        let Some(e) = self.state.established_mut() else { return };
        let uncertain = std::mem::take(&mut e.uncertain);
        e.unsettled |= uncertain;
        let hold = std::mem::replace(&mut self.intent.hold, e.holds);
        if hold != e.holds || uncertain && self.intent.hold_pending {
            self.intent.hold_pending = false;
            cx.mark(Mark::HoldRefused);
            self.hold_failed(cx, hold, code);
        } else if self.intent.hold_pending {
            // The agreed hold is the intent.
            self.hold_event(cx);
        }
    }

    /// Our offer, or that of our 2xx, was answered and applied.
    pub(super) fn renegotiation_done(&mut self, cx: &mut CallCx<'_, '_>, intent: Offered, agreed: Agreed) {
        let Some(e) = self.established_mut() else { return };
        (e.uncertain, e.unsettled) = (false, false);
        if e.renegotiation == Phase::Negotiating {
            self.renegotiation(cx, Trigger::Agreed, Phase::Idle);
        }
        if intent.restart {
            cx.mark(Mark::MediaRestarted);
            let event = CallEvent::MediaRestarted { accepted: true, code: None };
            if !planted!(cx.base.config, RestartNotReported) {
                cx.base.out.call_event(self.id, event);
            }
            self.intent.restart = false;
        }
        self.set_agreed_with_hold(cx, agreed, intent.hold, Some(intent.types));
        self.reconcile(cx);
    }

    pub(super) fn answer_unusable(&mut self, cx: &mut CallCx<'_, '_>, fault: MediaFault) {
        let (code, cause) = refusal_of(fault);
        cx.mark(Mark::AnswerUnusable);
        let why = EndReason::new(EndedBy::Us, cause, Some(code), "the answer cannot be used");
        self.hang_up_with(cx, CallTrigger::NoMedia, why);
    }

    /// Our re-INVITE or UPDATE was accepted.
    pub(super) fn offer_accepted(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        if let Some(e) = self.established_mut() {
            e.glares = 0;
        }
        let answer = super::description::sdp_of(message);
        if answer.is_some_and(|answer| self.begin_apply(cx, ONLY, answer)) {
            return self.await_step(cx);
        }
        cx.mark(Mark::ChangeWithoutAnswer);
        let why = EndReason::new(EndedBy::Peer, Cause::Protocol, Some(code), "a 2xx without an answer");
        self.terminate(cx, CallTrigger::Refused, why);
    }

    /// Our re-INVITE or UPDATE was refused. A 408 or 481 ends the call: `dialog_response` does that.
    pub(super) fn offer_refused(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        code: u16,
        message: &Message,
        by_update: bool,
    ) {
        // A proxy may say so although the peer has accepted the offer. After a re-INVITE the peer misses the ACK.
        if by_update
            && matches!(code, 480 | 501..=599)
            && let Some(e) = self.established_mut()
        {
            e.uncertain = true;
        }
        let wait = self.wait_after(cx, code, message);
        if let Some(wait) = wait.filter(|_| self.may_try_again()) {
            cx.mark(if code == 491 { Mark::Glare } else { Mark::OfferDeferred });
            if !planted!(cx.base.config, OfferNotWithdrawn) {
                self.withdraw(cx, Offering::Withdrawn);
            }
            if planted!(cx.base.config, WishLostOnGlare)
                && let Some(e) = self.state.established_mut()
            {
                self.intent.hold = e.holds;
            }
            self.renegotiation(cx, Trigger::Glare, Phase::Glare);
            if !planted!(cx.base.config, GlareForgotten) {
                self.set_timer(cx.base, wait, SessionTimer::Glare);
            }
            return;
        }
        cx.mark(Mark::ChangeRefused);
        let offered = match self.leg(ONLY).map(|leg| &leg.offer_answer) {
            Some(OfferAnswer::OfferSent { intent }) => Some(*intent),
            _ => None,
        };
        self.withdraw(cx, Offering::Withdrawn);
        self.renegotiation(cx, Trigger::Refused, Phase::Idle);
        if let Some(wait) = wait {
            cx.mark(Mark::GlareGivenUp);
            // A new intent waits as long as the next attempt would have (§14.1).
            self.set_timer(cx.base, wait, SessionTimer::Glare);
        }
        self.intent_refused(cx, offered, Some(code));
    }

    /// Our re-INVITE or UPDATE got no final response.
    pub(super) fn offer_failed(&mut self, cx: &mut CallCx<'_, '_>, why: TxFailure, by_update: bool) {
        let open = self.leg(ONLY).map(|leg| &leg.offer_answer);
        if !matches!(open, Some(OfferAnswer::OfferSent { .. })) {
            return;
        }
        self.withdraw(cx, Offering::Withdrawn);
        match why {
            TxFailure::ConnectionLost => {
                cx.mark(Mark::ChangeInterrupted);
                if let Some(e) = self.established_mut() {
                    e.uncertain |= by_update;
                }
                self.reconcile_after_loss(cx);
            }
            TxFailure::TimedOut => {
                let text = "no response to an offer";
                let why = EndReason::new(EndedBy::Network, Cause::TimedOut, Some(408), text);
                self.terminate(cx, CallTrigger::Timeout, why);
            }
        }
    }

    /// Our offer was lost with its connection: it is made again when a connection is up, unless the intent is withdrawn.
    fn reconcile_after_loss(&mut self, cx: &mut CallCx<'_, '_>) {
        self.renegotiation(cx, Trigger::NoConnection, Phase::AwaitingConnection);
        self.await_step(cx);
        self.reconcile(cx);
    }

    /// Whether to retry an offer after a 491: a peer that always answers 491 has refused.
    fn may_try_again(&mut self) -> bool {
        self.established_mut().is_some_and(|e| {
            e.glares += 1;
            e.glares <= bounds::GLARES
        })
    }

    /// How long the next attempt waits after a refusal that is not final: a 491, or a 500 with Retry-After, because another offer is
    /// open at the peer (§14.2, RFC 3311 §5.2).
    fn wait_after(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) -> Option<Duration> {
        match code {
            491 => Some(self.glare_wait(cx)),
            // The peer may have other media than this phone until an offer is answered.
            _ if self.established_mut().is_some_and(|e| e.uncertain) => Some(cx.base.config.times.t1 * 8),
            500 => {
                let seconds = message.retry_after().ok().flatten()?;
                (seconds <= LONGEST_DEFERRAL).then(|| Duration::from_secs(seconds.into()))
            }
            _ => None,
        }
    }

    /// §14.1: the owner of the Call-ID waits 2.1–4 s, the other side 0–2 s, in units of 10 ms.
    fn glare_wait(&mut self, cx: &mut CallCx<'_, '_>) -> Duration {
        let caller = self.established_mut().is_some_and(|e| e.caller);
        let caller = caller != planted!(cx.base.config, GlareTimersSwapped);
        let (least, most) = if caller { (210, 400) } else { (0, 200) };
        if planted!(cx.base.config, GlareWithoutWait) {
            return Duration::ZERO;
        }
        let unit = Duration::from_millis(10);
        let drawn = cx.base.entropy.between(Label::Jitter, unit * least, unit * most);
        unit * u32::try_from(drawn.as_millis() / 10).unwrap_or(least)
    }
}
