//! A phone that is driven by a test and recorded.

use bytes::Bytes;
use offhook::{
    Account, CallCommand, Command, Config, ConnectionChange, ConnectionId, Input, Instant, Limits, Misuse,
    Output, Password, Phone, SessionId,
};
use offhook_recorder::{Batch, Log, Notice, PhoneId, Recording, RecordingWriter, Ring, Sink, SinkStatus};
use offhook_testkit::{MediaBehaviour, Observer, TestPhone};
use offhook_wire::{Builder, HeaderName, Message};
use std::cell::RefCell;
use std::ops::{Deref, DerefMut};
use std::rc::Rc;
use std::time::Duration;

pub(crate) const TRACK: PhoneId = PhoneId(0);
pub(crate) const CONNECTION: ConnectionId = ConnectionId(1);

/// A recorded phone. Its media is played by the test.
pub(crate) struct RecordedPhone {
    test: TestPhone<Recorded>,
    recorder: Rc<RefCell<Recorder>>,
}

/// The recorder of a phone, and the outputs of the phone, in order.
pub(crate) struct Recorded {
    log: Log<SharedRecorder>,
    pub(crate) outputs: Vec<Output>,
}

impl Observer for Recorded {
    fn on_input(&mut self, at: Instant, input: &Input) {
        self.log.on_input(at, input);
    }

    fn on_handled(&mut self, phone: &Phone, outcome: &Result<(), Misuse>) {
        self.log.on_handled(phone, outcome);
    }

    fn on_output(&mut self, output: &Output) {
        self.log.on_output(output);
        self.outputs.push(output.clone());
    }

    fn on_idle(&mut self, phone: &Phone) {
        self.log.on_idle(phone);
    }
}

impl Deref for RecordedPhone {
    type Target = TestPhone<Recorded>;

    fn deref(&self) -> &TestPhone<Recorded> {
        &self.test
    }
}

impl DerefMut for RecordedPhone {
    fn deref_mut(&mut self) -> &mut TestPhone<Recorded> {
        &mut self.test
    }
}

/// The recording as a file and as a ring.
struct Recorder {
    writer: RecordingWriter,
    file: String,
    ring: Ring,
}

struct SharedRecorder(Rc<RefCell<Recorder>>);

impl Sink for SharedRecorder {
    fn accept(&mut self, track: PhoneId, notices: &mut Batch) -> SinkStatus {
        let Recorder { writer, file, ring } = &mut *self.0.borrow_mut();
        notices.for_each(|notice| {
            let mut text = String::new();
            writer.write(track, notice, &mut text);
            match notice {
                Notice::Created { .. } => ring.add_phone(track, "alice", &text),
                notice => ring.push(track, &text, matches!(notice, Notice::Input { .. })),
            }
            file.push_str(&text);
        });
        SinkStatus::Accepted
    }
}

pub(crate) fn account(password: &str) -> Account {
    Account::new("sip:alice@example.com", Some(Password::plain(password)), "ws://pbx").expect("a hop")
}

/// A configuration that keeps more lines of the trace.
pub(crate) fn with_trace(lines: usize, account: Account) -> Config {
    let mut config = Config::new(account);
    config.trace = lines;
    config
}

impl RecordedPhone {
    pub(crate) fn new(mut config: Config, ring: usize) -> Self {
        let (now, seed) = (Instant::from_nanos(7), [9; 32]);
        let recorder = Recorder {
            writer: RecordingWriter::default(),
            file: RecordingWriter::header(),
            ring: Ring::new(ring),
        };
        let recorder = Rc::new(RefCell::new(recorder));
        let log = Log::begin(
            SharedRecorder(Rc::clone(&recorder)),
            TRACK,
            "alice",
            &mut config,
            &seed,
            (now, Duration::ZERO),
        );
        let recorded = Recorded { log, outputs: Vec::new() };
        let mut test = TestPhone::observed(config, seed, now, recorded);
        test.media.behaviour = MediaBehaviour::Manual;
        test.pump();
        Self { test, recorder }
    }

    pub(crate) fn give(&mut self, input: Input) -> Result<(), Misuse> {
        self.now += Duration::from_millis(10);
        let outcome = self.handle(input);
        self.pump();
        outcome
    }

    /// The recording in the ring.
    pub(crate) fn dump(&self) -> String {
        self.recorder.borrow().ring.to_text()
    }

    pub(crate) fn command(&mut self, command: Command) {
        self.give(Input::Command(command)).expect("a command in its place");
    }

    pub(crate) fn call_command(&mut self, session: SessionId, command: CallCommand) {
        self.command(Command::Call { session, command });
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.give(Input::Wake).expect("no command");
    }

    pub(crate) fn receive(&mut self, data: impl Into<Bytes>) {
        self.give(Input::Received { connection: CONNECTION, data: data.into() }).expect("no command");
    }

    pub(crate) fn connect(&mut self) {
        self.give(Input::Connection { connection: CONNECTION, change: ConnectionChange::Up { local: None } })
            .expect("no command");
    }

    /// The last message that it sent.
    pub(crate) fn last_sent(&self) -> Message {
        let sent = self.sent.back().expect("something was sent").clone();
        Message::parse(sent, &Limits::default()).expect("a message")
    }

    /// Answers the last request, with more headers.
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
        let Self { test, recorder } = self;
        drop(test);
        let file = recorder.borrow().file.clone();
        file + &RecordingWriter::end()
    }

    pub(crate) fn recording(self) -> Recording {
        Recording::read(self.finish().as_bytes()).expect("readable")
    }
}
