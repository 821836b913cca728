//! What we hear: packets, sound, digits.

use std::collections::VecDeque;

use offhook_wire::Instant;
use str0m::rtp::RtpPacket;

use super::Agreed;
use crate::FRAME;
use crate::config::MediaConfig;
use crate::digits::{Detector, Receiver};
use crate::io::MediaEvent;
use crate::playout::Playout;
use crate::recording::{Recorder, Recording};
use crate::sdp::Format;
use crate::signal::{Heard, Listener};
use crate::statistics::{Received, Reception};

/// Samples that wait for `take_audio`: 200 ms.
const WAITING: usize = 10 * FRAME;

pub(super) struct Ear {
    playout: Playout,
    reception: Reception,
    digits: Receiver,
    /// Hears digits in the sound, if that is wanted.
    detector: Option<Detector>,
    listener: Listener,
    recorder: Recorder,
    waiting: VecDeque<i16>,
    heard_any: bool,
}

impl Ear {
    pub(super) fn new(config: &MediaConfig) -> Self {
        Self {
            playout: Playout::new(),
            reception: Reception::default(),
            digits: Receiver::default(),
            detector: config.tone_digits.then(Detector::new),
            listener: Listener::new(config.silence_dbfs),
            recorder: Recorder::new(config.recording_cap),
            waiting: VecDeque::new(),
            heard_any: false,
        }
    }

    /// An RTP packet, authentic and not seen before.
    pub(super) fn packet(&mut self, now: Instant, agreed: &Agreed, packet: &RtpPacket) -> Vec<MediaEvent> {
        let header = &packet.header;
        if self.reception.packet(*header.ssrc, *packet.seq_no, packet.payload.len()) {
            self.playout.reset();
            self.digits.reset();
        }
        let number = *header.payload_type;
        match agreed.payloads.iter().find(|p| p.number == number).map(|p| p.format) {
            Some(Format::Audio(codec)) => {
                let nanos = u128::from(packet.time.numer()) * 1_000_000_000 / u128::from(codec.clock());
                self.reception.timing(now.as_nanos(), nanos as u64);
                if agreed.direction.receives() {
                    self.playout.push(codec, header.timestamp, packet.payload.clone());
                }
                Vec::new()
            }
            Some(Format::Event(clock)) => {
                let digits = self.digits.packet(now, header.timestamp, clock, &packet.payload);
                digits.into_iter().map(|received| digit(received, false)).collect()
            }
            None => Vec::new(),
        }
    }

    /// The peer may not send any more: what it sent is not played.
    pub(super) fn hold(&mut self) {
        self.playout.reset();
    }

    /// Play the next 20 ms.
    pub(super) fn tick(&mut self, now: Instant, tone_digits: bool) -> Vec<MediaEvent> {
        let mut events = Vec::new();
        let played = self.playout.pull();
        if played.real && !self.heard_any {
            self.heard_any = true;
            events.push(MediaEvent::FirstAudio);
        }
        self.recorder.frame(&played.samples);
        self.waiting.extend(played.samples);
        let excess = self.waiting.len().saturating_sub(WAITING);
        self.waiting.drain(..excess);
        if let Some(Heard { hz, level_dbfs }) = self.listener.frame(&played.samples) {
            events.push(MediaEvent::ToneChanged { hz, level_dbfs });
        }
        events.extend(self.digits.tick(now).map(|received| digit(received, false)));
        if let Some(detector) = self.detector.as_mut().filter(|_| tone_digits) {
            events.extend(detector.frame(&played.samples).map(|received| digit(received, true)));
        }
        events
    }

    pub(super) fn take_audio(&mut self) -> Vec<i16> {
        self.waiting.drain(..).collect()
    }

    pub(super) fn record(&mut self, record: bool) {
        self.recorder.record(record);
    }

    pub(super) fn take_recording(&mut self) -> Recording {
        self.recorder.take()
    }

    pub(super) fn heard(&self) -> Heard {
        self.listener.heard()
    }

    pub(super) fn received(&self) -> Received {
        Received {
            packets: self.reception.packets,
            bytes: self.reception.bytes,
            lost: self.reception.lost(),
            late: self.playout.late,
            concealed: self.playout.concealed,
            jitter: self.reception.jitter(),
            buffered: self.playout.buffered(),
        }
    }
}

fn digit(received: crate::digits::Received, by_tone: bool) -> MediaEvent {
    MediaEvent::Digit { digit: received.digit, duration: received.duration, by_tone }
}
