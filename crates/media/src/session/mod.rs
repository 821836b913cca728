//! The media of one call.

mod agreement;
mod fork;
mod formats;
mod negotiation;
mod offer_answer;
mod path;
mod receiver;
mod sender;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use offhook_wire::Instant;
use offhook_wire::sdp::Direction;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::config::MediaConfig;
use crate::digits::event_code;
use crate::error::MediaError;
use crate::io::{MediaEvent, MediaInput, MediaOutput};
use crate::recording::Recording;
use crate::signal::ReceivedTone;
use crate::source::Source;
use crate::statistics::Statistics;
use crate::transport::{Clock, Transport, TransportEvent};

pub use agreement::{Agreed, check};

use agreement::Agreement;
use negotiation::Negotiation;
use path::{Path, PathEvent};
use receiver::Receiver;
use sender::Sender;

/// The interval of audio frames: 20 ms.
const TICK: Duration = Duration::from_millis(20);
/// The most late ticks that are run together after the host was late; more are skipped.
const MAX_LATE_TICKS: u32 = 10;
/// The least time until a deadline of str0m.
const MIN_WAKE_INTERVAL: Duration = Duration::from_millis(1);

/// The media of one call: offers and answers, a transport, audio in both directions, and digits.
///
/// Methods that take `now` may be called in any order. Time that goes backwards is ignored. After each call,
/// [`poll`](Self::poll) until it returns `None`, then read [`deadline`](Self::deadline) again.
pub struct MediaSession {
    config: MediaConfig,
    random: ChaCha8Rng,
    clock: Clock,
    now: Instant,
    local_addresses: Vec<SocketAddr>,
    transport: Option<Transport>,
    negotiation: Negotiation,
    path: Path,
    sender: Sender,
    receiver: Receiver,
    /// The destination of the last datagram other than STUN: the address that ICE selected.
    remote_address: Option<SocketAddr>,
    next_tick: Option<Instant>,
    outputs: VecDeque<MediaOutput>,
}

impl MediaSession {
    /// Creates a session without a peer. All its randomness comes from `seed`, except cryptography (see the crate's
    /// documentation). `epoch` is the time of the host's clock at [`Instant::ZERO`].
    pub fn new(config: MediaConfig, seed: [u8; 32], epoch: std::time::Instant, now: Instant) -> Self {
        Self::with_clock(config, seed, Clock::new(epoch), now)
    }

    fn with_clock(config: MediaConfig, seed: [u8; 32], clock: Clock, now: Instant) -> Self {
        let mut random = ChaCha8Rng::from_seed(seed);
        Self {
            negotiation: Negotiation::new(&mut random),
            sender: Sender::new(&mut random),
            receiver: Receiver::new(&config),
            path: Path::new(config.connect_timeout, config.recovery_timeout),
            clock,
            now,
            local_addresses: Vec::new(),
            transport: None,
            remote_address: None,
            next_tick: None,
            outputs: VecDeque::new(),
            random,
            config,
        }
    }

    /// Adds a local address: a host candidate in later descriptions, and a source of datagrams. Addresses that peers cannot use
    /// (unspecified, multicast, link-local of IPv4) are ignored.
    pub fn add_local(&mut self, address: SocketAddr) {
        if Transport::is_usable(address) && !self.local_addresses.contains(&address) {
            self.local_addresses.push(address);
            if let Some(transport) = &mut self.transport {
                transport.add_local(address);
            }
            self.drain_transport();
        }
    }

    /// Removes a local address. Offer an ICE restart to inform the peer.
    pub fn remove_local(&mut self, address: SocketAddr) {
        self.local_addresses.retain(|local| *local != address);
        if let Some(transport) = &mut self.transport {
            transport.remove_local(address);
        }
        self.drain_transport();
    }

    /// Processes an input.
    pub fn handle(&mut self, now: Instant, input: MediaInput<'_>) {
        self.advance_clock(now);
        let mut path_event = None;
        if let Some(transport) = &mut self.transport {
            match input {
                MediaInput::Received { local, remote, data } => {
                    let authentic = transport.handle_datagram(self.now, local, remote, data);
                    match self.remote_address {
                        Some(known) if known == remote => path_event = self.path.on_datagram(self.now),
                        Some(known) if authentic && self.path.detect_rebinding(self.now) => {
                            transport.replace_remote(known, remote)
                        }
                        _ => {}
                    }
                }
                MediaInput::Wake => transport.handle_timeout(self.now),
            }
        }
        if let Some(event) = path_event {
            self.on_path_event(event);
        }
        self.drain_transport();
        self.run_due_ticks();
        if let Some(event) = self.path.handle_timeout(self.now) {
            self.on_path_event(event);
        }
    }

    /// The next output: a datagram to send, or an event.
    pub fn poll(&mut self) -> Option<MediaOutput> {
        self.outputs.pop_front()
    }

    /// The time of the next [`MediaInput::Wake`]. `None`: not before another input.
    pub fn deadline(&self) -> Option<Instant> {
        let transport = self
            .transport
            .as_ref()
            .and_then(Transport::deadline)
            .map(|at| at.max(self.now + MIN_WAKE_INTERVAL));
        [transport, self.next_tick, self.path.deadline()].into_iter().flatten().min()
    }

    /// Sends a digit for `duration` (40 ms to 6 s). Digits are sent one after another with a pause of at least 50 ms, while the call
    /// is connected and not held. Each results in one [`MediaEvent::DigitSent`] or [`MediaEvent::DigitFailed`].
    ///
    /// # Errors
    ///
    /// [`MediaError::NotADigit`], [`MediaError::TooManyDigits`] beyond 64 queued digits, and
    /// [`MediaError::NoTelephoneEvent`] when the peer does not support telephone-event, or media failed.
    pub fn send_digit(&mut self, now: Instant, digit: char, duration: Duration) -> Result<(), MediaError> {
        self.advance_clock(now);
        let code = event_code(digit).ok_or(MediaError::NotADigit)?;
        if self.supports_telephone_events() == Some(false) || self.path.has_failed() {
            return Err(MediaError::NoTelephoneEvent);
        }
        if self.sender.queue_digit(code, duration) { Ok(()) } else { Err(MediaError::TooManyDigits) }
    }

    /// Sends this source from the next frame on.
    pub fn play(&mut self, source: Source) {
        self.sender.play(source);
    }

    /// Adds 48 kHz mono audio for [`Source::Live`], preferably in frames of 20 ms. The oldest audio beyond 200 ms is dropped.
    pub fn push_audio(&mut self, samples: &[i16]) {
        self.sender.push_audio(samples);
    }

    /// The audio played since the last call, 48 kHz mono, at most the last 200 ms.
    pub fn take_audio(&mut self) -> Vec<i16> {
        self.receiver.take_audio()
    }

    /// Sends silence instead of the source, which is paused.
    pub fn mute(&mut self, mute: bool) {
        self.sender.mute(mute);
    }

    /// Starts or stops recording received audio.
    pub fn record(&mut self, record: bool) {
        self.receiver.record(record);
    }

    /// The audio recorded since the last call.
    pub fn take_recording(&mut self) -> Recording {
        self.receiver.take_recording()
    }

    /// The tone received in the last 200 ms.
    pub fn received_tone(&self) -> ReceivedTone {
        self.receiver.received_tone()
    }

    /// Statistics of both directions.
    pub fn statistics(&self) -> Statistics {
        Statistics {
            codec: self.negotiation.agreement().map(Agreement::codec),
            sent: self.sender.statistics(),
            received: self.receiver.statistics(),
            round_trip: self.path.round_trip(),
        }
    }

    /// Whether ICE and DTLS are connected.
    pub fn is_connected(&self) -> bool {
        self.path.is_connected()
    }

    /// What the last offer and its answer agreed on; while another offer is pending, the agreement before it. `None` before the first
    /// agreement.
    pub fn agreed(&self) -> Option<Agreed> {
        self.negotiation.agreement().map(Agreement::agreed)
    }

    /// The agreed direction, from this end's point of view.
    pub fn direction(&self) -> Option<Direction> {
        self.negotiation.agreement().map(|agreement| agreement.direction)
    }

    /// Whether the peer accepts telephone-events. `None` before the first agreement.
    pub fn supports_telephone_events(&self) -> Option<bool> {
        self.negotiation.agreement().map(|agreement| agreement.telephone_event.is_some())
    }

    /// Ends the session: sends RTCP BYE and DTLS close_notify, and stops.
    pub fn close(&mut self, now: Instant) {
        self.advance_clock(now);
        self.path.stop();
        if let Some(mut transport) = self.transport.take() {
            transport.close();
            self.handle_transport_events(&mut transport);
        }
        self.next_tick = None;
        self.fail_digits();
    }

    fn advance_clock(&mut self, now: Instant) {
        self.now = self.now.max(now);
    }

    fn emit(&mut self, event: MediaEvent) {
        self.outputs.push_back(MediaOutput::Event(event));
    }

    /// Processes all events of the transport.
    fn drain_transport(&mut self) {
        if let Some(mut transport) = self.transport.take() {
            self.handle_transport_events(&mut transport);
            self.transport = Some(transport);
        }
    }

    fn handle_transport_events(&mut self, transport: &mut Transport) {
        while let Some(event) = transport.poll_event() {
            let path_event = match event {
                TransportEvent::Transmit { local, remote, data } => {
                    // RFC 7983: 0 to 3 is STUN, which also goes to other candidates.
                    if !matches!(data[..], [0..=3, ..]) {
                        self.remote_address = Some(remote);
                    }
                    self.outputs.push_back(MediaOutput::Transmit { local, remote, data });
                    None
                }
                TransportEvent::Rtp(packet) => {
                    if let Some(agreement) = self.negotiation.agreement() {
                        let events = self.receiver.on_packet(self.now, agreement, &packet);
                        self.outputs.extend(events.into_iter().map(MediaOutput::Event));
                    }
                    None
                }
                TransportEvent::ReceiverReport { round_trip, loss } => {
                    self.path.on_rtcp_report(round_trip);
                    self.sender.on_report(loss);
                    None
                }
                TransportEvent::RoundTrip(round_trip) => {
                    self.path.on_ice_round_trip(round_trip);
                    None
                }
                TransportEvent::Connected => self.path.dtls_connected(self.now),
                TransportEvent::IceConnected => self.path.ice_connected(self.now),
                TransportEvent::IceDisconnected => self.path.ice_disconnected(self.now),
                TransportEvent::ClosedByPeer => self.path.closed_by_peer(self.now),
                TransportEvent::Failed => self.path.transport_failed(),
            };
            if let Some(event) = path_event {
                self.on_path_event(event);
            }
        }
    }

    fn on_path_event(&mut self, event: PathEvent) {
        match event {
            PathEvent::Connected => {
                self.next_tick.get_or_insert(self.now);
                self.emit(MediaEvent::Connected);
            }
            PathEvent::Disconnected => self.emit(MediaEvent::Disconnected),
            PathEvent::Failed(cause) => {
                self.next_tick = None;
                self.emit(MediaEvent::Failed { cause });
                self.fail_digits();
            }
        }
    }

    fn fail_digits(&mut self) {
        for digit in self.sender.abandon_digits() {
            self.emit(MediaEvent::DigitFailed { digit });
        }
    }

    /// Runs the ticks that are due.
    fn run_due_ticks(&mut self) {
        let Some(mut at) = self.next_tick.filter(|at| *at <= self.now) else { return };
        let behind = self.now.saturating_since(at);
        if behind > TICK * MAX_LATE_TICKS {
            // The host was suspended: these frames are not sent, but the timeline advances.
            let skipped = (behind.as_nanos() / TICK.as_nanos()) as u32;
            self.sender.skip(skipped);
            at += TICK * skipped;
        }
        while at <= self.now {
            self.tick();
            at += TICK;
        }
        self.next_tick = Some(at);
        if let Some(transport) = &mut self.transport {
            // str0m sends queued packets when time advances.
            transport.handle_timeout(self.now);
        }
        self.drain_transport();
    }

    fn tick(&mut self) {
        let Some(agreement) = self.negotiation.agreement() else { return };
        if let Some(transport) = &mut self.transport {
            let events = self.sender.tick(self.now, agreement, &self.config, transport);
            self.outputs.extend(events.into_iter().map(MediaOutput::Event));
        }
        let events = self.receiver.tick(self.now, agreement.telephone_event.is_none());
        self.outputs.extend(events.into_iter().map(MediaOutput::Event));
    }
}

impl std::fmt::Debug for MediaSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MediaSession")
            .field("local_addresses", &self.local_addresses)
            .field("agreement", &self.negotiation.agreement())
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
