//! Phones on UDP, each with an address, and a registrar, connected by a wire with a latency of 10 ms. Phones send to each other, or
//! through the registrar as a proxy.

use std::fmt::Write as _;
use std::time::Duration;

use bytes::Bytes;
use offhook::{
    Account, AccountEvent, CallEvent, Config, Dial, Direction, Event, Input, Instant, Password, Phone,
    Secret, SessionId,
};
use offhook_exchange as exchange;
use offhook_exchange::Exchange;
use offhook_testkit::{FakeMedia, PhoneOutput, TestPhone, Wire};
use offhook_wire::{Builder, HeaderName, Limits, Message, Method, Uri};

use crate::names::Names;

pub(crate) const SECOND: Duration = Duration::from_secs(1);
const START: Instant = Instant::from_nanos(1_000_000_000);

pub(crate) struct Party {
    pub(crate) name: &'static str,
    pub(crate) test: TestPhone,
    address: String,
    /// The last incoming call, or call requested by a transfer.
    pub(crate) call: Option<SessionId>,
}

/// An end of the wire.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Phone(usize),
    Registrar,
    /// A user on a WebSocket, with messages written by a test.
    Mallory,
}

/// The connection of that user.
const MALLORY: exchange::FlowId = exchange::FlowId(66);

pub(crate) struct Scene {
    pub(crate) parties: Vec<Party>,
    registrar: Exchange,
    pub(crate) now: Instant,
    /// Each message is from the first end to the second.
    pub(crate) wire: Wire<(End, End)>,
    names: Names,
    ladder: String,
    /// Whether phones send through the registrar.
    proxied: bool,
    /// The messages received by Mallory.
    pub(crate) received: Vec<Message>,
    /// Changes to the configuration of the phones.
    configure: fn(&mut Config),
    /// The Route row of Mallory's requests within a dialog.
    route: String,
}

impl Scene {
    /// Phones that do not register, and send to each other's addresses.
    pub(crate) fn of(names: &[&'static str]) -> Self {
        Self::empty().with_phones(names)
    }

    /// The same, with changes to the configuration of each.
    pub(crate) fn configured(names: &[&'static str], configure: fn(&mut Config)) -> Self {
        Self { configure, ..Self::empty() }.with_phones(names)
    }

    fn with_phones(mut self, names: &[&'static str]) -> Self {
        let scene = &mut self;
        for name in names {
            scene.add(name, |account| account.register = false);
        }
        scene.run(Duration::ZERO);
        self
    }

    /// Registered phones that send through the registrar, with an empty ladder.
    pub(crate) fn proxied(names: &[&'static str]) -> Self {
        Self::proxied_with(names, |_| {})
    }

    /// The same, with changes to the configuration of each account.
    pub(crate) fn proxied_with(names: &[&'static str], set_up: impl Fn(&mut Account)) -> Self {
        let mut scene = Self { proxied: true, ..Self::empty() };
        for name in names {
            scene.add(name, &set_up);
        }
        scene.run(SECOND);
        scene.ladder.clear();
        scene
    }

    pub(crate) fn empty() -> Self {
        Self {
            parties: Vec::new(),
            registrar: registrar([9; 32], START),
            now: START,
            wire: Wire::default(),
            names: Names::default(),
            ladder: String::new(),
            proxied: false,
            received: Vec::new(),
            configure: |_| {},
            route: String::new(),
        }
    }

    /// Clears the ladder.
    pub(crate) fn clear(&mut self) {
        self.ladder.clear();
    }

    /// Restarts the registrar, without its state.
    pub(crate) fn restart(&mut self) {
        self.note("registrar", "starts again");
        self.registrar = registrar([10; 32], self.now);
    }

    /// Connects Mallory.
    pub(crate) fn connect(&mut self) {
        let remote = "192.0.2.66:50000".parse().expect("an address");
        let change = exchange::FlowChange::Up { transport: exchange::Transport::Ws, remote };
        self.registrar.handle(self.now, exchange::Input::Flow { flow: MALLORY, change });
    }

    /// Sends a message of Mallory, and advances by a second.
    pub(crate) fn say(&mut self, text: &str) {
        let data = Bytes::from(text.replace('\n', "\r\n"));
        self.send(End::Mallory, End::Registrar, data);
        self.run(SECOND);
    }

    /// Registers Mallory, with an empty ladder.
    pub(crate) fn register_mallory(&mut self) {
        self.connect();
        crate::exchange::register(self);
        self.received.clear();
        self.clear();
    }

    /// Responds as Mallory to the last request that was received, with more header fields, and advances by a second.
    pub(crate) fn respond(&mut self, code: u16, rows: &[(HeaderName, &str)]) {
        let request = self.received.iter().rev().find(|message| message.method().is_some());
        let phrase = offhook_wire::reason_phrase(code);
        let mut b = Builder::reply(request.expect("a request was received"), code, phrase, Some(b"m-1"));
        for (name, value) in rows {
            b.header(*name, value);
        }
        self.send(End::Mallory, End::Registrar, b.finish());
        self.run(SECOND);
    }

    /// Accepts as Mallory the INVITE that was received last, and advances by a second.
    pub(crate) fn accept(&mut self) {
        let request = self.received.iter().rev().find(|message| message.method().is_some());
        let mut b = Builder::reply(request.expect("an INVITE was received"), 200, "OK", Some(b"m-1"));
        let routes = request.map(|request| request.rows(HeaderName::RecordRoute)).into_iter().flatten();
        self.route.clear();
        for route in routes {
            let _ = writeln!(self.route, "Route: {}", String::from_utf8_lossy(route));
        }
        b.header(HeaderName::Contact, b"<sip:desk@mallory.invalid;transport=ws>");
        self.send(End::Mallory, End::Registrar, b.body("application/sdp", &sdp(Direction::SendRecv)));
        self.run(SECOND);
    }

    /// Sends a request of Mallory within the dialog of the ACK that was received, and advances by a second.
    pub(crate) fn say_within(&mut self, method: &str, cseq: u32, rows: &str, body: &str) {
        let is_ack = |message: &&Message| message.method() == Some(Method::Ack);
        let ack = self.received.iter().find(is_ack).expect("an ACK was received");
        let text = |name| String::from_utf8_lossy(ack.header(name).expect("mandatory")).into_owned();
        let (from, to, call_id) = (text(HeaderName::To), text(HeaderName::From), text(HeaderName::CallId));
        let target = self.contact("alice");
        let route = &self.route;
        let text = format!(
            "{method} {target} SIP/2.0\nVia: SIP/2.0/WS mallory.invalid;branch=z9hG4bK{method}{cseq}\nMax-Forwards: 70\n\
             {route}From: {from}\nTo: {to}\nCall-ID: {call_id}\nCSeq: {cseq} {method}\n\
             Contact: <sip:desk@mallory.invalid;transport=ws>\n{rows}Content-Length: {}\n\n{body}",
            body.len()
        );
        self.say(&text);
    }

    /// The Contact of a user.
    pub(crate) fn contact(&self, user: &str) -> String {
        let (contact, _) = self.registrar.contacts(user).next().expect("it is registered");
        String::from_utf8(contact.to_vec()).expect("ASCII")
    }

    pub(crate) fn add(&mut self, name: &'static str, set_up: impl FnOnce(&mut Account)) {
        let password = Some(Password::Plain(Secret::new("secret")));
        let mut account =
            Account::new(format!("sip:{name}@example.com"), password, "udp://example.com").expect("a hop");
        set_up(&mut account);
        let mut config = Config::new(account);
        config.user_agent = "phone".to_owned();
        (self.configure)(&mut config);
        let n = self.parties.len();
        let address = format!("192.0.2.{}:5060", n + 1);
        let mut test = TestPhone::observed(config, [n as u8; 32], self.now, ());
        test.media = FakeMedia::describing(sdp);
        test.connects_as = Some(address.clone());
        self.parties.push(Party { name, test, address, call: None });
    }

    pub(crate) fn dial(&mut self, caller: usize, to: &str) -> SessionId {
        self.note(self.parties[caller].name, &format!("calls {to}"));
        let id = self.parties[caller].test.phone.dial(self.now, Dial::to(to)).expect("a call");
        self.run(SECOND);
        id
    }

    /// Performs an action of a user, and advances by a second.
    pub(crate) fn user<T>(
        &mut self,
        who: usize,
        what: &str,
        act: impl FnOnce(&mut Phone, Instant) -> T,
    ) -> T {
        self.note(self.parties[who].name, what);
        let value = act(&mut self.parties[who].test.phone, self.now);
        self.run(SECOND);
        value
    }

    /// The last call of a phone.
    pub(crate) fn call_of(&self, who: usize) -> SessionId {
        self.parties[who].call.expect("a call came in")
    }

    /// Two phones in a call, with an empty ladder: alices_call, bobs_call.
    pub(crate) fn in_call(names: &[&'static str]) -> (Self, SessionId, SessionId) {
        let mut scene = Self::of(names);
        let alices_call = scene.dial(0, "bob");
        let bobs_call = scene.call_of(1);
        scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
        scene.ladder.clear();
        (scene, alices_call, bobs_call)
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        for _ in 0..10_000 {
            self.collect();
            let phones = self.parties.iter().filter_map(|party| Some(party.test.phone.deadline()?.at));
            let due = phones.chain(self.registrar.deadline()).chain(self.wire.next_arrival());
            let next = due.min().filter(|at| *at <= end);
            self.now = self.now.max(next.unwrap_or(end));
            self.parties.iter_mut().for_each(|party| party.test.now = self.now);
            if next.is_none() {
                return;
            }
            while let Some((ends, data)) = self.wire.receive(self.now) {
                self.deliver(ends, data);
            }
            for party in &mut self.parties {
                party.test.handle(Input::Wake).expect("no command");
            }
            self.registrar.handle(self.now, exchange::Input::Wake);
        }
        panic!("the scene never comes to rest");
    }

    fn deliver(&mut self, ends: (End, End), data: Bytes) {
        match ends {
            (_, End::Phone(n)) => {
                let test = &mut self.parties[n].test;
                let connection = test.connection.expect("connected");
                test.handle(Input::Received { connection, data }).expect("no command");
            }
            (End::Phone(n), End::Registrar) => {
                let remote = self.parties[n].address.parse().expect("an address");
                self.registrar.handle(self.now, exchange::Input::Datagram { remote, data });
            }
            (End::Mallory, End::Registrar) => {
                self.registrar.handle(self.now, exchange::Input::Received { flow: MALLORY, data });
            }
            (_, End::Mallory) => {
                self.received.push(Message::parse(data, &Limits::default()).expect("what a registrar sends"));
            }
            (End::Registrar, End::Registrar) => unreachable!("it does not send to itself"),
        }
    }

    fn collect(&mut self) {
        for n in 0..self.parties.len() {
            while let Some(output) = self.parties[n].test.poll() {
                match output {
                    PhoneOutput::Message(data) => {
                        let to = self.receiver(&data);
                        self.send(End::Phone(n), to, data);
                    }
                    PhoneOutput::Event(event) => self.on_event(n, &event),
                }
            }
        }
        while let Some(output) = self.registrar.poll() {
            match output {
                exchange::Output::Datagram { remote, data } => {
                    let to = self.parties.iter().position(|party| party.address == remote.to_string());
                    self.send(End::Registrar, End::Phone(to.expect("a phone's address")), data);
                }
                exchange::Output::Transmit { data, .. } => self.send(End::Registrar, End::Mallory, data),
                exchange::Output::Close { .. } | exchange::Output::Event(_) => {}
            }
        }
    }

    fn on_event(&mut self, n: usize, event: &Event) {
        if let Some(text) = describe(event) {
            self.note(self.parties[n].name, &text);
        }
        if let Event::Call { session, event: CallEvent::Referred { .. } | CallEvent::Incoming(_) } = event {
            self.parties[n].call = Some(*session);
        }
    }

    /// The receiver of a message: for requests the address, or the user of example.com, in the Request-URI; for responses the sender in the
    /// Via.
    fn receiver(&self, data: &Bytes) -> End {
        if self.proxied {
            return End::Registrar;
        }
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
        let arrives = self.wire.send(self.now, (from, to), data.clone());
        let (at, sender, receiver) = (self.time(), self.name(from), self.name(to));
        let text = self.names.text(&data);
        let mark = if arrives { "" } else { "  (lost)" };
        let _ = write!(self.ladder, "{at} {sender} -> {receiver}{mark}\n\n");
        for line in text.lines() {
            let _ = writeln!(self.ladder, "    {line}");
        }
        self.ladder.push('\n');
    }

    pub(crate) fn note(&mut self, who: &str, text: &str) {
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
            End::Mallory => "mallory",
        }
    }

    /// The ladder.
    pub(crate) fn ladder(self) -> String {
        self.ladder
    }
}

fn registrar(seed: [u8; 32], now: Instant) -> Exchange {
    let users = ["alice", "bob", "mallory"].into_iter();
    let config = exchange::Config::new("example.com");
    Exchange::new(users.fold(config, |config, user| config.with_user(user, "secret")), seed, now)
}

/// An event for the user, as shown in a ladder. Connections and media paths are as the test makes them.
fn describe(event: &Event) -> Option<String> {
    match event {
        Event::Account { event: AccountEvent::Connection { .. }, .. }
        | Event::Call { event: CallEvent::Media { .. } | CallEvent::Progress { .. }, .. } => None,
        Event::Call { event, .. } => Some(event.to_string()),
        Event::Request { outcome, .. } => Some(outcome.to_string()),
        event => Some(event.to_string()),
    }
}

fn sdp(direction: Direction) -> Bytes {
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n\
         a=rtpmap:0 PCMU/8000\r\na={}\r\n",
        direction.name()
    )
    .into()
}
