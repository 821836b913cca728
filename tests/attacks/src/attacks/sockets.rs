//! Attack 3: unauthenticated connections: WebSockets that answer pings, and upgrades that never end.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::context::Context;
use crate::capacity::CapacityRun;
use crate::figure::{Figure, Value};
use crate::peer::{Kind, Link, Target, connect};

/// Connections from the first address, other addresses, and connections from each of these.
const FIRST: usize = 1024;
const OTHERS: usize = 48;
const EACH: usize = 64;
/// The delay before a refused connection is opened again; one that was open for longer is replaced immediately.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// The interval between bytes of a slow peer.
const BYTE: Duration = Duration::from_millis(250);
/// The time before new phones register, and the total time.
const BEFORE: Duration = Duration::from_secs(4);
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Copy, Clone, PartialEq, Eq)]
pub(super) enum SocketAttack {
    /// WebSockets that answer pings and send nothing.
    Idle,
    /// TCP connections that send their upgrade byte by byte.
    Slow,
}

pub(super) async fn run(context: Context, attack: SocketAttack) -> io::Result<Vec<Figure>> {
    let alone = context.alone().await?;
    let name = match attack {
        SocketAttack::Idle => "idle-sockets",
        SocketAttack::Slow => "slow-upgrades",
    };
    let run = CapacityRun::start(name, &context.program, &[], false).await?;
    let counts = Arc::new(Counts::default());
    let mut attackers = JoinSet::new();
    for from in addresses() {
        attackers.spawn(hold(run.exchange.target, from, attack, counts.clone()));
    }
    let tried = attackers.len();
    sleep(BEFORE).await;
    let new_phones = run.new_phones(first()).await?;
    attackers.shutdown().await;
    let most = counts.most.load(Ordering::Relaxed);
    let mut figures = vec![
        run.figure("attacking connections", Value::count(tried as u64)),
        run.figure("most of them open at a time", Value::count(most)),
    ];
    figures.extend(new_phones);
    let (end_figures, recovery) = run.end_attack().await?;
    drop(alone);
    figures.extend(end_figures);
    figures.extend(recovery.finish().await?);
    Ok(figures)
}

fn first() -> IpAddr {
    Ipv4Addr::new(127, 67, 0, 1).into()
}

fn addresses() -> impl Iterator<Item = IpAddr> {
    let others = (0..OTHERS * EACH).map(|index| Ipv4Addr::new(127, 67, 1, (index % OTHERS) as u8 + 1).into());
    (0..FIRST).map(|_| first()).chain(others)
}

#[derive(Default)]
struct Counts {
    open: AtomicU64,
    most: AtomicU64,
}

impl Counts {
    fn opened(self: &Arc<Self>) -> Open {
        let now = self.open.fetch_add(1, Ordering::Relaxed) + 1;
        self.most.fetch_max(now, Ordering::Relaxed);
        Open(self.clone())
    }
}

/// One open connection.
struct Open(Arc<Counts>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Holds one connection, and opens it again when it is closed.
async fn hold(target: Target, from: IpAddr, attack: SocketAttack, counts: Arc<Counts>) {
    let end = Instant::now() + LONGEST;
    while Instant::now() < end {
        let start = Instant::now();
        // It is opened again in any case.
        let _ = match attack {
            SocketAttack::Idle => idle(target, from, &counts).await,
            SocketAttack::Slow => slow(target, from, &counts).await,
        };
        if start.elapsed() < RETRY_DELAY {
            sleep(RETRY_DELAY).await;
        }
    }
}

async fn idle(target: Target, from: IpAddr, counts: &Arc<Counts>) -> io::Result<()> {
    let mut link = Link::open(Kind::Ws, from, target).await?;
    let _open = counts.opened();
    loop {
        link.receive().await?;
    }
}

async fn slow(target: Target, from: IpAddr, counts: &Arc<Counts>) -> io::Result<()> {
    let mut stream = connect(from, target.ws).await?;
    let _open = counts.opened();
    for &byte in b"GET / HTTP/1.1\r\nHost: ".iter().chain(std::iter::repeat_n(&b'x', 1000)) {
        stream.write_all(&[byte]).await?;
        is_open(&mut stream).await?;
    }
    Ok(())
}

/// Waits for the interval of one byte, unless the exchange closes the connection.
async fn is_open(stream: &mut TcpStream) -> io::Result<()> {
    let mut answer = [0; 256];
    match timeout(BYTE, stream.read(&mut answer)).await {
        Ok(Ok(0)) => Err(ErrorKind::ConnectionAborted.into()),
        Ok(read) => read.map(drop),
        Err(_) => Ok(()),
    }
}
