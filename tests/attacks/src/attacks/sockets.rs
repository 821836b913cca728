//! Attack 3: connections without credentials that stay open: WebSockets that answer pings, and upgrades that never end.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::Stage;
use crate::figure::{Figure, Value};
use crate::peer::{Kind, Link, Target, connect};
use crate::siege::Siege;

/// From the first address, and from each of the others.
const FIRST: usize = 1024;
const OTHERS: usize = 48;
const EACH: usize = 64;
/// The pause before a refused connection is opened again; one that was open for longer is replaced immediately.
const AGAIN: Duration = Duration::from_secs(1);
/// A slow peer sends one byte in this time.
const BYTE: Duration = Duration::from_millis(250);
/// How long it goes on before new phones arrive, and in all.
const BEFORE: Duration = Duration::from_secs(4);
const LONGEST: Duration = Duration::from_secs(60);

#[derive(Copy, Clone, PartialEq, Eq)]
pub(super) enum Manner {
    /// WebSockets that answer pings and send nothing.
    Idle,
    /// TCP connections that send their upgrade byte by byte.
    Slow,
}

pub(super) async fn run(stage: Stage, manner: Manner) -> io::Result<Vec<Figure>> {
    let alone = stage.alone().await?;
    let name = match manner {
        Manner::Idle => "idle-sockets",
        Manner::Slow => "slow-upgrades",
    };
    let siege = Siege::start(name, &stage.program, &[], false).await?;
    let counts = Arc::new(Counts::default());
    let mut attackers = JoinSet::new();
    for from in addresses() {
        attackers.spawn(hold(siege.exchange.target, from, manner, counts.clone()));
    }
    let tried = attackers.len();
    sleep(BEFORE).await;
    let newcomers = siege.newcomers(first()).await?;
    attackers.shutdown().await;
    let most = counts.most.load(Ordering::Relaxed);
    let mut figures = vec![
        siege.figure("attacking connections", Value::count(tried as u64)),
        siege.figure("most of them open at a time", Value::count(most)),
    ];
    figures.extend(newcomers);
    let (lifted, recovery) = siege.lift().await?;
    drop(alone);
    figures.extend(lifted);
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

/// Keeps one connection, and opens it again when it is closed.
async fn hold(target: Target, from: IpAddr, manner: Manner, counts: Arc<Counts>) {
    let end = Instant::now() + LONGEST;
    while Instant::now() < end {
        let start = Instant::now();
        // However it ends, it is opened again.
        let _ = match manner {
            Manner::Idle => idle(target, from, &counts).await,
            Manner::Slow => slow(target, from, &counts).await,
        };
        if start.elapsed() < AGAIN {
            sleep(AGAIN).await;
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

/// Waits for the time of one byte, unless the other side closes.
async fn is_open(stream: &mut TcpStream) -> io::Result<()> {
    let mut answer = [0; 256];
    match timeout(BYTE, stream.read(&mut answer)).await {
        Ok(Ok(0)) => Err(ErrorKind::ConnectionAborted.into()),
        Ok(read) => read.map(drop),
        Err(_) => Ok(()),
    }
}
