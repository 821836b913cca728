//! A phone by hand, whatever it does written down.

use bytes::Bytes;
use offhook::{
    Account, Command, Config, FlowChange, FlowId, Input, Instant, Limits, Misuse, Output, Password, Phone,
};
use offhook_recorder::{Batch, Log, Notice, Recording, Ring, Scribe, Sink, Taken, TrackId};
use offhook_wire::{Builder, HeaderName, Message};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

pub(crate) const TRACK: TrackId = TrackId(0);
pub(crate) const FLOW: FlowId = FlowId(1);

pub(crate) struct Deck {
    pub(crate) phone: Phone,
    pub(crate) now: Instant,
    /// All that came out, in order.
    pub(crate) outputs: Vec<Output>,
    log: Log<Shared>,
    paper: Rc<RefCell<Paper>>,
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
        let phone = Phone::new(config, seed, now);
        let mut deck = Self { phone, now, outputs: Vec::new(), log, paper };
        deck.look(&Ok(()));
        deck
    }

    pub(crate) fn give(&mut self, input: Input) -> Result<(), Misuse> {
        self.now += Duration::from_millis(10);
        self.log.given(self.now, &input);
        let handled = self.phone.handle(self.now, input);
        self.look(&handled);
        handled
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

    /// The last message that it sent, keep-alives apart.
    pub(crate) fn sent(&self) -> Message {
        let sent = self.outputs.iter().rev().find_map(|output| match output {
            Output::Transmit { data, .. } if !data.trim_ascii().is_empty() => Some(data.clone()),
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

    pub(crate) fn finish(self) -> String {
        let Self { log, paper, .. } = self;
        drop(log);
        let file = paper.borrow().file.clone();
        file + &Scribe::end()
    }

    pub(crate) fn recording(self) -> Recording {
        Recording::read(self.finish().as_bytes()).expect("readable")
    }

    fn look(&mut self, handled: &Result<(), Misuse>) {
        self.log.moved(&self.phone, handled);
        while let Some(output) = self.phone.poll() {
            self.log.put_out(&output);
            self.outputs.push(output);
        }
        self.log.settle(&self.phone);
    }
}
