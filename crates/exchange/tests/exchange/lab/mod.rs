//! A laboratory: one exchange under virtual time, and phones that are nothing but text.

pub(crate) mod dialog;
pub(crate) mod phone;
pub(crate) mod text;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use offhook_exchange::{Config, Event, Exchange, FlowChange, FlowId, Input, Instant, Output, Transport};

pub(crate) use dialog::Dialog;
pub(crate) use phone::Phone;
pub(crate) use text::{Sip, reply};

/// One exchange, the time, and what has come out of it and not been read.
pub(crate) struct Lab {
    pub(crate) exchange: Exchange,
    pub(crate) now: Instant,
    pub(crate) events: Vec<Event>,
    pub(crate) closed: Vec<FlowId>,
    inboxes: BTreeMap<FlowId, VecDeque<String>>,
    /// Everything that was said, for ladders.
    pub(crate) ladder: Vec<String>,
}

/// The domain of every test: alice, bob and carol, with their names and `-pw` as passwords, and guests from elsewhere.
pub(crate) fn config() -> Config {
    let mut config = Config::new("example.com");
    config.guests = true;
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
            inboxes: BTreeMap::new(),
            ladder: Vec::new(),
        }
    }

    /// The exchange loses its memory, and every connection with it.
    pub(crate) fn restart(&mut self, config: Config, seed: u8) {
        self.exchange = Exchange::new(config, [seed; 32], self.now);
        self.inboxes.clear();
    }

    pub(crate) fn up(&mut self, flow: u64, transport: Transport) -> FlowId {
        let flow = FlowId(flow);
        let remote = format!("192.0.2.{}:{}", flow.0 % 250, 5000 + flow.0);
        self.input(Input::Flow { flow, change: FlowChange::Up { transport, remote } });
        flow
    }

    pub(crate) fn down(&mut self, flow: FlowId) {
        self.input(Input::Flow { flow, change: FlowChange::Down });
    }

    /// Sends text; line ends may be plain.
    pub(crate) fn send(&mut self, flow: FlowId, message: &str) {
        let data = message.replace("\r\n", "\n").replace('\n', "\r\n");
        self.ladder.push(format!("{} -> exchange  {}", flow.0, text::summary(&data)));
        self.input(Input::Received { flow, data: data.into_bytes().into() });
    }

    pub(crate) fn send_bytes(&mut self, flow: FlowId, data: &[u8]) {
        self.input(Input::Received { flow, data: data.to_vec().into() });
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.exchange.handle(self.now, input);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Transmit { flow, data } => {
                    let text = String::from_utf8_lossy(&data).into_owned();
                    self.ladder.push(format!("exchange -> {}  {}", flow.0, text::summary(&text)));
                    self.inboxes.entry(flow).or_default().push_back(text);
                }
                Output::Close { flow } => self.closed.push(flow),
                Output::Event(event) => self.events.push(event),
            }
        }
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

    /// The next message that a flow received; fails if there is none.
    #[track_caller]
    pub(crate) fn next(&mut self, flow: FlowId) -> Sip {
        let text = self.inboxes.entry(flow).or_default().pop_front();
        Sip(text.unwrap_or_else(|| panic!("nothing for flow {}\n{}", flow.0, self.ladder.join("\n"))))
    }

    /// The next message, which must begin like this.
    #[track_caller]
    pub(crate) fn expect(&mut self, flow: FlowId, start: &str) -> Sip {
        let message = self.next(flow);
        assert!(message.0.starts_with(start), "expected {start}, got\n{}", message.0);
        message
    }

    /// Fails unless everything that a flow received was read.
    #[track_caller]
    pub(crate) fn silent(&mut self, flow: FlowId) {
        if let Some(message) = self.inboxes.entry(flow).or_default().front() {
            panic!("unexpected for flow {}:\n{message}", flow.0);
        }
    }

    /// Throws away what a flow received.
    pub(crate) fn forget(&mut self, flow: FlowId) {
        self.inboxes.remove(&flow);
    }

    /// How many messages a flow received and did not read.
    pub(crate) fn waiting(&self, flow: FlowId) -> usize {
        self.inboxes.get(&flow).map_or(0, VecDeque::len)
    }
}
