//! str0m as a transport: ICE, DTLS-SRTP and RTCP below, decrypted RTP above.
//!
//! It runs in RTP mode, so that payloads, timing and digits are ours. It knows one audio line, both ways, and
//! is told about a peer in one dialect (see [`crate::sdp`]); hold is not its business.

use std::collections::VecDeque;
use std::net::SocketAddr;
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
use crate::sdp::{Format, Keys, Payload, Remote, Setup, canonical};

/// Sources of the peer's that are remembered. A call has one, and another after a transfer.
const SOURCES: usize = 4;

/// How often a working path is checked, and how many checks of one that never worked may go unanswered.
const CHECK: Duration = Duration::from_millis(1500);
const CHECKS: usize = 5;

/// What the transport has to say.
#[derive(Debug)]
pub(crate) enum Said {
    Transmit {
        local: SocketAddr,
        remote: SocketAddr,
        data: Bytes,
    },
    /// ICE and DTLS are up.
    Up,
    /// ICE found a path, or lost it.
    Path(bool),
    /// The peer closed DTLS.
    Closed,
    /// DTLS or str0m failed; nothing more will come.
    Dead,
    Rtp(Box<RtpPacket>),
    /// The peer's report on what we send.
    Report {
        round_trip: Option<Duration>,
        loss: Option<f32>,
    },
    /// The round trip that ICE measured.
    RoundTrip(Duration),
}

/// What our description says about the transport.
#[derive(Clone, Debug)]
pub(crate) struct Ours {
    pub(crate) keys: Keys,
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
        // Decades fit; what does not is "never", and never comes.
        self.epoch.checked_add(Duration::from_nanos(at.as_nanos())).unwrap_or(self.epoch)
    }

    fn instant(self, at: std::time::Instant) -> Instant {
        Instant::ZERO + at.saturating_duration_since(self.epoch)
    }
}

pub(crate) struct Transport {
    rtc: Rtc,
    clock: Clock,
    /// The state of str0m's generator, swapped in while str0m runs.
    random: u64,
    /// Our addresses, and the candidates they are.
    locals: Vec<(SocketAddr, String)>,
    /// The peer's candidates.
    remotes: Vec<Candidate>,
    mid: Option<Mid>,
    pending: Option<SdpPendingOffer>,
    /// Sources that sent something authentic, and the one that is on trial.
    sources: VecDeque<Ssrc>,
    trial: Option<Ssrc>,
    numbers: Vec<u8>,
    said: VecDeque<Said>,
    deadline: Option<Instant>,
    dead: bool,
}

impl Transport {
    pub(crate) fn new(
        certificate: Option<&Certificate>,
        seeded_dtls: bool,
        payloads: &[Payload],
        keys: Option<&Keys>,
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
        config.set_max_stun_rto(CHECK);
        config.set_max_stun_retransmits(CHECKS);
        if let Some(certificate) = certificate {
            config = config.set_dtls_cert(certificate.0.clone());
        }
        if let Some(keys) = keys {
            let credentials = IceCreds { ufrag: keys.ufrag.clone(), pass: keys.pwd.clone() };
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
            random,
            locals: Vec::new(),
            remotes: Vec::new(),
            mid: None,
            pending: None,
            sources: VecDeque::new(),
            trial: None,
            numbers: payloads.iter().map(|p| p.number).collect(),
            said: VecDeque::new(),
            deadline: None,
            dead: false,
        };
        transport.wake(now);
        transport
    }

    /// Do something to str0m with its own randomness, then collect everything it has to say: str0m wants to be
    /// drained between any two changes.
    fn change<T>(&mut self, change: impl FnOnce(&mut Rtc) -> T) -> T {
        let outside = fastrand::get_seed();
        fastrand::seed(self.random);
        let result = change(&mut self.rtc);
        self.drain();
        self.random = fastrand::get_seed();
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
                Ok(Output::Transmit(transmit)) => self.said.push_back(Said::Transmit {
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
        if !self.rtc.is_alive() && !self.dead {
            self.dead = true;
            self.said.push_back(Said::Dead);
        }
    }

    fn event(&mut self, event: Event) {
        let said = match event {
            Event::Connected => Said::Up,
            Event::IceConnectionStateChange(state) => match state {
                IceConnectionState::Connected | IceConnectionState::Completed => Said::Path(true),
                IceConnectionState::Disconnected => Said::Path(false),
                IceConnectionState::New | IceConnectionState::Checking => return,
            },
            Event::Closed => Said::Closed,
            Event::RtpPacket(packet) => {
                self.authentic(packet.header.ssrc);
                Said::Rtp(Box::new(packet))
            }
            Event::MediaEgressStats(stats) => Said::Report { round_trip: stats.rtt, loss: stats.loss },
            Event::PeerStats(stats) => {
                let pair = stats.selected_candidate_pair;
                let Some(round_trip) = pair.and_then(|pair| pair.current_round_trip_time) else { return };
                Said::RoundTrip(round_trip)
            }
            _ => return,
        };
        self.said.push_back(said);
    }

    pub(crate) fn said(&mut self) -> Option<Said> {
        self.said.pop_front()
    }

    /// It failed, or the peer closed it: nothing brings it back.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    pub(crate) fn wake(&mut self, now: Instant) {
        let at = self.clock.to_std(now);
        // An error here is about one packet or one timer; what is fatal shows in `is_alive`.
        let _ = self.change(|rtc| rtc.handle_input(Input::Timeout(at)));
    }

    /// Takes a datagram. True when it was authentic media, and no repetition.
    pub(crate) fn receive(
        &mut self,
        now: Instant,
        local: SocketAddr,
        remote: SocketAddr,
        data: &[u8],
    ) -> bool {
        let Ok(received) = Receive::new(Protocol::Udp, remote, local, data) else { return false };
        self.latch(data);
        let at = self.clock.to_std(now);
        let before = self.said.len();
        let _ = self.change(|rtc| rtc.handle_input(Input::Receive(at, received)));
        self.said.iter().skip(before).any(|said| matches!(said, Said::Rtp(_)))
    }

    /// The peer is no longer seen where it was. ICE checks the new address before anything is sent there, and knows it from
    /// the peer's own checks already; left alone it would keep to the old one for 15 s.
    pub(crate) fn moved(&mut self, old: SocketAddr, new: SocketAddr) {
        for address in [old, new] {
            let known = self.remotes.iter().any(|candidate| candidate.addr() == address);
            if let (false, Ok(candidate)) = (known, Candidate::host(address, Protocol::Udp)) {
                self.remotes.push(candidate.clone());
                self.change(|rtc| rtc.add_remote_candidate(candidate));
            }
        }
        if let Some(at) = self.remotes.iter().position(|candidate| candidate.addr() == old) {
            let gone = self.remotes.swap_remove(at);
            self.change(|rtc| rtc.direct_api().invalidate_candidate(&gone));
        }
    }

    /// Whether a peer can be told this address: not unspecified, multicast or link-local.
    pub(crate) fn takes(address: SocketAddr) -> bool {
        Candidate::host(address, Protocol::Udp).is_ok()
    }

    pub(crate) fn add_local(&mut self, address: SocketAddr) {
        let Ok(candidate) = Candidate::host(address, Protocol::Udp) else { return };
        let added = self.change(|rtc| rtc.add_local_candidate(candidate).map(Candidate::to_sdp_string));
        if let Some(text) = added {
            // The user name is in the description, and another one after a restart.
            let text = text.split_once(" ufrag ").map_or(text.as_str(), |(text, _)| text).to_owned();
            self.locals.push((address, text));
        }
    }

    /// The `candidate:…` lines of our addresses, each with a priority of its own (RFC 8445 §5.1.2).
    pub(crate) fn candidates(&self) -> impl Iterator<Item = &str> {
        self.locals.iter().map(|(_, text)| text.as_str())
    }

    pub(crate) fn remove_local(&mut self, address: SocketAddr) {
        self.locals.retain(|(local, _)| *local != address);
        let Ok(candidate) = Candidate::host(address, Protocol::Udp) else { return };
        self.change(|rtc| {
            rtc.direct_api().invalidate_candidate(&candidate);
        });
    }

    /// Make an offer: the first, or one that restarts ICE.
    pub(crate) fn offer(&mut self, cname: &str) -> Result<Ours, MediaError> {
        let mid = self.mid;
        let made = self.change(|rtc| {
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
        let keys = keys_of(&text).ok_or(MediaError::Engine("no keys in the offer"))?;
        let ours = Ours { keys, ssrc, cname: cname.to_owned() };
        self.mid = Some(new);
        self.pending = Some(offer);
        Ok(ours)
    }

    /// Take an offer: the first, or one that restarts ICE.
    pub(crate) fn answer(
        &mut self,
        remote: &Remote,
        setup: Setup,
        payloads: &[Payload],
    ) -> Result<Ours, MediaError> {
        let mid = self.mid.unwrap_or_else(|| Mid::from("audio"));
        self.mid = Some(mid);
        self.pending = None;
        let text = canonical::write(&mid.to_string(), &remote.keys, setup, remote.ice_lite, payloads);
        let offer = SdpOffer::from_sdp_string(&text).map_err(|_| MediaError::Engine("offer not read"))?;
        let answer =
            self.change(|rtc| rtc.sdp_api().accept_offer(offer).map(|answer| answer.to_sdp_string()));
        let answer = answer.map_err(|_| MediaError::Engine("offer refused"))?;
        let keys = keys_of(&answer).ok_or(MediaError::Engine("no keys in the answer"))?;
        let ssrc = self.ssrc(mid).ok_or(MediaError::Engine("no source"))?;
        let cname = self.rtc.media(mid).map(|media| media.cname().to_owned()).unwrap_or_default();
        self.add_candidates(remote);
        Ok(Ours { keys, ssrc, cname })
    }

    /// Take the answer to our pending offer, and send as `ssrc`, which was announced in it.
    pub(crate) fn accept(
        &mut self,
        remote: &Remote,
        setup: Setup,
        payloads: &[Payload],
        ssrc: u32,
    ) -> Result<(), MediaError> {
        let (Some(pending), Some(mid)) = (self.pending.take(), self.mid) else {
            return Err(MediaError::WrongState("no offer is pending"));
        };
        let text = canonical::write(&mid.to_string(), &remote.keys, setup, remote.ice_lite, payloads);
        let answer = SdpAnswer::from_sdp_string(&text).map_err(|_| MediaError::Engine("answer not read"))?;
        let accepted = self.change(|rtc| rtc.sdp_api().accept_answer(pending, answer));
        accepted.map_err(|_| MediaError::Engine("answer refused"))?;
        self.change(|rtc| {
            rtc.direct_api().reset_stream_tx(mid, None, Ssrc::from(ssrc), None);
        });
        self.add_candidates(remote);
        Ok(())
    }

    /// Drop a pending offer.
    pub(crate) fn rollback(&mut self) {
        self.pending = None;
    }

    /// Candidates of the peer; known ones do no harm.
    pub(crate) fn add_candidates(&mut self, remote: &Remote) {
        self.remotes.clone_from(&remote.candidates);
        for candidate in &remote.candidates {
            self.change(|rtc| rtc.add_remote_candidate(candidate.clone()));
        }
    }

    /// Send one RTP packet. `sequence` is extended and starts below 2^16.
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
        self.change(|rtc| {
            let mut api = rtc.direct_api();
            let Some(stream) = api.stream_tx_by_mid(mid, None) else { return };
            let sequence = SeqNo::from(sequence);
            stream
                .write_rtp(RtpWrite::new(Pt::from(number), sequence, timestamp, at, payload).marker(marker));
        });
    }

    /// Say goodbye: RTCP BYE and DTLS close_notify.
    pub(crate) fn close(&mut self) {
        let _ = self.change(Rtc::close);
    }

    fn ssrc(&mut self, mid: Mid) -> Option<u32> {
        self.rtc.direct_api().stream_tx_by_mid(mid, None).map(|stream| *stream.ssrc())
    }

    /// Let str0m take packets of a source it was not told about: half the peers signal none, and RTP headers are in
    /// the clear. Until one of its packets is authentic a source is on trial, and only one is at a time, so
    /// that forged packets cost nothing.
    fn latch(&mut self, data: &[u8]) {
        let [first, second, _, _, _, _, _, _, a, b, c, d, _, ..] = *data else { return };
        let (Some(mid), 2) = (self.mid, first >> 6) else { return };
        let ssrc = Ssrc::from(u32::from_be_bytes([a, b, c, d]));
        let known = self.sources.contains(&ssrc) || self.trial == Some(ssrc);
        if known || *ssrc == 0 || !self.numbers.contains(&(second & 0x7f)) || self.rtc.media(mid).is_none() {
            return;
        }
        let before = self.trial.replace(ssrc);
        self.change(|rtc| {
            let mut api = rtc.direct_api();
            if let Some(before) = before {
                api.remove_stream_rx(before);
            }
            api.expect_stream_rx(ssrc, None, mid, None).suppress_nack(true);
        });
    }

    fn authentic(&mut self, ssrc: Ssrc) {
        if self.trial == Some(ssrc) {
            self.trial = None;
            self.sources.push_back(ssrc);
            if self.sources.len() > SOURCES
                && let Some(oldest) = self.sources.pop_front()
            {
                self.rtc.direct_api().remove_stream_rx(oldest);
            }
        }
    }
}

/// The transport's parameters in what str0m wrote.
fn keys_of(text: &str) -> Option<Keys> {
    let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name));
    let (hash, fingerprint) = value("a=fingerprint:")?.split_once(' ')?;
    Some(Keys {
        ufrag: value("a=ice-ufrag:")?.to_owned(),
        pwd: value("a=ice-pwd:")?.to_owned(),
        fingerprint: (hash.to_owned(), fingerprint.to_owned()),
    })
}

fn ssrc_of(text: &str) -> Option<u32> {
    text.lines().find_map(|line| line.strip_prefix("a=ssrc:")?.split(' ').next()?.parse().ok())
}
