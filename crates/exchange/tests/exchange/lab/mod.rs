//! A test bench: one exchange under virtual time, and phones that send and receive text.

pub(crate) mod dialog;
pub(crate) mod phone;
pub(crate) mod text;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use offhook_exchange::{Config, Event, Exchange, FlowChange, FlowId, Input, Instant, Output, Transport};

pub(crate) use dialog::Dialog;
pub(crate) use phone::Phone;
pub(crate) use text::{Sip, reply};

/// One exchange, the time, and its unread outputs.
pub(crate) struct Lab {
    pub(crate) exchange: Exchange,
    pub(crate) now: Instant,
    pub(crate) events: Vec<Event>,
    pub(crate) closed: Vec<FlowId>,
    /// The address of each phone on UDP.
    datagrams: BTreeMap<FlowId, SocketAddr>,
    /// Datagrams to addresses without a phone.
    pub(crate) astray: Vec<(SocketAddr, String)>,
    inboxes: BTreeMap<FlowId, VecDeque<String>>,
    /// All messages, for ladders.
    pub(crate) ladder: Vec<String>,
}

/// The domain of every test: alice, bob and carol, with their names and `-pw` as passwords.
/// Guests are allowed.
pub(crate) fn config() -> Config {
    let config = Config { guests: true, ..Config::new("example.com") };
    ["alice", "bob", "carol"]
        .into_iter()
        .fold(config, |config, user| config.with_user(user, format!("{user}-pw")))
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self::with(config())
    }

    pub(crate) fn with(config: Config) -> Self {
        let now = Instant::ZERO + Duration::from_secs(1000);
        Self {
            exchange: Exchange::new(config, [42; 32], now),
            now,
            events: Vec::new(),
            closed: Vec::new(),
            datagrams: BTreeMap::new(),
            astray: Vec::new(),
            inboxes: BTreeMap::new(),
            ladder: Vec::new(),
        }
    }

    /// Restarts the exchange; all connections are lost.
    pub(crate) fn restart(&mut self, config: Config, seed: u8) {
        self.exchange = Exchange::new(config, [seed; 32], self.now);
        self.inboxes.clear();
    }

    /// The default remote address of a flow.
    fn remote(flow: u64) -> SocketAddr {
        ([192, 0, 2, (flow % 250) as u8], 5000 + flow as u16).into()
    }

    pub(crate) fn up(&mut self, flow: u64, transport: Transport) -> FlowId {
        self.up_from(flow, transport, Self::remote(flow))
    }

    /// A connection from this address, or a UDP socket that is bound to it.
    pub(crate) fn up_from(&mut self, flow: u64, transport: Transport, remote: SocketAddr) -> FlowId {
        let flow = FlowId(flow);
        if transport == Transport::Udp {
            self.datagrams.insert(flow, remote);
        } else {
            self.input(Input::Flow { flow, change: FlowChange::Up { transport, remote } });
        }
        flow
    }

    /// Closes the connection or the socket.
    pub(crate) fn down(&mut self, flow: FlowId) {
        if self.datagrams.remove(&flow).is_none() {
            self.input(Input::Flow { flow, change: FlowChange::Down });
        }
    }

    /// Sends text; line ends may be plain.
    pub(crate) fn send(&mut self, flow: FlowId, message: &str) {
        let data = message.replace("\r\n", "\n").replace('\n', "\r\n");
        self.ladder.push(format!("{} -> exchange  {}", flow.0, text::summary(&data)));
        self.send_bytes(flow, data.as_bytes());
    }

    pub(crate) fn send_bytes(&mut self, flow: FlowId, data: &[u8]) {
        self.input(self.received(flow, data));
    }

    /// The input for data that a phone sends.
    pub(crate) fn received(&self, flow: FlowId, data: &[u8]) -> Input {
        let data = data.to_vec().into();
        match self.datagrams.get(&flow) {
            Some(&remote) => Input::Datagram { remote, data },
            None => Input::Received { flow, data },
        }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.exchange.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Transmit { flow, data } => self.sent(flow, &data),
                Output::Datagram { remote, data } => {
                    let socket = self.datagrams.iter().find(|(_, address)| **address == remote);
                    match socket.map(|(flow, _)| *flow) {
                        Some(flow) => self.sent(flow, &data),
                        None => self.astray.push((remote, String::from_utf8_lossy(&data).into_owned())),
                    }
                }
                Output::Close { flow } => self.closed.push(flow),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    fn sent(&mut self, flow: FlowId, data: &[u8]) {
        let text = String::from_utf8_lossy(data).into_owned();
        self.ladder.push(format!("exchange -> {}  {}", flow.0, text::summary(&text)));
        self.inboxes.entry(flow).or_default().push_back(text);
    }

    /// Advances the time and wakes the exchange at its deadlines.
    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(due) = self.exchange.deadline().filter(|due| *due <= end) {
            assert!(due > self.now, "a deadline that does not move");
            self.now = due;
            self.input(Input::Wake);
        }
        self.now = end;
    }

    /// The next message that a flow received; fails if there is none.
    #[track_caller]
    pub(crate) fn next(&mut self, flow: FlowId) -> Sip {
        let text = self.inboxes.entry(flow).or_default().pop_front();
        Sip(text.unwrap_or_else(|| panic!("nothing for flow {}\n{}", flow.0, self.ladder.join("\n"))))
    }

    /// The next message, which must begin with `start`.
    #[track_caller]
    pub(crate) fn expect(&mut self, flow: FlowId, start: &str) -> Sip {
        let message = self.next(flow);
        assert!(message.0.starts_with(start), "expected {start}, got\n{}", message.0);
        message
    }

    /// Fails if a flow has unread messages.
    #[track_caller]
    pub(crate) fn silent(&mut self, flow: FlowId) {
        if let Some(message) = self.inboxes.entry(flow).or_default().front() {
            panic!("unexpected for flow {}:\n{message}", flow.0);
        }
    }

    /// Drops the unread messages of a flow.
    pub(crate) fn forget(&mut self, flow: FlowId) {
        self.inboxes.remove(&flow);
    }

    /// The number of unread messages of a flow.
    pub(crate) fn waiting(&self, flow: FlowId) -> usize {
        self.inboxes.get(&flow).map_or(0, VecDeque::len)
    }
}
