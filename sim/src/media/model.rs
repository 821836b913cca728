//! A model of media engines with offers, answers, directions and digits, but no audio.
//!
//! Each leg of a call of a phone has an engine with an address. An engine stores what was negotiated and with which remote address; two
//! engines with each other's address have a media path, on which digits travel as the directions allow. A fork has the address of the leg
//! whose offer it repeats: the peers tell them apart.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use offhook::{Direction, LegId, MediaFault, MediaTypes};

use super::description::{MediaType, first_video};
use super::variety::Variety;
use super::{Address, Description, EngineError, Leg, Line};
use crate::scenario::{Codec, PhoneSetup};

/// All media engines of a world.
#[derive(Debug)]
pub struct Model {
    seed: u64,
    engines: BTreeMap<Leg, Engine>,
    by_address: BTreeMap<Address, BTreeSet<Leg>>,
    made: BTreeMap<usize, u16>,
}

/// One media engine.
#[derive(Clone, Debug)]
pub struct Engine {
    /// Its address.
    pub address: Address,
    version: u64,
    /// The lines of the last description.
    lines: Vec<Line>,
    offered: Option<Direction>,
    /// The direction of its first offer, for forks.
    first: Option<Direction>,
    /// The last offer and its answer, which may be repeated.
    answered: Option<(Direction, Bytes)>,
    /// The last negotiated session.
    pub agreed: Option<Agreed>,
    /// The session before the last answer, while that can be rolled back.
    before: Option<Option<Agreed>>,
    /// Whether the path was reported as up.
    pub up: bool,
}

/// A negotiated session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The address of the peer.
    pub remote: Address,
    /// The direction, as this end sees it.
    pub direction: Direction,
    /// Whether the peer holds this end (RFC 3264 §8.4).
    pub held: bool,
    /// Whether telephone-event was negotiated.
    pub telephone_event: bool,
    /// Whether there is a stream of video.
    pub video: bool,
    /// The codecs of the answer.
    pub codecs: Vec<Codec>,
}

impl Model {
    /// No engines.
    pub fn new(seed: u64) -> Self {
        Self { seed, engines: BTreeMap::new(), by_address: BTreeMap::new(), made: BTreeMap::new() }
    }

    /// What the answer to an offer would agree on.
    ///
    /// # Errors
    /// If the offer is invalid or not acceptable.
    pub fn check(setup: &PhoneSetup, offer: &[u8]) -> Result<offhook::Agreed, EngineError> {
        let answer = Answer::to(setup, offer, Direction::SendRecv, false)?;
        Ok(answer.agreed.for_core())
    }

    /// Creates an offer. Video is offered if the phone supports it.
    ///
    /// # Errors
    /// If an offer is pending, or there is to be no audio.
    pub fn offer(
        &mut self,
        leg: Leg,
        setup: &PhoneSetup,
        types: MediaTypes,
        direction: Direction,
    ) -> Result<Bytes, EngineError> {
        let variety = Variety::of(self.seed, &setup.name);
        let engine = self.engine(leg);
        if engine.offered.is_some() {
            return Err(EngineError::OutOfOrder("an offer while another is pending"));
        }
        if !types.audio {
            return Err(EngineError::Fault(MediaFault::NoCommonMedia));
        }
        engine.offered = Some(direction);
        engine.first.get_or_insert(direction);
        engine.answered = None;
        engine.before = None;
        if engine.lines.is_empty() {
            engine.lines.clone_from(&variety.lines);
        }
        engine.offer_video(types.video && variety.video);
        let version = engine.version;
        let codecs = setup.codecs.iter().map(|&codec| (variety.payload_type(codec, version), codec));
        let telephone_event = setup.telephone_event.then(|| variety.telephone_event(version));
        Ok(engine.describe(codecs.collect(), telephone_event, direction))
    }

    /// Creates the engine of a leg that repeats the first offer of another leg of the call.
    ///
    /// # Errors
    /// If the leg has an engine, or the other leg made no offer.
    pub fn fork(&mut self, leg: Leg, of: LegId) -> Result<(), EngineError> {
        let original = self.engines.get(&Leg { id: of, ..leg });
        let (Some(original), false) = (original, self.engines.contains_key(&leg)) else {
            return Err(EngineError::OutOfOrder("a fork of a leg without media, or for a leg with media"));
        };
        let Some(offered) = original.first else {
            return Err(EngineError::OutOfOrder("a fork of a leg without an offer"));
        };
        let mut fork = original.clone();
        (fork.offered, fork.answered, fork.agreed, fork.before) = (Some(offered), None, None, None);
        fork.up = false;
        self.by_address.entry(fork.address).or_default().insert(leg);
        self.engines.insert(leg, fork);
        Ok(())
    }

    /// Creates the answer to an offer. It takes effect immediately.
    ///
    /// # Errors
    /// If the offer is invalid or not acceptable, or an offer is pending.
    pub fn answer(
        &mut self,
        leg: Leg,
        setup: &PhoneSetup,
        offer: &[u8],
        types: MediaTypes,
        direction: Direction,
    ) -> Result<(Bytes, offhook::Agreed), EngineError> {
        let video = types.video && Variety::of(self.seed, &setup.name).video;
        let engine = self.engine(leg);
        if engine.offered.is_some() {
            return Err(EngineError::OutOfOrder("an answer while an offer is pending"));
        }
        if !types.audio {
            return Err(EngineError::Fault(MediaFault::NoCommonMedia));
        }
        // The session is restored if the answer is rolled back.
        engine.before = Some(engine.agreed.clone());
        let Answer { lines, codecs, telephone_event, agreed } = Answer::to(setup, offer, direction, video)?;
        let (direction, for_core) = (agreed.direction, agreed.for_core());
        engine.lines = lines;
        engine.answered = None;
        engine.agreed = Some(agreed);
        Ok((engine.describe(codecs, telephone_event, direction), for_core))
    }

    /// Applies the answer to the offer.
    ///
    /// # Errors
    /// If the answer is invalid, which leaves the offer pending; or if there is no offer.
    pub fn apply(&mut self, leg: Leg, answer: &[u8]) -> Result<offhook::Agreed, EngineError> {
        let engine = self.engine(leg);
        let repeated = |(offered, before): &(Direction, Bytes)| (before != answer).then_some(*offered);
        let again = engine.answered.as_ref().and_then(repeated);
        let offered =
            engine.offered.or(again).ok_or(EngineError::OutOfOrder("an answer without an offer"))?;
        let read = Description::read(answer).map_err(EngineError::Fault)?;
        let types = |lines: &[Line]| lines.iter().map(|line| line.media).collect::<Vec<_>>();
        // RFC 3264 §6: as many lines as the offer, in its order. A rogue writes only that of its audio.
        if types(&read.lines) != types(&engine.lines) && !read.address.is_strange() {
            return Err(EngineError::Fault(MediaFault::BadDescription));
        }
        engine.offered = None;
        engine.answered = Some((offered, Bytes::copy_from_slice(answer)));
        let agreed = Agreed {
            remote: read.address,
            direction: meet(offered, read.direction.reversed()),
            held: !read.direction.receives(),
            telephone_event: read.telephone_event.is_some(),
            video: read.has_video() && first_video(&engine.lines) == Some(&Line::VIDEO),
            codecs: read.codecs.into_iter().map(|(_, codec)| codec).collect(),
        };
        let for_core = agreed.for_core();
        engine.agreed = Some(agreed);
        Ok(for_core)
    }

    /// Notes that an offer or answer could not be created: the last answer is final.
    pub fn failed(&mut self, leg: Leg) {
        if let Some(engine) = self.engines.get_mut(&leg) {
            engine.before = None;
        }
    }

    /// Rolls back the pending offer, or the last answer.
    ///
    /// # Errors
    /// If there is neither.
    pub fn rollback(&mut self, leg: Leg) -> Result<(), EngineError> {
        let engine = self.engine(leg);
        match (engine.offered.take(), engine.before.take()) {
            (Some(_), _) => Ok(()),
            (None, Some(before)) => {
                engine.agreed = before;
                Ok(())
            }
            (None, None) => Err(EngineError::OutOfOrder("a rollback without an offer or answer")),
        }
    }

    /// Releases the engine of a leg. Returns the peer, if there was a path.
    pub fn release(&mut self, leg: Leg) -> Option<Leg> {
        let peer = self.peer(leg);
        if let Some(engine) = self.engines.remove(&leg)
            && let Some(legs) = self.by_address.get_mut(&engine.address)
        {
            legs.remove(&leg);
        }
        peer
    }

    /// Sets whether the path is up. Returns whether that changed.
    pub fn set_up(&mut self, leg: Leg, up: bool) -> bool {
        self.engines.get_mut(&leg).is_some_and(|engine| std::mem::replace(&mut engine.up, up) != up)
    }

    /// All legs with an engine.
    pub fn legs(&self) -> impl Iterator<Item = Leg> {
        self.engines.keys().copied()
    }

    /// The legs of an address.
    pub fn at(&self, address: Address) -> impl Iterator<Item = Leg> {
        self.by_address.get(&address).into_iter().flatten().copied()
    }

    /// The version of the pending offer of a leg.
    pub fn open_offer(&self, leg: Leg) -> Option<u64> {
        let engine = self.engines.get(&leg)?;
        engine.offered.map(|_| engine.version)
    }

    /// The negotiated session of a leg.
    pub fn agreed(&self, leg: Leg) -> Option<&Agreed> {
        self.engines.get(&leg)?.agreed.as_ref()
    }

    /// The peer, if both legs are connected to each other.
    pub fn peer(&self, leg: Leg) -> Option<Leg> {
        let own = self.engines.get(&leg)?.address;
        let back = |peer: &Leg| self.agreed(*peer).is_some_and(|agreed| agreed.remote == own);
        self.at(self.agreed(leg)?.remote).find(back)
    }

    /// Whether this leg negotiated with a rogue.
    pub fn is_with_stranger(&self, leg: Leg) -> bool {
        self.agreed(leg).is_some_and(|agreed| agreed.remote.is_strange())
    }

    /// The leg at which a digit of this leg arrives: `None` without a path, or if the directions do not allow it.
    pub fn digit_arrives(&self, leg: Leg) -> Option<Leg> {
        let (engine, agreed) = (self.engines.get(&leg)?, self.agreed(leg)?);
        let peer = self.peer(leg)?;
        let other = self.engines.get(&peer)?;
        let receives = other.agreed.as_ref().is_some_and(|theirs| theirs.direction.receives());
        (engine.up && other.up && agreed.telephone_event && agreed.direction.sends() && receives)
            .then_some(peer)
    }

    fn engine(&mut self, leg: Leg) -> &mut Engine {
        let Self { engines, by_address, made, .. } = self;
        engines.entry(leg).or_insert_with(|| {
            let phone = leg.end.0;
            let made = made.entry(phone).or_insert(0);
            let address = Address { phone, port: 10_000 + 2 * (*made % 25_000) };
            *made = made.wrapping_add(1);
            by_address.entry(address).or_default().insert(leg);
            Engine {
                address,
                version: 0,
                lines: Vec::new(),
                offered: None,
                first: None,
                answered: None,
                agreed: None,
                before: None,
                up: false,
            }
        })
    }
}

impl Engine {
    /// Opens or closes the line of video, which keeps its place (RFC 3264 §8).
    fn offer_video(&mut self, open: bool) {
        match self.lines.iter_mut().find(|line| line.media == MediaType::Video) {
            Some(line) => line.open = open,
            None if open => self.lines.push(Line::VIDEO),
            None => {}
        }
    }

    fn describe(
        &mut self,
        codecs: Vec<(u8, Codec)>,
        telephone_event: Option<u8>,
        direction: Direction,
    ) -> Bytes {
        self.version += 1;
        let id = u64::from(self.address.port) * 1_000 + self.address.phone as u64;
        let lines = self.lines.clone();
        let (address, version) = (self.address, self.version);
        Description { address, id, version, lines, codecs, telephone_event, direction }.write()
    }
}

impl Agreed {
    /// What the phone is told of it.
    pub fn for_core(&self) -> offhook::Agreed {
        let types = MediaTypes { audio: true, video: self.video };
        offhook::Agreed::new(self.direction)
            .with_held(self.held)
            .with_telephone_event(self.telephone_event)
            .with_types(types)
    }
}

/// The answer to an offer (RFC 3264 §6).
struct Answer {
    lines: Vec<Line>,
    /// With the payload types of the offer (§6.1).
    codecs: Vec<(u8, Codec)>,
    telephone_event: Option<u8>,
    agreed: Agreed,
}

impl Answer {
    /// `video`: whether to accept video.
    fn to(setup: &PhoneSetup, offer: &[u8], direction: Direction, video: bool) -> Result<Self, EngineError> {
        let offer = Description::read(offer).map_err(EngineError::Fault)?;
        let video = video && offer.has_video();
        let mut codecs = offer.codecs;
        codecs.retain(|(_, codec)| setup.codecs.contains(codec));
        if codecs.is_empty() {
            return Err(EngineError::Fault(MediaFault::NoCommonCodec));
        }
        let telephone_event = offer.telephone_event.filter(|_| setup.telephone_event);
        let agreed = Agreed {
            remote: offer.address,
            direction: meet(direction, offer.direction.reversed()),
            held: !offer.direction.receives(),
            telephone_event: telephone_event.is_some(),
            video,
            codecs: codecs.iter().map(|(_, codec)| *codec).collect(),
        };
        // One stream of each type, at most.
        let mut lines: Vec<Line> = Vec::with_capacity(offer.lines.len());
        for line in offer.lines {
            let accepted = line == Line::AUDIO || video && line == Line::VIDEO;
            lines.push(Line { open: accepted && !lines.contains(&line), ..line });
        }
        Ok(Self { lines, codecs, telephone_event, agreed })
    }
}

/// The intersection of two directions (RFC 3264 §6.1).
fn meet(ours: Direction, theirs: Direction) -> Direction {
    match (ours.sends() && theirs.sends(), ours.receives() && theirs.receives()) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}
