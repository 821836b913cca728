//! Effects of phones with the model of media: descriptions, digits and media paths.

use std::time::Duration;

use offhook::{AccountEffect, CallEffect, Effect, EffectId, EffectResult, Input, MediaEvent, MediaFault};

use super::{ScheduledEvent, World};
use crate::hash::{Digest, Draw};
use crate::media::{End, EngineError};
use crate::oracle::Observation;
use crate::scenario::MediaTrouble;

/// The time until a media path is up: candidates, checks and keys.
const PATH: Duration = Duration::from_millis(120);

/// The silence after which an engine reports the path as interrupted (RFC 7675 §5.1, shortened).
const SILENCE: Duration = Duration::from_secs(5);

impl World {
    pub(super) fn effect(&mut self, phone: usize, id: EffectId, effect: &Effect) {
        match effect {
            Effect::Call { session, effect } => self.call_effect((phone, *session), id, effect),
            Effect::Account { account, effect: AccountEffect::Credentials { realm } } => {
                self.credentials_asked(phone, *account, id, realm);
            }
            _ => {}
        }
    }

    fn call_effect(&mut self, end: End, id: EffectId, effect: &CallEffect) {
        #[cfg(feature = "media")]
        if self.engines.real().is_some() {
            return self.real_effect(end, id, effect);
        }
        let Some(model) = self.engines.model() else { return };
        let phone = end.0;
        let setup = &self.phones[phone].setup;
        let broken = self.phones[phone].trouble == Some(MediaTrouble::Broken);
        let tone = if let CallEffect::Digit { duration, .. } = effect { *duration } else { Duration::ZERO };
        let failed = Ok(EffectResult::Failed(MediaFault::Engine));
        // The engine applies effects immediately, so that they keep their order. Only the result is delayed.
        let result = match effect {
            CallEffect::Offer { .. } | CallEffect::Answer { .. } | CallEffect::Digit { .. } if broken => {
                failed
            }
            CallEffect::Offer { direction } => {
                model.offer(end, setup, *direction).map(EffectResult::Description)
            }
            CallEffect::Answer { offer, direction } => {
                model.answer(end, setup, offer, *direction).map(EffectResult::Description)
            }
            CallEffect::Apply { answer } => model.apply(end, answer).map(|()| EffectResult::Applied),
            CallEffect::Digit { digit, duration } => {
                self.digit(end, *digit, *duration);
                Ok(EffectResult::Sent)
            }
            CallEffect::Rollback => return self.rolled_back(end),
            CallEffect::Release => return self.released(end),
            _ => return,
        };
        if matches!(effect, CallEffect::Answer { .. } | CallEffect::Apply { .. }) && result.is_ok() {
            self.queue.schedule(self.now + PATH, ScheduledEvent::PathUp(end));
        }
        let takes = tone + self.effect_takes(phone, effect);
        self.finish_effect(end, id, result, takes);
    }

    /// Schedules the result of an effect. An effect that is out of order is reported to the oracles.
    pub(super) fn finish_effect(
        &mut self,
        (phone, session): End,
        effect: EffectId,
        result: Result<EffectResult, EngineError>,
        takes: Duration,
    ) {
        let result = match result {
            Ok(result) => result,
            Err(EngineError::Fault(fault)) => EffectResult::Failed(fault),
            Err(EngineError::OutOfOrder(what)) => {
                return self.observe(&Observation::OutOfOrder { end: (phone, session), what });
            }
        };
        self.phones[phone].effects.insert(effect, session);
        if self.phones[phone].trouble != Some(MediaTrouble::Unresponsive) {
            self.queue.schedule(self.now + takes, ScheduledEvent::Done { phone, effect, result });
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
            _ => 4,
        };
        let now = self.now.as_nanos();
        let key = Digest::new(self.scenario.seed).word(phone as u64).word(now).word(kind);
        Draw::from_digest(key).millis(1, 20)
    }

    fn rolled_back(&mut self, end: End) {
        let rolled_back = self.engines.model().map_or(Ok(()), |model| model.rollback(end));
        if let Err(EngineError::OutOfOrder(what)) = rolled_back {
            self.observe(&Observation::OutOfOrder { end, what });
        }
    }

    fn released(&mut self, end: End) {
        let (phone, session) = end;
        self.phones[phone].effects.retain(|_, of| *of != session);
        if let Some(peer) = self.engines.model().and_then(|model| model.release(end)) {
            self.queue.schedule(self.now + SILENCE, ScheduledEvent::PathDown(peer));
        }
    }

    fn digit(&mut self, end: End, digit: char, duration: Duration) {
        let arrives = self.engines.model().and_then(|model| model.digit_arrives(end));
        self.observe(&Observation::DigitSent { end, digit, arrives });
        if let Some((phone, session)) = arrives {
            let input = Input::Media { session, event: MediaEvent::Digit { digit, duration } };
            let takes = duration + self.nets[phone].weather.delay;
            self.queue.schedule(self.now + takes, ScheduledEvent::Input { phone, input: Box::new(input) });
        }
    }

    /// Brings a media path up if both ends have agreed and their networks pass media.
    pub(super) fn path_up(&mut self, end: End) {
        if self.engines.is_with_stranger(end) {
            // A rogue has no engine: its end is taken as up.
            if !self.has_no_path(end.0) && self.engines.model().is_some_and(|model| model.set_up(end, true)) {
                self.media_event(end, MediaEvent::Up);
            }
            return;
        }
        let Some(peer) = self.engines.peer(end) else { return };
        if [end.0, peer.0].iter().any(|&phone| self.has_no_path(phone)) {
            return;
        }
        for end in [end, peer] {
            if self.engines.model().is_some_and(|model| model.set_up(end, true)) {
                self.media_event(end, MediaEvent::Up);
            }
        }
    }

    /// Takes a media path down if one end is released or cut off.
    pub(super) fn path_down(&mut self, end: End) {
        let peer = self.engines.peer(end);
        let alone = peer.is_none_or(|peer| self.is_cut_off(peer.0) || self.is_cut_off(end.0));
        if alone && self.engines.model().is_some_and(|model| model.set_up(end, false)) {
            self.media_event(end, MediaEvent::Down);
        }
    }

    /// Schedules checks of the media paths of a phone whose network or engine changed, and of their peers.
    pub(super) fn schedule_path_checks(&mut self, phone: usize, up: bool) {
        let ends: Vec<End> = self.engines.ends().filter(|end| end.0 == phone).collect();
        for end in ends {
            for end in [Some(end), self.engines.peer(end)].into_iter().flatten() {
                let (after, look) = if up {
                    (PATH, ScheduledEvent::PathUp(end))
                } else {
                    (SILENCE, ScheduledEvent::PathDown(end))
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

    pub(super) fn media_event(&mut self, (phone, session): End, event: MediaEvent) {
        self.phone_input(phone, Input::Media { session, event });
    }
}
