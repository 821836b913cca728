//! Attack 6: wrong passwords for one account by six strategies, while its owner registers with the right one.

mod guesser;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::context::Context;
use crate::capacity::CapacityRun;
use crate::figure::{Figure, Limit, Unit, Value};
use crate::peer::{Account, Kind, Phone};
use guesser::{Guesser, Tally};

pub(super) const NAME: &str = "guessing";
pub(super) const TIME: &str = "time for 10,000 guesses, the fastest way";
const GUESSES: f64 = 10_000.0;
/// The duration of each strategy, and the delay before the owner registers.
const WINDOW: Duration = Duration::from_millis(2500);
const OWNER_DELAY: Duration = Duration::from_millis(800);

/// A strategy of guessing.
#[derive(Copy, Clone)]
struct Strategy {
    name: &'static str,
    kind: Kind,
    /// Simultaneous guessers, and the number of their addresses.
    guessers: usize,
    addresses: usize,
    /// A new connection or port for each guess.
    fresh: bool,
}

const STRATEGIES: [Strategy; 6] = [
    Strategy { name: "one WebSocket", kind: Kind::Ws, guessers: 1, addresses: 1, fresh: false },
    Strategy { name: "32 WebSockets, one address", kind: Kind::Ws, guessers: 32, addresses: 1, fresh: false },
    Strategy {
        name: "64 WebSockets, 64 addresses",
        kind: Kind::Ws,
        guessers: 64,
        addresses: 64,
        fresh: false,
    },
    Strategy {
        name: "a new WebSocket for each guess",
        kind: Kind::Ws,
        guessers: 16,
        addresses: 1,
        fresh: true,
    },
    Strategy { name: "one UDP port", kind: Kind::Udp, guessers: 1, addresses: 1, fresh: false },
    Strategy {
        name: "a new UDP port for each guess",
        kind: Kind::Udp,
        guessers: 16,
        addresses: 1,
        fresh: true,
    },
];

impl Strategy {
    /// Each strategy has a victim and addresses of its own, so that the budgets are independent.
    fn victim(index: usize) -> String {
        format!("victim{index}")
    }

    fn address(self, index: usize, guesser: usize) -> IpAddr {
        Ipv4Addr::new(127, 70, index as u8, (guesser % self.addresses) as u8 + 1).into()
    }
}

pub(super) async fn run(context: Context) -> io::Result<Vec<Figure>> {
    let alone = context.alone().await?;
    let victims: Vec<String> = (0..STRATEGIES.len()).map(Strategy::victim).collect();
    let users: Vec<&str> = victims.iter().map(String::as_str).collect();
    let run = CapacityRun::start(NAME, &context.program, &users, false).await?;
    let mut sums = Sums::default();
    let mut figures = Vec::new();
    for (index, strategy) in STRATEGIES.into_iter().enumerate() {
        let account = run.exchange.account(&Strategy::victim(index));
        let tally = guess(strategy, index, &account, &mut sums).await?;
        let verified = tally.verdicts as f64 / WINDOW.as_secs_f64();
        sums.fastest = sums.fastest.max(verified);
        let rate = Value::Number(verified, Unit::PerSecond);
        figures.push(run.figure(format!("guesses judged, {}", strategy.name), rate));
        let sent = Value::count(tally.sent());
        figures.push(run.figure(format!("guesses sent in {WINDOW:?}, {}", strategy.name), sent));
    }
    figures.extend(arrivals(&run).await?);
    figures.extend(sums.figures(&run));
    let (end_figures, recovery) = run.end_attack().await?;
    drop(alone);
    figures.extend(end_figures);
    figures.extend(recovery.finish().await?);
    Ok(figures)
}

/// Sums over all strategies.
#[derive(Default)]
struct Sums {
    fastest: f64,
    /// Owners that registered at the first attempt, and all owners: at the address of guessers that keep their connections, and of guessers
    /// that open one for each guess.
    at_same: [(u32, u32); 2],
    elsewhere: (u32, u32),
    /// Right passwords that were accepted after a 503 for a wrong one, and all that were sent.
    accepted_after: (u32, u32),
}

impl Sums {
    fn figures(&self, run: &CapacityRun) -> Vec<Figure> {
        let share = |(some, of)| Value::share(some, of);
        let time = match self.fastest {
            0.0 => Value::Never,
            rate => Value::Number(GUESSES / rate, Unit::Seconds),
        };
        let accepted_after =
            if self.accepted_after.1 == 0 { Value::Unknown } else { share(self.accepted_after) };
        vec![
            run.figure(TIME, time),
            run.figure("owner registers at the first try, other address", share(self.elsewhere))
                .limit(Limit::All),
            run.figure("owner registers at the first try, same address", share(self.at_same[0]))
                .limit(Limit::All),
            // These are indistinguishable from the owner.
            run.figure("the same, a new connection or port for each guess", share(self.at_same[1])),
            run.figure("right password judged after a 503 on the same flow", accepted_after)
                .limit(Limit::None),
        ]
    }
}

/// Guesses by one strategy for some time.
async fn guess(strategy: Strategy, index: usize, account: &Account, sums: &mut Sums) -> io::Result<Tally> {
    let end = Instant::now() + WINDOW;
    let mut guessing = JoinSet::new();
    for guesser in 0..strategy.guessers {
        let from = strategy.address(index, guesser);
        guessing.spawn(Guesser::new(account.clone(), strategy.kind, from, strategy.fresh).run(end));
    }
    sleep(OWNER_DELAY).await;
    let elsewhere = Ipv4Addr::new(127, 71, index as u8, 1).into();
    let at_same = strategy.address(index, 0);
    let (elsewhere, at_same) = tokio::join!(owner(account, elsewhere), owner(account, at_same));
    let same = &mut sums.at_same[usize::from(strategy.fresh)];
    for (count, is_registered) in [(&mut sums.elsewhere, elsewhere), (same, at_same)] {
        count.0 += u32::from(is_registered);
        count.1 += 1;
    }
    let mut tally = Tally::default();
    while let Some(one) = guessing.join_next().await {
        tally.add(&one?);
    }
    sums.accepted_after.0 += tally.accepted;
    sums.accepted_after.1 += tally.right_sent;
    Ok(tally.effective())
}

/// Whether the owner registers at the first attempt.
async fn owner(account: &Account, from: IpAddr) -> bool {
    match Phone::open(account.clone(), Kind::Ws, from).await {
        Ok(mut phone) => phone.register().await.is_ok(),
        Err(_) => false,
    }
}

/// New phones register while the account of the first strategy is attacked again, over many connections.
async fn arrivals(run: &CapacityRun) -> io::Result<Vec<Figure>> {
    let strategy = STRATEGIES[1];
    let mut guessing = JoinSet::new();
    for guesser in 0..strategy.guessers {
        let account = run.exchange.account(&Strategy::victim(0));
        let from = strategy.address(0, guesser);
        guessing.spawn(
            Guesser::new(account, strategy.kind, from, strategy.fresh).run(Instant::now() + 4 * WINDOW),
        );
    }
    let new_phones = run.new_phones(strategy.address(0, 0)).await;
    guessing.shutdown().await;
    new_phones
}
