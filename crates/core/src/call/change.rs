//! Changing an established call (RFC 3261 §14): hold and resume, the peer's re-INVITEs, and glare.

use super::cx::Env;
use super::description::sdp_of;
use super::dialog_request::Ask;
use super::established::Change;
use super::machine::Step;
use super::reasons::refusal_of;
use super::session::Session;
use super::states::State;
use crate::base::bounds;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::{ServerRef, SessionTimer};
use crate::negotiation::LocalOffer;
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::{ServerTx, TxFailure};
use crate::{Cause, Direction, Effect, EffectId, EffectResult, EndReason, EndedBy, Event, MediaFault};
use bytes::Bytes;
use offhook_wire::Message;
use std::time::Duration;

fn direction(hold: bool) -> Direction {
    if hold { Direction::SendOnly } else { Direction::SendRecv }
}

impl Session {
    /// The user's intent.
    pub(super) fn want_hold(&mut self, env: &mut Env<'_, '_>, hold: bool) {
        let Some(e) = self.established_mut() else { return };
        let was_wanted = std::mem::replace(&mut e.hold.wanted, hold);
        e.hold.owed = true;
        if e.hold.agreed == hold && (was_wanted == hold || matches!(e.change, Change::Settled)) {
            e.hold.waits = false;
            return self.hold_event(env);
        }
        self.reconcile(env);
    }

    /// Starts a re-INVITE when what is agreed is not what is wanted, and nothing is in the way.
    pub(super) fn reconcile(&mut self, env: &mut Env<'_, '_>) {
        let State::Established(e) = &mut self.state else { return };
        let free = matches!(e.change, Change::Settled | Change::Glare) && e.unacked.is_none();
        if !free || self.alarms[SessionTimer::Glare as usize].is_some() {
            return;
        }
        if e.hold.wanted == e.hold.agreed || env.line.path().is_none() {
            e.change = Change::Settled;
            if e.hold.wanted != e.hold.agreed {
                // A connection may come back; a wish does not wait for it for ever.
                if !std::mem::replace(&mut e.hold.waits, true) {
                    self.alarm(env.cx, env.cx.config.times.t1 * 64, SessionTimer::Change);
                }
                return;
            }
            // A wish that was taken back while it waited has its outcome too.
            let owed = e.hold.owed;
            self.silence(env.cx, SessionTimer::Change);
            if owed {
                env.mark(Mark::WishTakenBack);
                self.hold_event(env);
            }
            return;
        }
        let hold = e.hold.wanted;
        let offer = self.negotiation.offer().expect("nothing is under way");
        let said = hold && !planted!(env.cx.config, HoldNotSaid);
        let effect = self.offer_effect(env.cx, direction(said));
        self.begin_change(env, Change::Offering { effect, offer, hold });
    }

    /// Something that the media engine or the peer has to answer within 64·T1.
    fn begin_change(&mut self, env: &mut Env<'_, '_>, change: Change) {
        if let Some(e) = self.established_mut() {
            e.change = change;
            e.hold.waits = false;
        }
        self.alarm(env.cx, env.cx.config.times.t1 * 64, SessionTimer::Change);
    }

    /// It was not answered, or found no connection to begin on.
    pub(super) fn change_overdue(&mut self, env: &mut Env<'_, '_>) {
        let waits = self.established_mut().is_some_and(|e| std::mem::take(&mut e.hold.waits));
        let change = self.take_change();
        if matches!(change, Change::Settled) && !waits {
            // The alarm of a change that is over, before its ACK was there to silence it.
            return;
        }
        env.mark(Mark::ChangeOverdue);
        if planted!(env.cx.config, ChangeNeverEnds) {
            return self.set_change(change);
        }
        match change {
            Change::Settled => self.hold_refused(env, None),
            Change::Offering { offer, .. } => {
                self.withdraw(env, offer);
                self.hold_refused(env, None);
            }
            // Nothing else bounds an INVITE that was answered with 1xx (§17.1.1.2). What comes now is a final
            // response, or its failure 64·T1 later (§9.1).
            change @ Change::Inviting { .. } => {
                self.set_change(change);
                let Some(e) = self.established_mut() else { return };
                if let Some(invite) = e.pending.iter().find(|p| matches!(p.ask, Ask::Invite { .. })) {
                    env.txs.cancel(env.cx, invite.tx);
                }
            }
            Change::Applying { offer, .. } => {
                self.negotiation.agree(offer);
                self.answer_unusable(env, MediaFault::Engine);
            }
            Change::Answering { tx, request, offer, .. } => {
                self.negotiation.refuse(offer);
                self.effect(env.cx, Effect::Rollback { session: self.id });
                self.refuse_reinvite(env, tx, &request, &EffectResult::Failed(MediaFault::Engine));
            }
            Change::Proposing { tx, request, offer, .. } => {
                self.withdraw(env, offer);
                self.refuse_reinvite(env, tx, &request, &EffectResult::Failed(MediaFault::Engine));
            }
            other => self.set_change(other),
        }
    }

    fn set_change(&mut self, change: Change) {
        if let Some(e) = self.established_mut() {
            e.change = change;
        }
    }

    fn take_change(&mut self) -> Change {
        match self.established_mut() {
            Some(e) => std::mem::replace(&mut e.change, Change::Settled),
            None => Change::Settled,
        }
    }

    pub(super) fn change_done(&mut self, env: &mut Env<'_, '_>, effect: EffectId, result: EffectResult) {
        match self.take_change() {
            Change::Offering { effect: awaited, offer, hold } if awaited == effect => match result {
                EffectResult::Description(sdp) => self.send_reinvite(env, offer, hold, sdp),
                _ => {
                    self.negotiation.withdraw(offer);
                    self.hold_refused(env, None);
                }
            },
            Change::Applying { effect: awaited, offer } if awaited == effect => {
                self.negotiation.agree(offer);
                match result {
                    EffectResult::Applied => self.reconcile(env),
                    EffectResult::Failed(fault) => self.answer_unusable(env, fault),
                    _ => self.answer_unusable(env, MediaFault::Engine),
                }
            }
            Change::Answering { effect: awaited, tx, request, offer, hold } if awaited == effect => {
                match result {
                    EffectResult::Description(sdp) => {
                        self.negotiation.reply(offer);
                        let changed = self.hear(env, sdp_of(&request), hold);
                        self.accept_reinvite(env, tx, &request, &sdp);
                        if changed {
                            self.hold_event(env);
                        }
                    }
                    other => {
                        self.negotiation.refuse(offer);
                        self.refuse_reinvite(env, tx, &request, &other);
                    }
                }
            }
            Change::Proposing { effect: awaited, tx, request, offer, hold } if awaited == effect => {
                match result {
                    EffectResult::Description(sdp) => {
                        self.set_change(Change::Proposed { offer, hold });
                        self.accept_reinvite(env, tx, &request, &sdp);
                    }
                    other => {
                        self.negotiation.withdraw(offer);
                        self.refuse_reinvite(env, tx, &request, &other);
                    }
                }
            }
            other => self.set_change(other),
        }
    }

    fn send_reinvite(&mut self, env: &mut Env<'_, '_>, offer: LocalOffer, hold: bool, sdp: Bytes) {
        if self.ask(env, Ask::Invite { sdp }) {
            self.begin_change(env, Change::Inviting { offer, hold });
        } else {
            // The connection went while the offer was made.
            self.withdraw(env, offer);
            self.interrupted(env);
        }
    }

    fn withdraw(&mut self, env: &mut Env<'_, '_>, offer: LocalOffer) {
        self.negotiation.withdraw(offer);
        if !planted!(env.cx.config, NoRollback) {
            self.effect(env.cx, Effect::Rollback { session: self.id });
        }
    }

    fn hold_refused(&mut self, env: &mut Env<'_, '_>, code: Option<u16>) {
        let session = self.id;
        if let Some(e) = self.established_mut() {
            e.glares = 0;
            let hold = std::mem::replace(&mut e.hold.wanted, e.hold.agreed);
            if hold != e.hold.agreed {
                e.hold.owed = false;
                env.mark(Mark::HoldRefused);
                env.cx.out.event(Event::HoldFailed { session, hold, code });
            } else {
                // The wish was taken back meanwhile: it is as it is wanted.
                self.hold_event(env);
            }
        }
    }

    fn answer_unusable(&mut self, env: &mut Env<'_, '_>, fault: MediaFault) {
        let (code, cause) = refusal_of(fault);
        env.mark(Mark::AnswerUnusable);
        let why = EndReason::new(EndedBy::Us, cause, Some(code), "the answer cannot be used");
        self.hang_up_because(env, Step::NoMedia, why);
    }

    /// The final response to our re-INVITE.
    pub(super) fn reinvite_response(
        &mut self,
        env: &mut Env<'_, '_>,
        cseq: u32,
        code: u16,
        message: &Message,
    ) {
        let (offer, hold) = match self.take_change() {
            Change::Inviting { offer, hold } => (offer, hold),
            other => return self.set_change(other),
        };
        match code {
            200..=299 => {
                if let Some(e) = self.established_mut() {
                    e.glares = 0;
                    e.dialog.refresh_target(message);
                    e.send_ack(env, cseq);
                }
                let Some(answer) = sdp_of(message) else {
                    env.mark(Mark::ChangeWithoutAnswer);
                    self.negotiation.withdraw(offer);
                    let why =
                        EndReason::new(EndedBy::Peer, Cause::Protocol, Some(code), "a 2xx without an answer");
                    return self.close(env, Step::Refused, why);
                };
                let changed = self.hear(env, Some(answer.clone()), hold);
                let effect = self.effect(env.cx, Effect::Apply { session: self.id, answer });
                self.begin_change(env, Change::Applying { effect, offer });
                if changed {
                    self.hold_event(env);
                }
            }
            491 if self.may_try_again() => {
                env.mark(Mark::Glare);
                if !planted!(env.cx.config, OfferNotWithdrawn) {
                    self.withdraw(env, offer);
                }
                if planted!(env.cx.config, WishLostOnGlare)
                    && let Some(e) = self.established_mut()
                {
                    e.hold.wanted = e.hold.agreed;
                }
                let wait = self.glare_wait(env);
                self.set_change(Change::Glare);
                if !planted!(env.cx.config, GlareForgotten) {
                    self.alarm(env.cx, wait, SessionTimer::Glare);
                }
            }
            // After a 408 or 481 the call is over: `dialog_response` closes it.
            _ => {
                env.mark(Mark::ChangeRefused);
                if code == 491 {
                    env.mark(Mark::GlareGivenUp);
                }
                self.withdraw(env, offer);
                if code == 491 {
                    // What is wished next waits as long as the next try would have (§14.1).
                    let wait = self.glare_wait(env);
                    self.alarm(env.cx, wait, SessionTimer::Glare);
                }
                self.hold_refused(env, Some(code));
                self.reconcile(env);
            }
        }
    }

    pub(super) fn reinvite_failed(&mut self, env: &mut Env<'_, '_>, why: TxFailure) {
        let offer = match self.take_change() {
            Change::Inviting { offer, .. } => offer,
            other => return self.set_change(other),
        };
        self.withdraw(env, offer);
        match why {
            TxFailure::FlowLost => {
                env.mark(Mark::ChangeInterrupted);
                self.interrupted(env);
            }
            TxFailure::TimedOut => {
                let why = EndReason::new(
                    EndedBy::Network,
                    Cause::TimedOut,
                    Some(408),
                    "no response to a re-INVITE",
                );
                self.close(env, Step::Timeout, why);
            }
        }
    }

    /// Our re-INVITE has no connection any more. As after a glare, what is wanted is looked at anew: it starts again when a
    /// connection is up, or was taken back meanwhile.
    fn interrupted(&mut self, env: &mut Env<'_, '_>) {
        self.set_change(Change::Glare);
        self.reconcile(env);
    }

    /// Whether one more re-INVITE after a 491 makes sense: a peer that never has time has refused.
    fn may_try_again(&mut self) -> bool {
        self.established_mut().is_some_and(|e| {
            e.glares += 1;
            e.glares <= bounds::GLARES
        })
    }

    /// §14.1: the owner of the Call-ID waits 2.1–4 s, the other one 0–2 s, both in units of 10 ms.
    fn glare_wait(&mut self, env: &mut Env<'_, '_>) -> Duration {
        let caller = self.established_mut().is_some_and(|e| e.caller);
        let caller = caller != planted!(env.cx.config, GlareTimersSwapped);
        let (least, most) = if caller { (210, 400) } else { (0, 200) };
        if planted!(env.cx.config, GlareWithoutWait) {
            return Duration::ZERO;
        }
        let unit = Duration::from_millis(10);
        let drawn = env.cx.entropy.between(Label::Pace, unit * least, unit * most);
        unit * u32::try_from(drawn.as_millis() / 10).unwrap_or(least)
    }

    /// Takes in the peer's description and what it means for our own hold. Returns whether anything changed.
    fn hear(&mut self, env: &mut Env<'_, '_>, sdp: Option<Bytes>, hold: bool) -> bool {
        let Some(e) = self.established_mut() else { return false };
        let sdp = sdp.filter(|_| !planted!(env.cx.config, PeersHoldIgnored));
        let remote = sdp.is_some_and(|sdp| e.heard(&sdp));
        let local = std::mem::replace(&mut e.hold.agreed, hold) != hold;
        remote || local
    }

    /// The peer's re-INVITE (§14.2): always answered.
    pub(super) fn on_reinvite(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        let Some(e) = self.established_mut() else { return };
        let hold = e.hold.wanted;
        match e.change {
            Change::Settled | Change::Glare if e.unacked.is_none() => {}
            Change::Offering { .. } | Change::Inviting { .. } | Change::Applying { .. } => {
                if planted!(env.cx.config, GlareNotAnswered) {
                    return;
                }
                env.mark(Mark::GlareAnswered);
                return respond::answer(env.cx, env.txs, tx, request, 491);
            }
            _ => {
                // The one before is not finished.
                return respond::retry_later(env.cx, env.txs, tx, request);
            }
        }
        if !request.body_bytes().is_empty() && sdp_of(request).is_none() {
            return respond::unsupported_media(env.cx, env.txs, tx, request);
        }
        if !planted!(env.cx.config, TargetNotRefreshed) {
            e.dialog.refresh_target(request);
        }
        // So that its CANCEL finds us.
        env.txs.adopt(&tx, self.id);
        let request_kept = Box::new(request.clone());
        let change = match sdp_of(request) {
            Some(sdp) => {
                let offer = self.negotiation.asked().expect("nothing is under way");
                let effect = Effect::Answer { session: self.id, offer: sdp, direction: direction(hold) };
                let effect = self.effect(env.cx, effect);
                Change::Answering { tx, request: request_kept, effect, offer, hold }
            }
            None => {
                let offer = self.negotiation.offer().expect("nothing is under way");
                let effect = self.offer_effect(env.cx, direction(hold));
                Change::Proposing { tx, request: request_kept, effect, offer, hold }
            }
        };
        self.begin_change(env, change);
    }

    /// The peer's re-INVITE came again over another flow, after its transaction went with the one before. While it is being
    /// answered, the answer is for this one.
    pub(super) fn reinvite_again(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, again: &Message) {
        let session = self.id;
        let Some(e) = self.established_mut() else { return };
        let number = |invite: &Message| invite.cseq().map_or(0, |cseq| cseq.number);
        if let Some(sdp) = e.described(number(again)) {
            // It was accepted when its transaction was gone already, so that nobody heard of it.
            env.mark(Mark::ChangeRepeated);
            return self.accept_reinvite(env, tx, again, &sdp);
        }
        match &mut e.change {
            Change::Answering { tx: open, request, .. } | Change::Proposing { tx: open, request, .. }
                if number(request) == number(again) =>
            {
                env.mark(Mark::ChangeRepeated);
                // So that its CANCEL finds us, as that of the one before would have.
                env.txs.adopt(&tx, session);
                let before = std::mem::replace(open, tx);
                let request = std::mem::replace(&mut **request, again.clone());
                // For a peer that only used a number twice: nothing is sent when the transaction is gone.
                respond::answer(env.cx, env.txs, before, &request, 500);
            }
            _ => respond::answer(env.cx, env.txs, tx, again, 500),
        }
    }

    fn accept_reinvite(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message, sdp: &Bytes) {
        let response = respond::accept(env.cx.config, request, self.tag.as_bytes(), env.line.contact(), sdp);
        if let Some(e) = self.established_mut() {
            e.send_2xx(env, tx, request, response);
        }
        self.alarm(env.cx, env.cx.config.times.t1, SessionTimer::Retransmit2xx);
    }

    fn refuse_reinvite(
        &mut self,
        env: &mut Env<'_, '_>,
        tx: ServerTx,
        request: &Message,
        result: &EffectResult,
    ) {
        let fault = match result {
            EffectResult::Failed(fault) => *fault,
            _ => MediaFault::Engine,
        };
        respond::answer(env.cx, env.txs, tx, request, refusal_of(fault).0);
        self.reconcile(env);
    }

    pub(super) fn change_cancelled(&mut self, env: &mut Env<'_, '_>, invite: ServerRef) {
        match self.take_change() {
            Change::Answering { tx, request, offer, .. } if tx.id() == invite => {
                self.negotiation.refuse(offer);
                self.effect(env.cx, Effect::Rollback { session: self.id });
                respond::answer(env.cx, env.txs, tx, &request, 487);
            }
            Change::Proposing { tx, request, offer, .. } if tx.id() == invite => {
                self.withdraw(env, offer);
                respond::answer(env.cx, env.txs, tx, &request, 487);
            }
            other => return self.set_change(other),
        }
        env.mark(Mark::ChangeCancelled);
        self.reconcile(env);
    }

    /// The answer to an offer that our 2xx carried stands in the ACK (§13.2.1).
    pub(super) fn answer_in_ack(&mut self, env: &mut Env<'_, '_>, ack: &Message) {
        let (offer, hold) = match self.take_change() {
            Change::Proposed { offer, hold } => (offer, hold),
            other => return self.set_change(other),
        };
        match sdp_of(ack) {
            Some(answer) => {
                env.mark(Mark::AnswerInAck);
                let changed = self.hear(env, Some(answer.clone()), hold);
                let effect = self.effect(env.cx, Effect::Apply { session: self.id, answer });
                self.begin_change(env, Change::Applying { effect, offer });
                if changed {
                    self.hold_event(env);
                }
            }
            None => {
                env.mark(Mark::NoAnswerInAck);
                self.negotiation.withdraw(offer);
                let why = EndReason::new(EndedBy::Peer, Cause::Protocol, None, "an ACK without an answer");
                self.hang_up_because(env, Step::Refused, why);
            }
        }
    }
}
