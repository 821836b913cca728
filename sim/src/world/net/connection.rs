//! Connections, and the networks of phones.

use offhook::FlowId;
use offhook_exchange as exchange;
use offhook_wire::Instant;

use super::socket::Stream;
use super::tamper::Tampering;
use crate::scenario::{Corruption, Streaming, Way, Weather};

/// One connection, or one association of datagrams.
pub(in crate::world) struct Connection {
    pub(in crate::world) phone: usize,
    pub(in crate::world) flow: FlowId,
    pub(in crate::world) exchange: usize,
    pub(super) link: Link,
    /// The phone's end: whether it is up, or asked for and not yet answered.
    pub(super) phone_open: bool,
    /// The exchange's end, while it knows one.
    pub(in crate::world) exchange_flow: Option<exchange::FlowId>,
    /// How often a translator of addresses gave it another port.
    pub(super) ports: usize,
    /// When the phone last sent a datagram.
    pub(super) spoke: Instant,
}

/// What a connection is made of.
pub(super) enum Link {
    Datagrams,
    Stream(Box<Stream>),
}

/// The network that a phone is on.
#[derive(Debug)]
pub(in crate::world) struct Net {
    pub(in crate::world) weather: Weather,
    pub(super) streaming: Streaming,
    /// Until when nothing passes, up and down.
    pub(in crate::world) cut: [Instant; 2],
    /// The same for each exchange alone.
    pub(super) partitioned: Vec<[Instant; 2]>,
    /// Until when upgrades to WebSocket are refused.
    pub(super) refused: Instant,
    /// The middlebox that it passes.
    pub(super) tampering: Option<Tampering>,
}

/// Until when something lasts that does not pass.
const FOREVER: Instant = Instant::from_nanos(u64::MAX);

impl Net {
    /// A network that reaches so many exchanges.
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

    /// Until when nothing passes to or from anybody: up is 0, down is 1.
    #[cfg(feature = "media")]
    pub(in crate::world) fn closed(&self, direction: usize) -> Instant {
        self.cut[direction]
    }

    pub(in crate::world) fn is_cut(&self, now: Instant) -> bool {
        self.cut.iter().any(|&until| until > now)
    }

    /// Lets nothing pass to or from one exchange; without an end, for ever.
    pub(in crate::world) fn partition(&mut self, exchange: usize, way: Way, until: Option<Instant>) {
        for direction in way.directions() {
            let partitioned = &mut self.partitioned[exchange][direction];
            *partitioned = until.unwrap_or(FOREVER).max(*partitioned);
        }
    }

    /// Until when nothing passes between the phone and an exchange in a direction.
    pub(super) fn blocked(&self, exchange: usize, direction: usize) -> Instant {
        self.cut[direction].max(self.partitioned[exchange][direction])
    }

    /// Lets a middlebox break messages.
    pub(in crate::world) fn tamper(&mut self, corruption: Corruption, share: u16, way: Way, until: Instant) {
        self.tampering = Some(Tampering { corruption, way, share, until });
    }

    /// Whether an exchange is not reached, and never will be.
    pub(in crate::world) fn is_partitioned_forever(&self, exchange: usize) -> bool {
        self.partitioned[exchange].contains(&FOREVER)
    }

    /// Ends what passes.
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

    /// The stream, if it is one that still carries anything.
    pub(super) fn live_stream(&mut self) -> Option<&mut Stream> {
        self.stream().filter(|stream| !stream.is_dead())
    }
}

/// The directions of a connection, as places.
pub(super) const UP: usize = 0;

pub(super) const DOWN: usize = 1;
