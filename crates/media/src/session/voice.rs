//! What we send: the source, or a digit.

use std::time::Duration;

use offhook_wire::Instant;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng as _;

use super::Agreed;
use crate::FRAME;
use crate::codec::{Codec, Encoder};
use crate::config::MediaConfig;
use crate::digits::Sender;
use crate::io::MediaEvent;
use crate::source::{Player, Source};
use crate::statistics::Sent;
use crate::transport::Transport;

pub(super) struct Voice {
    player: Player,
    muted: bool,
    encoder: Option<(Codec, Encoder)>,
    digits: Sender,
    /// Extended; begins in the lower half of 16 bits (RFC 3711 §3.3.1).
    sequence: u64,
    /// Where the timeline begins, and how far it is, in samples at 48 kHz.
    base: u32,
    position: u64,
    /// When the digit on the line began.
    pressed_at: u32,
    /// The next audio packet begins a talk spurt (RFC 3551 §4.1).
    spurt: bool,
    sent: Sent,
}

impl Voice {
    pub(super) fn new(random: &mut ChaCha8Rng) -> Self {
        Self {
            player: Player::default(),
            muted: false,
            encoder: None,
            digits: Sender::default(),
            sequence: u64::from(random.next_u32() & 0x7fff),
            base: random.next_u32(),
            position: 0,
            pressed_at: 0,
            spurt: true,
            sent: Sent::default(),
        }
    }

    pub(super) fn play(&mut self, source: Source) {
        self.player.play(source);
    }

    pub(super) fn push(&mut self, samples: &[i16]) {
        self.player.push(samples);
    }

    pub(super) fn mute(&mut self, muted: bool) {
        self.muted = muted;
    }

    pub(super) fn press(&mut self, code: u8, duration: Duration) -> bool {
        self.digits.press(code, duration)
    }

    pub(super) fn abandon(&mut self) -> Vec<char> {
        self.digits.abandon()
    }

    pub(super) fn report(&mut self, loss: Option<f32>) {
        self.sent.remote_loss = loss.or(self.sent.remote_loss);
    }

    pub(super) fn sent(&self) -> Sent {
        self.sent
    }

    /// Ticks that did not happen.
    pub(super) fn skip(&mut self, ticks: u32) {
        self.position += u64::from(ticks) * FRAME as u64;
        self.spurt = true;
    }

    /// Encode from nothing: the peer's decoder begins from nothing after a hold and for another source. Differences to the frame
    /// before would give it sound that nobody played.
    pub(super) fn restart(&mut self) {
        self.encoder = None;
        self.spurt = true;
    }

    /// Send the next 20 ms.
    pub(super) fn tick(
        &mut self,
        now: Instant,
        agreed: &Agreed,
        config: &MediaConfig,
        transport: &mut Transport,
    ) -> Vec<MediaEvent> {
        let mut events = Vec::new();
        if agreed.direction.sends() {
            self.digit(now, agreed, transport, &mut events);
            if !self.digits.busy() {
                self.audio(now, agreed, config, transport, &mut events);
            }
        } else {
            // Held: nothing is sent, the source stands still, digits wait.
            self.restart();
        }
        self.position += FRAME as u64;
        events
    }

    fn digit(
        &mut self,
        now: Instant,
        agreed: &Agreed,
        transport: &mut Transport,
        events: &mut Vec<MediaEvent>,
    ) {
        let Some(event) = agreed.event else {
            // Queued before there was an agreement, and the agreement has no room for them.
            events.extend(self.digits.abandon().into_iter().map(|digit| MediaEvent::DigitFailed { digit }));
            return;
        };
        let tick = self.digits.tick(event.format.clock());
        if let Some(packet) = tick.packet {
            // The timestamp is that of the audio it replaces, in the clock of the audio (as browsers do when
            // the two clocks differ): it only has to be the same in all packets of one digit.
            if packet.first {
                self.pressed_at = self.timestamp(agreed);
            }
            let (timestamp, marker) = (self.pressed_at, packet.first);
            self.packet(now, event.number, timestamp, marker, packet.payload.to_vec(), transport);
            self.spurt = true;
        }
        events.extend(tick.sent.map(|digit| MediaEvent::DigitSent { digit }));
    }

    fn audio(
        &mut self,
        now: Instant,
        agreed: &Agreed,
        config: &MediaConfig,
        transport: &mut Transport,
        events: &mut Vec<MediaEvent>,
    ) {
        let frame = if self.muted || (agreed.holds && !config.music_on_hold) {
            [0; FRAME]
        } else {
            let (frame, ended) = self.player.next();
            events.extend(ended.then_some(MediaEvent::SourceEnded));
            frame
        };
        let codec = agreed.audio();
        if self.encoder.as_ref().is_none_or(|(current, _)| *current != codec) {
            self.encoder = Some((codec, Encoder::new(codec, config.opus_bitrate)));
        }
        let Some((_, encoder)) = &mut self.encoder else { return };
        let payload = encoder.encode(&frame);
        if payload.is_empty() {
            return;
        }
        let (timestamp, marker) = (self.timestamp(agreed), std::mem::take(&mut self.spurt));
        self.packet(now, agreed.codec.number, timestamp, marker, payload, transport);
    }

    fn packet(
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

    fn timestamp(&self, agreed: &Agreed) -> u32 {
        let ticks = self.position / u64::from(48_000 / agreed.codec.format.clock());
        self.base.wrapping_add(ticks as u32)
    }
}
