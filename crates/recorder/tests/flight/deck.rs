//! A phone by hand, whatever it does written down.

use bytes::Bytes;
use offhook::{
    Account, Command, Config, FlowChange, FlowId, Input, Instant, Limits, Misuse, Output, Password, Phone,
};
use offhook_recorder::{Notice, Recording, Ring, Scribe, TrackId, Watch};
use offhook_wire::{Builder, HeaderName, Message};
use std::time::Duration;

pub(crate) const TRACK: TrackId = TrackId(0);
pub(crate) const FLOW: FlowId = FlowId(1);

pub(crate) struct Deck {
    pub(crate) phone: Phone,
    pub(crate) now: Instant,
    pub(crate) file: String,
    pub(crate) ring: Ring,
    /// All that came out, in order.
    pub(crate) outputs: Vec<Output>,
    scribe: Scribe,
    watch: Watch,
}

pub(crate) fn account(password: &str) -> Account {
    Account::new("sip:alice@example.com", Some(Password::plain(password)), "ws://pbx").expect("a target")
}

impl Deck {
    pub(crate) fn new(config: Config, ring: usize) -> Self {
        let (now, seed) = (Instant::from_nanos(7), [9; 32]);
        let mut deck = Self {
            phone: Phone::new(config.clone(), seed, now),
            now,
            file: Scribe::header(),
            ring: Ring::new(ring),
            outputs: Vec::new(),
            scribe: Scribe::default(),
            watch: Watch::default(),
        };
        let (config, seed) = (Box::new(config), Box::new(seed));
        deck.note(&Notice::Made { name: "alice".to_owned(), config, seed, now });
        deck.look(Ok(()));
        deck
    }

    pub(crate) fn give(&mut self, input: Input) -> Result<(), Misuse> {
        self.now += Duration::from_millis(10);
        self.note(&Notice::Given { at: self.now, input: input.clone() });
        let handled = self.phone.handle(self.now, input);
        self.look(handled.clone());
        handled
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.give(Input::Command(command)).expect("a command in its place");
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.give(Input::Wake).expect("no command");
    }

    pub(crate) fn receive(&mut self, data: impl Into<Bytes>) {
        self.give(Input::Received { flow: FLOW, data: data.into() }).expect("no command");
    }

    pub(crate) fn connect(&mut self) {
        self.give(Input::Flow { flow: FLOW, change: FlowChange::Up { local: None } }).expect("no command");
    }

    /// The last message that it sent.
    pub(crate) fn sent(&self) -> Message {
        let sent = self.outputs.iter().rev().find_map(|output| match output {
            Output::Transmit { data, .. } => Some(data.clone()),
            _ => None,
        });
        Message::parse(sent.expect("something was sent"), &Limits::default()).expect("a message")
    }

    /// Answers the last request, with more rows.
    pub(crate) fn reply(&mut self, code: u16, rows: &[(HeaderName, &str)], body: &[u8]) {
        let request = self.sent();
        let mut reply = Builder::reply(&request, code, "X", Some(b"there"));
        rows.iter().for_each(|(name, value)| {
            reply.header(*name, value.as_bytes());
        });
        let reply = if body.is_empty() { reply.finish() } else { reply.body("application/sdp", body) };
        self.receive(reply);
    }

    pub(crate) fn finish(mut self) -> String {
        self.note(&Notice::Gone);
        self.file += &Scribe::end();
        self.file
    }

    pub(crate) fn recording(self) -> Recording {
        Recording::read(self.finish().as_bytes()).expect("readable")
    }

    fn look(&mut self, handled: Result<(), Misuse>) {
        let moved = self.watch.moved(&self.phone, handled);
        self.note(&Notice::Moved(moved));
        let outputs: Vec<Output> = std::iter::from_fn(|| self.phone.poll()).collect();
        self.outputs.extend(outputs.iter().cloned());
        self.note(&Notice::PutOut(outputs));
    }

    fn note(&mut self, notice: &Notice) {
        let mut text = String::new();
        self.scribe.note(TRACK, notice, &mut text);
        match notice {
            Notice::Made { .. } => self.ring.made(TRACK, "alice", &text),
            notice => self.ring.push(TRACK, &text, matches!(notice, Notice::Given { .. })),
        }
        self.file += &text;
    }
}
