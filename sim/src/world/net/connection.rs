//! Connections, and the networks of phones.

use offhook::ConnectionId;
use offhook_exchange as exchange;
use offhook_wire::Instant;

use super::socket::Stream;
use super::tamper::Tampering;
use crate::scenario::{Corruption, Streaming, Way, Weather};

/// A WebSocket connection, or a UDP flow.
pub(in crate::world) struct Connection {
    pub(in crate::world) phone: usize,
    pub(in crate::world) id: ConnectionId,
    pub(in crate::world) exchange: usize,
    pub(super) link: Link,
    /// Whether the end of the phone is open or connecting.
    pub(super) phone_open: bool,
    /// The flow at the exchange, while it has one.
    pub(in crate::world) exchange_flow: Option<exchange::FlowId>,
    /// The number of NAT rebindings.
    pub(super) ports: usize,
    /// When the phone last sent a datagram.
    pub(super) spoke: Instant,
}

/// The transport of a connection.
pub(super) enum Link {
    Datagrams,
    Stream(Box<Stream>),
}

/// The network of a phone.
#[derive(Debug)]
pub(in crate::world) struct Net {
    pub(in crate::world) weather: Weather,
    pub(super) streaming: Streaming,
    /// The end of the cut of each direction: up, down.
    pub(in crate::world) cut: [Instant; 2],
    /// The same for each exchange.
    pub(super) partitioned: Vec<[Instant; 2]>,
    /// Until when WebSocket upgrades are refused.
    pub(super) refused: Instant,
    /// The middlebox that corrupts messages.
    pub(super) tampering: Option<Tampering>,
}

/// The end of a permanent fault.
const FOREVER: Instant = Instant::from_nanos(u64::MAX);

impl Net {
    /// A network to a number of exchanges.
    pub(in crate::world) fn new(weather: Weather, streaming: Streaming, exchanges: usize) -> Self {
        let never = [Instant::ZERO; 2];
        Self {
            weather,
            streaming,
            cut: never,
            partitioned: vec![never; exchanges],
            refused: Instant::ZERO,
            tampering: None,
        }
    }

    pub(in crate::world) fn cut(&mut self, way: Way, until: Instant) {
        for direction in way.directions() {
            self.cut[direction] = until.max(self.cut[direction]);
        }
    }

    /// The end of the cut of a direction: up is 0, down is 1.
    #[cfg(feature = "media")]
    pub(in crate::world) fn closed(&self, direction: usize) -> Instant {
        self.cut[direction]
    }

    pub(in crate::world) fn is_cut(&self, now: Instant) -> bool {
        self.cut.iter().any(|&until| until > now)
    }

    /// Cuts the network to one exchange; without an end, permanently.
    pub(in crate::world) fn partition(&mut self, exchange: usize, way: Way, until: Option<Instant>) {
        for direction in way.directions() {
            let partitioned = &mut self.partitioned[exchange][direction];
            *partitioned = until.unwrap_or(FOREVER).max(*partitioned);
        }
    }

    /// The end of all cuts between the phone and an exchange in a direction.
    pub(super) fn blocked(&self, exchange: usize, direction: usize) -> Instant {
        self.cut[direction].max(self.partitioned[exchange][direction])
    }

    /// Corrupts messages.
    pub(in crate::world) fn tamper(&mut self, corruption: Corruption, share: u16, way: Way, until: Instant) {
        self.tampering = Some(Tampering { corruption, way, share, until });
    }

    /// Whether an exchange is permanently unreachable.
    pub(in crate::world) fn is_partitioned_forever(&self, exchange: usize) -> bool {
        self.partitioned[exchange].contains(&FOREVER)
    }

    /// Heals all faults, except permanent ones.
    pub(in crate::world) fn heal(&mut self, now: Instant) {
        self.weather = self.weather.healed();
        self.refused = now;
        self.tampering = None;
        for until in self.cut.iter_mut().chain(self.partitioned.iter_mut().flatten()) {
            if *until != FOREVER {
                *until = now;
            }
        }
    }
}

impl Connection {
    pub(super) fn stream(&mut self) -> Option<&mut Stream> {
        match &mut self.link {
            Link::Stream(stream) => Some(stream),
            Link::Datagrams => None,
        }
    }

    /// The stream, unless it is dead.
    pub(super) fn live_stream(&mut self) -> Option<&mut Stream> {
        self.stream().filter(|stream| !stream.is_dead())
    }
}

/// The directions of a connection, as indexes.
pub(super) const UP: usize = 0;

pub(super) const DOWN: usize = 1;
