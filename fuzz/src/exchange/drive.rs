//! Drives the exchange on virtual time, and checks its invariants.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook_exchange::{
    CallStep, Config, Event, Exchange, FlowChange, FlowId, Input, Memory, Output, Transport,
};
use offhook_wire::{Frame, Instant, Limits, Message, Method, StreamFramer, datagram, websocket};

use super::phone::USERS;
use super::reached::Reached;
use super::vias::Vias;

/// Messages of the exchange may be slightly longer than received ones.
const WIDE: Limits = Limits { message: 1 << 20, head: 1 << 20, headers: 1 << 10 };

/// Longer than any registration, transaction or silence that the exchange waits for.
const LONGEST: Duration = Duration::from_secs(4200);

/// One association with the exchange, which may be down: a connection, or the address of datagrams.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Flow(u64);

impl Flow {
    fn remote(self) -> SocketAddr {
        ([192, 0, 2, (self.0 % 250) as u8], (1024 + self.0 % 60_000) as u16).into()
    }
}

/// How bytes become messages on a flow.
enum Framing {
    Datagram,
    WebSocket,
    Stream(StreamFramer),
}

pub(super) struct Drive {
    exchange: Exchange,
    now: Instant,
    last: u64,
    up: BTreeMap<Flow, Framing>,
    vias: Vias,
    heard: Vec<(Flow, Message)>,
    reached: Reached,
}

impl Drive {
    pub(super) fn new(config: Config) -> Self {
        let now = Instant::ZERO;
        Self {
            exchange: Exchange::new(config, [7; 32], now),
            now,
            last: 0,
            up: BTreeMap::new(),
            vias: Vias::default(),
            heard: Vec::new(),
            reached: Reached::default(),
        }
    }

    /// A new flow.
    pub(super) fn open(&mut self, transport: u8) -> Flow {
        self.last += 1;
        let flow = Flow(self.last);
        self.up(flow, transport);
        flow
    }

    pub(super) fn is_up(&self, flow: Flow) -> bool {
        self.up.contains_key(&flow)
    }

    /// A flow comes up, or is replaced by one with the same name.
    pub(super) fn up(&mut self, flow: Flow, transport: u8) {
        let (transport, framing) = match transport % 5 {
            0 => (Transport::Ws, Framing::WebSocket),
            1 => (Transport::Udp, Framing::Datagram),
            2 => (Transport::Tcp, Framing::Stream(StreamFramer::new(Limits::DEFAULT))),
            3 => (Transport::Wss, Framing::WebSocket),
            _ => (Transport::Tls, Framing::Stream(StreamFramer::new(Limits::DEFAULT))),
        };
        self.down(flow);
        self.up.insert(flow, framing);
        if transport != Transport::Udp {
            let change = FlowChange::Up { transport, remote: flow.remote() };
            self.input(Input::Flow { flow: FlowId(flow.0), change });
        }
    }

    pub(super) fn down(&mut self, flow: Flow) {
        if !matches!(self.up.remove(&flow), Some(Framing::Datagram)) {
            self.input(Input::Flow { flow: FlowId(flow.0), change: FlowChange::Down });
        }
    }

    /// Bytes arrive over a flow, whether it is up or not.
    pub(super) fn send(&mut self, flow: Flow, data: &[u8]) {
        let data = Bytes::copy_from_slice(data);
        let is_datagram = matches!(self.up.get(&flow), Some(Framing::Datagram));
        let frames = match self.up.get_mut(&flow) {
            None => Vec::new(),
            Some(Framing::Datagram) => vec![datagram(data.clone(), &Limits::DEFAULT)],
            Some(Framing::WebSocket) => vec![websocket(data.clone(), &Limits::DEFAULT)],
            Some(Framing::Stream(framer)) => {
                framer.push(&data);
                std::iter::from_fn(|| framer.next()?.ok()).collect()
            }
        };
        for frame in frames {
            let message = match frame {
                Frame::Message(message) => Some(message),
                Frame::Faulty { data, .. } => Message::salvage(data, &Limits::DEFAULT),
                Frame::KeepAlive(_) => None,
            };
            if let Some(message) = message {
                self.vias.given(&message);
            }
        }
        self.input(match is_datagram {
            true => Input::Datagram { remote: flow.remote(), data },
            false => Input::Received { flow: FlowId(flow.0), data },
        });
    }

    /// Advances the time, and wakes the exchange at its deadlines.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.exchange.deadline().filter(|due| *due <= end) {
            assert!(due > self.now, "a deadline that is due is dealt with");
            self.now = due;
            self.input(Input::Wake);
        }
        self.now = end;
    }

    pub(super) fn forget(&mut self, what: u8, seed: u8) {
        let memory = match what % 3 {
            0 => Memory::Bindings,
            1 => Memory::Nonces,
            _ => Memory::Transactions,
        };
        self.exchange.forget(memory, [seed; 32]);
        self.drain(64 * self.weight());
    }

    /// The messages sent since the last call, with their flows, oldest first.
    pub(super) fn heard(&mut self) -> Vec<(Flow, Message)> {
        std::mem::take(&mut self.heard)
    }

    /// Waits until the exchange is idle, and closes the flows.
    pub(super) fn finish(mut self) -> Reached {
        self.pass(LONGEST);
        let connections = self.up.values().filter(|framing| !matches!(framing, Framing::Datagram)).count();
        self.holds_only(connections);
        while let Some((&flow, _)) = self.up.first_key_value() {
            self.down(flow);
        }
        self.holds_only(0);
        assert_eq!(self.exchange.deadline(), None, "nothing is waited for");
        self.reached
    }

    /// Asserts that the exchange is idle with this number of connections.
    fn holds_only(&self, connections: usize) {
        let load = self.exchange.load();
        let held = [load.flows, load.unauthenticated, load.bindings, load.transactions, load.bytes];
        assert_eq!(held, [connections, 0, 0, 0, 0], "flows, unauthenticated, bindings, transactions, bytes");
    }

    fn input(&mut self, input: Input) {
        let most = 64 * self.weight();
        self.exchange.handle(self.now, input);
        self.drain(most);
    }

    /// The size of the state of the exchange, which bounds the outputs of one input.
    fn weight(&self) -> usize {
        let load = self.exchange.load();
        1 + load.bindings + load.transactions
    }

    fn drain(&mut self, most: usize) {
        let mut outputs = 0;
        while let Some(output) = self.exchange.poll() {
            outputs += 1;
            assert!(outputs <= most, "{outputs} outputs");
            match output {
                Output::Transmit { flow, data } => {
                    let flow = Flow(flow.0);
                    assert!(self.up.contains_key(&flow), "nothing is sent on a connection that is down");
                    self.transmitted(Some(flow), data);
                }
                // Possibly to the unused address of a Contact. Without `rport` a response goes to the port of sent-by (RFC
                // 3261 §18.2.2): a phone has all ports of its address.
                Output::Datagram { remote, data } => {
                    let mut sockets =
                        self.up.iter().filter(|(_, framing)| matches!(framing, Framing::Datagram));
                    let flow =
                        sockets.find(|(flow, _)| flow.remote().ip() == remote.ip()).map(|(flow, _)| *flow);
                    self.transmitted(flow, data);
                }
                Output::Close { flow } => {
                    let known = self.up.remove(&Flow(flow.0));
                    assert!(known.is_some(), "a flow is closed that is up");
                }
                Output::Event(event) => self.reached.event(&event),
            }
        }
        for (_, flow) in USERS.iter().flat_map(|user| self.exchange.contacts(user)) {
            assert!(self.exchange.remote(flow).is_some(), "no contact outlives its flow");
        }
    }

    fn transmitted(&mut self, flow: Option<Flow>, data: Bytes) {
        if *data == *b"\r\n" {
            return;
        }
        let mut message = Message::parse(data.clone(), &WIDE).expect("what is sent can be read");
        assert_eq!(message.bytes().len(), data.len(), "one message at a time");
        match message.status() {
            None => message.check().expect("a request that is sent makes sense"),
            Some(_) => {
                assert!(
                    self.vias.know(&message),
                    "a response has the Via of its request:\n{}",
                    data.escape_ascii()
                );
            }
        }
        self.reached.message(&message);
        self.heard.extend(flow.map(|flow| (flow, message)));
    }
}

impl Reached {
    fn event(&mut self, event: &Event) {
        match event {
            Event::Registered { .. } => self.registered += 1,
            Event::Unregistered { .. } => self.unregistered += 1,
            Event::Call { step: CallStep::Offered { branches: 2.. }, .. } => self.forked += 1,
            Event::Call { step: CallStep::Ringing, .. } => self.rang += 1,
            Event::Call { step: CallStep::Answered, .. } => self.answered += 1,
            Event::Call { step: CallStep::Ended, .. } => self.ended += 1,
            _ => {}
        }
    }

    fn message(&mut self, message: &Message) {
        let inside = message.is_request() && message.to().is_ok_and(|to| to.tag().is_some());
        self.inside += u32::from(inside);
        self.challenged += u32::from(matches!(message.status(), Some(401 | 407)));
        self.cancelled += u32::from(message.method() == Some(Method::Cancel));
        self.refused += u32::from(message.status() == Some(400));
        self.full += u32::from(message.status() == Some(503));
    }
}
