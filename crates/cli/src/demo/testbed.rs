//! The exchange and three phones on one clock.

use super::phone::{DOMAIN, DemoPhone};
use super::step::{Failure, Proof};
use offhook_exchange::Config;
use offhook_tokio::{Clock, ExchangeServer, Listen, Options, Recorder, Tap, TappedMessage};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

/// The maximum of messages kept for the ladder, for each phone.
const KEPT: usize = 2_000;

pub(super) struct Testbed {
    pub(super) exchange: ExchangeServer,
    pub(super) alice: DemoPhone,
    pub(super) bob: DemoPhone,
    pub(super) carol: DemoPhone,
    taps: Vec<MessageLog>,
}

/// A SIP message, and the phone that sent or received it.
pub(super) struct LoggedMessage {
    pub(super) owner: &'static str,
    pub(super) tapped: TappedMessage,
}

#[derive(Clone)]
struct MessageLog {
    owner: &'static str,
    list: Arc<Mutex<Vec<TappedMessage>>>,
}

impl MessageLog {
    fn new(owner: &'static str) -> (Self, Tap) {
        let list: Arc<Mutex<Vec<TappedMessage>>> = Arc::default();
        let kept = Arc::clone(&list);
        let tap = Tap::new(move |tapped| {
            let mut kept = kept.lock().expect("no panic while locked");
            if kept.len() < KEPT {
                kept.push(tapped);
            }
        });
        (Self { owner, list }, tap)
    }
}

impl Testbed {
    pub(super) async fn open(recorder: Option<&Recorder>) -> Result<(Self, Proof), Failure> {
        let config = Config::new(DOMAIN)
            .with_user("alice", "wonderland")
            .with_user("bob", "builder")
            .with_user("carol", "christmas");
        let free = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let exchange =
            ExchangeServer::start(config, Listen::ws(free)).await.map_err(|why| Failure(why.to_string()))?;
        let at = exchange.addresses().ws.ok_or_else(|| Failure("no address".to_owned()))?;
        let server = format!("ws://{at}");
        let clock = Clock::start();
        let mut taps = Vec::new();
        let mut phones = Vec::new();
        for (name, password, hz) in
            [("alice", "wonderland", 440.0), ("bob", "builder", 660.0), ("carol", "christmas", 880.0)]
        {
            let (log, tap) = MessageLog::new(name);
            taps.push(log);
            let mut options = Options::default().with_clock(clock).with_tap(tap);
            options.recorder = recorder.map(|recorder| recorder.track(name));
            phones.push(DemoPhone::new(name, password, hz, &server, options).await?);
        }
        let [alice, bob, carol] =
            <[DemoPhone; 3]>::try_from(phones).map_err(|_| Failure("three phones".to_owned()))?;
        let proof = Proof::new(format!("listens on {server}"), json!({ "server": server }));
        Ok((Self { exchange, alice, bob, carol, taps }, proof))
    }

    pub(super) fn phones(&mut self) -> [&mut DemoPhone; 3] {
        [&mut self.alice, &mut self.bob, &mut self.carol]
    }

    /// All messages so far, in order of time.
    pub(super) fn messages(&self) -> Vec<LoggedMessage> {
        let mut all = Vec::new();
        for MessageLog { owner, list } in &self.taps {
            let list = list.lock().expect("no panic while locked");
            all.extend(list.iter().map(|tapped| LoggedMessage { owner, tapped: tapped.clone() }));
        }
        all.sort_by_key(|logged| logged.tapped.at);
        all
    }

    pub(super) async fn close(mut self) -> Result<((), Proof), Failure> {
        tokio::join!(self.alice.phone.stop(), self.bob.phone.stop(), self.carol.phone.stop());
        self.exchange.stop().await;
        Ok(((), Proof::new("unregistered and closed", json!({}))))
    }
}
