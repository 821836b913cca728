mod any;
mod client;
mod server;

use super::*;
use crate::base::name::{Machine, Timer};
use crate::testing::{Bench, at, message, path};
use crate::{AccountId, Transport};
use offhook_wire::Limits;

/// The transaction layer on a bench, over one transport.
struct World {
    bench: Bench,
    txs: Transactions,
    path: Path,
    failed: Vec<(Instant, TxFailed)>,
}

const OWNER: Owner = Owner::Account(AccountId(7));

impl World {
    fn new(transport: Transport) -> Self {
        let mut bench = Bench::new();
        let txs = Transactions::new(bench.config.times, &mut bench.entropy);
        Self { bench, txs, path: path(transport), failed: Vec::new() }
    }

    /// Sends a request of ours.
    fn ask(&mut self, method: Method<'static>) -> ClientTx {
        self.txs.request(&mut self.bench.cx(), &self.path, OWNER, method, |via| {
            let mut request = Builder::request(method, b"sip:bob@example.com");
            request.header(HeaderName::Via, via);
            request.header(HeaderName::Route, "<sip:one;lr>, <sip:two;lr>");
            request.header(HeaderName::Route, "<sip:three;lr>");
            request.header(HeaderName::MaxForwards, "70");
            request.header(HeaderName::From, "<sip:alice@example.com>;tag=a");
            request.header(HeaderName::To, "<sip:bob@example.com>");
            request.header(HeaderName::CallId, "call");
            request.parts(HeaderName::CSeq, &[b"9 ", method.as_bytes()]);
            request.finish()
        })
    }

    fn receive(&mut self, message: Message) -> Routed {
        self.txs.receive(&mut self.bench.cx(), &self.path, message)
    }

    /// Advances the time to `end`, and returns what was sent: the time in seconds, and the method or status.
    fn run(&mut self, end: f64) -> Vec<(f64, String)> {
        let mut sent = self.sent();
        while let Some(timer) = self.bench.next_timer(at(end)) {
            match timer {
                Timer::Client(tx, timer) => {
                    let failed = self.txs.expire_client(&mut self.bench.cx(), tx, timer);
                    self.failed.extend(failed.map(|failed| (self.bench.now, failed)));
                }
                Timer::Server(tx, timer) => self.txs.expire_server(&mut self.bench.cx(), tx, timer),
                other => panic!("{other:?}"),
            }
            sent.extend(self.sent());
        }
        sent
    }

    /// What was sent now.
    fn sent(&mut self) -> Vec<(f64, String)> {
        let now = self.bench.now.as_nanos() as f64 / 1e9;
        self.bench.sent().iter().map(|message| (now, start_word(message))).collect()
    }

    /// Asserts that no transaction, timer or key is left.
    fn assert_empty(&self) {
        assert_eq!(self.txs.len(), 0);
        assert_eq!(self.bench.timers.len(), 0);
        assert!(self.txs.by_branch.is_empty() && self.txs.by_origin.is_empty());
    }
}

/// The method, or the status.
fn start_word(message: &Message) -> String {
    match (message.method(), message.status()) {
        (Some(method), _) => String::from_utf8_lossy(method.as_bytes()).into_owned(),
        (None, status) => status.expect("a response has a status").to_string(),
    }
}

/// The response of a peer.
fn response(request: &Message, status: u16) -> Message {
    message(Builder::reply(request, status, "Reason", (status > 100).then_some(b"b")).finish())
}

#[test]
fn machines_are_small() {
    assert!(size_of::<Client>() <= 144, "{}", size_of::<Client>());
    assert!(size_of::<Server>() <= 136, "{}", size_of::<Server>());
}
