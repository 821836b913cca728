//! The host of real media: effects go to the engine of the call, datagrams over the networks of both phones, and events of the engine
//! to the phone.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook::{CallEffect, EffectId, EffectResult, Input, MediaEvent, MediaFault};
use offhook_media::{MediaEvent as EngineEvent, MediaInput, MediaOutput};

use super::event::Datagram;
use super::{ScheduledEvent, World};
use crate::media::EngineError;
use crate::media::{Kind, Leg, ProbeContext, Real, phone_of};
use crate::oracle::Observation;
use crate::scenario::{MediaTrouble, Weather};
use crate::tape::Node;

/// The interval of audio probes.
const LISTEN: Duration = Duration::from_millis(500);

impl World {
    pub(super) fn real_effect(&mut self, leg: Leg, id: EffectId, effect: &CallEffect) {
        let phone = leg.end.0;
        let node = &self.phones[phone];
        let now = node.local(self.now);
        let broken = node.trouble == Some(MediaTrouble::Broken);
        let failed = Ok(EffectResult::Failed(MediaFault::Engine));
        let Some(real) = self.engines.real() else { return };
        let result = match effect {
            CallEffect::Offer { .. } | CallEffect::Answer { .. } if broken => {
                real.failed(leg);
                failed
            }
            CallEffect::Check { .. } | CallEffect::Digit { .. } if broken => failed,
            // The engine has audio only.
            CallEffect::Offer { types, .. } | CallEffect::Answer { types, .. } if !types.audio => {
                Err(EngineError::Fault(MediaFault::NoCommonMedia))
            }
            CallEffect::Check { offer } => Real::check(phone, &node.setup, offer).map(EffectResult::Checked),
            CallEffect::Offer { direction, restart, .. } => {
                real.offer(leg, node, now, *direction, *restart).map(EffectResult::Description)
            }
            CallEffect::Answer { offer, direction, .. } => {
                let answered = real.answer(leg, node, now, offer, *direction);
                answered.map(|(answer, agreed)| EffectResult::Answered { answer, agreed })
            }
            CallEffect::Apply { answer } => real.apply(leg, now, answer).map(EffectResult::Applied),
            CallEffect::Digit { digit, duration } => match real.press(leg, now, id, *digit, *duration) {
                Ok(()) => {
                    self.phones[phone].effects.insert(id, leg);
                    self.observe(&Observation::DigitSent { end: leg.end, digit: *digit, arrives: None });
                    return self.drain_line(leg);
                }
                Err(refused) => Err(refused),
            },
            CallEffect::Fork { of } => {
                let forked = real.fork(leg, *of, now);
                self.done_without_result(leg, forked);
                return self.drain_line(leg);
            }
            CallEffect::Rollback => {
                let rolled_back = real.rollback(leg);
                self.rolled_back(leg, rolled_back);
                return self.drain_line(leg);
            }
            CallEffect::Mute { types } => return real.mute(leg, types.audio),
            CallEffect::Release => return self.release_line(leg),
            _ => return,
        };
        if !real.set_probe_scheduled(true) {
            self.queue.schedule(self.now + LISTEN, ScheduledEvent::ProbeAudio);
        }
        let takes = self.effect_takes(phone, effect);
        self.finish_effect(leg, id, effect, result, takes);
        self.drain_line(leg);
    }

    fn release_line(&mut self, leg: Leg) {
        let phone = leg.end.0;
        self.phones[phone].effects.retain(|_, of| *of != leg);
        let now = self.phones[phone].local(self.now);
        if let Some(real) = self.engines.real() {
            real.close(leg, now);
        }
        self.drain_line(leg);
        if let Some(real) = self.engines.real() {
            real.remove(leg);
        }
    }

    /// Wakes the engines whose deadline is reached.
    pub(super) fn wake_lines(&mut self) {
        let now = self.now;
        let phones = &self.phones;
        let due = self.engines.real().map(|real| real.due(phones, now)).unwrap_or_default();
        for leg in due {
            self.observe(&Observation::Woken(Node::Phone(leg.end.0)));
            let local = self.phones[leg.end.0].local(now);
            if let Some(real) = self.engines.real() {
                real.handle(leg, local, MediaInput::Wake);
            }
            self.drain_line(leg);
        }
    }

    fn drain_line(&mut self, leg: Leg) {
        while let Some(output) = self.engines.real().and_then(|real| real.poll(leg)) {
            match output {
                MediaOutput::Transmit { local, remote, data } => self.carry(leg, local, remote, data),
                MediaOutput::Event(event) => self.on_line_event(leg, &event),
            }
        }
        if let Some(real) = self.engines.real() {
            real.update_deadline(leg);
        }
    }

    /// Carries a datagram through the networks of two phones.
    fn carry(&mut self, leg: Leg, from: SocketAddr, to: SocketAddr, data: Bytes) {
        let kind = Kind::of(&data);
        self.tape.datagram(self.now, from, to, kind, data.len());
        self.observe(&Observation::Datagram { end: leg.end });
        if let (Some(timestamp), Some(real)) = (kind.digit(), self.engines.real()) {
            real.event_leaves(leg, timestamp);
        }
        self.update_nat(leg.end.0);
        let seen = self.engines.real().and_then(|real| real.outside(leg)).unwrap_or(from);
        let Some(other) = phone_of(to).filter(|other| *other < self.phones.len()) else { return };
        let legs = [0, 1].map(|leg| self.fates.name_media(from, to, kind.number(), leg));
        let (ours, theirs) = (&self.nets[leg.end.0], &self.nets[other]);
        let cut = ours.closed(0) > self.now || theirs.closed(1) > self.now;
        if cut || [leg.end.0, other].iter().any(|&phone| self.is_media_blocked(phone)) {
            return;
        }
        let [out, back] = [legs[0].as_datagram(&ours.weather), legs[1].as_datagram(&theirs.weather)];
        for out in [out.first, out.second].into_iter().flatten() {
            for back in [back.first, back.second].into_iter().flatten() {
                let datagram = Datagram { from, seen, to, data: data.clone() };
                self.queue.schedule(self.now + out + back, ScheduledEvent::Datagram(Box::new(datagram)));
            }
        }
    }

    fn update_nat(&mut self, phone: usize) {
        let rebound = self.phones[phone].trouble == Some(MediaTrouble::Rebound);
        if let Some(real) = self.engines.real() {
            real.set_rebound(phone, rebound);
        }
    }

    /// Whether the media datagrams of a phone are blocked.
    fn is_media_blocked(&self, phone: usize) -> bool {
        !self.phones[phone].is_awake() || self.phones[phone].trouble == Some(MediaTrouble::NoPath)
    }

    pub(super) fn datagram_arrives(&mut self, datagram: &Datagram) {
        let &Datagram { from, seen, to, ref data } = datagram;
        phone_of(to).into_iter().for_each(|phone| self.update_nat(phone));
        let Some((leg, inside)) = self.engines.real().and_then(|real| real.at(to, seen, data)) else {
            return;
        };
        if !self.phones[leg.end.0].is_awake() {
            return;
        }
        let local = self.phones[leg.end.0].local(self.now);
        let noisy = self.phones[leg.end.0].trouble == Some(MediaTrouble::StrayDatagrams);
        let Some(real) = self.engines.real() else { return };
        real.note_source(leg, from, seen);
        if noisy {
            let forged = real.forge(data);
            real.handle(leg, local, MediaInput::Received { local: inside, remote: seen, data: &forged });
        }
        let digit = Kind::of(data).digit().and_then(|timestamp| real.event_arrives(leg, from, timestamp));
        real.handle(leg, local, MediaInput::Received { local: inside, remote: seen, data });
        if let Some((digit, decodable)) = digit {
            self.observe(&Observation::DigitArrived { end: leg.end, digit, decodable });
        }
        self.drain_line(leg);
    }

    fn on_line_event(&mut self, leg: Leg, event: &EngineEvent) {
        let Leg { end: (phone, session), id } = leg;
        self.tape.media(self.now, leg.end, event);
        let news = match *event {
            EngineEvent::Connected => MediaEvent::Up,
            EngineEvent::Disconnected => MediaEvent::Down,
            EngineEvent::Failed { .. } => MediaEvent::Failed,
            EngineEvent::Digit { digit, duration, .. } => MediaEvent::Digit { digit, duration },
            EngineEvent::DigitSent { digit } => return self.digit_done(leg, digit, EffectResult::Sent),
            EngineEvent::DigitFailed { digit } => {
                return self.digit_done(leg, digit, EffectResult::Failed(MediaFault::Engine));
            }
            EngineEvent::FirstAudio | EngineEvent::ToneChanged { .. } | EngineEvent::SourceEnded => return,
        };
        // Events are delivered asynchronously, never while the phone handles an input.
        let input = Input::Media { session, leg: id, event: news };
        self.queue.schedule(self.now, ScheduledEvent::Input { phone, input: Box::new(input) });
    }

    fn digit_done(&mut self, leg: Leg, digit: char, result: EffectResult) {
        let sent = matches!(result, EffectResult::Sent);
        let effect = self.engines.real().and_then(|real| real.pressed(leg, digit, sent));
        let slow = match self.phones[leg.end.0].trouble {
            Some(MediaTrouble::Slow(by)) => by,
            Some(MediaTrouble::Unresponsive) => return,
            _ => Duration::ZERO,
        };
        if let Some(effect) = effect {
            let done = ScheduledEvent::Done { phone: leg.end.0, effect, result };
            self.queue.schedule(self.now + slow, done);
        }
    }

    /// Probes the audio of all ends for the oracles.
    pub(super) fn probe_audio(&mut self) {
        let legs: Vec<Leg> = self.engines.legs().collect();
        // After a NAT rebinding the path has to be found again.
        let moved: Vec<bool> = (0..self.phones.len())
            .map(|phone| self.engines.real().is_some_and(|real| real.take_moved(phone)))
            .collect();
        for &leg in &legs {
            let peer = self.engines.peer_of(leg);
            let mut both = [Some(leg), peer].into_iter().flatten();
            let network_clear = both.all(|leg| self.is_clear(leg.end.0) && !moved[leg.end.0]);
            let heard = self.engines.real().and_then(|real| {
                // Both ends were rebound before either learnt the other's new address: no phone could find the path again.
                let network_clear = network_clear && peer.is_none_or(|peer| real.has_path(leg, peer));
                let time_stopped = |leg: Leg| real.time_stopped(leg, &self.phones[leg.end.0], self.now);
                let (time_stopped, peer_time_stopped) = (time_stopped(leg), peer.is_some_and(time_stopped));
                real.probe(leg, ProbeContext { network_clear, time_stopped, peer_time_stopped })
            });
            if let Some(probe) = heard {
                self.observe(&Observation::Audio(&probe));
            }
        }
        if !legs.is_empty() {
            self.queue.schedule(self.now + LISTEN, ScheduledEvent::ProbeAudio);
        } else if let Some(real) = self.engines.real() {
            real.set_probe_scheduled(false);
        }
    }

    /// Whether the network of a phone passes audio without gaps.
    fn is_clear(&self, phone: usize) -> bool {
        let Weather { jitter, loss, .. } = self.nets[phone].weather;
        let passable = jitter <= Duration::from_millis(60) && loss <= 100;
        passable && !self.is_cut_off(phone) && !self.is_media_blocked(phone)
    }
}
