//! Random events: no edge outside the tables (that panics), each request fails or gets a final response at most once, and
//! nothing is left at the end.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

#[derive(Clone, Debug)]
enum Act {
    Ask(u8),
    Cancel(usize),
    Disown(usize),
    /// A response of this status to one of the requests that were sent.
    Respond(usize, u16),
    /// A request of the peer: method and branch.
    Hear(u8, u8),
    Ring(usize),
    Answer(usize, u16),
    Pass(u64),
    LoseFlow,
}

const OURS: [Method<'static>; 3] = [Method::Invite, Method::Bye, Method::Info];
const THEIRS: [&str; 5] = ["INVITE", "ACK", "CANCEL", "INFO", "OPTIONS"];

fn act() -> impl Strategy<Value = Act> {
    let status = prop_oneof![
        Just(100),
        Just(180),
        Just(200),
        Just(202),
        Just(302),
        Just(487),
        Just(503),
        Just(603),
        0..1000u16
    ];
    prop_oneof![
        3 => (0..3u8).prop_map(Act::Ask),
        1 => (0..9usize).prop_map(Act::Cancel),
        1 => (0..9usize).prop_map(Act::Disown),
        6 => (0..30usize, status.clone()).prop_map(|(n, status)| Act::Respond(n, status)),
        6 => (0..5u8, 0..4u8).prop_map(|(method, branch)| Act::Hear(method, branch)),
        2 => (0..9usize).prop_map(Act::Ring),
        3 => (0..9usize, 200..700u16).prop_map(|(n, status)| Act::Answer(n, status)),
        3 => (0..20_000u64).prop_map(Act::Pass),
        1 => Just(Act::LoseFlow),
    ]
}

/// The state of the test.
struct Play {
    world: World,
    asked: Vec<ClientTx>,
    sent: Vec<Message>,
    held: Vec<(ServerTx, Message)>,
    /// How often each request of ours got its outcome; 2xx to an INVITE count once.
    finals: BTreeMap<ClientTx, usize>,
}

impl Play {
    fn act(&mut self, act: Act) {
        match act {
            Act::Ask(method) => {
                let tx = self.world.ask(OURS[usize::from(method)]);
                self.asked.push(tx);
            }
            Act::Cancel(n) => {
                if let Some(tx) = self.asked.get(n) {
                    self.world.txs.cancel(&mut self.world.bench.cx(), *tx);
                }
            }
            Act::Disown(n) => {
                if let Some(tx) = self.asked.get(n) {
                    self.world.txs.detach_owner(*tx);
                }
            }
            Act::Respond(n, status) => {
                let Some(request) = self.sent.get(n) else { return };
                // An invalid status code is refused by the parser.
                let bytes = format!("SIP/2.0 {status:03} x\r\n");
                let response = Builder::reply(request, 200, "OK", Some(b"b")).finish();
                let rest = response.iter().position(|b| *b == b'\n').map_or(0, |at| at + 1);
                let data = [bytes.as_bytes(), &response[rest..]].concat();
                if let Ok(response) = Message::parse(data.into(), &Limits::default()) {
                    self.hear(response);
                }
            }
            Act::Hear(method, branch) => {
                let method = THEIRS[usize::from(method)];
                self.hear(message(format!(
                    "{method} sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK{branch}\r\nMax-Forwards: 70\r\n\
                     From: <sip:b@c>;tag=b\r\nTo: <sip:a@b>;tag=a\r\nCall-ID: c\r\nCSeq: {} {method}\r\n\
                     Content-Length: 0\r\n\r\n",
                    branch + 1
                )));
            }
            Act::Ring(n) => {
                if let Some((tx, request)) = self.held.get(n) {
                    let response = Builder::reply(request, 180, "Ringing", Some(b"a")).finish();
                    self.world.txs.provisional(&mut self.world.bench.cx(), tx, response);
                }
            }
            Act::Answer(n, status) => {
                if n < self.held.len() {
                    let (tx, request) = self.held.swap_remove(n);
                    let response = Builder::reply(&request, status, "x", Some(b"a")).finish();
                    self.world.txs.finish(&mut self.world.bench.cx(), tx, status, response);
                }
            }
            Act::Pass(millis) => {
                let end = self.world.bench.now.as_nanos() as f64 / 1e9 + millis as f64 / 1e3;
                self.world.pass(end);
            }
            Act::LoseFlow => {
                for failed in self.world.txs.on_connection_lost(&mut self.world.bench.cx(), ConnectionId(1)) {
                    *self.finals.entry(failed.tx).or_default() += 1;
                }
            }
        }
        for message in self.world.bench.sent() {
            if message.is_request() && message.method() != Some(Method::Ack) && self.sent.len() < 30 {
                self.sent.push(message);
            }
        }
        for (_, failed) in self.world.failed.drain(..) {
            *self.finals.entry(failed.tx).or_default() += 1;
        }
    }

    fn hear(&mut self, message: Message) {
        match self.world.receive(message) {
            Routed::Request { tx, message } => self.held.push((tx, message)),
            Routed::Response { tx, message, .. } => {
                let invite = message.cseq().is_ok_and(|cseq| cseq.method == Method::Invite);
                match message.status() {
                    Some(200..=299) if invite => {
                        self.finals.insert(tx, 1);
                    }
                    Some(200..) => *self.finals.entry(tx).or_default() += 1,
                    _ => {}
                }
            }
            Routed::Ack(_) | Routed::Cancelled { .. } | Routed::Stray | Routed::Absorbed => {}
        }
    }
}

impl World {
    /// Like `run`, but leaves the outputs where they are.
    fn pass(&mut self, end: f64) {
        while let Some(timer) = self.bench.next_timer(at(end)) {
            match timer {
                Timer::Client(tx, timer) => {
                    let failed = self.txs.expire_client(&mut self.bench.cx(), tx, timer);
                    self.failed.extend(failed.map(|failed| (self.bench.now, failed)));
                }
                Timer::Server(tx, timer) => self.txs.expire_server(&mut self.bench.cx(), tx, timer),
                other => panic!("{other:?}"),
            }
        }
    }
}

proptest! {
    #[test]
    fn anything_may_happen_and_all_of_it_ends(udp: bool, acts in prop::collection::vec(act(), 1..80)) {
        let transport = if udp { Transport::Udp } else { Transport::Ws };
        let mut play = Play {
            world: World::new(transport),
            asked: Vec::new(),
            sent: Vec::new(),
            held: Vec::new(),
            finals: BTreeMap::new(),
        };
        for act in acts {
            play.act(act);
        }
        // Ringing calls are cancelled, requests answered, and time passes.
        for n in 0..play.asked.len() {
            play.act(Act::Cancel(n));
        }
        while !play.held.is_empty() {
            play.act(Act::Answer(0, 500));
        }
        play.act(Act::Pass(200_000));
        prop_assert!(play.finals.values().all(|n| *n == 1), "{:?}", play.finals);
        play.world.assert_empty();
    }
}
