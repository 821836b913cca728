//! The receiving half of a session: packets, audio, digits.

use std::collections::VecDeque;

use offhook_wire::Instant;
use str0m::rtp::RtpPacket;

use super::agreement::Agreement;
use crate::FRAME;
use crate::config::MediaConfig;
use crate::digits::{DtmfDetector, EventReceiver, ReceivedDigit};
use crate::io::MediaEvent;
use crate::playout::Playout;
use crate::recording::{Recorder, Recording};
use crate::sdp::Format;
use crate::signal::{ChangeDetector, ReceivedTone};
use crate::statistics::{Received, Reception};

/// The most samples kept for `take_audio`: 200 ms.
const MAX_UNREAD: usize = 10 * FRAME;

pub(super) struct Receiver {
    playout: Playout,
    reception: Reception,
    digits: EventReceiver,
    /// Detects in-band DTMF, if configured.
    dtmf: Option<DtmfDetector>,
    tone: ChangeDetector,
    recorder: Recorder,
    /// Played audio that the host has not taken yet.
    unread: VecDeque<i16>,
    first_audio_reported: bool,
}

impl Receiver {
    pub(super) fn new(config: &MediaConfig) -> Self {
        Self {
            playout: Playout::new(),
            reception: Reception::default(),
            digits: EventReceiver::default(),
            dtmf: config.in_band_digits.then(DtmfDetector::new),
            tone: ChangeDetector::new(config.silence_dbfs),
            recorder: Recorder::new(config.recording_cap),
            unread: VecDeque::new(),
            first_audio_reported: false,
        }
    }

    /// Processes an RTP packet that is authentic and not a replay.
    pub(super) fn on_packet(
        &mut self,
        now: Instant,
        agreement: &Agreement,
        packet: &RtpPacket,
    ) -> Vec<MediaEvent> {
        let header = &packet.header;
        if self.reception.on_packet(*header.ssrc, *packet.seq_no, packet.payload.len()) {
            self.playout.reset();
            self.digits.reset();
        }
        let number = *header.payload_type;
        match agreement.payloads.iter().find(|p| p.number == number).map(|p| p.format) {
            Some(Format::Audio(codec)) => {
                let nanos = u128::from(packet.time.numer()) * 1_000_000_000 / u128::from(codec.clock());
                self.reception.update_jitter(now.as_nanos(), nanos as u64);
                if agreement.direction.receives() {
                    self.playout.push(codec, header.timestamp, packet.payload.clone());
                }
                Vec::new()
            }
            Some(Format::Event(clock)) => {
                let digits = self.digits.on_packet(now, header.timestamp, clock, &packet.payload);
                digits.into_iter().map(|received| digit_event(received, false)).collect()
            }
            None => Vec::new(),
        }
    }

    /// Discards buffered audio: the peer may not send any more.
    pub(super) fn discard_audio(&mut self) {
        self.playout.reset();
    }

    /// Plays the next 20 ms.
    pub(super) fn tick(&mut self, now: Instant, detect_dtmf: bool) -> Vec<MediaEvent> {
        let mut events = Vec::new();
        let played = self.playout.pull();
        if played.decoded && !self.first_audio_reported {
            self.first_audio_reported = true;
            events.push(MediaEvent::FirstAudio);
        }
        self.recorder.push(&played.samples);
        self.unread.extend(played.samples);
        let excess = self.unread.len().saturating_sub(MAX_UNREAD);
        self.unread.drain(..excess);
        if let Some(ReceivedTone { hz, level_dbfs }) = self.tone.push(&played.samples) {
            events.push(MediaEvent::ToneChanged { hz, level_dbfs });
        }
        events.extend(self.digits.handle_timeout(now).map(|received| digit_event(received, false)));
        if let Some(dtmf) = self.dtmf.as_mut().filter(|_| detect_dtmf) {
            events.extend(dtmf.push(&played.samples).map(|received| digit_event(received, true)));
        }
        events
    }

    pub(super) fn take_audio(&mut self) -> Vec<i16> {
        self.unread.drain(..).collect()
    }

    pub(super) fn record(&mut self, record: bool) {
        self.recorder.record(record);
    }

    pub(super) fn take_recording(&mut self) -> Recording {
        self.recorder.take()
    }

    pub(super) fn received_tone(&self) -> ReceivedTone {
        self.tone.received_tone()
    }

    pub(super) fn statistics(&self) -> Received {
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

fn digit_event(received: ReceivedDigit, in_band: bool) -> MediaEvent {
    MediaEvent::Digit { digit: received.digit, duration: received.duration, in_band }
}
