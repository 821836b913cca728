//! What is scheduled in a world.

#[cfg(feature = "media")]
use std::net::SocketAddr;

use bytes::Bytes;
use offhook::{EffectId, EffectResult, FlowFailure, Input, SessionId};
use offhook_exchange as exchange;

use super::rogue_flows::RogueEvent;
use crate::media::End;
use crate::scenario::{Phase, UserAction};

/// Something that is planned.
#[derive(Debug)]
pub(super) enum ScheduledEvent {
    Step(usize),
    Phase(Phase),
    ConnectRequested(usize),
    Connected(usize),
    ConnectionLost(usize, FlowFailure),
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
    PathUp(End),
    PathDown(End),
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

/// Something between two engines.
#[cfg(feature = "media")]
#[derive(Debug)]
pub(super) struct Datagram {
    pub(super) from: SocketAddr,
    /// How the receiver sees the sender.
    pub(super) seen: SocketAddr,
    pub(super) to: SocketAddr,
    pub(super) data: Bytes,
}
