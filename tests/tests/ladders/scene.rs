//! Phones on UDP, each at an address of its own, and a registrar; a wire between them that takes 10 ms.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use offhook::{
    Account, Config, Dial, Direction, Effect, EffectResult, Event, FlowChange, FlowId, Input, Instant,
    MediaEvent, Output, Password, Phone, RegistrationState, Secret, SessionId,
};
use offhook_exchange as exchange;
use offhook_exchange::Exchange;
use offhook_wire::sdp::Outline;
use offhook_wire::{Limits, Message, Uri};

use crate::names::Names;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
const START: Instant = Instant::from_nanos(1_000_000_000);

pub(crate) struct Party {
    pub(crate) name: &'static str,
    pub(crate) phone: Phone,
    flow: FlowId,
    address: String,
    /// The last call that came in or was made for a peer.
    pub(crate) call: Option<SessionId>,
}

/// Whether a message is lost.
type Loses = Box<dyn FnMut(&[u8]) -> bool>;

/// Who is at an end of the wire.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    Phone(usize),
    Registrar,
}

pub(crate) struct Scene {
    pub(crate) parties: Vec<Party>,
    registrar: Exchange,
    pub(crate) now: Instant,
    wire: BTreeMap<(Instant, u64), (End, End, Bytes)>,
    order: u64,
    names: Names,
    ladder: String,
    pub(crate) loses: Loses,
}

impl Scene {
    /// Phones that do not register: everybody is found where he is.
    pub(crate) fn of(names: &[&'static str]) -> Self {
        let mut scene = Self::empty();
        for name in names {
            scene.add(name, |account| account.register = false);
        }
        scene.run(Duration::ZERO);
        scene
    }

    pub(crate) fn empty() -> Self {
        let config = exchange::Config::new("example.com").with_user("alice", "secret");
        Self {
            parties: Vec::new(),
            registrar: Exchange::new(config, [9; 32], START),
            now: START,
            wire: BTreeMap::new(),
            order: 0,
            names: Names::default(),
            ladder: String::new(),
            loses: Box::new(|_| false),
        }
    }

    pub(crate) fn add(&mut self, name: &'static str, set_up: impl FnOnce(&mut Account)) {
        let password = Some(Password::Plain(Secret::new("secret")));
        let mut account =
            Account::new(format!("sip:{name}@example.com"), password, "udp://example.com").expect("a target");
        set_up(&mut account);
        let mut config = Config::new(account);
        config.user_agent = "phone".to_owned();
        let n = self.parties.len();
        let address = format!("192.0.2.{}:5060", n + 1);
        let phone = Phone::new(config, [n as u8; 32], self.now);
        self.parties.push(Party { name, phone, flow: FlowId(0), address, call: None });
    }

    pub(crate) fn dial(&mut self, caller: usize, to: &str) -> SessionId {
        self.note(self.parties[caller].name, &format!("calls {to}"));
        let id = self.parties[caller].phone.dial(self.now, Dial::to(to)).expect("a call");
        self.run(SECOND);
        id
    }

    /// Does what a user does, and lets a second pass.
    pub(crate) fn user<T>(
        &mut self,
        who: usize,
        what: &str,
        act: impl FnOnce(&mut Phone, Instant) -> T,
    ) -> T {
        self.note(self.parties[who].name, what);
        let value = act(&mut self.parties[who].phone, self.now);
        self.run(SECOND);
        value
    }

    /// The last call that came in at somebody.
    pub(crate) fn call_of(&self, who: usize) -> SessionId {
        self.parties[who].call.expect("a call came in")
    }

    /// Two phones in a call, with an empty ladder: hers, his.
    pub(crate) fn in_call(names: &[&'static str]) -> (Self, SessionId, SessionId) {
        let mut scene = Self::of(names);
        let hers = scene.dial(0, "bob");
        let his = scene.call_of(1);
        scene.user(1, "answers", |phone, now| phone.answer(now, his)).expect("it rings");
        scene.ladder.clear();
        (scene, hers, his)
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..10_000 {
            self.collect();
            let phones = self.parties.iter().filter_map(|party| Some(party.phone.deadline()?.at));
            let timers = phones.chain(self.registrar.deadline());
            let Some(next) =
                timers.chain(self.wire.keys().next().map(|key| key.0)).min().filter(|at| *at <= end)
            else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while self.wire.keys().next().is_some_and(|key| key.0 <= self.now) {
                let (_, (from, to, data)) = self.wire.pop_first().expect("looked at");
                self.deliver(from, to, data);
            }
            for party in &mut self.parties {
                party.phone.handle(self.now, Input::Wake).expect("no command");
            }
            self.registrar.handle(self.now, exchange::Input::Wake);
        }
        panic!("the scene never comes to rest");
    }

    fn deliver(&mut self, from: End, to: End, data: Bytes) {
        match (from, to) {
            (_, End::Phone(n)) => {
                let party = &mut self.parties[n];
                party.phone.handle(self.now, Input::Received { flow: party.flow, data }).expect("no command");
            }
            (End::Phone(n), End::Registrar) => {
                let remote = self.parties[n].address.parse().expect("an address");
                self.registrar.handle(self.now, exchange::Input::Datagram { remote, data });
            }
            (End::Registrar, End::Registrar) => unreachable!("it does not write to itself"),
        }
    }

    fn collect(&mut self) {
        for n in 0..self.parties.len() {
            while let Some(output) = self.parties[n].phone.poll() {
                self.output(n, output);
            }
        }
        while let Some(output) = self.registrar.poll() {
            if let exchange::Output::Datagram { remote, data } = output {
                let to = self.parties.iter().position(|party| party.address == remote.to_string());
                self.send(End::Registrar, End::Phone(to.expect("a phone's address")), data);
            }
        }
    }

    fn output(&mut self, n: usize, output: Output) {
        match output {
            Output::Transmit { data, .. } if data.trim_ascii().is_empty() => {}
            Output::Transmit { data, .. } => {
                let to = self.receiver(&data);
                self.send(End::Phone(n), to, data);
            }
            Output::Open { flow, .. } => {
                let party = &mut self.parties[n];
                party.flow = flow;
                let change = FlowChange::Up { local: Some(party.address.clone()) };
                party.phone.handle(self.now, Input::Flow { flow, change }).expect("no command");
            }
            Output::Close { .. } => {}
            Output::Effect { id, effect } => self.effect(n, id, &effect),
            Output::Event(event) => {
                if let Some(text) = told(&event) {
                    self.note(self.parties[n].name, &text);
                }
                if let Event::Referred { session, .. } = event {
                    self.parties[n].call = Some(session);
                }
                if let Event::Incoming(incoming) = event {
                    self.parties[n].call = Some(incoming.session);
                }
            }
        }
    }

    fn effect(&mut self, n: usize, effect: offhook::EffectId, wanted: &Effect) {
        let (result, session) = match wanted {
            Effect::Rollback { .. } | Effect::Release { .. } => return,
            Effect::Offer { direction, .. } => (EffectResult::Description(sdp(*direction)), None),
            Effect::Answer { session, offer, direction } => {
                let outline = Outline::parse(offer).expect("a description");
                let offered = outline.media().flatten().next().expect("audio").direction;
                (EffectResult::Description(sdp(offered.reversed().meet(*direction))), Some(*session))
            }
            Effect::Apply { session, .. } => (EffectResult::Applied, Some(*session)),
            Effect::Digit { .. } => (EffectResult::Sent, None),
        };
        let phone = &mut self.parties[n].phone;
        phone.handle(self.now, Input::Done { effect, result }).expect("no command");
        if let Some(session) = session {
            phone.handle(self.now, Input::Media { session, event: MediaEvent::Up }).expect("no command");
        }
    }

    /// Requests go to the address, or to the user of example.com, in the Request-URI; responses where the Via says.
    fn receiver(&self, data: &Bytes) -> End {
        let message = Message::parse(data.clone(), &Limits::default()).expect("what a phone sends");
        let phone_at = |place: String| self.parties.iter().position(|party| party.address == place);
        let place = |host: &[u8], port: Option<u16>| {
            format!("{}:{}", String::from_utf8_lossy(host), port.unwrap_or(5060))
        };
        let found = match message.request_uri() {
            None => {
                let via = message.via().expect("a Via");
                phone_at(place(via.host, via.port))
            }
            Some(uri) => {
                let uri = Uri::parse(uri).expect("a URI");
                let named = |party: &Party| uri.user.is_some_and(|user| user == party.name.as_bytes());
                phone_at(place(uri.host, uri.port)).or_else(|| self.parties.iter().position(named))
            }
        };
        found.map_or(End::Registrar, End::Phone)
    }

    fn send(&mut self, from: End, to: End, data: Bytes) {
        let lost = (self.loses)(&data);
        let (at, who, whom) = (self.time(), self.name(from), self.name(to));
        let text = self.names.text(&data);
        let mark = if lost { "  (lost)" } else { "" };
        let _ = write!(self.ladder, "{at} {who} -> {whom}{mark}\n\n");
        for line in text.lines() {
            let _ = writeln!(self.ladder, "    {line}");
        }
        self.ladder.push('\n');
        if !lost {
            self.order += 1;
            self.wire.insert((self.now + Duration::from_millis(10), self.order), (from, to, data));
        }
    }

    fn note(&mut self, who: &str, text: &str) {
        let at = self.time();
        let _ = write!(self.ladder, "{at} {who}: {text}\n\n");
    }

    fn time(&self) -> String {
        let millis = self.now.saturating_since(START).as_millis();
        format!("{:>3}.{:03}", millis / 1000, millis % 1000)
    }

    fn name(&self, end: End) -> &'static str {
        match end {
            End::Phone(n) => self.parties[n].name,
            End::Registrar => "registrar",
        }
    }

    /// What happened.
    pub(crate) fn ladder(self) -> String {
        self.ladder
    }
}

/// What a user is told, where it matters to a ladder.
fn told(event: &Event) -> Option<String> {
    Some(match event {
        Event::Status { to, .. } => to.to_string(),
        Event::Incoming(incoming) => format!("{} calls", incoming.from),
        Event::Hold { local, remote, .. } => format!("hold: own {local}, the peer's {remote}"),
        Event::Digit { digit, duration, path, .. } => format!("hears {digit} for {duration:?} by {path:?}"),
        Event::DigitSent { digit, path, .. } => format!("sent {digit} by {path:?}"),
        Event::Transfer { state, .. } => format!("transfer: {state:?}"),
        Event::Referred { target, .. } => format!("is to call {target}"),
        Event::Ended { why, .. } => format!("ended by {:?}: {}, {:?}", why.by, why.cause, why.code),
        Event::Registration { state: RegistrationState::Registered { .. }, .. } => "registered".to_owned(),
        Event::Registration { state, .. } => format!("{state:?}"),
        _ => return None,
    })
}

fn sdp(direction: Direction) -> Bytes {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n\
         a=rtpmap:0 PCMU/8000\r\na={}\r\n",
        direction.name()
    )
    .into()
}
