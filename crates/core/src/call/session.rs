use super::cx::{CallCx, Referrer};
use super::established::Established;
use super::machine::{EDGES, Phase, Trigger};
use super::states::State;
use super::tag::LocalTag;
use crate::base::cx::Cx;
use crate::base::name::{Machine, SessionTimer, Timer};
use crate::base::timers::TimerId;
use crate::base::waiter::CallWaiter;
use crate::dialog::Dialog;
use crate::negotiation::Negotiation;
use crate::planted::planted;
use crate::{AccountId, CallEffect, CallEvent, EffectId, EndReason, SessionId, Status};
use std::time::Duration;

/// One call.
pub(crate) struct Session {
    pub(super) id: SessionId,
    pub(super) account: AccountId,
    pub(super) phase: Phase,
    pub(super) state: State,
    pub(super) tag: LocalTag,
    pub(super) negotiation: Negotiation,
    /// The pending timers, by [`SessionTimer`].
    pub(super) timers: [Option<TimerId>; SessionTimer::COUNT],
    /// Whether the host has a media session for the call, which is to be released.
    pub(super) has_media: bool,
    /// Whether the media path is up; with early media, also before the answer.
    pub(super) media_up: bool,
    /// The call in which the REFER for this one was received.
    pub(super) referred_by: Option<Referrer>,
}

/// Transitions, timers and effects.
impl Session {
    pub(super) fn new(id: SessionId, cx: &mut CallCx<'_, '_>, referred_by: Option<Referrer>) -> Self {
        Self {
            id,
            account: cx.account.id(),
            phase: Phase::New,
            state: State::Moving,
            tag: LocalTag::new(id, cx.base),
            negotiation: Negotiation::default(),
            timers: [None; SessionTimer::COUNT],
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

    pub(crate) fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether a request with this To tag belongs to this call.
    pub(crate) fn has_tag(&self, tag: &[u8]) -> bool {
        self.tag.as_bytes() == tag
    }

    /// Writes the state: checks the edge, records the transition, and emits the event of a new status.
    pub(super) fn transition(&mut self, cx: &mut Cx<'_>, trigger: Trigger, phase: Phase, state: State) {
        cx.trace.transition(cx.now, Machine::Session(self.id), &EDGES, self.phase, trigger, phase);
        let (from, to) = (self.phase.status(), phase.status());
        self.phase = phase;
        self.state = state;
        if from != to {
            assert!(from.may_become(to), "a call went from {from} to {to}");
            let why = self.end_reason().filter(|_| !planted!(cx.config, EndReasonMissing)).cloned();
            cx.out.call_event(self.id, CallEvent::Status { from, to, why });
        }
    }

    pub(super) fn take(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Moving)
    }

    pub(super) fn effect(&mut self, cx: &mut Cx<'_>, effect: CallEffect, waiter: CallWaiter) -> EffectId {
        self.has_media = true;
        cx.out.call_effect(self.id, effect, waiter)
    }

    pub(super) fn roll_back(&mut self, cx: &mut Cx<'_>) {
        self.effect(cx, CallEffect::Rollback, CallWaiter::Nothing);
    }

    /// Why the call ends, once its status is `terminating`.
    fn end_reason(&self) -> Option<&EndReason> {
        match &self.state {
            State::Cancelling(cancelling) => Some(&cancelling.why),
            State::HangUpAfterAck(_, why) | State::Terminating(_, why) => Some(why),
            _ => None,
        }
    }

    /// Sets a timer, and cancels a pending one of the same kind.
    pub(super) fn set_timer(&mut self, cx: &mut Cx<'_>, after: Duration, kind: SessionTimer) {
        self.cancel_timer(cx, kind);
        self.timers[kind as usize] = Some(cx.timers.set(cx.now + after, Timer::Session(self.id, kind)));
    }

    pub(super) fn cancel_timer(&mut self, cx: &mut Cx<'_>, kind: SessionTimer) {
        if let Some(timer) = self.timers[kind as usize].take() {
            cx.timers.cancel(timer);
        }
    }

    pub(super) fn dialog(&self) -> Option<&Dialog> {
        match &self.state {
            State::Ringing(ringing) => Some(&ringing.dialog),
            State::Answering(answering) => Some(&answering.dialog),
            State::AwaitingAck(e) | State::Established(e) => Some(&e.dialog),
            State::HangUpAfterAck(e, _) | State::Terminating(e, _) => Some(&e.dialog),
            State::Moving
            | State::Offering(_)
            | State::Calling(_)
            | State::Challenged(_)
            | State::Cancelling(_)
            | State::Ended => None,
        }
    }

    pub(super) fn established_mut(&mut self) -> Option<&mut Established> {
        match &mut self.state {
            State::AwaitingAck(e) | State::Established(e) => Some(e),
            State::HangUpAfterAck(e, _) | State::Terminating(e, _) => Some(e),
            _ => None,
        }
    }

    /// Starts the timer for the media path, unless it is up.
    pub(super) fn await_media(&mut self, cx: &mut CallCx<'_, '_>) {
        if !self.media_up {
            self.set_timer(cx.base, cx.base.config.media_timeout, SessionTimer::MediaPath);
        }
    }
}
