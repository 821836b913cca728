//! What is scheduled in a world.

#[cfg(feature = "media")]
use std::net::SocketAddr;

use bytes::Bytes;
use offhook::{EffectId, EffectResult, FlowFailure, Input, SessionId};
use offhook_exchange as exchange;

use super::rogue_flows::Hap;
use crate::media::End;
use crate::scenario::{Deed, Phase};

/// Something that is planned.
#[derive(Debug)]
pub(super) enum Happening {
    Step(usize),
    Phase(Phase),
    Knocked(usize),
    Connected(usize),
    Lost(usize, FlowFailure),
    HungUpOn(usize),
    Arrived {
        connection: usize,
        up: bool,
        data: Bytes,
    },
    Bytes {
        connection: usize,
        up: bool,
    },
    Ended(usize),
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
    React {
        phone: usize,
        session: SessionId,
        deed: Deed,
    },
    Returns(usize),
    Admits(usize),
    KeepsUp(usize),
    Relents(usize),
    LooksAt {
        exchange: usize,
        life: u64,
        input: Box<exchange::Input>,
    },
    WakesUp(usize),
    TroubleEnds(usize),
    CutEnds(usize),
    #[cfg(feature = "media")]
    Datagram(Box<Datagram>),
    #[cfg(feature = "media")]
    Listen,
    Rogue(usize, Hap),
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
