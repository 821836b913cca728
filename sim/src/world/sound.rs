//! The host of real media: effects go to the engine of the call, datagrams over the networks of both phones, and events of the engine
//! to the phone.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook::{CallEffect, EffectId, EffectResult, Input, MediaEvent, MediaFault};
use offhook_media::{MediaEvent as EngineEvent, MediaInput, MediaOutput};

use super::event::Datagram;
use super::{ScheduledEvent, World};
use crate::media::{End, Kind, ProbeContext, phone_of};
use crate::oracle::Observation;
use crate::scenario::{MediaTrouble, Weather};
use crate::tape::Node;

/// The interval of audio probes.
const LISTEN: Duration = Duration::from_millis(500);

impl World {
    pub(super) fn real_effect(&mut self, end: End, id: EffectId, effect: &CallEffect) {
        let phone = end.0;
        let node = &self.phones[phone];
        let now = node.local(self.now);
        let broken = node.trouble == Some(MediaTrouble::Broken);
        let failed = Ok(EffectResult::Failed(MediaFault::Engine));
        let Some(real) = self.engines.real() else { return };
        let result = match effect {
            CallEffect::Offer { .. } | CallEffect::Answer { .. } | CallEffect::Digit { .. } if broken => {
                failed
            }
            CallEffect::Offer { direction } => {
                real.offer(end, node, now, *direction).map(EffectResult::Description)
            }
            CallEffect::Answer { offer, direction } => {
                real.answer(end, node, now, offer, *direction).map(EffectResult::Description)
            }
            CallEffect::Apply { answer } => real.apply(end, now, answer).map(|()| EffectResult::Applied),
            CallEffect::Digit { digit, duration } => match real.press(end, now, id, *digit, *duration) {
                Ok(()) => {
                    self.phones[phone].effects.insert(id, end.1);
                    self.observe(&Observation::DigitSent { end, digit: *digit, arrives: None });
                    return self.drain_line(end);
                }
                Err(refused) => Err(refused),
            },
            CallEffect::Rollback => {
                if let Err(crate::media::EngineError::OutOfOrder(what)) = real.rollback(end) {
                    self.observe(&Observation::OutOfOrder { end, what });
                }
                return self.drain_line(end);
            }
            CallEffect::Release => return self.release_line(end),
            _ => return,
        };
        if !real.set_probe_scheduled(true) {
            self.queue.schedule(self.now + LISTEN, ScheduledEvent::ProbeAudio);
        }
        let takes = self.effect_takes(phone, effect);
        self.finish_effect(end, id, result, takes);
        self.drain_line(end);
    }

    fn release_line(&mut self, end: End) {
        let (phone, session) = end;
        self.phones[phone].effects.retain(|_, of| *of != session);
        let now = self.phones[phone].local(self.now);
        if let Some(real) = self.engines.real() {
            real.close(end, now);
        }
        self.drain_line(end);
        if let Some(real) = self.engines.real() {
            real.remove(end);
        }
    }

    /// Wakes the engines whose deadline is reached.
    pub(super) fn wake_lines(&mut self) {
        let now = self.now;
        let phones = &self.phones;
        let due = self.engines.real().map(|real| real.due(phones, now)).unwrap_or_default();
        for end in due {
            self.observe(&Observation::Woken(Node::Phone(end.0)));
            let local = self.phones[end.0].local(now);
            if let Some(real) = self.engines.real() {
                real.handle(end, local, MediaInput::Wake);
            }
            self.drain_line(end);
        }
    }

    fn drain_line(&mut self, end: End) {
        while let Some(output) = self.engines.real().and_then(|real| real.poll(end)) {
            match output {
                MediaOutput::Transmit { local, remote, data } => self.carry(end, local, remote, data),
                MediaOutput::Event(event) => self.on_line_event(end, &event),
            }
        }
        if let Some(real) = self.engines.real() {
            real.update_deadline(end);
        }
    }

    /// Carries a datagram through the networks of two phones.
    fn carry(&mut self, end: End, from: SocketAddr, to: SocketAddr, data: Bytes) {
        let kind = Kind::of(&data);
        self.tape.datagram(self.now, from, to, kind, data.len());
        self.observe(&Observation::Datagram { end });
        if let (Some(timestamp), Some(real)) = (kind.digit(), self.engines.real()) {
            real.event_leaves(end, timestamp);
        }
        self.update_nat(end.0);
        let seen = self.engines.real().and_then(|real| real.outside(end)).unwrap_or(from);
        let Some(other) = phone_of(to).filter(|other| *other < self.phones.len()) else { return };
        let legs = [0, 1].map(|leg| self.fates.name_media(from, to, kind.number(), leg));
        let (ours, theirs) = (&self.nets[end.0], &self.nets[other]);
        let cut = ours.closed(0) > self.now || theirs.closed(1) > self.now;
        if cut || [end.0, other].iter().any(|&phone| self.is_media_blocked(phone)) {
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
        let Some((end, inside)) = self.engines.real().and_then(|real| real.at(to)) else { return };
        if !self.phones[end.0].is_awake() {
            return;
        }
        let local = self.phones[end.0].local(self.now);
        let noisy = self.phones[end.0].trouble == Some(MediaTrouble::StrayDatagrams);
        let Some(real) = self.engines.real() else { return };
        real.note_source(end, from, seen);
        if noisy {
            let forged = real.forge(data);
            real.handle(end, local, MediaInput::Received { local: inside, remote: seen, data: &forged });
        }
        let digit = Kind::of(data).digit().and_then(|timestamp| real.event_arrives(end, from, timestamp));
        real.handle(end, local, MediaInput::Received { local: inside, remote: seen, data });
        if let Some((digit, decodable)) = digit {
            self.observe(&Observation::DigitArrived { end, digit, decodable });
        }
        self.drain_line(end);
    }

    fn on_line_event(&mut self, end: End, event: &EngineEvent) {
        let (phone, session) = end;
        self.tape.media(self.now, end, event);
        let news = match *event {
            EngineEvent::Connected => MediaEvent::Up,
            EngineEvent::Disconnected => MediaEvent::Down,
            EngineEvent::Failed { .. } => MediaEvent::Failed,
            EngineEvent::Digit { digit, duration, .. } => MediaEvent::Digit { digit, duration },
            EngineEvent::DigitSent { digit } => return self.digit_done(end, digit, EffectResult::Sent),
            EngineEvent::DigitFailed { digit } => {
                return self.digit_done(end, digit, EffectResult::Failed(MediaFault::Engine));
            }
            EngineEvent::FirstAudio | EngineEvent::ToneChanged { .. } | EngineEvent::SourceEnded => return,
        };
        // Events are delivered asynchronously, never while the phone handles an input.
        let input = Input::Media { session, event: news };
        self.queue.schedule(self.now, ScheduledEvent::Input { phone, input: Box::new(input) });
    }

    fn digit_done(&mut self, end: End, digit: char, result: EffectResult) {
        let sent = matches!(result, EffectResult::Sent);
        let effect = self.engines.real().and_then(|real| real.pressed(end, digit, sent));
        let slow = match self.phones[end.0].trouble {
            Some(MediaTrouble::Slow(by)) => by,
            Some(MediaTrouble::Unresponsive) => return,
            _ => Duration::ZERO,
        };
        if let Some(effect) = effect {
            let done = ScheduledEvent::Done { phone: end.0, effect, result };
            self.queue.schedule(self.now + slow, done);
        }
    }

    /// Probes the audio of all ends for the oracles.
    pub(super) fn probe_audio(&mut self) {
        let ends: Vec<End> = self.engines.ends().collect();
        // After a NAT rebinding the path has to be found again.
        let moved: Vec<bool> = (0..self.phones.len())
            .map(|phone| self.engines.real().is_some_and(|real| real.take_moved(phone)))
            .collect();
        for &end in &ends {
            let peer = self.engines.peer(end);
            let mut both = [Some(end), peer].into_iter().flatten();
            let network_clear = both.all(|(phone, _)| self.is_clear(phone) && !moved[phone]);
            let heard = self.engines.real().and_then(|real| {
                // Both ends were rebound before either learnt the other's new address: no phone could find the path again.
                let network_clear = network_clear && peer.is_none_or(|peer| real.has_path(end, peer));
                let time_stopped = |end: End| real.time_stopped(end, &self.phones[end.0], self.now);
                let (time_stopped, peer_time_stopped) = (time_stopped(end), peer.is_some_and(time_stopped));
                real.probe(end, ProbeContext { network_clear, time_stopped, peer_time_stopped })
            });
            if let Some(probe) = heard {
                self.observe(&Observation::Audio(&probe));
            }
        }
        if !ends.is_empty() {
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
