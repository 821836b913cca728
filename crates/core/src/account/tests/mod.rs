mod any;
mod auth;
mod connection;
mod registration;

use super::*;
use crate::base::name::{Machine, Timer};
use crate::testing::{Bench, at, message};
use crate::transaction::Routed;
use crate::{
    Account, AccountEvent, Cause, Config, ConnectionFailure, ConnectionState, Event, Output, Password,
    RegistrationFailure, RegistrationState, Server,
};
use offhook_wire::{Builder, Frame, HeaderName, Instant, Limits};

/// An account and its transactions on a bench; the test acts as host and server.
struct World {
    bench: Bench,
    txs: Transactions,
    line: ActiveAccount,
    /// The outputs that were not checked yet.
    opened: Vec<(ConnectionId, String)>,
    closed: Vec<ConnectionId>,
    sent: Vec<(Instant, Message)>,
    pings: Vec<(Instant, Bytes)>,
    connections: Vec<ConnectionState>,
    states: Vec<RegistrationState>,
    lost: Vec<ConnectionId>,
}

fn account() -> Account {
    Account::new("sip:alice@example.com", Some(Password::plain("secret")), "ws://pbx.example.com")
        .expect("a hop")
}

impl World {
    fn new(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::new(account());
        change(&mut config);
        let mut bench = Bench::with(config);
        let txs = Transactions::new(bench.config.times, &mut bench.entropy);
        let account = bench.config.accounts[0].clone();
        let line = ActiveAccount::new(AccountId(0), &account, &mut bench.cx());
        let mut world = Self {
            bench,
            txs,
            line,
            opened: Vec::new(),
            closed: Vec::new(),
            sent: Vec::new(),
            pings: Vec::new(),
            connections: Vec::new(),
            states: Vec::new(),
            lost: Vec::new(),
        };
        world.line.start(&mut world.bench.cx(), &mut world.txs);
        world.collect();
        world
    }

    /// An account whose first connection is up, so that its first REGISTER was sent.
    fn up(change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Self::new(change);
        world.connect();
        world
    }

    /// A registered account.
    fn registered(change: impl FnOnce(&mut Config)) -> Self {
        let mut world = Self::up(change);
        world.answer(200, &[(HeaderName::Expires, "600")]);
        assert_eq!(world.state(), RegistrationState::Registered { until: at(600.0) });
        world.forget();
        world
    }

    fn collect(&mut self) {
        let now = self.bench.now;
        for output in self.bench.outputs() {
            match output {
                Output::Open { connection, hop, .. } => self.opened.push((connection, hop.host)),
                Output::Close { connection } => self.closed.push(connection),
                Output::Transmit { data, .. } => {
                    match offhook_wire::datagram(data.clone(), &Limits::default()) {
                        Frame::KeepAlive(_) => self.pings.push((now, data)),
                        _ => self.sent.push((now, message(data))),
                    }
                }
                Output::Event(Event::Account { event: AccountEvent::Connection { state, .. }, .. }) => {
                    self.connections.push(state)
                }
                Output::Event(Event::Account { event: AccountEvent::Registration(state), .. }) => {
                    self.states.push(state)
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn forget(&mut self) {
        self.sent.clear();
        self.states.clear();
        self.connections.clear();
        self.opened.clear();
        self.pings.clear();
    }

    /// The last connection that was opened comes up.
    fn connect(&mut self) {
        let (connection, _) = self.opened.pop().expect("a connection was opened");
        self.connection(connection, ConnectionChange::Up { local: Some("192.0.2.1:5060".to_owned()) });
    }

    /// The last connection that was opened does not come up.
    fn refuse(&mut self) {
        let (connection, _) = self.opened.pop().expect("a connection was opened");
        self.connection(connection, ConnectionChange::Down(ConnectionFailure::Unreachable));
    }

    /// The connection that is up is lost.
    fn lose(&mut self) {
        let connection = self.line.path().expect("a connection is up").connection;
        self.connection(connection, ConnectionChange::Down(ConnectionFailure::Closed));
    }

    fn connection(&mut self, connection: ConnectionId, change: ConnectionChange) {
        let change = self.line.connection_changed(&mut self.bench.cx(), &mut self.txs, connection, change);
        self.changed(change);
    }

    /// Does what a phone does.
    fn changed(&mut self, change: PathChange) {
        if let PathChange::Lost(connection) = change {
            self.lost.push(connection);
            for failed in self.txs.on_connection_lost(&mut self.bench.cx(), connection) {
                let change = self.line.on_failed(&mut self.bench.cx(), &failed);
                assert_eq!(change, PathChange::Nothing);
            }
        }
        self.collect();
    }

    /// Advances the time to `end`.
    fn run(&mut self, end: f64) {
        while let Some(timer) = self.bench.next_timer(at(end)) {
            self.fire(timer);
        }
    }

    /// Advances the time to the next timer.
    fn step(&mut self) {
        let timer = self.bench.next_timer(at(1e6)).expect("a timer");
        self.fire(timer);
    }

    fn fire(&mut self, timer: Timer) {
        let mut cx = self.bench.cx();
        let change = match timer {
            Timer::Client(tx, timer) => match self.txs.expire_client(&mut cx, tx, timer) {
                Some(failed) => self.line.on_failed(&mut cx, &failed),
                None => PathChange::Nothing,
            },
            Timer::Account(_, timer) => self.line.on_timer(&mut cx, &mut self.txs, timer),
            other => panic!("{other:?}"),
        };
        self.changed(change);
    }

    /// The only REGISTER since the last call of this method.
    fn request(&mut self) -> Message {
        assert_eq!(self.sent.len(), 1, "{:?}", self.sent);
        self.sent.pop().expect("one").1
    }

    /// Answers the last REGISTER.
    fn answer(&mut self, status: u16, headers: &[(HeaderName, &str)]) {
        let (_, request) = self.sent.pop().expect("a request");
        let mut response = Builder::reply(&request, status, "Reason", Some(b"tag"));
        for (name, value) in headers {
            response.header(*name, value);
        }
        self.receive(message(response.finish()));
    }

    fn receive(&mut self, response: Message) {
        let mut cx = self.bench.cx();
        self.line.on_traffic(&mut cx);
        let path = self.line.path().expect("a connection is up").clone();
        match self.txs.receive(&mut cx, &path, response) {
            Routed::Response { tx, message, .. } => {
                let change = self.line.on_response(&mut cx, &mut self.txs, tx, &message);
                self.changed(change);
            }
            other => panic!("{other:?}"),
        }
        self.collect();
    }

    fn register(&mut self) {
        self.line.register(&mut self.bench.cx(), &mut self.txs);
        self.collect();
    }

    fn unregister(&mut self) {
        self.line.unregister(&mut self.bench.cx(), &mut self.txs);
        self.collect();
    }

    fn state(&self) -> RegistrationState {
        *self.states.last().expect("a state was reported")
    }

    fn failures(&self) -> Vec<RegistrationFailure> {
        self.states
            .iter()
            .filter_map(|state| match state {
                RegistrationState::Failed(why) => Some(*why),
                _ => None,
            })
            .collect()
    }

    /// The pending timers.
    fn timers(&self) -> usize {
        self.bench.timers.len()
    }
}

fn text(message: &Message, name: HeaderName) -> String {
    String::from_utf8(message.header(name).unwrap_or_default().to_vec()).expect("ASCII")
}

fn seconds(from: Instant, to: Instant) -> f64 {
    to.saturating_since(from).as_secs_f64()
}
