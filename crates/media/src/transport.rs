//! str0m as a transport: ICE, DTLS-SRTP and RTCP below, decrypted RTP above.
//!
//! It runs in RTP mode: payloads, timing and digits are handled by the session. It has one audio line, always `sendrecv`, and gets a
//! peer's description in canonical form (see [`crate::sdp`]); hold is handled by the session.

use std::collections::VecDeque;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::Instant;
use str0m::change::{SdpAnswer, SdpOffer, SdpPendingOffer};
use str0m::format::{Codec as Str0mCodec, FormatParams};
use str0m::media::{Direction as Str0mDirection, Frequency, MediaKind, Mid, Pt};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{RtpPacket, RtpWrite, SeqNo, Ssrc};
use str0m::{Candidate, Event, IceConnectionState, IceCreds, Input, Output, Rtc};

use crate::codec::Codec;
use crate::config::Certificate;
use crate::dtls;
use crate::error::MediaError;
use crate::sdp::{Credentials, Format, Payload, RemoteDescription, Setup, canonical};

/// The most synchronisation sources of the peer that are kept. A call has one, and another after a transfer.
const MAX_SOURCES: usize = 4;

/// The most addresses of the peer that are kept because its checks came from them.
const MAX_CHECKED: usize = 16;

/// The interval of checks of a working path.
const MAX_STUN_RTO: Duration = Duration::from_millis(1500);
/// The most unanswered checks of a candidate pair that never worked.
const MAX_STUN_RETRANSMITS: usize = 5;

const UNSPECIFIED: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// What happened on the transport.
#[derive(Debug)]
pub(crate) enum TransportEvent {
    Transmit {
        local: SocketAddr,
        remote: SocketAddr,
        data: Bytes,
    },
    /// ICE and DTLS are connected.
    Connected,
    /// ICE found a path.
    IceConnected,
    /// ICE lost the path.
    IceDisconnected,
    /// The peer closed DTLS.
    ClosedByPeer,
    /// DTLS or str0m failed; this is the last event.
    Failed,
    Rtp(Box<RtpPacket>),
    /// An RTCP report of the peer on what this end sends.
    ReceiverReport {
        round_trip: Option<Duration>,
        loss: Option<f32>,
    },
    /// The round-trip time of a connectivity check.
    RoundTrip(Duration),
}

/// The parameters of the transport in our description.
#[derive(Clone, Debug)]
pub(crate) struct LocalParameters {
    pub(crate) credentials: Credentials,
    pub(crate) ssrc: u32,
    pub(crate) cname: String,
}

/// Converts between the two clocks.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    epoch: std::time::Instant,
}

impl Clock {
    pub(crate) fn new(epoch: std::time::Instant) -> Self {
        Self { epoch }
    }

    fn to_std(self, at: Instant) -> std::time::Instant {
        // Overflows only after decades.
        self.epoch.checked_add(Duration::from_nanos(at.as_nanos())).unwrap_or(self.epoch)
    }

    fn instant(self, at: std::time::Instant) -> Instant {
        Instant::ZERO + at.saturating_duration_since(self.epoch)
    }
}

pub(crate) struct Transport {
    rtc: Rtc,
    clock: Clock,
    /// The state of the generator that str0m draws from, swapped in while str0m runs.
    rng_state: u64,
    /// Our addresses and their candidates.
    local_candidates: Vec<(SocketAddr, String)>,
    /// The peer's candidates.
    remote_candidates: Vec<Candidate>,
    /// Addresses of valid checks and responses since the peer's credentials are known, the latest last.
    checked: VecDeque<SocketAddr>,
    mid: Option<Mid>,
    pending: Option<SdpPendingOffer>,
    /// Sources of authentic packets.
    sources: VecDeque<Ssrc>,
    /// A source of which no authentic packet was received yet.
    probation: Option<Ssrc>,
    payload_types: Vec<u8>,
    events: VecDeque<TransportEvent>,
    deadline: Option<Instant>,
    failed: bool,
}

impl Transport {
    pub(crate) fn new(
        certificate: Option<&Certificate>,
        seeded_dtls: bool,
        payloads: &[Payload],
        credentials: Option<&Credentials>,
        random: u64,
        clock: Clock,
        now: Instant,
    ) -> Self {
        let mut config = Rtc::builder()
            .set_crypto_provider(Arc::new(dtls::provider(seeded_dtls)))
            .clear_codecs()
            .clear_extension_map()
            .set_rtp_mode(true)
            .set_stats_interval(Some(Duration::from_secs(1)));
        config.set_max_stun_rto(MAX_STUN_RTO);
        config.set_max_stun_retransmits(MAX_STUN_RETRANSMITS);
        if let Some(certificate) = certificate {
            config = config.set_dtls_cert(certificate.0.clone());
        }
        if let Some(Credentials { ufrag, pwd, .. }) = credentials {
            let credentials = IceCreds { ufrag: ufrag.clone(), pass: pwd.clone() };
            config = config.set_local_ice_credentials(credentials);
        }
        for payload in payloads {
            let (codec, channels) = match payload.format {
                Format::Audio(Codec::Opus) => (Str0mCodec::Opus, Some(2)),
                Format::Audio(Codec::Pcmu) => (Str0mCodec::PCMU, None),
                Format::Audio(Codec::Pcma) => (Str0mCodec::PCMA, None),
                Format::Event(_) => (Str0mCodec::Tele, None),
            };
            let clock = Frequency::new(payload.format.clock()).unwrap_or(Frequency::FORTY_EIGHT_KHZ);
            let parameters = FormatParams::default();
            config.codec_config().add_config(payload.number.into(), None, codec, clock, channels, parameters);
        }
        let outside = fastrand::get_seed();
        fastrand::seed(random);
        let rtc = config.build(clock.to_std(now));
        let random = fastrand::get_seed();
        fastrand::seed(outside);
        let mut transport = Self {
            rtc,
            clock,
            rng_state: random,
            local_candidates: Vec::new(),
            remote_candidates: Vec::new(),
            checked: VecDeque::new(),
            mid: None,
            pending: None,
            sources: VecDeque::new(),
            probation: None,
            payload_types: payloads.iter().map(|p| p.number).collect(),
            events: VecDeque::new(),
            deadline: None,
            failed: false,
        };
        transport.handle_timeout(now);
        transport
    }

    /// Calls str0m with its own randomness, then drains its output, as str0m requires after each call that changes it.
    fn with_rtc<T>(&mut self, call: impl FnOnce(&mut Rtc) -> T) -> T {
        let outside = fastrand::get_seed();
        fastrand::seed(self.rng_state);
        let result = call(&mut self.rtc);
        self.drain();
        self.rng_state = fastrand::get_seed();
        fastrand::seed(outside);
        result
    }

    fn drain(&mut self) {
        loop {
            match self.rtc.poll_output() {
                Ok(Output::Timeout(at)) => {
                    let never = !self.rtc.is_alive();
                    self.deadline = (!never).then(|| self.clock.instant(at));
                    break;
                }
                Ok(Output::Transmit(transmit)) => self.events.push_back(TransportEvent::Transmit {
                    local: transmit.source,
                    remote: transmit.destination,
                    data: Bytes::from(transmit.contents.to_vec()),
                }),
                Ok(Output::Event(event)) => self.event(event),
                Err(_) => {
                    self.rtc.disconnect();
                    self.deadline = None;
                    break;
                }
            }
        }
        if !self.rtc.is_alive() && !self.failed {
            self.failed = true;
            self.events.push_back(TransportEvent::Failed);
        }
    }

    fn event(&mut self, event: Event) {
        let event = match event {
            Event::Connected => TransportEvent::Connected,
            Event::IceConnectionStateChange(state) => match state {
                IceConnectionState::Connected | IceConnectionState::Completed => TransportEvent::IceConnected,
                IceConnectionState::Disconnected => TransportEvent::IceDisconnected,
                IceConnectionState::New | IceConnectionState::Checking => return,
            },
            Event::Closed => TransportEvent::ClosedByPeer,
            Event::RtpPacket(packet) => {
                self.confirm_source(packet.header.ssrc);
                TransportEvent::Rtp(Box::new(packet))
            }
            Event::MediaEgressStats(stats) => {
                TransportEvent::ReceiverReport { round_trip: stats.rtt, loss: stats.loss }
            }
            Event::PeerStats(stats) => {
                let pair = stats.selected_candidate_pair;
                let Some(round_trip) = pair.and_then(|pair| pair.current_round_trip_time) else { return };
                TransportEvent::RoundTrip(round_trip)
            }
            _ => return,
        };
        self.events.push_back(event);
    }

    pub(crate) fn poll_event(&mut self) -> Option<TransportEvent> {
        self.events.pop_front()
    }

    /// Whether it failed, or the peer closed it: it cannot be used any more.
    pub(crate) fn has_failed(&self) -> bool {
        self.failed
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// Lets the timers of str0m that are due expire.
    pub(crate) fn handle_timeout(&mut self, now: Instant) {
        let at = self.clock.to_std(now);
        // An error concerns one packet or one timer; fatal errors show in `is_alive`.
        let _ = self.with_rtc(|rtc| rtc.handle_input(Input::Timeout(at)));
    }

    /// Processes a datagram. True when it was authentic media, and no replay.
    pub(crate) fn handle_datagram(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        data: &[u8],
    ) -> bool {
        let Ok(received) = Receive::new(Protocol::Udp, remote, local, data) else { return false };
        if is_stun(data) && self.accepts(local, remote, data) && !self.checked.contains(&remote) {
            self.checked.push_back(remote);
            if self.checked.len() > MAX_CHECKED {
                self.checked.pop_front();
            }
        }
        self.expect_source(data);
        let at = self.clock.to_std(now);
        let before = self.events.len();
        let _ = self.with_rtc(|rtc| rtc.handle_input(Input::Receive(at, received)));
        self.events.iter().skip(before).any(|event| matches!(event, TransportEvent::Rtp(_)))
    }

    /// Whether a datagram is for this transport.
    pub(crate) fn accepts(&self, local: SocketAddr, remote: SocketAddr, data: &[u8]) -> bool {
        if self.failed {
            return false;
        }
        // str0m accepts everything from the selected address before it looks at credentials. Two peers may share an address, so STUN is
        // given to it as if from no address: then it compares user names, transactions and integrity.
        let source = if is_stun(data) { UNSPECIFIED } else { remote };
        let Ok(received) = Receive::new(Protocol::Udp, source, local, data) else { return false };
        let input = Input::Receive(self.clock.epoch, received);
        // The peer may begin DTLS before our own check of its address has succeeded, which str0m waits for.
        self.rtc.accepts(&input) || (!is_stun(data) && self.checked.contains(&remote))
    }

    /// Replaces an address of the peer, whose NAT rebound it. ICE checks the new address before media is sent there, and has learnt
    /// it from the peer's checks; by itself it would use the old one for 15 s.
    pub(crate) fn replace_remote(&mut self, old: SocketAddr, new: SocketAddr) {
        for address in [old, new] {
            let known = self.remote_candidates.iter().any(|candidate| candidate.addr() == address);
            if let (false, Ok(candidate)) = (known, Candidate::host(address, Protocol::Udp)) {
                self.remote_candidates.push(candidate.clone());
                self.with_rtc(|rtc| rtc.add_remote_candidate(candidate));
            }
        }
        if let Some(at) = self.remote_candidates.iter().position(|candidate| candidate.addr() == old) {
            let gone = self.remote_candidates.swap_remove(at);
            self.with_rtc(|rtc| rtc.direct_api().invalidate_candidate(&gone));
        }
    }

    /// Whether an address can be a candidate: not unspecified, multicast or link-local.
    pub(crate) fn is_usable(address: SocketAddr) -> bool {
        Candidate::host(address, Protocol::Udp).is_ok()
    }

    pub(crate) fn add_local(&mut self, address: SocketAddr) {
        let Ok(candidate) = Candidate::host(address, Protocol::Udp) else { return };
        let added = self.with_rtc(|rtc| rtc.add_local_candidate(candidate).map(Candidate::to_sdp_string));
        if let Some(text) = added {
            // The user name fragment is in the description, and changes with a restart.
            let text = text.split_once(" ufrag ").map_or(text.as_str(), |(text, _)| text).to_owned();
            self.local_candidates.push((address, text));
        }
    }

    /// The `candidate:…` lines of our addresses, each with a unique priority (RFC 8445 §5.1.2).
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &str> {
        self.local_candidates.iter().map(|(_, text)| text.as_str())
    }

    pub(crate) fn remove_local(&mut self, address: SocketAddr) {
        self.local_candidates.retain(|(local, _)| *local != address);
        let Ok(candidate) = Candidate::host(address, Protocol::Udp) else { return };
        self.with_rtc(|rtc| {
            rtc.direct_api().invalidate_candidate(&candidate);
        });
    }

    /// Makes an offer: the first, or one that restarts ICE.
    pub(crate) fn offer(&mut self, cname: &str) -> Result<LocalParameters, MediaError> {
        let mid = self.mid;
        let made = self.with_rtc(|rtc| {
            let mut api = rtc.sdp_api();
            let mid = match mid {
                Some(mid) => {
                    api.ice_restart(true);
                    mid
                }
                None => {
                    let names = Some(cname.to_owned());
                    api.add_media(MediaKind::Audio, Str0mDirection::SendRecv, names.clone(), names, None)
                }
            };
            api.apply().map(|(offer, pending)| (mid, offer.to_sdp_string(), pending))
        });
        let (new, text, offer) = made.ok_or(MediaError::Engine("nothing to offer"))?;
        let ssrc = self.ssrc(new).or_else(|| ssrc_of(&text)).ok_or(MediaError::Engine("no source"))?;
        let credentials = credentials_of(&text).ok_or(MediaError::Engine("no credentials in the offer"))?;
        let parameters = LocalParameters { credentials, ssrc, cname: cname.to_owned() };
        self.mid = Some(new);
        self.pending = Some(offer);
        Ok(parameters)
    }

    /// Answers an offer: the first, or one that restarts ICE.
    pub(crate) fn answer(
        &mut self,
        remote: &RemoteDescription,
        setup: Setup,
        payloads: &[Payload],
    ) -> Result<LocalParameters, MediaError> {
        let mid = self.mid.unwrap_or_else(|| Mid::from("audio"));
        self.mid = Some(mid);
        self.pending = None;
        self.checked.clear();
        let text = canonical::write(&mid.to_string(), &remote.credentials, setup, remote.ice_lite, payloads);
        let offer = SdpOffer::from_sdp_string(&text).map_err(|_| MediaError::Engine("offer not read"))?;
        let answer =
            self.with_rtc(|rtc| rtc.sdp_api().accept_offer(offer).map(|answer| answer.to_sdp_string()));
        let answer = answer.map_err(|_| MediaError::Engine("offer refused"))?;
        let credentials =
            credentials_of(&answer).ok_or(MediaError::Engine("no credentials in the answer"))?;
        let ssrc = self.ssrc(mid).ok_or(MediaError::Engine("no source"))?;
        let cname = self.rtc.media(mid).map(|media| media.cname().to_owned()).unwrap_or_default();
        self.add_candidates(remote);
        Ok(LocalParameters { credentials, ssrc, cname })
    }

    /// Applies the answer to our pending offer, and sends with the `ssrc` that the offer contained.
    pub(crate) fn accept(
        &mut self,
        remote: &RemoteDescription,
        setup: Setup,
        payloads: &[Payload],
        ssrc: u32,
    ) -> Result<(), MediaError> {
        let (Some(pending), Some(mid)) = (self.pending.take(), self.mid) else {
            return Err(MediaError::WrongState("no offer is pending"));
        };
        // Checks before the answer may be those of another peer.
        self.checked.clear();
        let text = canonical::write(&mid.to_string(), &remote.credentials, setup, remote.ice_lite, payloads);
        let answer = SdpAnswer::from_sdp_string(&text).map_err(|_| MediaError::Engine("answer not read"))?;
        let accepted = self.with_rtc(|rtc| rtc.sdp_api().accept_answer(pending, answer));
        accepted.map_err(|_| MediaError::Engine("answer refused"))?;
        self.with_rtc(|rtc| {
            rtc.direct_api().reset_stream_tx(mid, None, Ssrc::from(ssrc), None);
        });
        self.add_candidates(remote);
        Ok(())
    }

    /// Drops a pending offer.
    pub(crate) fn rollback(&mut self) {
        self.pending = None;
    }

    /// Adds candidates of the peer. Adding one twice has no effect.
    pub(crate) fn add_candidates(&mut self, remote: &RemoteDescription) {
        self.remote_candidates.clone_from(&remote.candidates);
        for candidate in &remote.candidates {
            self.with_rtc(|rtc| rtc.add_remote_candidate(candidate.clone()));
        }
    }

    /// Sends an RTP packet. `sequence` is the extended sequence number, which starts below 2^16.
    pub(crate) fn send(
        &mut self,
        now: Instant,
        number: u8,
        sequence: u64,
        timestamp: u32,
        marker: bool,
        payload: Vec<u8>,
    ) {
        let Some(mid) = self.mid else { return };
        let at = self.clock.to_std(now);
        self.with_rtc(|rtc| {
            let mut api = rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(mid, None) else { return };
            let sequence = SeqNo::from(sequence);
            stream
                .write_rtp(RtpWrite::new(Pt::from(number), sequence, timestamp, at, payload).marker(marker));
        });
    }

    /// Sends RTCP BYE and DTLS close_notify.
    pub(crate) fn close(&mut self) {
        let _ = self.with_rtc(Rtc::close);
    }

    fn ssrc(&mut self, mid: Mid) -> Option<u32> {
        self.rtc.direct_api().stream_tx_by_mid(mid, None).map(|stream| *stream.ssrc())
    }

    /// Makes str0m accept packets of a source that was not signalled, as many peers signal none, and RTP headers are not encrypted.
    /// A source is on probation until one of its packets is authentic. Only one source is at a time, which bounds the state that forged
    /// packets can create.
    fn expect_source(&mut self, data: &[u8]) {
        let [first, second, _, _, _, _, _, _, a, b, c, d, _, ..] = *data else { return };
        let (Some(mid), 2) = (self.mid, first >> 6) else { return };
        let ssrc = Ssrc::from(u32::from_be_bytes([a, b, c, d]));
        let known = self.sources.contains(&ssrc) || self.probation == Some(ssrc);
        if known
            || *ssrc == 0
            || !self.payload_types.contains(&(second & 0x7f))
            || self.rtc.media(mid).is_none()
        {
            return;
        }
        let before = self.probation.replace(ssrc);
        self.with_rtc(|rtc| {
            let mut api = rtc.direct_api();
            if let Some(before) = before {
                api.remove_stream_rx(before);
            }
            api.expect_stream_rx(ssrc, None, mid, None).suppress_nack(true);
        });
    }

    fn confirm_source(&mut self, ssrc: Ssrc) {
        if self.probation == Some(ssrc) {
            self.probation = None;
            self.sources.push_back(ssrc);
            if self.sources.len() > MAX_SOURCES
                && let Some(oldest) = self.sources.pop_front()
            {
                self.rtc.direct_api().remove_stream_rx(oldest);
            }
        }
    }
}

/// Whether a datagram is STUN (RFC 7983 §7).
fn is_stun(data: &[u8]) -> bool {
    matches!(data, [0..=3, ..])
}

/// The credentials in a description by str0m.
fn credentials_of(text: &str) -> Option<Credentials> {
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let (hash, fingerprint) = value("a=fingerprint:")?.split_once(' ')?;
    Some(Credentials {
        ufrag: value("a=ice-ufrag:")?.to_owned(),
        pwd: value("a=ice-pwd:")?.to_owned(),
        fingerprint: (hash.to_owned(), fingerprint.to_owned()),
    })
}

fn ssrc_of(text: &str) -> Option<u32> {
    text.lines().find_map(|line| line.strip_prefix("a=ssrc:")?.split(' ').next()?.parse().ok())
}
