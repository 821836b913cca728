//! Drives the exchange and its peers under virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::time::Duration;

use offhook_exchange::{Config, Exchange, FlowChange, FlowId, Input, Instant, Output, Transport};

/// The transport of a message.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Over {
    Udp,
    WebSocket,
    Tcp,
}

/// The other end of one association with the exchange.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Peer(u64);

/// One exchange, the time, and its unread outputs.
pub(crate) struct Drive {
    exchange: Exchange,
    now: Instant,
    peers: u64,
    inboxes: BTreeMap<Peer, Vec<Vec<u8>>>,
    closed: BTreeSet<Peer>,
    /// The peers that send datagrams.
    datagrams: BTreeMap<Peer, SocketAddr>,
}

impl Drive {
    pub(crate) fn new(config: Config) -> Self {
        let now = Instant::ZERO + Duration::from_secs(1000);
        let exchange = Exchange::new(config, [75; 32], now);
        let (inboxes, datagrams) = (BTreeMap::new(), BTreeMap::new());
        Self { exchange, now, peers: 0, inboxes, closed: BTreeSet::new(), datagrams }
    }

    /// A new peer at `address`, an IPv6 address in brackets.
    pub(crate) fn connect(&mut self, over: Over, address: &str) -> Peer {
        self.peers += 1;
        let remote: SocketAddr = format!("{address}:49152").parse().expect("an address");
        let peer = Peer(self.peers);
        let transport = match over {
            Over::Udp => {
                self.datagrams.insert(peer, remote);
                return peer;
            }
            Over::WebSocket => Transport::Ws,
            Over::Tcp => Transport::Tcp,
        };
        self.input(Input::Flow { flow: FlowId(peer.0), change: FlowChange::Up { transport, remote } });
        peer
    }

    /// Passes a datagram, a WebSocket message or a part of a stream to the exchange.
    pub(crate) fn send(&mut self, peer: Peer, data: &[u8]) {
        let data = data.to_vec().into();
        self.input(match self.datagrams.get(&peer) {
            Some(&remote) => Input::Datagram { remote, data },
            None => Input::Received { flow: FlowId(peer.0), data },
        });
    }

    /// The messages that a peer received since the last call.
    pub(crate) fn received(&mut self, peer: Peer) -> Vec<Vec<u8>> {
        self.inboxes.remove(&peer).unwrap_or_default()
    }

    /// Whether the exchange closed the connection of a peer.
    pub(crate) fn is_closed(&self, peer: Peer) -> bool {
        self.closed.contains(&peer)
    }

    fn input(&mut self, input: Input) {
        self.exchange.handle(self.now, input);
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Transmit { flow, data } => {
                    self.inboxes.entry(Peer(flow.0)).or_default().push(data.to_vec());
                }
                // Without `rport` a response goes to the port of sent-by (RFC 3261 §18.2.2): a peer has all ports.
                Output::Datagram { remote, data } => {
                    let peer = self.datagrams.iter().find(|(_, address)| address.ip() == remote.ip());
                    let peer = *peer.expect("a response goes to the address of the request").0;
                    self.inboxes.entry(peer).or_default().push(data.to_vec());
                }
                Output::Close { flow } => drop(self.closed.insert(Peer(flow.0))),
                Output::Event(_) => {}
            }
        }
    }
}
