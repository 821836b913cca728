//! The host of real media: effects go to an engine for each call, its datagrams over the networks of both phones, and its
//! news to the phone.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook::{Effect, EffectId, EffectResult, Input, MediaEvent, MediaFault};
use offhook_media::{MediaEvent as Said, MediaInput, MediaOutput};

use super::effects::session_of;
use super::{Happening, World};
use crate::media::{Circumstances, End, Kind, phone_of};
use crate::oracle::Sight;
use crate::scenario::{MediaTrouble, Weather};
use crate::tape::Node;

/// How often the oracles listen.
const LISTEN: Duration = Duration::from_millis(500);

/// Something between two engines.
#[derive(Debug)]
pub(super) struct Datagram {
    from: SocketAddr,
    /// How the receiver sees the sender.
    seen: SocketAddr,
    to: SocketAddr,
    data: Bytes,
}

impl World {
    pub(super) fn real_effect(&mut self, phone: usize, id: EffectId, effect: &Effect) {
        let end = (phone, session_of(effect));
        let node = &self.phones[phone];
        let now = node.local(self.now);
        let broken = node.trouble == Some(MediaTrouble::Broken);
        let failed = Ok(EffectResult::Failed(MediaFault::Engine));
        let Some(real) = self.engines.real() else { return };
        let result = match effect {
            Effect::Offer { .. } | Effect::Answer { .. } | Effect::Digit { .. } if broken => failed,
            Effect::Offer { direction, .. } => {
                real.offer(end, node, now, *direction).map(EffectResult::Description)
            }
            Effect::Answer { offer, direction, .. } => {
                real.answer(end, node, now, offer, *direction).map(EffectResult::Description)
            }
            Effect::Apply { answer, .. } => real.apply(end, now, answer).map(|()| EffectResult::Applied),
            Effect::Digit { digit, duration, .. } => match real.press(end, now, id, *digit, *duration) {
                Ok(()) => {
                    self.phones[phone].effects.insert(id, end.1);
                    self.see(&Sight::Dialled { end, digit: *digit, arrives: None });
                    return self.drain_line(end);
                }
                Err(refused) => Err(refused),
            },
            Effect::Rollback { .. } => {
                if let Err(crate::media::Refused::Disorder(what)) = real.rollback(end) {
                    self.see(&Sight::Disorder { end, what });
                }
                return self.drain_line(end);
            }
            Effect::Release { .. } => return self.release_line(end),
        };
        if !real.set_listened_to(true) {
            self.queue.plan(self.now + LISTEN, Happening::Listen);
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

    /// Wakes the engines whose deadline has come.
    pub(super) fn wake_lines(&mut self) {
        let now = self.now;
        let phones = &self.phones;
        let due = self.engines.real().map(|real| real.due(phones, now)).unwrap_or_default();
        for end in due {
            self.see(&Sight::Woken(Node::Phone(end.0)));
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
                MediaOutput::Event(said) => self.line_says(end, &said),
            }
        }
        if let Some(real) = self.engines.real() {
            real.look(end);
        }
    }

    /// What becomes of a datagram on its way through the networks of two phones.
    fn carry(&mut self, end: End, from: SocketAddr, to: SocketAddr, data: Bytes) {
        let kind = Kind::of(&data);
        self.tape.datagram(self.now, from, to, kind, data.len());
        self.see(&Sight::Datagram { end });
        if let (Some(timestamp), Some(real)) = (kind.digit(), self.engines.real()) {
            real.event_leaves(end, timestamp);
        }
        self.look_at_nat(end.0);
        let seen = self.engines.real().and_then(|real| real.outside(end)).unwrap_or(from);
        let Some(other) = phone_of(to).filter(|other| *other < self.phones.len()) else { return };
        let legs = [0, 1].map(|leg| self.fates.name_media(from, to, kind.number(), leg));
        let (ours, theirs) = (&self.nets[end.0], &self.nets[other]);
        let cut = ours.closed(0) > self.now || theirs.closed(1) > self.now;
        if cut || [end.0, other].iter().any(|&phone| self.is_mute(phone)) {
            return;
        }
        let [out, back] = [legs[0].as_datagram(&ours.weather), legs[1].as_datagram(&theirs.weather)];
        for out in [out.first, out.second].into_iter().flatten() {
            for back in [back.first, back.second].into_iter().flatten() {
                let datagram = Datagram { from, seen, to, data: data.clone() };
                self.queue.plan(self.now + out + back, Happening::Datagram(Box::new(datagram)));
            }
        }
    }

    fn look_at_nat(&mut self, phone: usize) {
        let rebound = self.phones[phone].trouble == Some(MediaTrouble::Rebound);
        if let Some(real) = self.engines.real() {
            real.set_rebound(phone, rebound);
        }
    }

    /// Whether no datagram leaves or reaches a phone's engines.
    fn is_mute(&self, phone: usize) -> bool {
        !self.phones[phone].is_awake() || self.phones[phone].trouble == Some(MediaTrouble::Pathless)
    }

    pub(super) fn datagram_arrives(&mut self, datagram: &Datagram) {
        let &Datagram { from, seen, to, ref data } = datagram;
        phone_of(to).into_iter().for_each(|phone| self.look_at_nat(phone));
        let Some((end, inside)) = self.engines.real().and_then(|real| real.at(to)) else { return };
        if !self.phones[end.0].is_awake() {
            return;
        }
        let local = self.phones[end.0].local(self.now);
        let noisy = self.phones[end.0].trouble == Some(MediaTrouble::Noisy);
        let Some(real) = self.engines.real() else { return };
        real.note_source(end, from, seen);
        if noisy {
            let forged = real.forge(data);
            real.handle(end, local, MediaInput::Received { local: inside, remote: seen, data: &forged });
        }
        let digit = Kind::of(data).digit().and_then(|timestamp| real.event_arrives(end, from, timestamp));
        real.handle(end, local, MediaInput::Received { local: inside, remote: seen, data });
        if let Some((digit, understood)) = digit {
            self.see(&Sight::Reaches { end, digit, understood });
        }
        self.drain_line(end);
    }

    fn line_says(&mut self, end: End, said: &Said) {
        let (phone, session) = end;
        self.tape.media(self.now, end, said);
        let news = match *said {
            Said::Connected => MediaEvent::Up,
            Said::Disconnected => MediaEvent::Down,
            Said::Failed { .. } => MediaEvent::Failed,
            Said::Digit { digit, duration, .. } => MediaEvent::Digit { digit, duration },
            Said::DigitSent { digit } => return self.digit_done(end, digit, EffectResult::Sent),
            Said::DigitFailed { digit } => {
                return self.digit_done(end, digit, EffectResult::Failed(MediaFault::Engine));
            }
            Said::FirstAudio | Said::ToneChanged { .. } | Said::SourceEnded => return,
        };
        // News come over a channel: never in the middle of what the phone is doing.
        let input = Input::Media { session, event: news };
        self.queue.plan(self.now, Happening::Input { phone, input: Box::new(input) });
    }

    fn digit_done(&mut self, end: End, digit: char, result: EffectResult) {
        let sent = matches!(result, EffectResult::Sent);
        let effect = self.engines.real().and_then(|real| real.pressed(end, digit, sent));
        let slow = match self.phones[end.0].trouble {
            Some(MediaTrouble::Slow(by)) => by,
            Some(MediaTrouble::Deaf) => return,
            _ => Duration::ZERO,
        };
        if let Some(effect) = effect {
            let done = Happening::Done { phone: end.0, effect, result };
            self.queue.plan(self.now + slow, done);
        }
    }

    /// Lets the oracles hear what every end hears.
    pub(super) fn listen(&mut self) {
        let ends: Vec<End> = self.engines.ends().collect();
        // Who was given another address has to be found anew.
        let moved: Vec<bool> = (0..self.phones.len())
            .map(|phone| self.engines.real().is_some_and(|real| real.take_moved(phone)))
            .collect();
        for &end in &ends {
            let peer = self.engines.peer(end);
            let mut both = [Some(end), peer].into_iter().flatten();
            let clear = both.all(|(phone, _)| self.is_clear(phone) && !moved[phone]);
            let heard = self.engines.real().and_then(|real| {
                // Both ends were rebound before either learnt the other's new address: no phone could find the path again.
                let clear = clear && peer.is_none_or(|peer| real.has_path(end, peer));
                let stands = |end: End| real.stands(end, &self.phones[end.0], self.now);
                let (stands, peer_stands) = (stands(end), peer.is_some_and(stands));
                real.listen(end, Circumstances { clear, stands, peer_stands })
            });
            if let Some(listening) = heard {
                self.see(&Sight::Listened(&listening));
            }
        }
        if !ends.is_empty() {
            self.queue.plan(self.now + LISTEN, Happening::Listen);
        } else if let Some(real) = self.engines.real() {
            real.set_listened_to(false);
        }
    }

    /// Whether sound comes through a phone's network as it should.
    fn is_clear(&self, phone: usize) -> bool {
        let Weather { jitter, loss, .. } = self.nets[phone].weather;
        let passable = jitter <= Duration::from_millis(60) && loss <= 100;
        passable && !self.is_cut_off(phone) && !self.is_mute(phone)
    }
}
