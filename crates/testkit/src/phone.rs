use crate::FakeMedia;
use bytes::Bytes;
use offhook::{
    Config, Effect, EffectId, EndReason, Event, FlowChange, FlowFailure, FlowId, Input, Instant, Limits,
    MediaEvent, Misuse, Output, Phone, SessionId, Status,
};
use offhook_wire::Message;
use std::collections::VecDeque;
use std::time::Duration;

/// Sees what a phone is given and what it puts out, as a recorder does. `()` sees nothing.
pub trait Observer {
    /// The phone is about to be given this.
    fn given(&mut self, _at: Instant, _input: &Input) {}
    /// It was given that, with this outcome.
    fn handled(&mut self, _phone: &Phone, _outcome: &Result<(), Misuse>) {}
    /// It put this out.
    fn put_out(&mut self, _output: &Output) {}
    /// It has nothing more to put out.
    fn drained(&mut self, _phone: &Phone) {}
}

impl Observer for () {}

/// An output that is for the test: everything else is done by [`TestPhone::poll`].
#[derive(Clone, Debug)]
pub enum Said {
    /// A message for the network. Keep-alives (RFC 5626 §3.5.1) are left out.
    Message(Bytes),
    /// An event for the user.
    Event(Event),
}

/// One phone with its connection, its media engine, and everything that it put out.
pub struct TestPhone<O = ()> {
    /// The phone. A test that calls a method of it calls [`pump`](TestPhone::pump) after it.
    pub phone: Phone,
    /// The time.
    pub now: Instant,
    /// Its media engine.
    pub media: FakeMedia,
    /// The messages that it sent, oldest first.
    pub sent: VecDeque<Bytes>,
    /// The events so far, oldest first.
    pub events: Vec<Event>,
    /// The effects that its media engine did not answer.
    pub effects: Vec<(EffectId, Effect)>,
    /// The connection that it opened last.
    pub flow: Option<FlowId>,
    /// The local address with which each connection comes up as soon as it is opened. `None`: the test calls
    /// [`connect`](TestPhone::connect).
    pub connects_as: Option<String>,
    /// What sees it.
    pub observer: O,
}

impl TestPhone {
    /// A phone whose connection is up, at one second.
    pub fn new(config: Config, seed: u8) -> Self {
        let mut phone = Self::unconnected(config, seed);
        phone.connect();
        phone
    }

    /// A phone whose connection is on its way, at one second.
    pub fn unconnected(config: Config, seed: u8) -> Self {
        let mut phone = Self::observed(config, [seed; 32], Instant::from_nanos(1_000_000_000), ());
        phone.pump();
        phone
    }
}

impl<O: Observer> TestPhone<O> {
    /// A phone that was just made and not polled.
    pub fn observed(config: Config, seed: [u8; 32], now: Instant, mut observer: O) -> Self {
        let phone = Phone::new(config, seed, now);
        observer.handled(&phone, &Ok(()));
        Self {
            phone,
            now,
            media: FakeMedia::default(),
            sent: VecDeque::new(),
            events: Vec::new(),
            effects: Vec::new(),
            flow: None,
            connects_as: None,
            observer,
        }
    }

    /// Lets the connection come up.
    ///
    /// # Panics
    /// When the phone opened none.
    pub fn connect(&mut self) {
        let flow = self.flow.expect("the phone asked for a connection");
        let local = Some("192.0.2.1:5060".to_owned());
        self.give(Input::Flow { flow, change: FlowChange::Up { local } });
    }

    /// Lets the connection be closed by the server.
    ///
    /// # Panics
    /// When the phone opened none.
    pub fn lose_connection(&mut self) {
        let flow = self.flow.expect("the phone asked for a connection");
        self.give(Input::Flow { flow, change: FlowChange::Down(FlowFailure::Closed) });
    }

    /// Hands something to the phone, without polling it.
    ///
    /// # Errors
    /// As [`Phone::handle`].
    pub fn handle(&mut self, input: Input) -> Result<(), Misuse> {
        self.observer.given(self.now, &input);
        let outcome = self.phone.handle(self.now, input);
        self.observer.handled(&self.phone, &outcome);
        outcome
    }

    /// Hands something to the phone, and polls it until there is nothing more to do.
    ///
    /// # Panics
    /// When it is a command, and misuse.
    pub fn give(&mut self, input: Input) {
        self.handle(input).expect("only commands can be misused");
        self.pump();
    }

    /// Hands a message of the server to the phone; `\n` stands for CRLF.
    pub fn receive(&mut self, text: &str) {
        self.receive_bytes(Bytes::from(text.replace('\n', "\r\n")));
    }

    /// Hands a message of the server to the phone.
    ///
    /// # Panics
    /// When the phone has no connection.
    pub fn receive_bytes(&mut self, data: Bytes) {
        let flow = self.flow.expect("connected");
        self.give(Input::Received { flow, data });
    }

    /// Polls until there is nothing more to do, and keeps what the phone put out.
    pub fn pump(&mut self) {
        while let Some(said) = self.poll() {
            match said {
                Said::Message(data) => self.sent.push_back(data),
                Said::Event(event) => self.events.push(event),
            }
        }
    }

    /// Polls until the phone puts out something that is for the test. Connections and effects are dealt with here.
    ///
    /// # Panics
    /// When the phone sends over a connection that is not open.
    pub fn poll(&mut self) -> Option<Said> {
        while let Some(output) = self.phone.poll() {
            self.observer.put_out(&output);
            match output {
                Output::Transmit { flow, data } => {
                    assert_eq!(Some(flow), self.flow, "bytes for a flow that is not open");
                    if !data.trim_ascii().is_empty() {
                        return Some(Said::Message(data));
                    }
                }
                Output::Open { flow, .. } => self.opened(flow),
                Output::Close { .. } => {}
                Output::Event(event) => return Some(Said::Event(event)),
                Output::Effect { id, effect } => self.effect(id, effect),
            }
        }
        self.observer.drained(&self.phone);
        None
    }

    fn opened(&mut self, flow: FlowId) {
        self.flow = Some(flow);
        if let Some(local) = self.connects_as.clone() {
            let change = FlowChange::Up { local: Some(local) };
            self.handle(Input::Flow { flow, change }).expect("no command");
        }
    }

    fn effect(&mut self, id: EffectId, effect: Effect) {
        let Some(result) = self.media.perform(&effect) else { return self.effects.push((id, effect)) };
        self.handle(Input::Done { effect: id, result }).expect("no command");
        if let Some(session) = self.media.path_up(&effect) {
            self.handle(Input::Media { session, event: MediaEvent::Up }).expect("no command");
        }
    }

    /// Lets time pass, and wakes the phone at each deadline.
    ///
    /// # Panics
    /// When the phone wants to be woken again and again.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut wakes = 0;
        while let Some(deadline) = self.phone.deadline().filter(|d| d.at <= end) {
            self.now = self.now.max(deadline.at);
            self.give(Input::Wake);
            wakes += 1;
            assert!(wakes < 100_000, "the phone wants to be woken without end: {deadline:?}");
        }
        self.now = end;
    }

    /// Takes the oldest message that the phone sent.
    ///
    /// # Panics
    /// When there is none, or it cannot be read.
    pub fn next_message(&mut self) -> Message {
        let data = self.sent.pop_front().expect("the phone sent something");
        Message::parse(data, &Limits::default()).expect("what a phone sends can be read")
    }

    /// The same, which must be a request of this method.
    ///
    /// # Panics
    /// When it is not.
    pub fn next_request(&mut self, method: &str) -> Message {
        let message = self.next_message();
        let sent = message.method().map(|method| method.as_bytes().to_vec());
        assert_eq!(sent.as_deref(), Some(method.as_bytes()), "{message:?}");
        message
    }

    /// The same, which must be a response with this code.
    ///
    /// # Panics
    /// When it is not.
    pub fn next_response(&mut self, code: u16) -> Message {
        let message = self.next_message();
        assert_eq!(message.status(), Some(code), "{message:?}");
        message
    }

    /// Takes the events so far.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    /// The statuses of a call in the order in which it had them.
    ///
    /// # Panics
    /// When one was left out.
    pub fn statuses(&self, id: SessionId) -> Vec<Status> {
        let mut statuses = Vec::new();
        for event in &self.events {
            if let Event::Status { session, from, to } = event
                && *session == id
            {
                if statuses.is_empty() {
                    statuses.push(*from);
                }
                assert_eq!(statuses.last(), Some(from), "a status was left out");
                statuses.push(*to);
            }
        }
        statuses
    }

    /// The last call that came in.
    ///
    /// # Panics
    /// When there is none.
    pub fn incoming(&self) -> SessionId {
        let incoming = |event: &Event| match event {
            Event::Incoming(incoming) => Some(incoming.session),
            _ => None,
        };
        self.events.iter().rev().find_map(incoming).expect("a call came in")
    }

    /// Why a call ended.
    ///
    /// # Panics
    /// When it did not end, or more than once.
    pub fn ended(&self, id: SessionId) -> EndReason {
        let mut ends = self.events.iter().filter_map(|event| match event {
            Event::Ended { session, why } if *session == id => Some(why.clone()),
            _ => None,
        });
        let why = ends.next().expect("the call ended");
        assert_eq!(ends.next(), None, "a call ends once");
        why
    }
}
