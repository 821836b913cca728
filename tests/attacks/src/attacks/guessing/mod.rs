//! Attack 6: wrong passwords for one account, in six ways; meanwhile its owner registers with the right one.

mod guesser;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::Stage;
use crate::figure::{Figure, Limit, Unit, Value};
use crate::peer::{Account, Kind, Phone};
use crate::siege::Siege;
use guesser::{Guesser, Tally};

pub(super) const NAME: &str = "guessing";
pub(super) const TIME: &str = "time for 10,000 guesses, the fastest way";
const GUESSES: f64 = 10_000.0;
/// How long each way is tried, and when in it the owner comes.
const WINDOW: Duration = Duration::from_millis(2500);
const OWNER: Duration = Duration::from_millis(800);

/// One way to guess.
#[derive(Copy, Clone)]
struct Way {
    name: &'static str,
    kind: Kind,
    /// Guessers at the same time, and the addresses that they share.
    guessers: usize,
    addresses: usize,
    /// A new connection or port for each guess.
    fresh: bool,
}

const WAYS: [Way; 6] = [
    Way { name: "one WebSocket", kind: Kind::Ws, guessers: 1, addresses: 1, fresh: false },
    Way { name: "32 WebSockets, one address", kind: Kind::Ws, guessers: 32, addresses: 1, fresh: false },
    Way { name: "64 WebSockets, 64 addresses", kind: Kind::Ws, guessers: 64, addresses: 64, fresh: false },
    Way { name: "a new WebSocket for each guess", kind: Kind::Ws, guessers: 16, addresses: 1, fresh: true },
    Way { name: "one UDP port", kind: Kind::Udp, guessers: 1, addresses: 1, fresh: false },
    Way { name: "a new UDP port for each guess", kind: Kind::Udp, guessers: 16, addresses: 1, fresh: true },
];

impl Way {
    /// Each way has a victim and addresses of its own, so that none finds the budget of another used up.
    fn victim(index: usize) -> String {
        format!("victim{index}")
    }

    fn address(self, index: usize, guesser: usize) -> IpAddr {
        Ipv4Addr::new(127, 70, index as u8, (guesser % self.addresses) as u8 + 1).into()
    }
}

pub(super) async fn run(stage: Stage) -> io::Result<Vec<Figure>> {
    let alone = stage.alone().await?;
    let victims: Vec<String> = (0..WAYS.len()).map(Way::victim).collect();
    let users: Vec<&str> = victims.iter().map(String::as_str).collect();
    let siege = Siege::start(NAME, &stage.program, &users, false).await?;
    let mut sums = Sums::default();
    let mut figures = Vec::new();
    for (index, way) in WAYS.into_iter().enumerate() {
        let account = siege.exchange.account(&Way::victim(index));
        let tally = guess(way, index, &account, &mut sums).await?;
        let judged = tally.verdicts as f64 / WINDOW.as_secs_f64();
        sums.fastest = sums.fastest.max(judged);
        let rate = Value::Number(judged, Unit::PerSecond);
        figures.push(siege.figure(format!("guesses judged, {}", way.name), rate));
        let sent = Value::count(tally.sent());
        figures.push(siege.figure(format!("guesses sent in {WINDOW:?}, {}", way.name), sent));
    }
    figures.extend(arrivals(&siege).await?);
    figures.extend(sums.figures(&siege));
    let (lifted, recovery) = siege.lift().await?;
    drop(alone);
    figures.extend(lifted);
    figures.extend(recovery.finish().await?);
    Ok(figures)
}

/// What is counted over all ways.
#[derive(Default)]
struct Sums {
    fastest: f64,
    /// Owners that registered at the first try, of so many: at the address of guessers that keep their connections, and of guessers that
    /// open one for each guess.
    at_same: [(u32, u32); 2],
    elsewhere: (u32, u32),
    /// Right passwords that were taken where a wrong one had just been refused unjudged, of so many.
    accepted_after: (u32, u32),
}

impl Sums {
    fn figures(&self, siege: &Siege) -> Vec<Figure> {
        let share = |(some, of)| Value::share(some, of);
        let time = match self.fastest {
            0.0 => Value::Never,
            rate => Value::Number(GUESSES / rate, Unit::Seconds),
        };
        let accepted_after =
            if self.accepted_after.1 == 0 { Value::Unknown } else { share(self.accepted_after) };
        vec![
            siege.figure(TIME, time),
            siege
                .figure("owner registers at the first try, other address", share(self.elsewhere))
                .limit(Limit::All),
            siege
                .figure("owner registers at the first try, same address", share(self.at_same[0]))
                .limit(Limit::All),
            // Nothing tells these from the owner.
            siege.figure("the same, a new connection or port for each guess", share(self.at_same[1])),
            siege
                .figure("right password judged after a 503 on the same flow", accepted_after)
                .limit(Limit::None),
        ]
    }
}

/// Guesses in one way for some time.
async fn guess(way: Way, index: usize, account: &Account, sums: &mut Sums) -> io::Result<Tally> {
    let end = Instant::now() + WINDOW;
    let mut guessing = JoinSet::new();
    for guesser in 0..way.guessers {
        let from = way.address(index, guesser);
        guessing.spawn(Guesser::new(account.clone(), way.kind, from, way.fresh).run(end));
    }
    sleep(OWNER).await;
    let elsewhere = Ipv4Addr::new(127, 71, index as u8, 1).into();
    let at_same = way.address(index, 0);
    let (elsewhere, at_same) = tokio::join!(owner(account, elsewhere), owner(account, at_same));
    let same = &mut sums.at_same[usize::from(way.fresh)];
    for (count, is_registered) in [(&mut sums.elsewhere, elsewhere), (same, at_same)] {
        count.0 += u32::from(is_registered);
        count.1 += 1;
    }
    let mut tally = Tally::default();
    while let Some(one) = guessing.join_next().await {
        tally.add(&one?);
    }
    sums.accepted_after.0 += tally.accepted;
    sums.accepted_after.1 += tally.asked;
    Ok(tally.effective())
}

/// Whether the owner registers with the first credentials that it sends.
async fn owner(account: &Account, from: IpAddr) -> bool {
    match Phone::open(account.clone(), Kind::Ws, from).await {
        Ok(mut phone) => phone.register().await.is_ok(),
        Err(_) => false,
    }
}

/// New phones arrive while the account of the first way is guessed once more, over many connections.
async fn arrivals(siege: &Siege) -> io::Result<Vec<Figure>> {
    let way = WAYS[1];
    let mut guessing = JoinSet::new();
    for guesser in 0..way.guessers {
        let account = siege.exchange.account(&Way::victim(0));
        let from = way.address(0, guesser);
        guessing.spawn(Guesser::new(account, way.kind, from, way.fresh).run(Instant::now() + 4 * WINDOW));
    }
    let newcomers = siege.newcomers(way.address(0, 0)).await;
    guessing.shutdown().await;
    newcomers
}
