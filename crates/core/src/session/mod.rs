//! A call (RFC 3261 §13, §14, §15), from the first wish to the typed reason of its end.
//!
//! | room | what happens there |
//! |---|---|
//! | `outgoing` | the caller's side until the 2xx: offer, INVITE, challenge, forks, CANCEL |
//! | `incoming` | the callee's side until the ACK: ringing, answer, 2xx and its retransmission |
//! | `established` | what both sides own once a dialog exists, and the peer's requests in it |
//! | `change` | re-INVITEs of both sides: hold, resume, glare |
//! | `ask` | our requests in the dialog, and what their responses mean |
//! | `digits` | DTMF, by RTP or INFO |
//! | `transfer` | REFER and NOTIFY, both roles |
//! | `closing` | hanging up in every state, and the end |

mod ask;
mod change;
mod closing;
mod digits;
mod established;
mod incoming;
mod machine;
mod outgoing;
mod tag;
mod transfer;

pub(crate) use machine::{EDGES, Phase, Step};
pub(crate) use outgoing::{Invitation, to_tag};
pub(crate) use tag::slot_of;

use crate::cx::Cx;
use crate::dialog::Dialog;
use crate::line::Line;
use crate::marks::Mark;
use crate::negotiation::Negotiation;
use crate::timer::{SessionTimer, Timer, TimerId};
use crate::trace::Machine;
use crate::transaction::{ClientTx, ServerRef, ServerTx, Transactions, TxFailed};
use crate::{
    AccountId, Direction, Effect, EffectId, EffectResult, EndReason, Event, FlowId, MediaEvent, SessionId,
    Status, uas,
};
use established::Established;
use offhook_wire::Message;
use std::time::Duration;
use tag::LocalTag;

/// What a call touches besides itself.
pub(crate) struct Env<'e, 'c> {
    pub(crate) cx: &'e mut Cx<'c>,
    pub(crate) txs: &'e mut Transactions,
    pub(crate) line: &'e mut Line,
    pub(crate) upcalls: &'e mut Vec<Upcall>,
}

/// What a call wants of the phone that owns it.
pub(crate) enum Upcall {
    /// A peer asked us to call `target` (RFC 3515).
    Refer { by: Referrer, target: Vec<u8>, referred_by: Option<Vec<u8>> },
    /// The call that a REFER made has moved: a SIP status code for the NOTIFY.
    Report { to: Referrer, code: u16 },
}

/// Who asked for a call: the call in which he did, and the `id` of his subscription to what becomes of it (RFC 3515 §2.4.6).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Referrer {
    pub(crate) session: SessionId,
    pub(crate) id: Option<u32>,
}

/// One call.
pub(crate) struct Session {
    id: SessionId,
    account: AccountId,
    phase: Phase,
    state: State,
    tag: LocalTag,
    negotiation: Negotiation,
    /// By [`SessionTimer`].
    alarms: [Option<TimerId>; SessionTimer::COUNT],
    /// Whether the host was asked for media, so that it is told to free it.
    has_media: bool,
    /// Whether the media path is up. Early media may bring it up before the call is taken.
    media_up: bool,
    /// The call whose peer asked for this one (REFER).
    referred_by: Option<Referrer>,
}

/// A state owns what exists in it, and nothing else.
enum State {
    /// Between two states; never seen by an input.
    Moving,
    Offering(outgoing::Offering),
    Calling(outgoing::Calling),
    Cancelling(outgoing::Cancelling),
    Ringing(incoming::Ringing),
    Answering(incoming::Answering),
    /// 2xx sent, no ACK yet. `Leaving` is the same with a hang-up that waits for the ACK (§15).
    Confirming(Established),
    Leaving(Established, EndReason),
    Established(Established),
    /// The BYE is out, or waits for a connection to go out on.
    Closing(Established, EndReason),
    Ended,
}

impl Session {
    fn new(id: SessionId, env: &mut Env<'_, '_>, referred_by: Option<Referrer>) -> Self {
        Self {
            id,
            account: env.line.id(),
            phase: Phase::New,
            state: State::Moving,
            tag: LocalTag::new(id, env.cx),
            negotiation: Negotiation::default(),
            alarms: [None; SessionTimer::COUNT],
            has_media: false,
            media_up: false,
            referred_by,
        }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    pub(crate) fn status(&self) -> Status {
        self.phase.status()
    }

    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether a request with this To tag is for this call.
    pub(crate) fn has_tag(&self, tag: &[u8]) -> bool {
        self.tag.as_bytes() == tag
    }

    /// The only place that writes the state: checks the edge, records it, and tells the user of a new status.
    fn advance(&mut self, cx: &mut Cx<'_>, cause: Step, phase: Phase, state: State) {
        cx.trace.step(cx.now, Machine::Session(self.id), &EDGES, self.phase, cause, phase);
        let (from, to) = (self.phase.status(), phase.status());
        self.phase = phase;
        self.state = state;
        if from != to {
            assert!(from.may_become(to), "a call went from {from} to {to}");
            cx.out.event(Event::Status { session: self.id, from, to });
        }
    }

    fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Moving)
    }

    fn effect(&mut self, cx: &mut Cx<'_>, effect: Effect) -> EffectId {
        self.has_media = true;
        cx.out.effect(self.id, effect)
    }

    fn offer_effect(&mut self, cx: &mut Cx<'_>, direction: Direction) -> EffectId {
        self.effect(cx, Effect::Offer { session: self.id, direction })
    }

    /// Sets an alarm, in place of one of the same kind.
    fn alarm(&mut self, cx: &mut Cx<'_>, after: Duration, kind: SessionTimer) {
        self.silence(cx, kind);
        self.alarms[kind as usize] = Some(cx.timers.set(cx.now + after, Timer::Session(self.id, kind)));
    }

    fn silence(&mut self, cx: &mut Cx<'_>, kind: SessionTimer) {
        if let Some(timer) = self.alarms[kind as usize].take() {
            cx.timers.cancel(timer);
        }
    }

    /// The answer to an effect. One that nobody waits for any more is stale, and ignored.
    pub(crate) fn on_done(&mut self, env: &mut Env<'_, '_>, effect: EffectId, result: EffectResult) {
        match self.phase {
            Phase::Offering => self.offer_ready(env, effect, result),
            Phase::Calling => self.preview_done(effect, &result),
            Phase::Answering => self.answer_ready(env, effect, result),
            Phase::Confirming | Phase::Leaving | Phase::Established => {
                if !self.digit_done(env, effect, &result) {
                    self.change_done(env, effect, result);
                }
            }
            Phase::New | Phase::Cancelling | Phase::Ringing | Phase::Closing | Phase::Ended => {}
        }
    }

    pub(crate) fn on_media(&mut self, env: &mut Env<'_, '_>, event: MediaEvent) {
        match event {
            MediaEvent::Up => {
                self.silence(env.cx, SessionTimer::MediaPath);
                env.cx.out.event(Event::Media { session: self.id, up: true });
                self.media_up = true;
            }
            MediaEvent::Down => {
                env.cx.out.event(Event::Media { session: self.id, up: false });
                let was_up = std::mem::replace(&mut self.media_up, false);
                if was_up && matches!(self.phase, Phase::Confirming | Phase::Established) {
                    self.await_media(env);
                }
            }
            MediaEvent::Failed => self.media_failed(env, "the media path failed"),
            MediaEvent::Digit { digit, duration } => {
                if self.established_mut().is_some() {
                    let path = crate::DtmfPath::Rtp;
                    env.cx.out.event(Event::Digit { session: self.id, digit, duration, path });
                }
            }
        }
    }

    /// From now on the call has to have a media path within the limit.
    fn await_media(&mut self, env: &mut Env<'_, '_>) {
        if !self.media_up {
            self.alarm(env.cx, env.cx.config.media_timeout, SessionTimer::MediaPath);
        }
    }

    /// A response to one of our requests.
    pub(crate) fn on_response(&mut self, env: &mut Env<'_, '_>, tx: ClientTx, message: &Message) {
        let Some(code) = message.status() else { return };
        match &self.state {
            State::Calling(calling) if calling.tx == tx => self.invite_response(env, code, message),
            State::Cancelling(cancelling) if cancelling.tx == tx => {
                self.cancelled_response(env, code, message)
            }
            State::Closing(..) => self.closing_response(env, tx, code, message),
            State::Confirming(_) | State::Leaving(..) | State::Established(_) => {
                self.dialog_response(env, tx, code, message);
            }
            _ => outgoing::refuse_fork(env, tx, code, message),
        }
    }

    /// One of our requests got no answer.
    pub(crate) fn on_failed(&mut self, env: &mut Env<'_, '_>, failed: &TxFailed) {
        match &self.state {
            State::Calling(calling) if calling.tx == failed.tx => self.invite_failed(env, failed),
            State::Cancelling(cancelling) if cancelling.tx == failed.tx => self.cancel_failed(env),
            State::Closing(..) => self.closing_failed(env, failed),
            State::Confirming(_) | State::Leaving(..) | State::Established(_) => {
                self.dialog_failed(env, failed)
            }
            _ => {}
        }
    }

    pub(crate) fn on_timer(&mut self, env: &mut Env<'_, '_>, timer: SessionTimer) {
        self.alarms[timer as usize] = None;
        match timer {
            SessionTimer::NoAnswer => {
                env.cx.trace.mark(Mark::NobodyAnswers);
                self.nobody_answers(env);
            }
            SessionTimer::Retransmit2xx => self.retransmit_2xx(env),
            SessionTimer::MediaPath => {
                env.cx.trace.mark(Mark::MediaLate);
                self.media_failed(env, "no media path in time");
            }
            SessionTimer::Glare => self.reconcile(env),
            SessionTimer::Transfer => self.transfer_silent(env),
            SessionTimer::Closing => self.closing_timeout(env),
            SessionTimer::Change => self.change_overdue(env),
        }
    }

    /// The peer gave up an INVITE of his that we have not answered (§9.2).
    pub(crate) fn on_cancelled(&mut self, env: &mut Env<'_, '_>, invite: ServerRef, cancel: &Message) {
        match &self.state {
            State::Ringing(ringing) if ringing.tx.id() == invite => self.invite_cancelled(env, cancel),
            State::Answering(answering) if answering.tx.id() == invite => self.invite_cancelled(env, cancel),
            State::Established(_) => self.change_cancelled(env, invite),
            _ => {}
        }
    }

    /// A request within the call's dialog.
    pub(crate) fn on_request(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        // Our tag alone does not make it the peer's: the Call-ID and his tag must agree too (§12.2.2).
        if !self.dialog().is_some_and(|dialog| dialog.owns(env.cx.config, request)) {
            env.cx.trace.mark(Mark::ForeignDialog);
            return uas::answer(env, tx, request, 481);
        }
        match &self.state {
            State::Ringing(_) | State::Answering(_) => self.early_request(env, tx, request),
            State::Confirming(_) | State::Leaving(..) | State::Established(_) => {
                self.dialog_request(env, tx, request);
            }
            State::Closing(..) => self.closing_request(env, tx, request),
            _ => uas::answer(env, tx, request, 481),
        }
    }

    /// The connection that our account uses went down.
    pub(crate) fn flow_lost(&mut self, env: &mut Env<'_, '_>, flow: FlowId) {
        match &self.state {
            State::Ringing(ringing) if ringing.flow == flow => self.incoming_lost(env),
            State::Answering(answering) if answering.flow == flow => self.incoming_lost(env),
            _ => {}
        }
    }

    /// A new connection is up: what had to wait can go out.
    pub(crate) fn flow_up(&mut self, env: &mut Env<'_, '_>) {
        match &self.state {
            State::Established(_) => self.reconcile(env),
            State::Closing(..) => self.closing_retry(env),
            _ => {}
        }
    }

    fn dialog(&self) -> Option<&Dialog> {
        match &self.state {
            State::Ringing(ringing) => Some(&ringing.dialog),
            State::Answering(answering) => Some(&answering.dialog),
            State::Confirming(e) | State::Established(e) => Some(&e.dialog),
            State::Leaving(e, _) | State::Closing(e, _) => Some(&e.dialog),
            State::Moving | State::Offering(_) | State::Calling(_) | State::Cancelling(_) | State::Ended => {
                None
            }
        }
    }

    fn established_mut(&mut self) -> Option<&mut Established> {
        match &mut self.state {
            State::Confirming(e) | State::Established(e) => Some(e),
            State::Leaving(e, _) | State::Closing(e, _) => Some(e),
            _ => None,
        }
    }
}

impl Session {
    /// A response to a call that is over: a fork that answers too late is hung up.
    pub(crate) fn refuse_late(env: &mut Env<'_, '_>, tx: ClientTx, message: &Message) {
        if let Some(code) = message.status() {
            outgoing::refuse_fork(env, tx, code, message);
        }
    }
}
