//! A phone by hand, whatever it does written down.

use bytes::Bytes;
use offhook::{
    Account, Command, Config, FlowChange, FlowId, Input, Instant, Limits, Misuse, Output, Password, Phone,
};
use offhook_recorder::{Batch, Log, Notice, Recording, Ring, Scribe, Sink, Taken, TrackId};
use offhook_testkit::{MediaBehaviour, Observer, TestPhone};
use offhook_wire::{Builder, HeaderName, Message};
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::time::Duration;

pub(crate) const TRACK: TrackId = TrackId(0);
pub(crate) const FLOW: FlowId = FlowId(1);

/// A phone that is recorded, with a media engine that the test plays.
pub(crate) struct Deck {
    test: TestPhone<Recorded>,
    paper: Rc<RefCell<Paper>>,
}

/// The recorder of a phone, and all that came out of the phone, in order.
pub(crate) struct Recorded {
    log: Log<Shared>,
    pub(crate) outputs: Vec<Output>,
}

impl Observer for Recorded {
    fn given(&mut self, at: Instant, input: &Input) {
        self.log.given(at, input);
    }

    fn handled(&mut self, phone: &Phone, outcome: &Result<(), Misuse>) {
        self.log.moved(phone, outcome);
    }

    fn put_out(&mut self, output: &Output) {
        self.log.put_out(output);
        self.outputs.push(output.clone());
    }

    fn drained(&mut self, phone: &Phone) {
        self.log.settle(phone);
    }
}

impl Deref for Deck {
    type Target = TestPhone<Recorded>;

    fn deref(&self) -> &TestPhone<Recorded> {
        &self.test
    }
}

impl DerefMut for Deck {
    fn deref_mut(&mut self) -> &mut TestPhone<Recorded> {
        &mut self.test
    }
}

/// The recording, as a file and as a ring.
struct Paper {
    scribe: Scribe,
    file: String,
    ring: Ring,
}

struct Shared(Rc<RefCell<Paper>>);

impl Sink for Shared {
    fn take(&mut self, track: TrackId, notices: &mut Batch) -> Taken {
        let Paper { scribe, file, ring } = &mut *self.0.borrow_mut();
        notices.show(|notice| {
            let mut text = String::new();
            scribe.note(track, notice, &mut text);
            match notice {
                Notice::Made { .. } => ring.made(track, "alice", &text),
                notice => ring.push(track, &text, matches!(notice, Notice::Given { .. })),
            }
            file.push_str(&text);
        });
        Taken::Yes
    }
}

pub(crate) fn account(password: &str) -> Account {
    Account::new("sip:alice@example.com", Some(Password::plain(password)), "ws://pbx").expect("a target")
}

impl Deck {
    pub(crate) fn new(mut config: Config, ring: usize) -> Self {
        let (now, seed) = (Instant::from_nanos(7), [9; 32]);
        let paper = Paper { scribe: Scribe::default(), file: Scribe::header(), ring: Ring::new(ring) };
        let paper = Rc::new(RefCell::new(paper));
        let log =
            Log::begin(Shared(Rc::clone(&paper)), TRACK, "alice", &mut config, &seed, (now, Duration::ZERO));
        let recorded = Recorded { log, outputs: Vec::new() };
        let mut test = TestPhone::observed(config, seed, now, recorded);
        test.media.behaviour = MediaBehaviour::Manual;
        test.pump();
        Self { test, paper }
    }

    pub(crate) fn give(&mut self, input: Input) -> Result<(), Misuse> {
        self.now += Duration::from_millis(10);
        let outcome = self.handle(input);
        self.pump();
        outcome
    }

    /// What the ring holds.
    pub(crate) fn dump(&self) -> String {
        self.paper.borrow().ring.dump()
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
    pub(crate) fn last_sent(&self) -> Message {
        let sent = self.sent.back().expect("something was sent").clone();
        Message::parse(sent, &Limits::default()).expect("a message")
    }

    /// Answers the last request, with more rows.
    pub(crate) fn reply(&mut self, code: u16, rows: &[(HeaderName, &str)], body: &[u8]) {
        let request = self.last_sent();
        let mut reply = Builder::reply(&request, code, "X", Some(b"there"));
        rows.iter().for_each(|(name, value)| {
            reply.header(*name, value.as_bytes());
        });
        let reply = if body.is_empty() { reply.finish() } else { reply.body("application/sdp", body) };
        self.receive(reply);
    }

    pub(crate) fn finish(self) -> String {
        let Self { test, paper } = self;
        drop(test);
        let file = paper.borrow().file.clone();
        file + &Scribe::end()
    }

    pub(crate) fn recording(self) -> Recording {
        Recording::read(self.finish().as_bytes()).expect("readable")
    }
}
