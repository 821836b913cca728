use crate::FakeMedia;
use bytes::Bytes;
use offhook::{
    AccountId, CallEvent, Config, ConnectionChange, ConnectionFailure, ConnectionId, Effect, EffectId,
    EndReason, Event, Input, Instant, Limits, MediaEvent, Misuse, Output, Phone, SessionId, Status,
};
use offhook_wire::Message;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Observes the inputs and outputs of a phone, as a recorder does. `()` ignores them.
pub trait Observer {
    /// The phone is about to process an input.
    fn on_input(&mut self, _at: Instant, _input: &Input) {}
    /// It processed the input, with this result.
    fn on_handled(&mut self, _phone: &Phone, _outcome: &Result<(), Misuse>) {}
    /// It emitted an output.
    fn on_output(&mut self, _output: &Output) {}
    /// It has no more outputs.
    fn on_idle(&mut self, _phone: &Phone) {}
}

impl Observer for () {}

/// An output for the test. [`TestPhone::poll`] handles all others.
#[derive(Clone, Debug)]
pub enum PhoneOutput {
    /// A message for the network. Keep-alives (RFC 5626 §3.5.1) are left out.
    Message(Bytes),
    /// An event for the user.
    Event(Event),
}

/// A phone with its connection, its media engine and its outputs.
pub struct TestPhone<O = ()> {
    /// The phone. Call [`pump`](TestPhone::pump) after calling a method of it.
    pub phone: Phone,
    /// The time.
    pub now: Instant,
    /// Its media engine.
    pub media: FakeMedia,
    /// The messages that it sent, oldest first.
    pub sent: VecDeque<Bytes>,
    /// The events so far, oldest first.
    pub events: Vec<Event>,
    /// The effects that its media engine did not complete.
    pub effects: Vec<(EffectId, Effect)>,
    /// The connection of [`receive`](TestPhone::receive): the one that it opened last, unless the test sets another.
    pub connection: Option<ConnectionId>,
    /// Its open connections, and the account of each.
    pub open: BTreeMap<ConnectionId, AccountId>,
    /// The local address of connections, which are established as soon as they are opened. `None`: the test calls
    /// [`connect`](TestPhone::connect).
    pub connects_as: Option<String>,
    /// Its observer.
    pub observer: O,
}

impl TestPhone {
    /// A phone with an established connection, at one second.
    pub fn new(config: Config, seed: u8) -> Self {
        let mut phone = Self::unconnected(config, seed);
        phone.connect();
        phone
    }

    /// A phone that is connecting, at one second.
    pub fn unconnected(config: Config, seed: u8) -> Self {
        let mut phone = Self::observed(config, [seed; 32], Instant::from_nanos(1_000_000_000), ());
        phone.pump();
        phone
    }
}

impl<O: Observer> TestPhone<O> {
    /// A new phone that was not polled.
    pub fn observed(config: Config, seed: [u8; 32], now: Instant, mut observer: O) -> Self {
        let phone = Phone::new(config, seed, now);
        observer.on_handled(&phone, &Ok(()));
        Self {
            phone,
            now,
            media: FakeMedia::default(),
            sent: VecDeque::new(),
            events: Vec::new(),
            effects: Vec::new(),
            connection: None,
            open: BTreeMap::new(),
            connects_as: None,
            observer,
        }
    }

    /// Establishes the connection.
    ///
    /// # Panics
    /// When the phone opened none.
    pub fn connect(&mut self) {
        let connection = self.connection.expect("the phone opened a connection");
        let local = Some("192.0.2.1:5060".to_owned());
        self.give(Input::Connection { connection, change: ConnectionChange::Up { local } });
    }

    /// Closes the connection, as the server.
    ///
    /// # Panics
    /// When the phone opened none.
    pub fn lose_connection(&mut self) {
        let connection = self.connection.expect("the phone opened a connection");
        self.give(Input::Connection {
            connection,
            change: ConnectionChange::Down(ConnectionFailure::Closed),
        });
    }

    /// Passes an input to the phone, without polling it.
    ///
    /// # Errors
    /// As [`Phone::handle`].
    pub fn handle(&mut self, input: Input) -> Result<(), Misuse> {
        self.observer.on_input(self.now, &input);
        let outcome = self.phone.handle(self.now, input);
        self.observer.on_handled(&self.phone, &outcome);
        outcome
    }

    /// Passes an input to the phone, and polls all outputs.
    ///
    /// # Panics
    /// When it is a command that is refused.
    pub fn give(&mut self, input: Input) {
        self.handle(input).expect("only commands can be misused");
        self.pump();
    }

    /// Delivers a message of the server; `\n` stands for CRLF.
    pub fn receive(&mut self, text: &str) {
        self.receive_bytes(Bytes::from(text.replace('\n', "\r\n")));
    }

    /// Delivers a message of the server.
    ///
    /// # Panics
    /// When the phone has no connection.
    pub fn receive_bytes(&mut self, data: Bytes) {
        let connection = self.connection.expect("connected");
        self.give(Input::Received { connection, data });
    }

    /// Polls all outputs, and keeps messages and events.
    pub fn pump(&mut self) {
        while let Some(output) = self.poll() {
            match output {
                PhoneOutput::Message(data) => self.sent.push_back(data),
                PhoneOutput::Event(event) => self.events.push(event),
            }
        }
    }

    /// Polls the next output for the test. Connections and effects are handled here.
    ///
    /// # Panics
    /// When the phone sends over a connection that is not open.
    pub fn poll(&mut self) -> Option<PhoneOutput> {
        while let Some(output) = self.phone.poll() {
            self.observer.on_output(&output);
            match output {
                Output::Transmit { connection, data } => {
                    assert!(self.open.contains_key(&connection), "bytes for a connection that is not open");
                    if !data.trim_ascii().is_empty() {
                        return Some(PhoneOutput::Message(data));
                    }
                }
                Output::Open { connection, account, .. } => self.opened(connection, account),
                Output::Close { connection } => {
                    self.open.remove(&connection);
                }
                Output::Event(event) => return Some(PhoneOutput::Event(event)),
                Output::Effect { id, effect } => self.effect(id, effect),
            }
        }
        self.observer.on_idle(&self.phone);
        None
    }

    fn opened(&mut self, connection: ConnectionId, account: AccountId) {
        self.connection = Some(connection);
        self.open.insert(connection, account);
        if let Some(local) = self.connects_as.clone() {
            let change = ConnectionChange::Up { local: Some(local) };
            self.handle(Input::Connection { connection, change }).expect("no command");
        }
    }

    fn effect(&mut self, id: EffectId, effect: Effect) {
        let Some(result) = self.media.perform(&effect) else { return self.effects.push((id, effect)) };
        self.handle(Input::Done { effect: id, result }).expect("no command");
        if let Some((session, leg)) = self.media.path_up(&effect) {
            self.handle(Input::Media { session, leg, event: MediaEvent::Up }).expect("no command");
        }
    }

    /// Advances the time, and wakes the phone at each deadline.
    ///
    /// # Panics
    /// When the deadlines never end.
    pub fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        let mut wakes = 0;
        while let Some(deadline) = self.phone.deadline().filter(|d| d.at <= end) {
            self.now = self.now.max(deadline.at);
            self.give(Input::Wake);
            wakes += 1;
            assert!(wakes < 100_000, "the deadlines never end: {deadline:?}");
        }
        self.now = end;
    }

    /// Takes the oldest message that the phone sent.
    ///
    /// # Panics
    /// When there is none, or it cannot be read.
    pub fn next_message(&mut self) -> Message {
        let data = self.sent.pop_front().expect("the phone sent something");
        Message::parse(data, &Limits::default()).expect("a valid message")
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

    /// The events of a call, oldest first.
    pub fn events_of(&self, id: SessionId) -> impl Iterator<Item = &CallEvent> {
        let calls = self.events.iter().filter_map(Event::of_call);
        calls.filter(move |(session, _)| *session == id).map(|(_, event)| event)
    }

    /// The statuses of a call in the order in which it had them.
    ///
    /// # Panics
    /// When one was left out.
    pub fn statuses(&self, id: SessionId) -> Vec<Status> {
        let mut statuses = Vec::new();
        for (from, to) in self.events_of(id).filter_map(CallEvent::status_change) {
            if statuses.is_empty() {
                statuses.push(from);
            }
            assert_eq!(statuses.last(), Some(&from), "a status was left out");
            statuses.push(to);
        }
        statuses
    }

    /// The last incoming call.
    ///
    /// # Panics
    /// When there is none.
    pub fn incoming(&self) -> SessionId {
        let mut calls = self.events.iter().rev().filter_map(Event::of_call);
        calls.find(|(_, event)| event.incoming().is_some()).expect("an incoming call").0
    }

    /// The reason why a call ended.
    ///
    /// # Panics
    /// When it did not end, or more than once.
    pub fn ended(&self, id: SessionId) -> EndReason {
        let mut ends = self.events_of(id).filter_map(CallEvent::ended).cloned();
        let why = ends.next().expect("the call ended");
        assert_eq!(ends.next(), None, "a call ends once");
        why
    }
}
