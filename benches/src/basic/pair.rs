use bytes::Bytes;
use offhook::Misuse;
use offhook::{
    Account, Command, Config, Dial, Effect, EffectResult, Event, FlowChange, FlowId, Input, Instant,
    MediaEvent, Output, Phone, SessionId, Status,
};
use offhook_recorder::Log;
use offhook_tokio::{Desktop, Recorder};
use std::error::Error;
use std::time::Duration;

/// Two phones that hear one another without a network.
pub struct Pair {
    caller: End,
    callee: End,
    now: Instant,
}

struct End {
    phone: Phone,
    /// Where it is recorded, if it is.
    log: Option<Log<Desktop>>,
    flow: FlowId,
    sdp: Bytes,
    /// The last call that came in, was established, and ended.
    incoming: Option<SessionId>,
    established: Option<SessionId>,
    ended: u32,
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

    /// Makes a call and leaves it up.
    ///
    /// # Errors
    /// When it is not established.
    pub fn call(&mut self) -> Result<SessionId, Box<dyn Error>> {
        self.now += Duration::from_millis(1);
        let id = self.caller.phone.next_session();
        let dial = Command::Dial { session: id, dial: Dial::to("sip:bob@127.0.0.1") };
        self.caller.handle(self.now, Input::Command(dial))?;
        self.exchange();
        let incoming = self.callee.incoming.take().ok_or("no call came in")?;
        self.callee.handle(self.now, Input::Command(Command::Answer { session: incoming }))?;
        self.exchange();
        match (self.caller.established.take(), self.callee.established.take()) {
            (Some(hers), Some(his)) if hers == id && his == incoming => Ok(id),
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
            self.caller.handle(self.now, Input::Command(Command::HangUp { session: id }))?;
            self.exchange();
        }
        let ended = (self.caller.ended - before.0, self.callee.ended - before.1);
        if ended == (n, n) { Ok(()) } else { Err(format!("{ended:?} calls ended of {n}").into()) }
    }

    /// Carries what both have to say until neither says anything.
    fn exchange(&mut self) {
        loop {
            let said = self.caller.speak(self.now, &mut self.callee);
            if !(self.callee.speak(self.now, &mut self.caller) || said) {
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
        let phone = Phone::new(config, [seed; 32], now);
        let sdp = SDP.into();
        let mut end = Self { phone, log, flow: FlowId(0), sdp, incoming: None, established: None, ended: 0 };
        let mut opened = None;
        while let Some(output) = end.poll() {
            if let Output::Open { flow, .. } = output {
                opened = Some(flow);
            }
        }
        end.flow = opened.ok_or("the phone did not connect")?;
        let change = FlowChange::Up { local: Some("127.0.0.1:15061".to_owned()) };
        end.handle(now, Input::Flow { flow: end.flow, change })?;
        Ok(end)
    }

    fn handle(&mut self, now: Instant, input: Input) -> Result<(), Misuse> {
        let Some(log) = &mut self.log else { return self.phone.handle(now, input) };
        log.given(now, &input);
        let handled = self.phone.handle(now, input);
        log.moved(&self.phone, &handled);
        handled
    }

    fn poll(&mut self) -> Option<Output> {
        let output = self.phone.poll();
        match (&mut self.log, &output) {
            (Some(log), Some(output)) => log.put_out(output),
            (Some(log), None) => log.settle(&self.phone),
            (None, _) => {}
        }
        output
    }

    /// Does all that the phone wants done. Returns whether there was anything.
    fn speak(&mut self, now: Instant, other: &mut End) -> bool {
        let mut said = false;
        while let Some(output) = self.poll() {
            said = true;
            let input = match output {
                Output::Transmit { data, .. } => {
                    let flow = other.flow;
                    other.handle(now, Input::Received { flow, data }).expect("bytes are never misuse");
                    continue;
                }
                Output::Effect { id, effect } => match effect {
                    Effect::Offer { .. } | Effect::Answer { .. } => {
                        Input::Done { effect: id, result: EffectResult::Description(self.sdp.clone()) }
                    }
                    Effect::Apply { session, .. } => {
                        let done = Input::Done { effect: id, result: EffectResult::Applied };
                        self.handle(now, done).expect("a result is never misuse");
                        Input::Media { session, event: MediaEvent::Up }
                    }
                    _ => continue,
                },
                Output::Event(Event::Incoming(incoming)) => {
                    self.incoming = Some(incoming.session);
                    continue;
                }
                Output::Event(Event::Status { session, to: Status::Established, .. }) => {
                    self.established = Some(session);
                    Input::Media { session, event: MediaEvent::Up }
                }
                Output::Event(Event::Ended { .. }) => {
                    self.ended += 1;
                    continue;
                }
                _ => continue,
            };
            self.handle(now, input).expect("neither is a command");
        }
        said
    }
}
