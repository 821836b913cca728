//! The engines that make sound: one session of `offhook-media` for each end of a call.
//!
//! # What is the same again
//!
//! The certificates are fixed, what is random in a session comes from the seed, DTLS included but for its keys and
//! signatures, and the fate of a datagram hangs on its lane and its number, never on its bytes. So a run of one seed has the
//! same datagrams at the same times with the same outcomes. What differs from run to run is what is encrypted or signed:
//! the tape counts those bytes by their number, and a DTLS record not even so, because signatures vary in length.

mod kind;
mod line;
mod wild;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use bytes::Bytes;
use offhook::{Direction, EffectId};
use offhook_media::{Certificate, MediaConfig, MediaInput, MediaOutput, MediaSession, Source};
use offhook_wire::Instant;

use super::{Circumstances, End, Listening, Refused};
use crate::hash::{Digest, Draw};
use crate::node::PhoneNode;
use crate::scenario::{Codec, PhoneSetup};

pub use kind::Kind;
use line::Line;
use wild::Nat;

/// What the first end plays, the distance to the next one's tone, and how many there are before they come again. Far enough
/// apart to be told apart, and all within what G.711 carries.
const LOWEST_HZ: u16 = 400;
const STEP_HZ: u16 = 50;
const TONES: u16 = 40;

/// The real engines of a world.
#[derive(Debug)]
pub struct Real {
    seed: u64,
    lines: BTreeMap<End, Line>,
    by_address: BTreeMap<SocketAddr, End>,
    /// How many each phone made.
    made: BTreeMap<usize, u16>,
    tones: u16,
    /// Which digit the telephone-events of a source are about, by their timestamp, in order. They may be on their way when the source is
    /// gone, and no address is used twice.
    on_air: BTreeMap<(SocketAddr, u32), (u64, char)>,
    begun: u64,
    /// What is between each phone and the others.
    nats: BTreeMap<usize, Nat>,
    forged: u64,
    /// Whether somebody comes to listen.
    listened_to: bool,
}

impl Real {
    /// None yet.
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
            listened_to: false,
        }
    }

    /// All ends that have an engine.
    pub fn ends(&self) -> impl Iterator<Item = End> {
        self.lines.keys().copied()
    }

    /// The other end, when both name each other.
    pub fn peer(&self, end: End) -> Option<End> {
        let line = self.lines.get(&end)?;
        let peer = *self.by_address.get(&line.remote()?)?;
        (self.lines.get(&peer)?.remote()? == line.address).then_some(peer)
    }

    /// A description to offer.
    ///
    /// # Errors
    /// When an offer is out already.
    pub fn offer(
        &mut self,
        end: End,
        node: &PhoneNode,
        now: Instant,
        direction: Direction,
    ) -> Result<Bytes, Refused> {
        self.line(end, node, now).offer(now, direction)
    }

    /// The answer to the peer's offer. It is in force at once.
    ///
    /// # Errors
    /// When the offer cannot be read or accepted, or an offer of ours is out.
    pub fn answer(
        &mut self,
        end: End,
        node: &PhoneNode,
        now: Instant,
        offer: &[u8],
        direction: Direction,
    ) -> Result<Bytes, Refused> {
        self.line(end, node, now).answer(now, offer, direction)
    }

    /// Takes the answer to our offer.
    ///
    /// # Errors
    /// When the answer cannot be read, or there is nothing that it could answer.
    pub fn apply(&mut self, end: End, now: Instant, answer: &[u8]) -> Result<(), Refused> {
        let line = self.lines.get_mut(&end).ok_or(Refused::Disorder("an answer to no offer"))?;
        line.apply(now, answer)
    }

    /// Forgets our offer, or takes back the answer that nobody wants any more.
    ///
    /// # Errors
    /// When there is neither.
    pub fn rollback(&mut self, end: End) -> Result<(), Refused> {
        let line = self.lines.get_mut(&end).ok_or(Refused::Disorder("a rollback of nothing"))?;
        line.rollback()
    }

    /// Sends a digit; the effect is done when it is out.
    ///
    /// # Errors
    /// When the other end takes none.
    pub fn press(
        &mut self,
        end: End,
        now: Instant,
        effect: EffectId,
        digit: char,
        duration: Duration,
    ) -> Result<(), Refused> {
        let line = self.lines.get_mut(&end).ok_or(Refused::Disorder("a digit without media"))?;
        line.press(now, effect, digit, duration)
    }

    /// The effect of the digit that went out, or will not.
    pub fn pressed(&mut self, end: End, digit: char, sent: bool) -> Option<EffectId> {
        self.lines.get_mut(&end)?.pressed(digit, sent)
    }

    /// Says goodbye. What is left to send is still there to be polled.
    pub fn close(&mut self, end: End, now: Instant) {
        if let Some(line) = self.lines.get_mut(&end) {
            line.see(now).close(now);
        }
    }

    /// Forgets an end.
    pub fn remove(&mut self, end: End) {
        if let Some(line) = self.lines.remove(&end) {
            self.by_address.remove(&line.address);
        }
    }

    /// Notes whether a phone's translator lost its mappings.
    pub fn set_rebound(&mut self, phone: usize, rebound: bool) {
        self.nats.entry(phone).or_default().set(rebound);
    }

    /// Whether it did since this was last asked.
    pub fn take_moved(&mut self, phone: usize) -> bool {
        self.nats.get_mut(&phone).is_some_and(Nat::take_moved)
    }

    /// How others see an end.
    pub fn outside(&self, end: End) -> Option<SocketAddr> {
        let nat = self.nats.get(&end.0).copied().unwrap_or_default();
        let line = self.lines.get(&end)?;
        Some(nat.outside(line.address, line.first_mapping))
    }

    /// Notes that a datagram from `source` reached an end, which saw it come from `seen`.
    pub fn note_source(&mut self, end: End, source: SocketAddr, seen: SocketAddr) {
        if let Some(line) = self.lines.get_mut(&end) {
            line.seen_peer = Some((source, seen));
        }
    }

    /// Whether one of two ends knows at which address the other can be reached: from the description, or as the source of its datagrams
    /// (a peer-reflexive candidate, RFC 8445 §7.3.1.3). Otherwise no check of either arrives, and ICE cannot find a path:
    /// not even by a restart, because without a STUN server a phone has only host candidates to offer.
    pub(crate) fn has_path(&self, end: End, peer: End) -> bool {
        let knows = |from: End, to: End| {
            let (Some(from), Some(line)) = (self.lines.get(&from), self.lines.get(&to)) else { return false };
            let seen = from.seen_peer.filter(|(source, _)| *source == line.address);
            Some(seen.map_or(line.address, |(_, seen)| seen)) == self.outside(to)
        };
        knows(end, peer) || knows(peer, end)
    }

    /// Which end is seen at an address, and its address as it knows it.
    pub fn at(&self, address: SocketAddr) -> Option<(End, SocketAddr)> {
        let phone = phone_of(address)?;
        let seen = self.lines.iter().find(|(end, _)| end.0 == phone && self.outside(**end) == Some(address));
        seen.map(|(&end, line)| (end, line.address))
    }

    /// A datagram that nobody sent, in place of nothing.
    pub fn forge(&mut self, real: &Bytes) -> Vec<u8> {
        self.forged += 1;
        wild::forge(Digest::new(self.seed), self.forged, real)
    }

    /// Hands an end a datagram, or lets its timers run.
    pub fn handle(&mut self, end: End, now: Instant, input: MediaInput<'_>) {
        if let Some(line) = self.lines.get_mut(&end) {
            line.see(now).handle(now, input);
        }
    }

    /// What an end has to send or to say.
    pub fn poll(&mut self, end: End) -> Option<MediaOutput> {
        self.lines.get_mut(&end)?.session.poll()
    }

    /// Looks when an end wants to be woken. To be called when all its output was polled.
    pub fn look(&mut self, end: End) {
        if let Some(line) = self.lines.get_mut(&end) {
            line.deadline = line.session.deadline();
        }
    }

    /// When the next end wants to be woken, in world time.
    pub fn deadline(&self, phones: &[PhoneNode]) -> Option<Instant> {
        self.lines.iter().filter_map(|(end, line)| line.wants_at(&phones[end.0])).min()
    }

    /// The ends that want to be woken by now.
    pub fn due(&self, phones: &[PhoneNode], now: Instant) -> Vec<End> {
        let is_due = |(end, line): &(&End, &Line)| line.wants_at(&phones[end.0]).is_some_and(|at| at <= now);
        self.lines.iter().filter(is_due).map(|(&end, _)| end).collect()
    }

    /// Notes that a telephone-event leaves: a timestamp that is new is the next digit that was pressed.
    pub fn event_leaves(&mut self, end: End, timestamp: u32) {
        let Some(line) = self.lines.get_mut(&end) else { return };
        let key = (line.address, timestamp);
        if self.on_air.contains_key(&key) {
            return;
        }
        if let Some(digit) = line.begin_digit() {
            self.begun += 1;
            self.on_air.insert(key, (self.begun, digit));
        }
    }

    /// Notes that a telephone-event of `source` reached an end. Gives the digit that it is the first news of, and whether
    /// the end must have understood it.
    pub fn event_arrives(&mut self, end: End, source: SocketAddr, timestamp: u32) -> Option<(char, bool)> {
        let &(number, digit) = self.on_air.get(&(source, timestamp))?;
        let line = self.lines.get_mut(&end)?;
        if line.newest_digit.is_some_and(|(from, newest)| from == source && newest >= number) {
            return None;
        }
        line.newest_digit = Some((source, number));
        Some((digit, line.session.is_connected()))
    }

    /// Notes whether somebody comes to listen. Gives whether somebody did.
    pub fn set_listened_to(&mut self, listened_to: bool) -> bool {
        std::mem::replace(&mut self.listened_to, listened_to)
    }

    /// Whether time stands still for an end's engine: for its phone, or until a clock that was set back shows more than the engine saw,
    /// which wakes more often than the phone looks at it.
    pub(crate) fn stands(&self, end: End, node: &PhoneNode, now: Instant) -> bool {
        !node.lives(now) || self.lines.get(&end).is_some_and(|line| line.seen() > node.local(now))
    }

    /// What an end hears, and what it should.
    pub(crate) fn listen(&self, end: End, circumstances: Circumstances) -> Option<Listening> {
        let line = self.lines.get(&end)?;
        let peer = self.peer(end).and_then(|peer| self.lines.get(&peer));
        let both_ways = |line: &Line| line.session.direction() == Some(Direction::SendRecv);
        let receives = |line: &Line| line.session.direction().is_some_and(Direction::receives);
        let heard = line.session.received_tone();
        let Circumstances { clear, stands, peer_stands } = circumstances;
        let others =
            self.lines.values().filter(|other| peer.is_none_or(|peer| peer.address != other.address));
        Some(Listening {
            end,
            hears: heard.hz,
            level_dbfs: heard.level_dbfs,
            peer_plays: peer.map(|peer| peer.tone),
            others_play: others.map(|other| other.tone).collect(),
            both_ways: both_ways(line) && peer.is_some_and(both_ways),
            receives: receives(line),
            peer_receives: peer.is_some_and(receives),
            clear,
            stands,
            peer_stands,
            peer_dials: peer.is_some_and(Line::dials),
        })
    }

    fn line(&mut self, end: End, node: &PhoneNode, now: Instant) -> &mut Line {
        let first_mapping = self.nats.get(&end.0).copied().unwrap_or_default().mapping();
        self.lines.entry(end).or_insert_with(|| {
            let made = self.made.entry(end.0).or_insert(0);
            let host = u8::try_from(end.0 + 1).unwrap_or(u8::MAX);
            let address = SocketAddr::from(([10, 0, 0, host], 10_000 + 2 * (*made % 25_000)));
            let label = format!("media of {} {made}", node.setup.name);
            *made = made.wrapping_add(1);
            let seed = Draw::new(self.seed, &label).seed();
            let mut session = MediaSession::new(config(end.0, &node.setup), seed, epoch(), now);
            session.add_local(address);
            let tone = f32::from(LOWEST_HZ + STEP_HZ * (self.tones % TONES));
            self.tones += 1;
            session.play(Source::tone(tone));
            self.by_address.insert(address, end);
            Line::new(address, first_mapping, tone, session, now)
        })
    }
}

/// The phone on whose network an address is.
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

/// What str0m counts from. It matters as little as the zero of any clock.
fn epoch() -> std::time::Instant {
    static EPOCH: OnceLock<std::time::Instant> = OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "there is no other way to have an instant of the standard library"
    )]
    *EPOCH.get_or_init(std::time::Instant::now)
}

/// One for each phone, and always the same: their fingerprints are in the descriptions, and so in the hash of a run.
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
