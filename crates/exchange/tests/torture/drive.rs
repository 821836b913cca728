//! The exchange under virtual time, and its peers. No other file of this test knows how an exchange is driven.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use offhook_exchange::{Config, Exchange, FlowChange, FlowId, Input, Instant, Output, Transport};

/// How a message travels.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Udp,
    WebSocket,
    Tcp,
}

/// The other end of one association with the exchange.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peer(u64);

/// One exchange, the time, and what it sent that was not read.
pub(crate) struct Drive {
    exchange: Exchange,
    now: Instant,
    peers: u64,
    inboxes: BTreeMap<Peer, Vec<Vec<u8>>>,
    closed: BTreeSet<Peer>,
}

impl Drive {
    pub(crate) fn new(config: Config) -> Self {
        let now = Instant::ZERO + Duration::from_secs(1000);
        let exchange = Exchange::new(config, [75; 32], now);
        Self { exchange, now, peers: 0, inboxes: BTreeMap::new(), closed: BTreeSet::new() }
    }

    /// A new peer at `address`, an IPv6 address in brackets.
    pub(crate) fn connect(&mut self, over: Over, address: &str) -> Peer {
        self.peers += 1;
        let transport = match over {
            Over::Udp => Transport::Udp,
            Over::WebSocket => Transport::Ws,
            Over::Tcp => Transport::Tcp,
        };
        let remote = format!("{address}:49152");
        let flow = FlowId(self.peers);
        self.input(Input::Flow { flow, change: FlowChange::Up { transport, remote } });
        Peer(self.peers)
    }

    /// Gives the exchange a datagram, a WebSocket message or a piece of a stream.
    pub(crate) fn send(&mut self, peer: Peer, data: &[u8]) {
        self.input(Input::Received { flow: FlowId(peer.0), data: data.to_vec().into() });
    }

    /// What a peer received since it was last asked.
    pub(crate) fn received(&mut self, peer: Peer) -> Vec<Vec<u8>> {
        self.inboxes.remove(&peer).unwrap_or_default()
    }

    /// Whether the exchange closed the connection of a peer.
    pub(crate) fn is_closed(&self, peer: Peer) -> bool {
        self.closed.contains(&peer)
    }

    /// Lets time pass, waking the exchange whenever it wants to be.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.exchange.deadline().filter(|due| *due <= end) {
            assert!(due > self.now, "a deadline that does not move");
            self.now = due;
            self.input(Input::Wake);
        }
        self.now = end;
    }

    fn input(&mut self, input: Input) {
        self.exchange.handle(self.now, input);
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Transmit { flow, data } => {
                    self.inboxes.entry(Peer(flow.0)).or_default().push(data.to_vec());
                }
                Output::Close { flow } => drop(self.closed.insert(Peer(flow.0))),
                Output::Event(_) => {}
            }
        }
    }
}
