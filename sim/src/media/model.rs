//! A model of media engines: honest about offers, answers, directions and digits; silent about sound.
//!
//! Each call of each phone has one engine, named by its address. An engine knows what was agreed and with whom;
//! when two engines name each other, there is a path between them, and digits travel on it as the directions allow.

use std::collections::BTreeMap;

use bytes::Bytes;
use offhook::{Direction, MediaFault};

use super::{Address, Description, End, EngineError};
use crate::scenario::{Codec, PhoneSetup};

/// All media engines of a world.
#[derive(Debug, Default)]
pub struct Model {
    engines: BTreeMap<End, Engine>,
    by_address: BTreeMap<Address, End>,
    made: BTreeMap<usize, u16>,
}

/// One media engine.
#[derive(Debug)]
pub struct Engine {
    /// Where it listens.
    pub address: Address,
    version: u64,
    offered: Option<Direction>,
    /// Our last offer after it was answered, and that answer: the callees of a forked call answer one offer differently.
    answered: Option<(Direction, Bytes)>,
    /// What both ends agreed on last.
    pub agreed: Option<Agreed>,
    /// What they agreed on before our last answer, as long as that may be taken back.
    before: Option<Option<Agreed>>,
    /// Whether the phone was told that the path is up.
    pub up: bool,
}

/// What an engine sends and receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// The other engine.
    pub remote: Address,
    /// What may flow, as this end sees it.
    pub direction: Direction,
    /// Whether both speak telephone-event.
    pub telephone_event: bool,
    /// The codecs of the answer.
    pub codecs: Vec<Codec>,
}

impl Model {
    /// A description to offer.
    ///
    /// # Errors
    /// When an offer is out already.
    pub fn offer(
        &mut self,
        end: End,
        setup: &PhoneSetup,
        direction: Direction,
    ) -> Result<Bytes, EngineError> {
        let engine = self.engine(end);
        if engine.offered.is_some() {
            return Err(EngineError::OutOfOrder("an offer while another is out"));
        }
        engine.offered = Some(direction);
        engine.answered = None;
        engine.before = None;
        Ok(engine.describe(setup.codecs.clone(), setup.telephone_event, direction))
    }

    /// The answer to the peer's offer. It is in force at once.
    ///
    /// # Errors
    /// When the offer cannot be read or accepted, or an offer of ours is out.
    pub fn answer(
        &mut self,
        end: End,
        setup: &PhoneSetup,
        offer: &[u8],
        direction: Direction,
    ) -> Result<Bytes, EngineError> {
        let engine = self.engine(end);
        if engine.offered.is_some() {
            return Err(EngineError::OutOfOrder("an answer while an offer of ours is out"));
        }
        // Who asked and does not wait for the outcome any more takes back what may not have come about.
        engine.before = Some(engine.agreed.clone());
        let offer = Description::read(offer).ok_or(EngineError::Fault(MediaFault::BadDescription))?;
        let codecs: Vec<Codec> =
            offer.codecs.iter().copied().filter(|codec| setup.codecs.contains(codec)).collect();
        if codecs.is_empty() {
            return Err(EngineError::Fault(MediaFault::NoCommonCodec));
        }
        let telephone_event = offer.telephone_event && setup.telephone_event;
        let direction = meet(direction, offer.direction.reversed());
        let answered =
            Some(Agreed { remote: offer.address, direction, telephone_event, codecs: codecs.clone() });
        engine.answered = None;
        engine.agreed = answered;
        Ok(engine.describe(codecs, telephone_event, direction))
    }

    /// Takes the answer to our offer.
    ///
    /// # Errors
    /// When the answer cannot be read, which leaves the offer open; or when there is nothing that it could answer.
    pub fn apply(&mut self, end: End, answer: &[u8]) -> Result<(), EngineError> {
        let engine = self.engine(end);
        let answered = |(offered, before): &(Direction, Bytes)| (before != answer).then_some(*offered);
        let again = engine.answered.as_ref().and_then(answered);
        let offered = engine.offered.or(again).ok_or(EngineError::OutOfOrder("an answer to no offer"))?;
        let read = Description::read(answer).ok_or(EngineError::Fault(MediaFault::BadDescription))?;
        engine.offered = None;
        engine.answered = Some((offered, Bytes::copy_from_slice(answer)));
        let answer = read;
        engine.agreed = Some(Agreed {
            remote: answer.address,
            direction: meet(offered, answer.direction.reversed()),
            telephone_event: answer.telephone_event,
            codecs: answer.codecs,
        });
        Ok(())
    }

    /// Forgets our offer, or takes back the answer that nobody wants any more.
    ///
    /// # Errors
    /// When there is neither.
    pub fn rollback(&mut self, end: End) -> Result<(), EngineError> {
        let engine = self.engine(end);
        match (engine.offered.take(), engine.before.take()) {
            (Some(_), _) => Ok(()),
            (None, Some(before)) => {
                engine.agreed = before;
                Ok(())
            }
            (None, None) => Err(EngineError::OutOfOrder("a rollback of nothing")),
        }
    }

    /// The call is over. Returns the other end, if there was a path to it.
    pub fn release(&mut self, end: End) -> Option<End> {
        let peer = self.peer(end);
        if let Some(engine) = self.engines.remove(&end) {
            self.by_address.remove(&engine.address);
        }
        peer
    }

    /// Notes that the phone is told about the path. False when there is no news in it.
    pub fn set_up(&mut self, end: End, up: bool) -> bool {
        self.engines.get_mut(&end).is_some_and(|engine| std::mem::replace(&mut engine.up, up) != up)
    }

    /// All ends that have an engine.
    pub fn ends(&self) -> impl Iterator<Item = End> {
        self.engines.keys().copied()
    }

    /// Whose engine listens at an address.
    pub fn end_at(&self, address: Address) -> Option<End> {
        self.by_address.get(&address).copied()
    }

    /// The version of the offer of an end that is out and was not answered or withdrawn.
    pub fn open_offer(&self, end: End) -> Option<u64> {
        let engine = self.engines.get(&end)?;
        engine.offered.map(|_| engine.version)
    }

    /// The other end, when both name each other.
    pub fn peer(&self, end: End) -> Option<End> {
        let engine = self.engines.get(&end)?;
        let peer = *self.by_address.get(&engine.agreed.as_ref()?.remote)?;
        let back = self.engines.get(&peer)?.agreed.as_ref()?.remote;
        (back == engine.address).then_some(peer)
    }

    /// Whether this end agreed with somebody who is no phone of the scenario.
    pub fn is_with_stranger(&self, end: End) -> bool {
        let agreed = self.engines.get(&end).and_then(|engine| engine.agreed.as_ref());
        agreed.is_some_and(|agreed| agreed.remote.is_strange())
    }

    /// Where a digit that this end sends arrives: nowhere without a path, or when it may not flow.
    pub fn digit_arrives(&self, end: End) -> Option<End> {
        let engine = self.engines.get(&end)?;
        let agreed = engine.agreed.as_ref()?;
        let peer = self.peer(end)?;
        let other = self.engines.get(&peer)?;
        let hears = other.agreed.as_ref().is_some_and(|theirs| theirs.direction.receives());
        (engine.up && other.up && agreed.telephone_event && agreed.direction.sends() && hears).then_some(peer)
    }

    fn engine(&mut self, end: End) -> &mut Engine {
        let Self { engines, by_address, made } = self;
        engines.entry(end).or_insert_with(|| {
            let made = made.entry(end.0).or_insert(0);
            let address = Address { phone: end.0, port: 10_000 + 2 * (*made % 25_000) };
            *made = made.wrapping_add(1);
            by_address.insert(address, end);
            Engine {
                address,
                version: 0,
                offered: None,
                answered: None,
                agreed: None,
                before: None,
                up: false,
            }
        })
    }
}

impl Engine {
    fn describe(&mut self, codecs: Vec<Codec>, telephone_event: bool, direction: Direction) -> Bytes {
        self.version += 1;
        let id = u64::from(self.address.port) * 1_000 + self.address.phone as u64;
        Description { address: self.address, id, version: self.version, codecs, telephone_event, direction }
            .write()
    }
}

/// What flows when both must agree (RFC 3264 §6.1).
fn meet(ours: Direction, theirs: Direction) -> Direction {
    match (ours.sends() && theirs.sends(), ours.receives() && theirs.receives()) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}
