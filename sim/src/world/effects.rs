//! Effects of phones with the model of media: descriptions, digits and media paths.

use std::time::Duration;

use offhook::{AccountEffect, CallEffect, Effect, EffectId, EffectResult, Input, MediaEvent, MediaFault};

use super::{ScheduledEvent, World};
use crate::hash::{Digest, Draw};
use crate::media::{EngineError, Leg, Model};
use crate::oracle::Observation;
use crate::scenario::MediaTrouble;

/// The time until a media path is up: candidates, checks and keys.
const PATH: Duration = Duration::from_millis(120);

/// The silence after which an engine reports the path as interrupted (RFC 7675 §5.1, shortened).
const SILENCE: Duration = Duration::from_secs(5);

impl World {
    pub(super) fn effect(&mut self, phone: usize, id: EffectId, effect: &Effect) {
        match effect {
            Effect::Call { session, leg, effect } => {
                self.call_effect(Leg { end: (phone, *session), id: *leg }, id, effect);
            }
            Effect::Account { account, effect: AccountEffect::Credentials { realm } } => {
                self.credentials_asked(phone, *account, id, realm);
            }
            _ => {}
        }
    }

    fn call_effect(&mut self, leg: Leg, id: EffectId, effect: &CallEffect) {
        self.observe(&Observation::Effect { leg, effect });
        if let CallEffect::Check { .. } = effect {
            self.corrupted_calls.incoming(leg.end.0, leg.end.1);
        }
        #[cfg(feature = "media")]
        if self.engines.real().is_some() {
            return self.real_effect(leg, id, effect);
        }
        let Some(model) = self.engines.model() else { return };
        let phone = leg.end.0;
        let setup = &self.phones[phone].setup;
        let broken = self.phones[phone].trouble == Some(MediaTrouble::Broken);
        let tone = if let CallEffect::Digit { duration, .. } = effect { *duration } else { Duration::ZERO };
        let failed = Ok(EffectResult::Failed(MediaFault::Engine));
        // The engine applies effects immediately, so that they keep their order. Only the result is delayed.
        let result = match effect {
            CallEffect::Offer { .. } | CallEffect::Answer { .. } if broken => {
                model.failed(leg);
                failed
            }
            CallEffect::Check { .. } | CallEffect::Digit { .. } if broken => failed,
            CallEffect::Check { offer } => Model::check(setup, offer).map(EffectResult::Checked),
            CallEffect::Offer { types, direction, .. } => {
                model.offer(leg, setup, *types, *direction).map(EffectResult::Description)
            }
            CallEffect::Answer { offer, types, direction } => {
                let answered = model.answer(leg, setup, offer, *types, *direction);
                answered.map(|(answer, agreed)| EffectResult::Answered { answer, agreed })
            }
            CallEffect::Apply { answer } => model.apply(leg, answer).map(EffectResult::Applied),
            CallEffect::Digit { digit, duration } => {
                self.digit(leg, *digit, *duration);
                Ok(EffectResult::Sent)
            }
            CallEffect::Fork { of } => {
                let forked = model.fork(leg, *of);
                return self.done_without_result(leg, forked);
            }
            CallEffect::Rollback => {
                let rolled_back = model.rollback(leg);
                return self.rolled_back(leg, rolled_back);
            }
            // The model sends digits only, which are not muted. The oracle `mute` reads the effect.
            CallEffect::Mute { .. } => return,
            CallEffect::Release => return self.released(leg),
            _ => return,
        };
        if matches!(effect, CallEffect::Answer { .. } | CallEffect::Apply { .. }) && result.is_ok() {
            self.queue.schedule(self.now + PATH, ScheduledEvent::PathUp(leg));
        }
        let takes = tone + self.effect_takes(phone, effect);
        self.finish_effect(leg, id, effect, result, takes);
    }

    /// Schedules the result of an effect. An effect that is out of order is reported to the oracles.
    pub(super) fn finish_effect(
        &mut self,
        leg: Leg,
        id: EffectId,
        effect: &CallEffect,
        result: Result<EffectResult, EngineError>,
        takes: Duration,
    ) {
        let phone = leg.end.0;
        let result = match result {
            Ok(result) => result,
            Err(EngineError::Fault(fault)) => EffectResult::Failed(fault),
            Err(EngineError::OutOfOrder(what)) => {
                return self.observe(&Observation::OutOfOrder { end: leg.end, what });
            }
        };
        self.observe(&Observation::EffectDone { leg, effect, result: &result });
        // A check needs no engine, and the phone does not wait for it for long.
        if effect.needs_session() {
            self.phones[phone].effects.insert(id, leg);
        }
        if self.phones[phone].trouble != Some(MediaTrouble::Unresponsive) {
            self.queue.schedule(self.now + takes, ScheduledEvent::Done { phone, effect: id, result });
        }
    }

    /// The same for a rollback. There is nothing to roll back after an effect that failed, which the phone does not know before it
    /// gets the result; timers that are due come before the result.
    pub(super) fn rolled_back(&mut self, leg: Leg, done: Result<(), EngineError>) {
        let pending = self.phones[leg.end.0].effects.values().chain(&self.reported);
        if !pending.into_iter().any(|pending| *pending == leg) {
            self.done_without_result(leg, done);
        }
    }

    /// Reports an effect without a result to the oracles.
    pub(super) fn done_without_result(&mut self, leg: Leg, done: Result<(), EngineError>) {
        if let Err(EngineError::OutOfOrder(what)) = done {
            self.observe(&Observation::OutOfOrder { end: leg.end, what });
        }
    }

    /// The duration of an effect. It depends on the time, not on a counter, so that other calls do not change it.
    pub(super) fn effect_takes(&self, phone: usize, effect: &CallEffect) -> Duration {
        if let Some(MediaTrouble::Slow(by)) = self.phones[phone].trouble {
            return by;
        }
        let kind = match effect {
            CallEffect::Offer { .. } => 1,
            CallEffect::Answer { .. } => 2,
            CallEffect::Apply { .. } => 3,
            CallEffect::Check { .. } => 5,
            _ => 4,
        };
        let now = self.now.as_nanos();
        let key = Digest::new(self.scenario.seed).word(phone as u64).word(now).word(kind);
        Draw::from_digest(key).millis(1, 20)
    }

    fn released(&mut self, leg: Leg) {
        self.phones[leg.end.0].effects.retain(|_, of| *of != leg);
        if let Some(peer) = self.engines.model().and_then(|model| model.release(leg)) {
            self.queue.schedule(self.now + SILENCE, ScheduledEvent::PathDown(peer));
        }
    }

    fn digit(&mut self, leg: Leg, digit: char, duration: Duration) {
        let arrives = self.engines.model().and_then(|model| model.digit_arrives(leg));
        let peer = arrives.map(|leg| leg.end);
        self.observe(&Observation::DigitSent { end: leg.end, digit, arrives: peer });
        if let Some(Leg { end: (phone, session), id: leg }) = arrives {
            let input = Input::Media { session, leg, event: MediaEvent::Digit { digit, duration } };
            let takes = duration + self.nets[phone].weather.delay;
            self.queue.schedule(self.now + takes, ScheduledEvent::Input { phone, input: Box::new(input) });
        }
    }

    /// Brings a media path up if both ends have agreed and their networks pass media.
    pub(super) fn path_up(&mut self, leg: Leg) {
        if self.engines.is_with_stranger(leg.end) {
            // A rogue has no engine: its end is taken as up.
            if !self.has_no_path(leg.end.0)
                && self.engines.model().is_some_and(|model| model.set_up(leg, true))
            {
                self.media_event(leg, MediaEvent::Up);
            }
            return;
        }
        let Some(peer) = self.engines.peer_of(leg) else { return };
        if [leg.end.0, peer.end.0].iter().any(|&phone| self.has_no_path(phone)) {
            return;
        }
        for leg in [leg, peer] {
            if self.engines.model().is_some_and(|model| model.set_up(leg, true)) {
                self.media_event(leg, MediaEvent::Up);
            }
        }
    }

    /// Takes a media path down if one end is released or cut off.
    pub(super) fn path_down(&mut self, leg: Leg) {
        let peer = self.engines.peer_of(leg);
        let alone = peer.is_none_or(|peer| self.is_cut_off(peer.end.0) || self.is_cut_off(leg.end.0));
        if alone && self.engines.model().is_some_and(|model| model.set_up(leg, false)) {
            self.media_event(leg, MediaEvent::Down);
        }
    }

    /// Schedules checks of the media paths of a phone whose network or engine changed, and of their peers.
    pub(super) fn schedule_path_checks(&mut self, phone: usize, up: bool) {
        let legs: Vec<Leg> = self.engines.legs().filter(|leg| leg.end.0 == phone).collect();
        for leg in legs {
            for leg in [Some(leg), self.engines.peer_of(leg)].into_iter().flatten() {
                let (after, look) = if up {
                    (PATH, ScheduledEvent::PathUp(leg))
                } else {
                    (SILENCE, ScheduledEvent::PathDown(leg))
                };
                self.queue.schedule(self.now + after, look);
            }
        }
    }

    pub(super) fn is_cut_off(&self, phone: usize) -> bool {
        !self.phones[phone].is_awake() || self.nets[phone].is_cut(self.now)
    }

    pub(super) fn has_no_path(&self, phone: usize) -> bool {
        self.is_cut_off(phone) || self.phones[phone].trouble == Some(MediaTrouble::NoPath)
    }

    pub(super) fn media_event(&mut self, leg: Leg, event: MediaEvent) {
        let Leg { end: (phone, session), id: leg } = leg;
        self.phone_input(phone, Input::Media { session, leg, event });
    }
}
