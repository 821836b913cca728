//! The environment of an attack on capacity: an exchange with a thousand registered phones and probes, new phones during the attack, and the
//! memory of the exchange before, during and after it.

mod fleet;
mod new_phone;
mod probe;

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until, timeout};

use crate::exchange::{Exchange, Load, Program};
use crate::figure::{Figure, Limit, Value};
use crate::peer::{Kind, Serving};
use probe::{Probe, Tally};

/// The limit on resident memory (VmHWM, in MB), with a thousand registered phones and under attack.
const MAX_RESIDENT: f64 = 128.0;
/// How long after the attack the accounted bytes may stay above their former value.
const RECOVERY: Duration = Duration::from_secs(60);
/// Bytes above the former value that are ignored: the registered phones still send requests.
const TOLERANCE: u64 = 64 * 1024;
/// The interval of reading the load.
const POLL: Duration = Duration::from_millis(250);
const NEWCOMERS: usize = 4;

pub(crate) struct CapacityRun {
    name: &'static str,
    pub(crate) exchange: Exchange,
    phones: Vec<Serving>,
    probe: Probe,
    /// Before the attack.
    resident: Option<f64>,
    load: Option<Load>,
}

impl CapacityRun {
    /// Starts an exchange with `users` besides its own, and registers a thousand phones.
    pub(crate) async fn start(
        name: &'static str,
        program: &Program,
        users: &[&str],
        guests: bool,
    ) -> io::Result<Self> {
        let own = probe::USERS.iter().chain(users).map(|&user| user.to_owned());
        let new_phones = (0..NEWCOMERS).map(|index| format!("new{index}"));
        let users: Vec<String> = fleet::users().chain(own).chain(new_phones).collect();
        let exchange = Exchange::start(program, &users, guests).await?;
        let phones = fleet::register(&exchange).await?;
        let probe = Probe::start(&exchange).await?;
        let load = settled_load(&exchange).await;
        exchange.memory.reset_peak();
        let resident = exchange.memory.resident();
        Ok(Self { name, exchange, phones, probe, resident, load })
    }

    pub(crate) fn figure(&self, name: impl Into<String>, value: Value) -> Figure {
        Figure::new(self.name, name, value)
    }

    /// Four new phones register and call simultaneously: on a WebSocket and on UDP, from an unused address and from the attacker's.
    pub(crate) async fn new_phones(&self, attacker: IpAddr) -> io::Result<Vec<Figure>> {
        let own: IpAddr = Ipv4Addr::new(127, 30, 0, 1).into();
        let kinds = [
            ("a new phone (WebSocket) registers and calls", Kind::Ws, own),
            ("a new phone (UDP) registers and calls", Kind::Udp, own),
            ("a new phone (WebSocket) at the attacker's address", Kind::Ws, attacker),
            ("a new phone (UDP) at the attacker's address", Kind::Udp, attacker),
        ];
        let callee = fleet::callee(&self.exchange);
        let mut arriving = JoinSet::new();
        for (index, (name, kind, from)) in kinds.into_iter().enumerate() {
            let account = self.exchange.account(&format!("new{index}"));
            let arrival = new_phone::arrive(account, kind, from, callee.clone());
            arriving.spawn(async move { (index, name, arrival.await) });
        }
        let mut arrived = Vec::new();
        while let Some(one) = arriving.join_next().await {
            arrived.push(one?);
        }
        arrived.sort_by_key(|&(index, ..)| index);
        let figure = |(_, name, took): (usize, &str, Option<Duration>)| {
            self.figure(name, Value::seconds(took)).at_most(new_phone::LIMIT.as_secs_f64())
        };
        Ok(arrived.into_iter().map(figure).collect())
    }

    /// Ends the attack. Returns the figures of the probes, and the peaks. The phones stay registered.
    pub(crate) async fn end_attack(self) -> io::Result<(Vec<Figure>, Recovery)> {
        let Self { name, mut exchange, phones, probe, resident, load } = self;
        let figure = |name_of: &str, value: Value| Figure::new(name, name_of, value);
        let (refreshed, reached) = probe.stop().await?;
        let share = |tally: Tally| Value::share(tally.good, tally.tried);
        let mut figures = vec![
            figure("registered phones refresh", share(refreshed)).limit(Limit::All),
            figure("registered phones are reached", share(reached)).limit(Limit::All),
            figure("slowest of these", Value::seconds(Some(refreshed.slowest.max(reached.slowest)))),
            figure("resident memory before", Value::megabytes(resident)),
            figure("most resident memory", Value::megabytes(exchange.memory.peak())).at_most(MAX_RESIDENT),
            figure("most accounted bytes", Value::bytes(exchange.load().map(|load| load.most))),
        ];
        let runs = Value::share(u32::from(exchange.runs()), 1);
        figures.push(figure("the exchange still runs", runs).limit(Limit::All));
        let recovery = Recovery { name, exchange, _phones: phones, load, since: Instant::now() };
        Ok((figures, recovery))
    }
}

/// The time after an attack.
pub(crate) struct Recovery {
    name: &'static str,
    exchange: Exchange,
    _phones: Vec<Serving>,
    load: Option<Load>,
    since: Instant,
}

impl Recovery {
    /// Waits for 60 s, and measures when the accounted bytes have returned to their former value.
    pub(crate) async fn finish(self) -> io::Result<Vec<Figure>> {
        let end = self.since + RECOVERY;
        let before = self.load.map(|load| load.bytes);
        let mut recovered = None;
        while Instant::now() < end && recovered.is_none() {
            sleep(POLL).await;
            let now = self.exchange.load().map(|load| load.bytes);
            let is_back = before.zip(now).is_some_and(|(before, now)| now <= before + TOLERANCE);
            recovered = is_back.then(|| self.since.elapsed());
        }
        let value = if before.is_some() { Value::seconds(recovered) } else { Value::Unknown };
        sleep_until(end).await;
        let after = self.exchange.memory.resident();
        let name = self.name;
        self.exchange.stop().await?;
        Ok(vec![
            Figure::new(name, "time until accounted bytes are as before", value)
                .at_most(RECOVERY.as_secs_f64()),
            Figure::new(name, "resident memory after 60 s", Value::megabytes(after)),
        ])
    }
}

/// The load after all phones have registered; none if the program does not report it.
async fn settled_load(exchange: &Exchange) -> Option<Load> {
    let mut loads = exchange.loads();
    for _ in 0..2 {
        // The program may report nothing.
        timeout(Duration::from_secs(3), loads.changed()).await.ok()?.ok()?;
    }
    exchange.load()
}
