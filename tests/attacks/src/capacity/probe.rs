//! Two registered phones, one on a WebSocket and one on UDP, that refresh their registration during an attack, and a third one that sends
//! them OPTIONS through the exchange.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::exchange::Exchange;
use crate::peer::{Account, Kind, Phone};

pub(super) const USERS: [&str; 3] = ["watched-ws", "watched-udp", "watcher"];
/// The interval of the refreshes and of the OPTIONS.
const INTERVAL: Duration = Duration::from_millis(500);

/// A count of attempts.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) tried: u32,
    pub(crate) good: u32,
    /// The slowest successful one.
    pub(crate) slowest: Duration,
}

pub(super) struct Probe {
    stop: watch::Sender<bool>,
    refreshing: [JoinHandle<Tally>; 2],
    calling: JoinHandle<Tally>,
}

impl Tally {
    async fn count(&mut self, attempt: impl Future<Output = io::Result<()>>) -> io::Result<()> {
        let start = Instant::now();
        let outcome = attempt.await;
        self.tried += 1;
        if outcome.is_ok() {
            self.good += 1;
            self.slowest = self.slowest.max(start.elapsed());
        }
        outcome
    }

    fn and(self, other: Self) -> Self {
        let slowest = self.slowest.max(other.slowest);
        Self { tried: self.tried + other.tried, good: self.good + other.good, slowest }
    }
}

impl Probe {
    pub(super) async fn start(exchange: &Exchange) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let [ws, udp, watcher] = USERS.map(|user| exchange.account(user));
        let callees = [ws.aor(), udp.aor()];
        let ws = registered(ws, Kind::Ws, 1).await?;
        let udp = registered(udp, Kind::Udp, 2).await?;
        let watcher = registered(watcher, Kind::Ws, 3).await?;
        let refreshing = [ws, udp].map(|phone| tokio::spawn(refresh(phone, stopped.clone())));
        let calling = tokio::spawn(probe(watcher, callees, stopped));
        Ok(Self { stop, refreshing, calling })
    }

    /// Stops the probes. Returns the counts of refreshes and of OPTIONS.
    pub(super) async fn stop(self) -> io::Result<(Tally, Tally)> {
        self.stop.send_replace(true);
        let [ws, udp] = self.refreshing;
        let refreshed = ws.await?.and(udp.await?);
        Ok((refreshed, self.calling.await?))
    }
}

async fn registered(account: Account, kind: Kind, index: u8) -> io::Result<Phone> {
    let address: IpAddr = Ipv4Addr::new(127, 20, 0, index).into();
    let mut phone = Phone::open(account, kind, address).await?;
    phone.register().await?;
    Ok(phone)
}

/// After the loss of its link, each refresh counts as failed.
async fn refresh(mut phone: Phone, stop: watch::Receiver<bool>) -> Tally {
    let mut tally = Tally::default();
    while !*stop.borrow() {
        if phone.serve_until(Instant::now() + INTERVAL).await.is_err() {
            sleep(INTERVAL).await;
        }
        // A failure is counted.
        let _ = tally.count(phone.register()).await;
    }
    tally
}

async fn probe(mut watcher: Phone, callees: [String; 2], stop: watch::Receiver<bool>) -> Tally {
    let mut tally = Tally::default();
    while !*stop.borrow() {
        for callee in &callees {
            // A failure is counted.
            let _ = tally.count(watcher.reach(callee)).await;
        }
        if watcher.serve_until(Instant::now() + INTERVAL).await.is_err() {
            sleep(INTERVAL).await;
        }
    }
    tally
}
