//! Renegotiation of an established call (RFC 3261 §14): hold and resume, the peer's re-INVITEs, and glare.

use super::cx::CallCx;
use super::description::sdp_of;
use super::dialog_request::DialogRequest;
use super::established::Renegotiation;
use super::machine::Trigger;
use super::reasons::refusal_of;
use super::session::Session;
use super::states::State;
use crate::base::bounds;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::{ServerRef, SessionTimer};
use crate::base::waiter::CallWaiter;
use crate::negotiation::LocalOffer;
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::{ServerTx, TxFailure};
use crate::{CallEffect, Cause, Direction, EffectId, EffectResult, EndReason, EndedBy, MediaFault};
use bytes::Bytes;
use offhook_wire::Message;
use std::time::Duration;

fn direction(hold: bool) -> Direction {
    if hold { Direction::SendOnly } else { Direction::SendRecv }
}

impl Session {
    /// Sets the user's intent.
    pub(crate) fn set_hold(&mut self, cx: &mut CallCx<'_, '_>, hold: bool) {
        let Some(e) = self.established_mut() else { return };
        let was_intent = std::mem::replace(&mut e.hold.intent, hold);
        e.hold.outcome_pending = true;
        if e.hold.agreed == hold && (was_intent == hold || matches!(e.renegotiation, Renegotiation::Settled))
        {
            e.hold.awaiting_connection = false;
            return self.hold_event(cx);
        }
        self.reconcile(cx);
    }

    /// Starts a re-INVITE if the agreed hold is not the intent, and nothing else is pending.
    pub(super) fn reconcile(&mut self, cx: &mut CallCx<'_, '_>) {
        let State::Established(e) = &mut self.state else { return };
        let free =
            matches!(e.renegotiation, Renegotiation::Settled | Renegotiation::Glare) && e.unacked.is_none();
        if !free || self.timers[SessionTimer::Glare as usize].is_some() {
            return;
        }
        if e.hold.intent == e.hold.agreed || cx.account.path().is_none() {
            e.renegotiation = Renegotiation::Settled;
            if e.hold.intent != e.hold.agreed {
                // The connection may come back; the intent waits for it until the timer fires.
                if !std::mem::replace(&mut e.hold.awaiting_connection, true) {
                    self.set_timer(cx.base, cx.base.config.times.t1 * 64, SessionTimer::Renegotiation);
                }
                return;
            }
            // An intent that was withdrawn while it waited has an outcome too.
            let outcome_pending = e.hold.outcome_pending;
            self.cancel_timer(cx.base, SessionTimer::Renegotiation);
            if outcome_pending {
                cx.mark(Mark::WishTakenBack);
                self.hold_event(cx);
            }
            return;
        }
        let hold = e.hold.intent;
        let offer = self.negotiation.local_offer().expect("nothing is under way");
        let said = hold && !planted!(cx.base.config, HoldNotSaid);
        let effect =
            self.effect(cx.base, CallEffect::Offer { direction: direction(said) }, CallWaiter::Renegotiation);
        self.begin_renegotiation(cx, Renegotiation::Offering { effect, offer, hold });
    }

    /// Begins a step that the media engine or the peer has to complete within 64·T1.
    fn begin_renegotiation(&mut self, cx: &mut CallCx<'_, '_>, change: Renegotiation) {
        if let Some(e) = self.established_mut() {
            e.renegotiation = change;
            e.hold.awaiting_connection = false;
        }
        self.set_timer(cx.base, cx.base.config.times.t1 * 64, SessionTimer::Renegotiation);
    }

    /// The step was not completed in time, or there was no connection to begin it.
    pub(super) fn renegotiation_timeout(&mut self, cx: &mut CallCx<'_, '_>) {
        let waited = self.established_mut().is_some_and(|e| std::mem::take(&mut e.hold.awaiting_connection));
        let change = self.take_renegotiation();
        if matches!(change, Renegotiation::Settled) && !waited {
            // The timer of a completed renegotiation whose ACK has not cancelled it yet.
            return;
        }
        cx.mark(Mark::ChangeOverdue);
        if planted!(cx.base.config, ChangeNeverEnds) {
            return self.set_renegotiation(change);
        }
        match change {
            Renegotiation::Settled => self.hold_refused(cx, None),
            Renegotiation::Offering { offer, .. } => {
                self.withdraw(cx, offer);
                self.hold_refused(cx, None);
            }
            // After a 1xx an INVITE has no time-out (§17.1.1.2). Now a final response follows, or its failure after 64·T1
            // (§9.1).
            change @ Renegotiation::Inviting { .. } => {
                self.set_renegotiation(change);
                let Some(e) = self.established_mut() else { return };
                if let Some(invite) =
                    e.pending.iter().find(|p| matches!(p.request, DialogRequest::Invite { .. }))
                {
                    cx.txs.cancel(cx.base, invite.tx);
                }
            }
            Renegotiation::Applying { offer, .. } => {
                self.negotiation.agree(offer);
                self.answer_unusable(cx, MediaFault::Engine);
            }
            Renegotiation::Answering { tx, request, offer, .. } => {
                self.negotiation.refuse(offer);
                self.roll_back(cx.base);
                self.refuse_reinvite(cx, tx, &request, &EffectResult::Failed(MediaFault::Engine));
            }
            Renegotiation::Proposing { tx, request, offer, .. } => {
                self.withdraw(cx, offer);
                self.refuse_reinvite(cx, tx, &request, &EffectResult::Failed(MediaFault::Engine));
            }
            other => self.set_renegotiation(other),
        }
    }

    fn set_renegotiation(&mut self, change: Renegotiation) {
        if let Some(e) = self.established_mut() {
            e.renegotiation = change;
        }
    }

    fn take_renegotiation(&mut self) -> Renegotiation {
        match self.established_mut() {
            Some(e) => std::mem::replace(&mut e.renegotiation, Renegotiation::Settled),
            None => Renegotiation::Settled,
        }
    }

    pub(super) fn on_renegotiation_result(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        effect: EffectId,
        result: EffectResult,
    ) {
        match self.take_renegotiation() {
            Renegotiation::Offering { effect: awaited, offer, hold } if awaited == effect => match result {
                EffectResult::Description(sdp) => self.send_reinvite(cx, offer, hold, sdp),
                _ => {
                    self.negotiation.withdraw(offer);
                    self.hold_refused(cx, None);
                }
            },
            Renegotiation::Applying { effect: awaited, offer } if awaited == effect => {
                self.negotiation.agree(offer);
                match result {
                    EffectResult::Applied => self.reconcile(cx),
                    EffectResult::Failed(fault) => self.answer_unusable(cx, fault),
                    _ => self.answer_unusable(cx, MediaFault::Engine),
                }
            }
            Renegotiation::Answering { effect: awaited, tx, request, offer, hold } if awaited == effect => {
                match result {
                    EffectResult::Description(sdp) => {
                        self.negotiation.reply(offer);
                        let changed = self.apply_remote_sdp(cx, sdp_of(&request), hold);
                        self.accept_reinvite(cx, tx, &request, &sdp);
                        if changed {
                            self.hold_event(cx);
                        }
                    }
                    other => {
                        self.negotiation.refuse(offer);
                        self.refuse_reinvite(cx, tx, &request, &other);
                    }
                }
            }
            Renegotiation::Proposing { effect: awaited, tx, request, offer, hold } if awaited == effect => {
                match result {
                    EffectResult::Description(sdp) => {
                        self.set_renegotiation(Renegotiation::Proposed { offer, hold });
                        self.accept_reinvite(cx, tx, &request, &sdp);
                    }
                    other => {
                        self.negotiation.withdraw(offer);
                        self.refuse_reinvite(cx, tx, &request, &other);
                    }
                }
            }
            other => self.set_renegotiation(other),
        }
    }

    fn send_reinvite(&mut self, cx: &mut CallCx<'_, '_>, offer: LocalOffer, hold: bool, sdp: Bytes) {
        if self.send_request(cx, DialogRequest::Invite { sdp }) {
            self.begin_renegotiation(cx, Renegotiation::Inviting { offer, hold });
        } else {
            // The connection was lost while the offer was created.
            self.withdraw(cx, offer);
            self.interrupted(cx);
        }
    }

    fn withdraw(&mut self, cx: &mut CallCx<'_, '_>, offer: LocalOffer) {
        self.negotiation.withdraw(offer);
        if !planted!(cx.base.config, NoRollback) {
            self.roll_back(cx.base);
        }
    }

    fn hold_refused(&mut self, cx: &mut CallCx<'_, '_>, code: Option<u16>) {
        if let Some(e) = self.established_mut() {
            e.glares = 0;
            let hold = std::mem::replace(&mut e.hold.intent, e.hold.agreed);
            if hold != e.hold.agreed {
                e.hold.outcome_pending = false;
                cx.mark(Mark::HoldRefused);
                self.hold_failed(cx, hold, code);
            } else {
                // The intent was withdrawn meanwhile: the agreed hold is the intent.
                self.hold_event(cx);
            }
        }
    }

    fn answer_unusable(&mut self, cx: &mut CallCx<'_, '_>, fault: MediaFault) {
        let (code, cause) = refusal_of(fault);
        cx.mark(Mark::AnswerUnusable);
        let why = EndReason::new(EndedBy::Us, cause, Some(code), "the answer cannot be used");
        self.hang_up_with(cx, Trigger::NoMedia, why);
    }

    /// The final response to our re-INVITE.
    pub(super) fn reinvite_response(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        cseq: u32,
        code: u16,
        message: &Message,
    ) {
        let (offer, hold) = match self.take_renegotiation() {
            Renegotiation::Inviting { offer, hold } => (offer, hold),
            other => return self.set_renegotiation(other),
        };
        match code {
            200..=299 => {
                if let Some(e) = self.established_mut() {
                    e.glares = 0;
                    e.dialog.refresh_target(message);
                    e.peer_packages.update(message);
                    e.send_ack(cx, cseq);
                }
                let Some(answer) = sdp_of(message) else {
                    cx.mark(Mark::ChangeWithoutAnswer);
                    self.negotiation.withdraw(offer);
                    let why =
                        EndReason::new(EndedBy::Peer, Cause::Protocol, Some(code), "a 2xx without an answer");
                    return self.terminate(cx, Trigger::Refused, why);
                };
                let changed = self.apply_remote_sdp(cx, Some(answer.clone()), hold);
                let effect = self.effect(cx.base, CallEffect::Apply { answer }, CallWaiter::Renegotiation);
                self.begin_renegotiation(cx, Renegotiation::Applying { effect, offer });
                if changed {
                    self.hold_event(cx);
                }
            }
            491 if self.may_try_again() => {
                cx.mark(Mark::Glare);
                if !planted!(cx.base.config, OfferNotWithdrawn) {
                    self.withdraw(cx, offer);
                }
                if planted!(cx.base.config, WishLostOnGlare)
                    && let Some(e) = self.established_mut()
                {
                    e.hold.intent = e.hold.agreed;
                }
                let wait = self.glare_wait(cx);
                self.set_renegotiation(Renegotiation::Glare);
                if !planted!(cx.base.config, GlareForgotten) {
                    self.set_timer(cx.base, wait, SessionTimer::Glare);
                }
            }
            // A 408 or 481 ends the call: `dialog_response` does that.
            _ => {
                cx.mark(Mark::ChangeRefused);
                if code == 491 {
                    cx.mark(Mark::GlareGivenUp);
                }
                self.withdraw(cx, offer);
                if code == 491 {
                    // A new intent waits as long as the next attempt would have (§14.1).
                    let wait = self.glare_wait(cx);
                    self.set_timer(cx.base, wait, SessionTimer::Glare);
                }
                self.hold_refused(cx, Some(code));
                self.reconcile(cx);
            }
        }
    }

    pub(super) fn reinvite_failed(&mut self, cx: &mut CallCx<'_, '_>, why: TxFailure) {
        let offer = match self.take_renegotiation() {
            Renegotiation::Inviting { offer, .. } => offer,
            other => return self.set_renegotiation(other),
        };
        self.withdraw(cx, offer);
        match why {
            TxFailure::ConnectionLost => {
                cx.mark(Mark::ChangeInterrupted);
                self.interrupted(cx);
            }
            TxFailure::TimedOut => {
                let why = EndReason::new(
                    EndedBy::Network,
                    Cause::TimedOut,
                    Some(408),
                    "no response to a re-INVITE",
                );
                self.terminate(cx, Trigger::Timeout, why);
            }
        }
    }

    /// Our re-INVITE was lost with its connection. As after a glare, the intent is evaluated again: it starts a re-INVITE when a
    /// connection is up, unless it was withdrawn.
    fn interrupted(&mut self, cx: &mut CallCx<'_, '_>) {
        self.set_renegotiation(Renegotiation::Glare);
        self.reconcile(cx);
    }

    /// Whether to retry a re-INVITE after a 491: a peer that always answers 491 has refused.
    fn may_try_again(&mut self) -> bool {
        self.established_mut().is_some_and(|e| {
            e.glares += 1;
            e.glares <= bounds::GLARES
        })
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

    /// Applies the peer's description, and our own hold in it. Returns whether the hold of either side changed.
    fn apply_remote_sdp(&mut self, cx: &mut CallCx<'_, '_>, sdp: Option<Bytes>, hold: bool) -> bool {
        let Some(e) = self.established_mut() else { return false };
        let sdp = sdp.filter(|_| !planted!(cx.base.config, PeersHoldIgnored));
        let remote = sdp.is_some_and(|sdp| e.apply_remote_sdp(&sdp));
        let local = std::mem::replace(&mut e.hold.agreed, hold) != hold;
        remote || local
    }

    /// The peer's re-INVITE (§14.2).
    pub(super) fn on_reinvite(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        let Some(e) = self.established_mut() else { return };
        let hold = e.hold.intent;
        match e.renegotiation {
            Renegotiation::Settled | Renegotiation::Glare if e.unacked.is_none() => {}
            Renegotiation::Offering { .. }
            | Renegotiation::Inviting { .. }
            | Renegotiation::Applying { .. } => {
                if planted!(cx.base.config, GlareNotAnswered) {
                    return;
                }
                cx.mark(Mark::GlareAnswered);
                return respond::answer(cx.base, cx.txs, tx, request, 491);
            }
            _ => {
                // An earlier one is pending.
                return respond::retry_later(cx.base, cx.txs, tx, request);
            }
        }
        if !request.body_bytes().is_empty() && sdp_of(request).is_none() {
            return respond::unsupported_media(cx.base, cx.txs, tx, request);
        }
        if !planted!(cx.base.config, TargetNotRefreshed) {
            e.dialog.refresh_target(request);
        }
        e.peer_packages.update(request);
        // For its CANCEL.
        cx.txs.set_owner(&tx, self.id);
        let request_kept = Box::new(request.clone());
        let change = match sdp_of(request) {
            Some(sdp) => {
                let offer = self.negotiation.remote_offer().expect("nothing is under way");
                let effect = CallEffect::Answer { offer: sdp, direction: direction(hold) };
                let effect = self.effect(cx.base, effect, CallWaiter::Renegotiation);
                Renegotiation::Answering { tx, request: request_kept, effect, offer, hold }
            }
            None => {
                let offer = self.negotiation.local_offer().expect("nothing is under way");
                let effect = self.effect(
                    cx.base,
                    CallEffect::Offer { direction: direction(hold) },
                    CallWaiter::Renegotiation,
                );
                Renegotiation::Proposing { tx, request: request_kept, effect, offer, hold }
            }
        };
        self.begin_renegotiation(cx, change);
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
            return self.accept_reinvite(cx, tx, again, &sdp);
        }
        match &mut e.renegotiation {
            Renegotiation::Answering { tx: open, request, .. }
            | Renegotiation::Proposing { tx: open, request, .. }
                if number(request) == number(again) =>
            {
                cx.mark(Mark::ChangeRepeated);
                // For its CANCEL.
                cx.txs.set_owner(&tx, session);
                let before = std::mem::replace(open, tx);
                let request = std::mem::replace(&mut **request, again.clone());
                // For a peer that reused a CSeq number; nothing is sent if the transaction was lost.
                respond::answer(cx.base, cx.txs, before, &request, 500);
            }
            _ => respond::answer(cx.base, cx.txs, tx, again, 500),
        }
    }

    fn accept_reinvite(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message, sdp: &Bytes) {
        let response =
            respond::accept(cx.base.config, request, self.tag.as_bytes(), cx.account.contact(), sdp);
        if let Some(e) = self.established_mut() {
            e.send_2xx(cx, tx, request, response);
        }
        self.set_timer(cx.base, cx.base.config.times.t1, SessionTimer::Retransmit2xx);
    }

    fn refuse_reinvite(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        tx: ServerTx,
        request: &Message,
        result: &EffectResult,
    ) {
        let fault = match result {
            EffectResult::Failed(fault) => *fault,
            _ => MediaFault::Engine,
        };
        respond::answer(cx.base, cx.txs, tx, request, refusal_of(fault).0);
        self.reconcile(cx);
    }

    pub(super) fn reinvite_cancelled(&mut self, cx: &mut CallCx<'_, '_>, invite: ServerRef) {
        match self.take_renegotiation() {
            Renegotiation::Answering { tx, request, offer, .. } if tx.id() == invite => {
                self.negotiation.refuse(offer);
                self.roll_back(cx.base);
                respond::answer(cx.base, cx.txs, tx, &request, 487);
            }
            Renegotiation::Proposing { tx, request, offer, .. } if tx.id() == invite => {
                self.withdraw(cx, offer);
                respond::answer(cx.base, cx.txs, tx, &request, 487);
            }
            other => return self.set_renegotiation(other),
        }
        cx.mark(Mark::ChangeCancelled);
        self.reconcile(cx);
    }

    /// The ACK has the answer to the offer of our 2xx (§13.2.1).
    pub(super) fn answer_in_ack(&mut self, cx: &mut CallCx<'_, '_>, ack: &Message) {
        let (offer, hold) = match self.take_renegotiation() {
            Renegotiation::Proposed { offer, hold } => (offer, hold),
            other => return self.set_renegotiation(other),
        };
        match sdp_of(ack) {
            Some(answer) => {
                cx.mark(Mark::AnswerInAck);
                let changed = self.apply_remote_sdp(cx, Some(answer.clone()), hold);
                let effect = self.effect(cx.base, CallEffect::Apply { answer }, CallWaiter::Renegotiation);
                self.begin_renegotiation(cx, Renegotiation::Applying { effect, offer });
                if changed {
                    self.hold_event(cx);
                }
            }
            None => {
                cx.mark(Mark::NoAnswerInAck);
                self.negotiation.withdraw(offer);
                let why = EndReason::new(EndedBy::Peer, Cause::Protocol, None, "an ACK without an answer");
                self.hang_up_with(cx, Trigger::Refused, why);
            }
        }
    }
}
