//! A model of media engines with offers, answers, directions and digits, but no audio.
//!
//! Each call of each phone has an engine with an address. An engine stores what was negotiated and with which remote address; two engines
//! with each other's address have a media path, on which digits travel as the directions allow.

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
    /// Its address.
    pub address: Address,
    version: u64,
    offered: Option<Direction>,
    /// The last offer and its answer: the forks of a call answer one offer differently.
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
    /// Whether telephone-event was negotiated.
    pub telephone_event: bool,
    /// The codecs of the answer.
    pub codecs: Vec<Codec>,
}

impl Model {
    /// Creates an offer.
    ///
    /// # Errors
    /// If an offer is pending.
    pub fn offer(
        &mut self,
        end: End,
        setup: &PhoneSetup,
        direction: Direction,
    ) -> Result<Bytes, EngineError> {
        let engine = self.engine(end);
        if engine.offered.is_some() {
            return Err(EngineError::OutOfOrder("an offer while another is pending"));
        }
        engine.offered = Some(direction);
        engine.answered = None;
        engine.before = None;
        Ok(engine.describe(setup.codecs.clone(), setup.telephone_event, direction))
    }

    /// Creates the answer to an offer. It takes effect immediately.
    ///
    /// # Errors
    /// If the offer is invalid or not acceptable, or an offer is pending.
    pub fn answer(
        &mut self,
        end: End,
        setup: &PhoneSetup,
        offer: &[u8],
        direction: Direction,
    ) -> Result<Bytes, EngineError> {
        let engine = self.engine(end);
        if engine.offered.is_some() {
            return Err(EngineError::OutOfOrder("an answer while an offer is pending"));
        }
        // The session is restored if the answer is rolled back.
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

    /// Applies the answer to the offer.
    ///
    /// # Errors
    /// If the answer is invalid, which leaves the offer pending; or if there is no offer.
    pub fn apply(&mut self, end: End, answer: &[u8]) -> Result<(), EngineError> {
        let engine = self.engine(end);
        let answered = |(offered, before): &(Direction, Bytes)| (before != answer).then_some(*offered);
        let again = engine.answered.as_ref().and_then(answered);
        let offered =
            engine.offered.or(again).ok_or(EngineError::OutOfOrder("an answer without an offer"))?;
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

    /// Rolls back the pending offer, or the last answer.
    ///
    /// # Errors
    /// If there is neither.
    pub fn rollback(&mut self, end: End) -> Result<(), EngineError> {
        let engine = self.engine(end);
        match (engine.offered.take(), engine.before.take()) {
            (Some(_), _) => Ok(()),
            (None, Some(before)) => {
                engine.agreed = before;
                Ok(())
            }
            (None, None) => Err(EngineError::OutOfOrder("a rollback without an offer or answer")),
        }
    }

    /// Releases the engine of a call. Returns the peer, if there was a path.
    pub fn release(&mut self, end: End) -> Option<End> {
        let peer = self.peer(end);
        if let Some(engine) = self.engines.remove(&end) {
            self.by_address.remove(&engine.address);
        }
        peer
    }

    /// Sets whether the path is up. Returns whether that changed.
    pub fn set_up(&mut self, end: End, up: bool) -> bool {
        self.engines.get_mut(&end).is_some_and(|engine| std::mem::replace(&mut engine.up, up) != up)
    }

    /// All ends with an engine.
    pub fn ends(&self) -> impl Iterator<Item = End> {
        self.engines.keys().copied()
    }

    /// The end of an address.
    pub fn end_at(&self, address: Address) -> Option<End> {
        self.by_address.get(&address).copied()
    }

    /// The version of the pending offer of an end.
    pub fn open_offer(&self, end: End) -> Option<u64> {
        let engine = self.engines.get(&end)?;
        engine.offered.map(|_| engine.version)
    }

    /// The peer, if both ends are connected to each other.
    pub fn peer(&self, end: End) -> Option<End> {
        let engine = self.engines.get(&end)?;
        let peer = *self.by_address.get(&engine.agreed.as_ref()?.remote)?;
        let back = self.engines.get(&peer)?.agreed.as_ref()?.remote;
        (back == engine.address).then_some(peer)
    }

    /// Whether this end negotiated with a rogue.
    pub fn is_with_stranger(&self, end: End) -> bool {
        let agreed = self.engines.get(&end).and_then(|engine| engine.agreed.as_ref());
        agreed.is_some_and(|agreed| agreed.remote.is_strange())
    }

    /// The end at which a digit of this end arrives: `None` without a path, or if the directions do not allow it.
    pub fn digit_arrives(&self, end: End) -> Option<End> {
        let engine = self.engines.get(&end)?;
        let agreed = engine.agreed.as_ref()?;
        let peer = self.peer(end)?;
        let other = self.engines.get(&peer)?;
        let receives = other.agreed.as_ref().is_some_and(|theirs| theirs.direction.receives());
        (engine.up && other.up && agreed.telephone_event && agreed.direction.sends() && receives)
            .then_some(peer)
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

/// The intersection of two directions (RFC 3264 §6.1).
fn meet(ours: Direction, theirs: Direction) -> Direction {
    match (ours.sends() && theirs.sends(), ours.receives() && theirs.receives()) {
        (true, true) => Direction::SendRecv,
        (true, false) => Direction::SendOnly,
        (false, true) => Direction::RecvOnly,
        (false, false) => Direction::Inactive,
    }
}
