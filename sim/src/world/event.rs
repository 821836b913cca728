//! The events that a world schedules.

#[cfg(feature = "media")]
use std::net::SocketAddr;

use bytes::Bytes;
use offhook::{ConnectionFailure, EffectId, EffectResult, Input, SessionId};
use offhook_exchange as exchange;

use super::rogue_flows::RogueEvent;
use crate::media::Leg;
use crate::scenario::{Phase, UserAction};

/// A scheduled event.
#[derive(Debug)]
pub(super) enum ScheduledEvent {
    Step(usize),
    Phase(Phase),
    ConnectRequested(usize),
    Connected(usize),
    ConnectionLost(usize, ConnectionFailure),
    ExchangeEndLost(usize),
    MessageArrived {
        connection: usize,
        up: bool,
        data: Bytes,
    },
    BytesArrived {
        connection: usize,
        up: bool,
    },
    CloseTimedOut(usize),
    Input {
        phone: usize,
        input: Box<Input>,
    },
    Done {
        phone: usize,
        effect: EffectId,
        result: EffectResult,
    },
    PathUp(Leg),
    PathDown(Leg),
    UserReacts {
        phone: usize,
        session: SessionId,
        action: UserAction,
    },
    ExchangeRestarts(usize),
    RefusalEnds(usize),
    LagEnds(usize),
    MinExpiresEnds(usize),
    ExchangeInput {
        exchange: usize,
        life: u64,
        input: Box<exchange::Input>,
    },
    PhoneResumes(usize),
    TroubleEnds(usize),
    CutEnds(usize),
    #[cfg(feature = "media")]
    Datagram(Box<Datagram>),
    #[cfg(feature = "media")]
    ProbeAudio,
    Rogue(usize, RogueEvent),
}

/// A datagram between two media engines.
#[cfg(feature = "media")]
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    /// The address of the sender outside its NAT.
    pub(super) seen: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) data: Bytes,
}
