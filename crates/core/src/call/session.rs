use super::cx::{CallCx, Referrer};
use super::established::Established;
use super::intent::Intent;
use super::leg::{Leg, ONLY};
use super::machine::{EDGES, Phase, Trigger};
use super::states::State;
use super::tag::LocalTag;
use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::name::{Machine, SessionTimer, Timer};
use crate::base::timers::TimerId;
use crate::base::waiter::CallWaiter;
use crate::dialog::Dialog;
use crate::planted::planted;
use crate::{AccountId, CallEffect, CallEvent, EffectId, EndReason, LegId, SessionId, Status};
use std::time::Duration;

/// One call.
pub(crate) struct Session {
    pub(super) id: SessionId,
    pub(super) account: AccountId,
    /// Written by [`transition`](Self::transition) only.
    pub(super) state: State,
    pub(super) tag: LocalTag,
    /// The pending timers, by [`SessionTimer`].
    pub(super) timers: [Option<TimerId>; SessionTimer::COUNT],
    pub(super) media: MediaSessions,
    /// The media that the user wants.
    pub(super) intent: Intent,
    /// The call in which the REFER for this one was received.
    pub(super) referred_by: Option<Referrer>,
}

/// The media sessions of a call at its host, as sets of legs.
#[derive(Default)]
pub(super) struct MediaSessions {
    /// To be released.
    live: u8,
    /// With a media path.
    up: u8,
    /// How many legs were used.
    used: u8,
}

impl MediaSessions {
    const MOST: u8 = u8::BITS as u8;

    fn bit(leg: LegId) -> u8 {
        1u8.checked_shl(u32::from(leg.0)).unwrap_or(0)
    }

    /// A leg that was not used before; `None` if there is none.
    pub(super) fn new_leg(&mut self) -> Option<LegId> {
        let leg = LegId(self.used);
        (leg.0 < Self::MOST).then(|| {
            self.used += 1;
            leg
        })
    }

    /// Whether an early dialog can have a leg: one is left for the branch that is accepted.
    pub(super) fn has_early_leg(&self) -> bool {
        self.used + 1 < Self::MOST
    }

    /// Whether the host has this session.
    pub(super) fn is_live(&self, leg: LegId) -> bool {
        self.live & Self::bit(leg) != 0
    }

    /// The sessions that the host has.
    pub(super) fn all_live(&self) -> impl Iterator<Item = LegId> + use<> {
        let live = self.live;
        (0..Self::MOST).map(LegId).filter(move |leg| live & Self::bit(*leg) != 0)
    }

    pub(super) fn is_any_up(&self) -> bool {
        self.up != 0
    }

    pub(super) fn is_up(&self, leg: LegId) -> bool {
        self.up & Self::bit(leg) != 0
    }

    /// Sets whether the path of a leg is up. Returns whether that changed.
    pub(super) fn set_up(&mut self, leg: LegId, up: bool) -> bool {
        let before = self.up;
        self.up = if up { before | Self::bit(leg) } else { before & !Self::bit(leg) };
        before != self.up
    }

    /// The legs to be released, but for one.
    fn take_others(&mut self, but: Option<LegId>) -> impl Iterator<Item = LegId> + use<> {
        let kept = but.map_or(0, Self::bit);
        let others = self.live & !kept;
        self.live &= kept;
        self.up &= kept;
        (0..Self::MOST).map(LegId).filter(move |leg| others & Self::bit(*leg) != 0)
    }
}

/// Transitions, timers and effects.
impl Session {
    pub(super) fn new(id: SessionId, cx: &mut CallCx<'_, '_>, referred_by: Option<Referrer>) -> Self {
        Self {
            id,
            account: cx.account.id(),
            state: State::New,
            tag: LocalTag::new(id, cx.base),
            timers: [None; SessionTimer::COUNT],
            media: MediaSessions::default(),
            intent: Intent::default(),
            referred_by,
        }
    }

    pub(crate) fn id(&self) -> SessionId {
        self.id
    }

    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    pub(super) fn phase(&self) -> Phase {
        self.state.phase()
    }

    pub(crate) fn status(&self) -> Status {
        self.phase().status()
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.phase() == Phase::Ended
    }

    /// Whether a request with this To tag belongs to this call.
    pub(crate) fn has_tag(&self, tag: &[u8]) -> bool {
        self.tag.as_bytes() == tag
    }

    /// Goes to the state that `next` makes of the one before.
    pub(super) fn transition(
        &mut self,
        cx: &mut Cx<'_>,
        trigger: Trigger,
        next: impl FnOnce(State) -> State,
    ) {
        self.transition_with(cx, trigger, |state| (next(state), ()));
    }

    /// Writes the state: checks the edge, records the transition, and emits the event of a new status. `next` makes the new state of
    /// the one before, and returns what is left of it.
    pub(super) fn transition_with<T>(
        &mut self,
        cx: &mut Cx<'_>,
        trigger: Trigger,
        next: impl FnOnce(State) -> (State, T),
    ) -> T {
        let from = self.state.phase();
        let (state, rest) = next(std::mem::replace(&mut self.state, State::Ended));
        self.state = state;
        let to = self.state.phase();
        cx.trace.transition(cx.now, Machine::Session(self.id), &EDGES, from, trigger, to);
        // The user knows a call only when it is alerted.
        let is_known = from != Phase::Checking || to != Phase::Ended;
        let (from, to) = (from.status(), to.status());
        if from != to && is_known {
            assert!(from.may_become(to), "a call went from {from} to {to}");
            let why = self.end_reason().filter(|_| !planted!(cx.config, EndReasonMissing)).cloned();
            cx.out.call_event(self.id, CallEvent::Status { from, to, why });
        }
        rest
    }

    pub(super) fn effect(
        &mut self,
        cx: &mut Cx<'_>,
        leg: LegId,
        effect: CallEffect,
        waiter: CallWaiter,
    ) -> EffectId {
        let is_new = !self.media.is_live(leg);
        self.media.live |= MediaSessions::bit(leg);
        let effect = cx.out.call_effect(self.id, leg, effect, waiter);
        if is_new {
            self.mute_new_leg(cx, leg);
        }
        effect
    }

    pub(super) fn roll_back(&mut self, cx: &mut Cx<'_>, n: usize) {
        if let Some(leg) = self.leg(n).and_then(|leg| leg.media) {
            self.effect(cx, leg, CallEffect::Rollback, CallWaiter::Nothing);
        }
    }

    /// Releases the media sessions of all legs but one.
    pub(super) fn release_media(&mut self, cx: &mut Cx<'_>, but: Option<LegId>) {
        if but.is_some_and(|kept| self.media.live == MediaSessions::bit(kept)) {
            return;
        }
        for leg in self.media.take_others(but) {
            cx.out.call_effect(self.id, leg, CallEffect::Release, CallWaiter::Nothing);
        }
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

    pub(super) fn leg(&self, n: usize) -> Option<&Leg> {
        self.state.legs().get(n)
    }

    pub(super) fn leg_mut(&mut self, n: usize) -> Option<&mut Leg> {
        self.state.legs_mut().get_mut(n)
    }

    /// The only leg of a state that has a dialog.
    pub(super) fn only_leg(&mut self) -> Option<&mut Leg> {
        match self.state {
            State::Calling(_) => None,
            _ => self.leg_mut(ONLY),
        }
    }

    /// The leg whose dialog satisfies `is`.
    pub(super) fn leg_of(&self, is: impl Fn(&Dialog) -> bool) -> Option<usize> {
        self.state.legs().iter().position(|leg| is(&leg.dialog))
    }

    pub(super) fn established_mut(&mut self) -> Option<&mut Established> {
        self.state.established_mut()
    }

    /// Starts the timer for the media path, unless it is up.
    pub(super) fn await_media(&mut self, cx: &mut CallCx<'_, '_>) {
        let leg = self.leg(ONLY).and_then(|leg| leg.media);
        if !leg.is_some_and(|leg| self.media.is_up(leg)) {
            self.set_timer(cx.base, cx.base.config.media_timeout, SessionTimer::MediaPath);
        }
    }

    /// Whether the caller may have one more early dialog.
    pub(super) fn has_room_for_leg(&self) -> bool {
        self.state.legs().len() < bounds::EARLY_DIALOGS
    }
}
