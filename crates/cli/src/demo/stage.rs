//! Who takes part: the exchange and three phones on one clock.

use super::actor::Actor;
use super::{Failure, Proof};
use offhook_exchange::Config;
use offhook_tokio::{Clock, ExchangeServer, Listen, Options, Recorder, Tap, TappedMessage};
use serde_json::json;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

/// The domain of the demonstration. RFC 6761 §6.2 keeps it out of the DNS.
pub(super) const DOMAIN: &str = "offhook.test";
/// Messages kept for the ladder, of each phone.
const KEPT: usize = 2_000;

pub(super) struct Stage {
    pub(super) exchange: ExchangeServer,
    pub(super) alice: Actor,
    pub(super) bob: Actor,
    pub(super) carol: Actor,
    taps: Vec<Tapping>,
}

/// One SIP message, and whose phone sent or received it.
pub(super) struct Noted {
    pub(super) who: &'static str,
    pub(super) tapped: TappedMessage,
}

#[derive(Clone)]
struct Tapping {
    who: &'static str,
    list: Arc<Mutex<Vec<TappedMessage>>>,
}

impl Tapping {
    fn new(who: &'static str) -> (Self, Tap) {
        let list: Arc<Mutex<Vec<TappedMessage>>> = Arc::default();
        let kept = Arc::clone(&list);
        let tap = Tap::new(move |tapped| {
            let mut kept = kept.lock().expect("no panic while it is held");
            if kept.len() < KEPT {
                kept.push(tapped);
            }
        });
        (Self { who, list }, tap)
    }
}

impl Stage {
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
        let mut actors = Vec::new();
        for (name, password, hz) in
            [("alice", "wonderland", 440.0), ("bob", "builder", 660.0), ("carol", "christmas", 880.0)]
        {
            let (tapping, tap) = Tapping::new(name);
            taps.push(tapping);
            let recorder = recorder.map(|recorder| recorder.track(name));
            let options = Options { clock: Some(clock), tap: Some(tap), recorder, ..Options::default() };
            actors.push(Actor::new(name, password, hz, &server, options).await?);
        }
        let [alice, bob, carol] =
            <[Actor; 3]>::try_from(actors).map_err(|_| Failure("three phones".to_owned()))?;
        let proof = Proof::new(format!("listens on {server}"), json!({ "server": server }));
        Ok((Self { exchange, alice, bob, carol, taps }, proof))
    }

    pub(super) fn actors(&mut self) -> [&mut Actor; 3] {
        [&mut self.alice, &mut self.bob, &mut self.carol]
    }

    /// All messages so far, in order of time.
    pub(super) fn messages(&self) -> Vec<Noted> {
        let mut all = Vec::new();
        for Tapping { who, list } in &self.taps {
            let list = list.lock().expect("no panic while it is held");
            all.extend(list.iter().map(|tapped| Noted { who, tapped: tapped.clone() }));
        }
        all.sort_by_key(|noted| noted.tapped.at);
        all
    }

    pub(super) async fn close(mut self) -> Result<((), Proof), Failure> {
        tokio::join!(self.alice.phone.stop(), self.bob.phone.stop(), self.carol.phone.stop());
        self.exchange.stop().await;
        Ok(((), Proof::new("unregistered and closed", json!({}))))
    }
}
