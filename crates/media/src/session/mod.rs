//! One call's media.

mod ear;
mod negotiation;
mod path;
mod voice;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use offhook_wire::Instant;
use offhook_wire::sdp::Direction;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::codec::Codec;
use crate::config::MediaConfig;
use crate::digits::code;
use crate::error::MediaError;
use crate::io::{MediaEvent, MediaInput, MediaOutput};
use crate::recording::Recording;
use crate::sdp::{Format, Payload};
use crate::signal::Heard;
use crate::source::Source;
use crate::statistics::Statistics;
use crate::transport::{Clock, Said, Transport};

use ear::Ear;
use negotiation::Negotiation;
use path::{Change, Path};
use voice::Voice;

/// Sound goes in and out every 20 ms.
const TICK: Duration = Duration::from_millis(20);
/// Ticks to make up for when the host was late; beyond that, time is skipped.
const CATCH_UP: u32 = 10;
/// The least time between two wake-ups that str0m asks for, whatever it says.
const BREATH: Duration = Duration::from_millis(1);

/// The media of one call: offers and answers, a transport, voice, ears and digits.
///
/// Methods that take `now` may be called in any order with time that does not go backwards (if it does, it
/// stands still). After each of them, call [`poll`](Self::poll) until it is empty and look at
/// [`deadline`](Self::deadline) again.
pub struct MediaSession {
    config: MediaConfig,
    random: ChaCha8Rng,
    clock: Clock,
    now: Instant,
    locals: Vec<SocketAddr>,
    transport: Option<Transport>,
    negotiation: Negotiation,
    path: Path,
    voice: Voice,
    ear: Ear,
    /// Where the last datagram went that was no check of a path: the address that ICE settled on.
    peer: Option<SocketAddr>,
    next_tick: Option<Instant>,
    out: VecDeque<MediaOutput>,
}

/// What both ends agreed on.
#[derive(Clone, Debug)]
struct Agreed {
    payloads: Vec<Payload>,
    /// What we send.
    codec: Payload,
    event: Option<Payload>,
    direction: Direction,
    /// We hold the peer: our description did not want to receive, whatever the peer's said (RFC 3264 §8.4).
    holds: bool,
}

impl Agreed {
    /// `payloads` in order of preference, `wanted` the direction of our description. None without an audio codec.
    fn new(payloads: Vec<Payload>, direction: Direction, wanted: Direction) -> Option<Self> {
        let codec = *payloads.iter().find(|p| matches!(p.format, Format::Audio(_)))?;
        let event = |matches: bool| {
            payloads.iter().find(
                |p| matches!(p.format, Format::Event(clock) if !matches || clock == codec.format.clock()),
            )
        };
        // RFC 4733 §2.1 wants the clock of the audio; some peers have the other one only.
        let event = event(true).or_else(|| event(false)).copied();
        Some(Self { codec, event, payloads, direction, holds: !wanted.receives() })
    }

    fn audio(&self) -> Codec {
        match self.codec.format {
            Format::Audio(codec) => codec,
            Format::Event(_) => unreachable!("`new` looks for audio"),
        }
    }
}

impl MediaSession {
    /// A session that knows nobody yet. Everything random in it comes from `seed`, cryptography excepted (see
    /// the crate's documentation). `epoch` is what the host's clock showed at [`Instant::ZERO`].
    pub fn new(config: MediaConfig, seed: [u8; 32], epoch: std::time::Instant, now: Instant) -> Self {
        let mut random = ChaCha8Rng::from_seed(seed);
        Self {
            negotiation: Negotiation::new(&mut random),
            voice: Voice::new(&mut random),
            ear: Ear::new(&config),
            path: Path::new(config.connect_timeout, config.recovery_timeout),
            clock: Clock::new(epoch),
            now,
            locals: Vec::new(),
            transport: None,
            peer: None,
            next_tick: None,
            out: VecDeque::new(),
            random,
            config,
        }
    }

    /// Use this address of ours: a host candidate in descriptions from now on, and the source of datagrams. Addresses
    /// that mean nothing elsewhere (unspecified, multicast, link-local of IPv4) are passed over.
    pub fn add_local(&mut self, address: SocketAddr) {
        if Transport::takes(address) && !self.locals.contains(&address) {
            self.locals.push(address);
            if let Some(transport) = &mut self.transport {
                transport.add_local(address);
            }
            self.collect();
        }
    }

    /// This address of ours is gone. Offer an ICE restart to tell the peer.
    pub fn remove_local(&mut self, address: SocketAddr) {
        self.locals.retain(|local| *local != address);
        if let Some(transport) = &mut self.transport {
            transport.remove_local(address);
        }
        self.collect();
    }

    /// Something came in, or time passed.
    pub fn handle(&mut self, now: Instant, input: MediaInput<'_>) {
        self.at(now);
        let mut heard = None;
        if let Some(transport) = &mut self.transport {
            match input {
                MediaInput::Received { local, remote, data } => {
                    let authentic = transport.receive(self.now, local, remote, data);
                    match self.peer {
                        Some(peer) if peer == remote => heard = self.path.heard(self.now),
                        Some(peer) if authentic && self.path.elsewhere(self.now) => {
                            transport.moved(peer, remote)
                        }
                        _ => {}
                    }
                }
                MediaInput::Wake => transport.wake(self.now),
            }
        }
        if let Some(change) = heard {
            self.changed(change);
        }
        self.collect();
        self.tick();
        if let Some(change) = self.path.pass(self.now) {
            self.changed(change);
        }
    }

    /// What to do or to know next.
    pub fn poll(&mut self) -> Option<MediaOutput> {
        self.out.pop_front()
    }

    /// When to wake it. `None`: not before something else happens.
    pub fn deadline(&self) -> Option<Instant> {
        let transport =
            self.transport.as_ref().and_then(Transport::deadline).map(|at| at.max(self.now + BREATH));
        [transport, self.next_tick, self.path.deadline()].into_iter().flatten().min()
    }

    /// Press a key for `duration` (40 ms to 6 s). Digits are sent one after another with a pause of at least 50 ms,
    /// once the call is connected and not held; each gives one [`MediaEvent::DigitSent`] or
    /// [`MediaEvent::DigitFailed`].
    ///
    /// # Errors
    ///
    /// [`MediaError::NotADigit`], [`MediaError::TooManyDigits`] beyond 64 waiting, and
    /// [`MediaError::NoTelephoneEvent`] when the peer has no way to receive it.
    pub fn send_digit(&mut self, now: Instant, digit: char, duration: Duration) -> Result<(), MediaError> {
        self.at(now);
        let code = code(digit).ok_or(MediaError::NotADigit)?;
        if self.negotiation.agreed().is_some_and(|agreed| agreed.event.is_none()) || self.path.failed() {
            return Err(MediaError::NoTelephoneEvent);
        }
        if self.voice.press(code, duration) { Ok(()) } else { Err(MediaError::TooManyDigits) }
    }

    /// Send this from the next frame on.
    pub fn play(&mut self, source: Source) {
        self.voice.play(source);
    }

    /// Give 48 kHz mono to [`Source::Live`], best in frames of 20 ms. More than 200 ms ahead is dropped.
    pub fn push_audio(&mut self, samples: &[i16]) {
        self.voice.push(samples);
    }

    /// What was heard since the last call, 48 kHz mono. More than 200 ms back is dropped.
    pub fn take_audio(&mut self) -> Vec<i16> {
        self.ear.take_audio()
    }

    /// Send silence instead of the source, which stands still meanwhile.
    pub fn mute(&mut self, mute: bool) {
        self.voice.mute(mute);
    }

    /// Start or stop recording what is heard.
    pub fn record(&mut self, record: bool) {
        self.ear.record(record);
    }

    /// What was recorded since the last call.
    pub fn take_recording(&mut self) -> Recording {
        self.ear.take_recording()
    }

    /// What was heard in the last 200 ms.
    pub fn heard(&self) -> Heard {
        self.ear.heard()
    }

    /// How it goes.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            codec: self.negotiation.agreed().map(Agreed::audio),
            sent: self.voice.sent(),
            received: self.ear.received(),
            round_trip: self.path.round_trip(),
        }
    }

    /// Whether media can flow.
    pub fn is_connected(&self) -> bool {
        self.path.up()
    }

    /// Who may send, as agreed, from our point of view.
    pub fn direction(&self) -> Option<Direction> {
        self.negotiation.agreed().map(|agreed| agreed.direction)
    }

    /// Whether the peer takes digits as telephone-events. `None` before there is an agreement.
    pub fn takes_digits(&self) -> Option<bool> {
        self.negotiation.agreed().map(|agreed| agreed.event.is_some())
    }

    /// The call is over: say goodbye to the peer's media (RTCP BYE, DTLS close_notify) and stop.
    pub fn close(&mut self, now: Instant) {
        self.at(now);
        self.path.stop();
        if let Some(mut transport) = self.transport.take() {
            transport.close();
            self.said(&mut transport);
        }
        self.next_tick = None;
        self.abandon_digits();
    }

    fn at(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn emit(&mut self, event: MediaEvent) {
        self.out.push_back(MediaOutput::Event(event));
    }

    /// Take everything the transport has to say.
    fn collect(&mut self) {
        if let Some(mut transport) = self.transport.take() {
            self.said(&mut transport);
            self.transport = Some(transport);
        }
    }

    fn said(&mut self, transport: &mut Transport) {
        while let Some(said) = transport.said() {
            let change = match said {
                Said::Transmit { local, remote, data } => {
                    // RFC 7983: 0 to 3 is STUN, which goes wherever somebody asks from.
                    if !matches!(data[..], [0..=3, ..]) {
                        self.peer = Some(remote);
                    }
                    self.out.push_back(MediaOutput::Transmit { local, remote, data });
                    None
                }
                Said::Rtp(packet) => {
                    if let Some(agreed) = self.negotiation.agreed() {
                        let events = self.ear.packet(self.now, agreed, &packet);
                        self.out.extend(events.into_iter().map(MediaOutput::Event));
                    }
                    None
                }
                Said::Report { round_trip, loss } => {
                    self.path.report(round_trip);
                    self.voice.report(loss);
                    None
                }
                Said::RoundTrip(round_trip) => {
                    self.path.measured(round_trip);
                    None
                }
                Said::Up => self.path.dtls_up(self.now),
                Said::Path(true) => self.path.ice_up(self.now),
                Said::Path(false) => self.path.ice_down(self.now),
                Said::Closed => self.path.closed(self.now),
                Said::Dead => self.path.dead(),
            };
            if let Some(change) = change {
                self.changed(change);
            }
        }
    }

    fn changed(&mut self, change: Change) {
        match change {
            Change::Up => {
                self.next_tick.get_or_insert(self.now);
                self.emit(MediaEvent::Connected);
            }
            Change::Away => self.emit(MediaEvent::Disconnected),
            Change::Failed(cause) => {
                self.next_tick = None;
                self.emit(MediaEvent::Failed { cause });
                self.abandon_digits();
            }
        }
    }

    fn abandon_digits(&mut self) {
        for digit in self.voice.abandon() {
            self.emit(MediaEvent::DigitFailed { digit });
        }
    }

    /// Do the ticks that are due.
    fn tick(&mut self) {
        let Some(mut at) = self.next_tick.filter(|at| *at <= self.now) else { return };
        let behind = self.now.saturating_since(at);
        if behind > TICK * CATCH_UP {
            // The host slept: what was not said then is not said now, but the timeline goes on.
            let skipped = (behind.as_nanos() / TICK.as_nanos()) as u32;
            self.voice.skip(skipped);
            at += TICK * skipped;
        }
        while at <= self.now {
            self.tick_once();
            at += TICK;
        }
        self.next_tick = Some(at);
        if let Some(transport) = &mut self.transport {
            // str0m sends what is queued when time moves.
            transport.wake(self.now);
        }
        self.collect();
    }

    fn tick_once(&mut self) {
        let Some(agreed) = self.negotiation.agreed() else { return };
        if let Some(transport) = &mut self.transport {
            let events = self.voice.tick(self.now, agreed, &self.config, transport);
            self.out.extend(events.into_iter().map(MediaOutput::Event));
        }
        let events = self.ear.tick(self.now, agreed.event.is_none());
        self.out.extend(events.into_iter().map(MediaOutput::Event));
    }
}

impl std::fmt::Debug for MediaSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaSession")
            .field("locals", &self.locals)
            .field("agreed", &self.negotiation.agreed())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
