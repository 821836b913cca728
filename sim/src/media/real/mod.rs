//! Real media engines: one session of `offhook-media` for each end of a call.
//!
//! # Determinism
//!
//! Certificates are fixed, the randomness of a session comes from the seed (in DTLS except for keys and signatures), and the fate of a
//! datagram depends on its addresses and number, not on its bytes. So all runs of a seed have the same datagrams at the same times.
//! Encrypted and signed bytes differ between runs: the hash covers only their length, and for DTLS not even that, because signatures vary
//! in length.

mod kind;
mod line;
mod wild;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use offhook::{Agreed, Direction, EffectId, LegId};
use offhook_media::{Certificate, MediaConfig, MediaInput, MediaOutput, MediaSession, Source};
use offhook_wire::Instant;

use super::{AudioProbe, EngineError, Leg, ProbeContext};
use crate::hash::{Digest, Draw};
use crate::node::PhoneNode;
use crate::scenario::{Codec, PhoneSetup};

pub use kind::Kind;
use line::{Line, for_core, refused};
use wild::Nat;

/// The tone of the first end, the distance between tones, and the number of tones. They are distinguishable, and within the bandwidth of
/// G.711.
const LOWEST_HZ: u16 = 400;
const STEP_HZ: u16 = 50;
const TONES: u16 = 40;

/// The real engines of a world.
#[derive(Debug)]
pub struct Real {
    seed: u64,
    lines: BTreeMap<Leg, Line>,
    by_address: BTreeMap<SocketAddr, BTreeSet<Leg>>,
    /// The number of engines created by each phone.
    made: BTreeMap<usize, u16>,
    tones: u16,
    /// The digit of the telephone-events of a source, by timestamp, with its number. They may be in flight after the source was released;
    /// addresses are not reused.
    on_air: BTreeMap<(SocketAddr, u32), (u64, char)>,
    begun: u64,
    /// The NAT of each phone.
    nats: BTreeMap<usize, Nat>,
    forged: u64,
    /// Whether an audio probe is scheduled.
    probe_scheduled: bool,
}

impl Real {
    /// No engines.
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            lines: BTreeMap::new(),
            by_address: BTreeMap::new(),
            made: BTreeMap::new(),
            tones: 0,
            on_air: BTreeMap::new(),
            begun: 0,
            nats: BTreeMap::new(),
            forged: 0,
            probe_scheduled: false,
        }
    }

    /// All legs that have an engine.
    pub fn legs(&self) -> impl Iterator<Item = Leg> {
        self.lines.keys().copied()
    }

    /// The peer, if both legs are connected to each other.
    pub fn peer(&self, leg: Leg) -> Option<Leg> {
        let line = self.lines.get(&leg)?;
        let back = |peer: &&Leg| self.lines.get(peer).and_then(Line::remote) == Some(line.address);
        self.by_address.get(&line.remote()?)?.iter().find(back).copied()
    }

    /// What the last offer of a leg and its answer agreed on.
    pub fn agreed(&self, leg: Leg) -> Option<Agreed> {
        self.lines.get(&leg)?.session.agreed().map(for_core)
    }

    /// What the answer to an offer would agree on.
    ///
    /// # Errors
    /// If the offer is invalid or not acceptable.
    pub fn check(phone: usize, setup: &PhoneSetup, offer: &[u8]) -> Result<Agreed, EngineError> {
        offhook_media::check(&config(phone, setup), offer).map(for_core).map_err(refused)
    }

    /// Creates the engine of a leg that repeats the first offer of another leg of the call.
    ///
    /// # Errors
    /// If the leg has an engine, or the other leg made no offer.
    pub fn fork(&mut self, leg: Leg, of: LegId, now: Instant) -> Result<(), EngineError> {
        let original = self.lines.get(&Leg { id: of, ..leg });
        let (Some(original), false) = (original, self.lines.contains_key(&leg)) else {
            return Err(EngineError::OutOfOrder("a fork of a leg without media, or for a leg with media"));
        };
        let label = format!("fork {} of {}", leg.id.0, original.address);
        let Some(fork) = original.fork(Draw::new(self.seed, &label).seed(), now) else {
            return Err(EngineError::OutOfOrder("a fork of a leg without an offer"));
        };
        self.by_address.entry(fork.address).or_default().insert(leg);
        self.lines.insert(leg, fork);
        Ok(())
    }

    /// Creates an offer.
    ///
    /// # Errors
    /// If an offer is pending.
    pub fn offer(
        &mut self,
        leg: Leg,
        node: &PhoneNode,
        now: Instant,
        direction: Direction,
        restart: bool,
    ) -> Result<Bytes, EngineError> {
        self.line(leg, node, now).offer(now, direction, restart)
    }

    /// Mutes the audio of a leg.
    pub fn mute(&mut self, leg: Leg, on: bool) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.mute(on);
        }
    }

    /// Creates the answer to an offer. It takes effect immediately.
    ///
    /// # Errors
    /// If the offer is invalid or not acceptable, or an offer is pending.
    pub fn answer(
        &mut self,
        leg: Leg,
        node: &PhoneNode,
        now: Instant,
        offer: &[u8],
        direction: Direction,
    ) -> Result<(Bytes, Agreed), EngineError> {
        self.line(leg, node, now).answer(now, offer, direction)
    }

    /// Applies the answer to the offer.
    ///
    /// # Errors
    /// If the answer is invalid, or there is no offer.
    pub fn apply(&mut self, leg: Leg, now: Instant, answer: &[u8]) -> Result<Agreed, EngineError> {
        let line = self.lines.get_mut(&leg).ok_or(EngineError::OutOfOrder("an answer without an offer"))?;
        line.apply(now, answer)
    }

    /// Notes that an offer or answer could not be created: the last answer is final.
    pub fn failed(&mut self, leg: Leg) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.failed();
        }
    }

    /// Rolls back the pending offer, or the last answer.
    ///
    /// # Errors
    /// If there is neither.
    pub fn rollback(&mut self, leg: Leg) -> Result<(), EngineError> {
        let line = self
            .lines
            .get_mut(&leg)
            .ok_or(EngineError::OutOfOrder("a rollback without an offer or answer"))?;
        line.rollback()
    }

    /// Sends a digit; the effect is finished when it is sent.
    ///
    /// # Errors
    /// If the peer does not support telephone-event.
    pub fn press(
        &mut self,
        leg: Leg,
        now: Instant,
        effect: EffectId,
        digit: char,
        duration: Duration,
    ) -> Result<(), EngineError> {
        let line = self.lines.get_mut(&leg).ok_or(EngineError::OutOfOrder("a digit without media"))?;
        line.press(now, effect, digit, duration)
    }

    /// The effect of a digit that was sent, or failed.
    pub fn pressed(&mut self, leg: Leg, digit: char, sent: bool) -> Option<EffectId> {
        self.lines.get_mut(&leg)?.pressed(digit, sent)
    }

    /// Closes the session. Its last datagrams can still be polled.
    pub fn close(&mut self, leg: Leg, now: Instant) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.session_at(now).close(now);
        }
    }

    /// Removes an end.
    pub fn remove(&mut self, leg: Leg) {
        if let Some(line) = self.lines.remove(&leg)
            && let Some(legs) = self.by_address.get_mut(&line.address)
        {
            legs.remove(&leg);
        }
    }

    /// Sets whether the NAT of a phone has rebound.
    pub fn set_rebound(&mut self, phone: usize, rebound: bool) {
        self.nats.entry(phone).or_default().set(rebound);
    }

    /// Returns and resets whether the NAT of a phone changed.
    pub fn take_moved(&mut self, phone: usize) -> bool {
        self.nats.get_mut(&phone).is_some_and(Nat::take_moved)
    }

    /// The address of an end outside its NAT.
    pub fn outside(&self, leg: Leg) -> Option<SocketAddr> {
        let nat = self.nats.get(&leg.end.0).copied().unwrap_or_default();
        let line = self.lines.get(&leg)?;
        Some(nat.outside(line.address, line.first_mapping))
    }

    /// Notes that a datagram from `source` reached an end, which saw it come from `seen`.
    pub fn note_source(&mut self, leg: Leg, source: SocketAddr, seen: SocketAddr) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.seen_peer = Some((source, seen));
        }
    }

    /// Whether one of two ends knows at which address the other can be reached: from the description, or as the source of its datagrams
    /// (a peer-reflexive candidate, RFC 8445 §7.3.1.3). Otherwise no check of either arrives, and ICE cannot find a path:
    /// not even by a restart, because without a STUN server a phone has only host candidates to offer.
    pub(crate) fn has_path(&self, leg: Leg, peer: Leg) -> bool {
        let knows = |from: Leg, to: Leg| {
            let (Some(from), Some(line)) = (self.lines.get(&from), self.lines.get(&to)) else { return false };
            let seen = from.seen_peer.filter(|(source, _)| *source == line.address);
            Some(seen.map_or(line.address, |(_, seen)| seen)) == self.outside(to)
        };
        knows(leg, peer) || knows(peer, leg)
    }

    /// The leg for a datagram to an address outside its NAT, and its own address. The forks of an offer have one address: an engine
    /// without an answer accepts the checks of every peer, so it is asked last.
    pub fn at(&self, address: SocketAddr, from: SocketAddr, data: &[u8]) -> Option<(Leg, SocketAddr)> {
        let phone = phone_of(address)?;
        let is_there = |(leg, _): &(&Leg, &Line)| leg.end.0 == phone && self.outside(**leg) == Some(address);
        let mut there: Vec<(&Leg, &Line)> = self.lines.iter().filter(is_there).collect();
        there.sort_by_key(|(_, line)| line.remote().is_none());
        let accepts = |(_, line): &&(&Leg, &Line)| line.session.accepts(line.address, from, data);
        let taken = if there.len() > 1 { there.iter().find(accepts) } else { there.first() };
        taken.map(|(leg, line)| (**leg, line.address))
    }

    /// Creates a forged datagram.
    pub fn forge(&mut self, real: &Bytes) -> Vec<u8> {
        self.forged += 1;
        wild::forge(Digest::new(self.seed), self.forged, real)
    }

    /// Gives an input to an end.
    pub fn handle(&mut self, leg: Leg, now: Instant, input: MediaInput<'_>) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.session_at(now).handle(now, input);
        }
    }

    /// The next output of an end.
    pub fn poll(&mut self, leg: Leg) -> Option<MediaOutput> {
        self.lines.get_mut(&leg)?.session.poll()
    }

    /// Updates the deadline of an end. To be called after all outputs were polled.
    pub fn update_deadline(&mut self, leg: Leg) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.deadline = line.session.deadline();
        }
    }

    /// The next deadline, in world time.
    pub fn deadline(&self, phones: &[PhoneNode]) -> Option<Instant> {
        self.lines.iter().filter_map(|(leg, line)| line.deadline_at(&phones[leg.end.0])).min()
    }

    /// The ends whose deadline is reached.
    pub fn due(&self, phones: &[PhoneNode], now: Instant) -> Vec<Leg> {
        let is_due =
            |(leg, line): &(&Leg, &Line)| line.deadline_at(&phones[leg.end.0]).is_some_and(|at| at <= now);
        self.lines.iter().filter(is_due).map(|(&leg, _)| leg).collect()
    }

    /// Records that a telephone-event is sent: a new timestamp belongs to the next digit.
    pub fn event_leaves(&mut self, leg: Leg, timestamp: u32) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let key = (line.address, timestamp);
        if self.on_air.contains_key(&key) {
            return;
        }
        if let Some(digit) = line.begin_digit() {
            self.begun += 1;
            self.on_air.insert(key, (self.begun, digit));
        }
    }

    /// Records that a telephone-event of `source` arrived at an end. Returns the digit if it is the first packet of it, and whether the end
    /// certainly decoded it.
    pub fn event_arrives(&mut self, leg: Leg, source: SocketAddr, timestamp: u32) -> Option<(char, bool)> {
        let &(number, digit) = self.on_air.get(&(source, timestamp))?;
        let line = self.lines.get_mut(&leg)?;
        if line.newest_digit.is_some_and(|(from, newest)| from == source && newest >= number) {
            return None;
        }
        line.newest_digit = Some((source, number));
        Some((digit, line.session.is_connected()))
    }

    /// Sets whether an audio probe is scheduled. Returns the previous value.
    pub fn set_probe_scheduled(&mut self, probe_scheduled: bool) -> bool {
        std::mem::replace(&mut self.probe_scheduled, probe_scheduled)
    }

    /// Whether the clock of an engine is stopped: that of its phone is stopped, or was set back behind a time that the engine has read.
    pub(crate) fn time_stopped(&self, leg: Leg, node: &PhoneNode, now: Instant) -> bool {
        !node.time_advances(now) || self.lines.get(&leg).is_some_and(|line| line.seen() > node.local(now))
    }

    /// Probes the audio of an end.
    pub(crate) fn probe(&self, leg: Leg, circumstances: ProbeContext) -> Option<AudioProbe> {
        let line = self.lines.get(&leg)?;
        let peer = self.peer(leg).and_then(|peer| self.lines.get(&peer));
        let both_ways = |line: &Line| line.session.direction() == Some(Direction::SendRecv);
        let receives = |line: &Line| line.session.direction().is_some_and(Direction::receives);
        let heard = line.session.received_tone();
        let ProbeContext { network_clear, time_stopped, peer_time_stopped } = circumstances;
        let others =
            self.lines.values().filter(|other| peer.is_none_or(|peer| peer.address != other.address));
        Some(AudioProbe {
            end: leg.end,
            heard_hz: heard.hz,
            level_dbfs: heard.level_dbfs,
            peer_tone: peer.map(|peer| peer.tone),
            other_tones: others.map(|other| other.tone).collect(),
            both_ways: both_ways(line) && peer.is_some_and(both_ways),
            receives: receives(line),
            peer_receives: peer.is_some_and(receives),
            network_clear,
            time_stopped,
            peer_time_stopped,
            peer_sends_digits: peer.is_some_and(Line::dials),
            peer_mutes: peer.is_some_and(Line::mutes),
        })
    }

    fn line(&mut self, leg: Leg, node: &PhoneNode, now: Instant) -> &mut Line {
        let first_mapping = self.nats.get(&leg.end.0).copied().unwrap_or_default().mapping();
        self.lines.entry(leg).or_insert_with(|| {
            let made = self.made.entry(leg.end.0).or_insert(0);
            let host = u8::try_from(leg.end.0 + 1).unwrap_or(u8::MAX);
            let address = SocketAddr::from(([10, 0, 0, host], 10_000 + 2 * (*made % 25_000)));
            let label = format!("media of {} {made}", node.setup.name);
            *made = made.wrapping_add(1);
            let seed = Draw::new(self.seed, &label).seed();
            let mut session = MediaSession::new(config(leg.end.0, &node.setup), seed, epoch(), now);
            session.add_local(address);
            let tone = f32::from(LOWEST_HZ + STEP_HZ * (self.tones % TONES));
            self.tones += 1;
            session.play(Source::tone(tone));
            self.by_address.entry(address).or_default().insert(leg);
            Line::new(address, first_mapping, tone, session, now)
        })
    }
}

/// The phone of an address.
pub(crate) fn phone_of(address: SocketAddr) -> Option<usize> {
    match address {
        SocketAddr::V4(v4) => match v4.ip().octets() {
            [10, 0, 0, host] => usize::from(host).checked_sub(1),
            _ => None,
        },
        SocketAddr::V6(_) => None,
    }
}

fn config(phone: usize, setup: &PhoneSetup) -> MediaConfig {
    let codecs = setup.codecs.iter().map(|codec| match codec {
        Codec::Opus => offhook_media::Codec::Opus,
        Codec::Pcmu => offhook_media::Codec::Pcmu,
        Codec::Pcma => offhook_media::Codec::Pcma,
    });
    let (certificate, key) = CERTIFICATES[phone % CERTIFICATES.len()];
    MediaConfig {
        codecs: codecs.collect(),
        telephone_event: setup.telephone_event,
        certificate: Some(Certificate::from_der(certificate.to_vec(), key.to_vec())),
        seeded_dtls: true,
        ..MediaConfig::default()
    }
}

/// The zero of the clock of str0m. Its value does not matter.
fn epoch() -> std::time::Instant {
    static EPOCH: OnceLock<std::time::Instant> = OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "the standard library has no other way to create an instant"
    )]
    *EPOCH.get_or_init(std::time::Instant::now)
}

/// One for each phone, fixed because their fingerprints are in the descriptions, and so in the hash of a run.
const CERTIFICATES: [(&[u8], &[u8]); 8] = [
    (include_bytes!("certificates/1.crt"), include_bytes!("certificates/1.key")),
    (include_bytes!("certificates/2.crt"), include_bytes!("certificates/2.key")),
    (include_bytes!("certificates/3.crt"), include_bytes!("certificates/3.key")),
    (include_bytes!("certificates/4.crt"), include_bytes!("certificates/4.key")),
    (include_bytes!("certificates/5.crt"), include_bytes!("certificates/5.key")),
    (include_bytes!("certificates/6.crt"), include_bytes!("certificates/6.key")),
    (include_bytes!("certificates/7.crt"), include_bytes!("certificates/7.key")),
    (include_bytes!("certificates/8.crt"), include_bytes!("certificates/8.key")),
];
