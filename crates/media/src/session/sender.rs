//! The sending half of a session: the source, or a digit.

use std::time::Duration;

use offhook_wire::Instant;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use super::agreement::Agreement;
use crate::FRAME;
use crate::codec::{Codec, Encoder};
use crate::config::MediaConfig;
use crate::digits::EventSender;
use crate::io::MediaEvent;
use crate::source::{Player, Source};
use crate::statistics::Sent;
use crate::transport::Transport;

pub(super) struct Sender {
    player: Player,
    muted: bool,
    encoder: Option<(Codec, Encoder)>,
    digits: EventSender,
    /// Extended sequence number; starts below 2^15 (RFC 3711 §3.3.1).
    sequence: u64,
    /// The RTP timestamp of the first sample.
    base: u32,
    /// Samples at 48 kHz since then.
    position: u64,
    /// The RTP timestamp of the digit being sent.
    digit_timestamp: u32,
    /// The next audio packet starts a talkspurt (RFC 3551 §4.1).
    talk_spurt: bool,
    sent: Sent,
}

impl Sender {
    pub(super) fn new(random: &mut ChaCha8Rng) -> Self {
        Self {
            player: Player::default(),
            muted: false,
            encoder: None,
            digits: EventSender::default(),
            sequence: u64::from(random.next_u32() & 0x7fff),
            base: random.next_u32(),
            position: 0,
            digit_timestamp: 0,
            talk_spurt: true,
            sent: Sent::default(),
        }
    }

    pub(super) fn play(&mut self, source: Source) {
        self.player.play(source);
    }

    pub(super) fn push_audio(&mut self, samples: &[i16]) {
        self.player.push(samples);
    }

    pub(super) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    /// Queues a digit. False when the queue is full.
    pub(super) fn queue_digit(&mut self, code: u8, duration: Duration) -> bool {
        self.digits.queue(code, duration)
    }

    /// Drops all digits that were not sent completely, and returns them.
    pub(super) fn abandon_digits(&mut self) -> Vec<char> {
        self.digits.abandon()
    }

    /// Notes the loss that the peer reported.
    pub(super) fn on_report(&mut self, loss: Option<f32>) {
        self.sent.remote_loss = loss.or(self.sent.remote_loss);
    }

    pub(super) fn statistics(&self) -> Sent {
        self.sent
    }

    /// Advances the timeline by ticks in which nothing was sent.
    pub(super) fn skip(&mut self, ticks: u32) {
        self.position += u64::from(ticks) * FRAME as u64;
        self.talk_spurt = true;
    }

    /// Resets the encoder, because the peer's decoder starts without state after a hold and for a new source. An encoder with state
    /// would code differences to audio that the decoder does not have.
    pub(super) fn restart_encoder(&mut self) {
        self.encoder = None;
        self.talk_spurt = true;
    }

    /// Sends the next 20 ms.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        agreement: &Agreement,
        config: &MediaConfig,
        transport: &mut Transport,
    ) -> Vec<MediaEvent> {
        let mut events = Vec::new();
        if agreement.direction.sends() {
            self.send_digit(now, agreement, transport, &mut events);
            if !self.digits.is_sending() {
                self.send_audio(now, agreement, config, transport, &mut events);
            }
        } else {
            // Held: the source is paused and digits stay queued.
            self.restart_encoder();
        }
        self.position += FRAME as u64;
        events
    }

    fn send_digit(
        &mut self,
        now: Instant,
        agreement: &Agreement,
        transport: &mut Transport,
        events: &mut Vec<MediaEvent>,
    ) {
        let Some(event) = agreement.telephone_event else {
            // Queued before the agreement, which turned out to exclude telephone-event.
            events.extend(self.digits.abandon().into_iter().map(|digit| MediaEvent::DigitFailed { digit }));
            return;
        };
        let tick = self.digits.tick(event.format.clock());
        if let Some(packet) = tick.packet {
            // The timestamp of the replaced audio, in the clock of the audio, as browsers do when the two clocks
            // differ: it only has to be the same in all packets of one digit.
            if packet.first {
                self.digit_timestamp = self.timestamp(agreement);
            }
            let (timestamp, marker) = (self.digit_timestamp, packet.first);
            self.send_packet(now, event.number, timestamp, marker, packet.payload.to_vec(), transport);
            self.talk_spurt = true;
        }
        events.extend(tick.sent.map(|digit| MediaEvent::DigitSent { digit }));
    }

    fn send_audio(
        &mut self,
        now: Instant,
        agreement: &Agreement,
        config: &MediaConfig,
        transport: &mut Transport,
        events: &mut Vec<MediaEvent>,
    ) {
        let frame = if self.muted || (agreement.holds_peer && !config.music_on_hold) {
            [0; FRAME]
        } else {
            let (frame, ended) = self.player.next();
            events.extend(ended.then_some(MediaEvent::SourceEnded));
            frame
        };
        let codec = agreement.codec();
        if self.encoder.as_ref().is_none_or(|(current, _)| *current != codec) {
            self.encoder = Some((codec, Encoder::new(codec, config.opus_bitrate)));
        }
        let Some((_, encoder)) = &mut self.encoder else { return };
        let payload = encoder.encode(&frame);
        if payload.is_empty() {
            return;
        }
        let (timestamp, marker) = (self.timestamp(agreement), std::mem::take(&mut self.talk_spurt));
        self.send_packet(now, agreement.audio.number, timestamp, marker, payload, transport);
    }

    fn send_packet(
        &mut self,
        now: Instant,
        number: u8,
        timestamp: u32,
        marker: bool,
        payload: Vec<u8>,
        transport: &mut Transport,
    ) {
        self.sent.packets += 1;
        self.sent.bytes += payload.len() as u64;
        transport.send(now, number, self.sequence, timestamp, marker, payload);
        self.sequence += 1;
    }

    fn timestamp(&self, agreement: &Agreement) -> u32 {
        let ticks = self.position / u64::from(48_000 / agreement.audio.format.clock());
        self.base.wrapping_add(ticks as u32)
    }
}
