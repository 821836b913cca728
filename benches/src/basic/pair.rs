use bytes::Bytes;
use offhook::{
    Account, CallCommand, CallEvent, Command, Config, ConnectionChange, Dial, Direction, Input, Instant,
    Misuse, Output, Phone, SessionId, Status,
};
use offhook_recorder::Log;
use offhook_testkit::{FakeMedia, Observer, PhoneOutput, TestPhone};
use offhook_tokio::{Recorder, TrackSink};
use std::error::Error;
use std::time::Duration;

/// Two phones connected without a network.
pub struct Pair {
    caller: End,
    callee: End,
    now: Instant,
}

struct End {
    test: TestPhone<Tape>,
    /// The last incoming, established and ended call.
    incoming: Option<SessionId>,
    established: Option<SessionId>,
    ended: u32,
    counted: bool,
}

/// The log of a phone, if it is recorded.
struct Tape(Option<Log<TrackSink>>);

impl Observer for Tape {
    fn on_input(&mut self, at: Instant, input: &Input) {
        if let Some(log) = &mut self.0 {
            log.on_input(at, input);
        }
    }

    fn on_handled(&mut self, phone: &Phone, outcome: &Result<(), Misuse>) {
        if let Some(log) = &mut self.0 {
            log.on_handled(phone, outcome);
        }
    }

    fn on_output(&mut self, output: &Output) {
        if let Some(log) = &mut self.0 {
            log.on_output(output);
        }
    }

    fn on_idle(&mut self, phone: &Phone) {
        if let Some(log) = &mut self.0 {
            log.on_idle(phone);
        }
    }
}

/// The description of the published comparison: 317 bytes.
const SDP: &str = "v=0\r\no=- 1781234567 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
    m=audio 40000 RTP/AVP 111 9 0 8 101\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
    a=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=fmtp:101 0-16\r\na=ptime:20\r\na=sendrecv\r\n";

impl Pair {
    /// Two phones with a connection of `transport` (`ws` or `udp`) between them.
    ///
    /// # Errors
    /// When there is no such transport.
    pub fn new(transport: &str) -> Result<Self, Box<dyn Error>> {
        Self::with(transport, None)
    }

    /// The same, and both are recorded.
    ///
    /// # Errors
    /// When there is no such transport.
    pub fn recorded(transport: &str, recorder: &Recorder) -> Result<Self, Box<dyn Error>> {
        Self::with(transport, Some(recorder))
    }

    fn with(transport: &str, recorder: Option<&Recorder>) -> Result<Self, Box<dyn Error>> {
        let now = Instant::from_nanos(0);
        Ok(Self {
            caller: End::new("alice", transport, 1, now, recorder)?,
            callee: End::new("bob", transport, 2, now, recorder)?,
            now,
        })
    }

    /// From now on the steps of both phones are counted by callgrind.
    pub fn count_steps(&mut self) {
        (self.caller.counted, self.callee.counted) = (true, true);
    }

    /// Makes a call and leaves it established.
    ///
    /// # Errors
    /// When it is not established.
    pub fn call(&mut self) -> Result<SessionId, Box<dyn Error>> {
        self.now += Duration::from_millis(1);
        (self.caller.test.now, self.callee.test.now) = (self.now, self.now);
        let id = self.caller.test.phone.next_session();
        let dial = Command::Dial { session: id, dial: Dial::to("sip:bob@127.0.0.1") };
        self.caller.handle(Input::Command(dial))?;
        self.exchange();
        let incoming = self.callee.incoming.take().ok_or("no call came in")?;
        self.callee
            .handle(Input::Command(Command::Call { session: incoming, command: CallCommand::Answer }))?;
        self.exchange();
        match (self.caller.established.take(), self.callee.established.take()) {
            (Some(callers), Some(callees)) if callers == id && callees == incoming => Ok(id),
            _ => Err("a call was not established".into()),
        }
    }

    /// Makes and ends `n` calls, one after another.
    ///
    /// # Errors
    /// When one of them is not what it should be.
    pub fn calls_and_byes(&mut self, n: u32) -> Result<(), Box<dyn Error>> {
        let before = (self.caller.ended, self.callee.ended);
        for _ in 0..n {
            let id = self.call()?;
            self.caller
                .handle(Input::Command(Command::Call { session: id, command: CallCommand::HangUp }))?;
            self.exchange();
        }
        let ended = (self.caller.ended - before.0, self.callee.ended - before.1);
        if ended == (n, n) { Ok(()) } else { Err(format!("{ended:?} calls ended of {n}").into()) }
    }

    /// Delivers messages until neither phone sends any.
    fn exchange(&mut self) {
        loop {
            let said = self.caller.speak(&mut self.callee);
            if !(self.callee.speak(&mut self.caller) || said) {
                return;
            }
        }
    }
}

impl End {
    fn new(
        user: &str,
        transport: &str,
        seed: u8,
        now: Instant,
        recorder: Option<&Recorder>,
    ) -> Result<Self, Box<dyn Error>> {
        let mut account =
            Account::new(format!("sip:{user}@127.0.0.1"), None, &format!("{transport}://127.0.0.1:5060"))?;
        account.register = false;
        let mut config = Config::new(account);
        config.call_limit = usize::MAX;
        let log = recorder.map(|recorder| recorder.track(user).begin(&mut config, &[seed; 32], now));
        let mut test = TestPhone::observed(config, [seed; 32], now, Tape(log));
        test.media = FakeMedia::describing(|_| Bytes::from_static(SDP.as_bytes()));
        // Do not count the cost of parsing the offer again.
        test.media.answers_with = Some(Direction::SendRecv);
        while test.poll().is_some() {}
        let connection = test.connection.ok_or("the phone did not connect")?;
        let change = ConnectionChange::Up { local: Some("127.0.0.1:15061".to_owned()) };
        test.handle(Input::Connection { connection, change })?;
        Ok(Self { test, incoming: None, established: None, ended: 0, counted: false })
    }

    fn handle(&mut self, input: Input) -> Result<(), Misuse> {
        self.step(|test| test.handle(input))
    }

    /// Runs a step of the phone, counted if that is wanted.
    fn step<T>(&mut self, step: impl FnOnce(&mut TestPhone<Tape>) -> T) -> T {
        if !self.counted {
            return step(&mut self.test);
        }
        let (mut step, mut result) = (Some(step), None);
        offhook_counted_step(&mut || result = step.take().map(|step| step(&mut self.test)));
        result.expect("the step was run")
    }

    fn on_event(&mut self, session: SessionId, event: &CallEvent) {
        if event.incoming().is_some() {
            self.incoming = Some(session);
        }
        if event.status() == Some(Status::Established) {
            self.established = Some(session);
        }
        self.ended += u32::from(event.ended().is_some());
    }

    /// Performs all outputs of the phone. Returns whether there was a message or an event.
    fn speak(&mut self, other: &mut End) -> bool {
        let mut any = false;
        while let Some(said) = self.step(TestPhone::poll) {
            any = true;
            match said {
                PhoneOutput::Message(data) => {
                    let connection = other.test.connection.expect("connected");
                    other.handle(Input::Received { connection, data }).expect("bytes are never misuse");
                }
                PhoneOutput::Event(event) => {
                    if let Some((session, event)) = event.of_call() {
                        self.on_event(session, event);
                    }
                }
            }
        }
        any
    }
}

/// One step of a phone, for callgrind.
#[inline(never)]
pub(crate) fn offhook_counted_step(step: &mut dyn FnMut()) {
    step();
}
