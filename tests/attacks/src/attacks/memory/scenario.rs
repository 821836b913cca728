//! The scenarios of the attacks on memory.

use std::any::Any;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::exchange::Exchange;
use crate::figure::Value;
use crate::peer::{Account, Kind, Link, Target};

/// Bytes of a large body; with it a request fits into a datagram.
pub(super) const BODY: usize = 60_000;
/// How long an attacker waits for a response before its next request.
pub(super) const RESPONSE_TIMEOUT: Duration = Duration::from_millis(250);

/// An attack on memory, by what the exchange holds.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(in crate::attacks) enum MemoryAttack {
    /// Unauthenticated requests with large bodies.
    Requests,
    /// Calls of guests to a phone that rings; then the callers disconnect.
    Guests,
    /// Requests for a peer whose connection was lost.
    Away,
    /// Responses and requests for peers that do not read.
    Unread,
    /// Half-sent WebSocket frames.
    Halves,
}

impl MemoryAttack {
    pub(super) fn name(self) -> &'static str {
        match self {
            MemoryAttack::Requests => "memory-requests",
            MemoryAttack::Guests => "memory-guests",
            MemoryAttack::Away => "memory-away",
            MemoryAttack::Unread => "memory-unread",
            MemoryAttack::Halves => "memory-halves",
        }
    }

    /// An address of this attack.
    pub(super) fn address(self, index: usize) -> IpAddr {
        Ipv4Addr::new(127, 69, self as u8, (index % 250) as u8 + 1).into()
    }

    pub(super) fn has_guests(self) -> bool {
        matches!(self, MemoryAttack::Guests | MemoryAttack::Away | MemoryAttack::Unread)
    }
}

/// The target of an attack, and the account of its phone.
pub(super) struct Scenario {
    pub(super) attack: MemoryAttack,
    pub(super) target: Target,
    pub(super) callee: Account,
}

/// The result of sending.
#[derive(Default)]
pub(super) struct Sent {
    pub(super) figures: Vec<(&'static str, Value)>,
    /// Open until the attack ends.
    pub(super) held: Vec<Box<dyn Any + Send>>,
    /// Open until the exchange is stopped.
    pub(super) held_longer: Vec<Box<dyn Any + Send>>,
}

impl Scenario {
    pub(super) fn new(exchange: &Exchange, attack: MemoryAttack) -> Self {
        Self { attack, target: exchange.target, callee: exchange.account("callee") }
    }

    pub(super) async fn link(&self, kind: Kind, index: usize) -> io::Result<Link> {
        Link::open(kind, self.attack.address(index), self.target).await
    }
}
