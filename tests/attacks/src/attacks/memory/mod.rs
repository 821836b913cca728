//! Attack 4: what strangers make the exchange hold.

mod away;
mod guests;
mod halves;
mod requests;
mod unread;

use std::any::Any;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::Stage;
use crate::exchange::Exchange;
use crate::figure::{Figure, Value};
use crate::peer::{Account, Kind, Link, Target};
use crate::siege::Siege;

/// Bytes of a large body; with it a request fits into a datagram.
const BODY: usize = 60_000;
/// New phones arrive so long after the start.
const BEFORE: Duration = Duration::from_millis(1500);
/// How long one attack may send.
const LONGEST: Duration = Duration::from_secs(20);
/// How long an attacker waits for an answer before it sends the next request.
const ANSWER: Duration = Duration::from_millis(250);

/// What the exchange is made to hold.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(super) enum Burden {
    /// Unauthenticated requests with large bodies.
    Requests,
    /// Calls of guests to a phone that rings; then the callers leave.
    Guests,
    /// Requests for a peer that is away.
    Away,
    /// Answers and requests for peers that do not read.
    Unread,
    /// Half-sent WebSocket frames.
    Halves,
}

impl Burden {
    fn name(self) -> &'static str {
        match self {
            Burden::Requests => "memory-requests",
            Burden::Guests => "memory-guests",
            Burden::Away => "memory-away",
            Burden::Unread => "memory-unread",
            Burden::Halves => "memory-halves",
        }
    }

    /// An address of this attack.
    fn address(self, index: usize) -> IpAddr {
        Ipv4Addr::new(127, 69, self as u8, (index % 250) as u8 + 1).into()
    }

    fn has_guests(self) -> bool {
        matches!(self, Burden::Guests | Burden::Away | Burden::Unread)
    }
}

/// Where an attack takes place, and the account of the phone that it needs.
struct Scene {
    burden: Burden,
    target: Target,
    callee: Account,
}

/// The outcome of sending.
#[derive(Default)]
struct Sent {
    figures: Vec<(&'static str, Value)>,
    /// Open until the attack ends.
    held: Vec<Box<dyn Any + Send>>,
    /// Open until the exchange is stopped.
    stays: Vec<Box<dyn Any + Send>>,
}

pub(super) async fn run(stage: Stage, burden: Burden) -> io::Result<Vec<Figure>> {
    let alone = stage.alone().await?;
    let siege = Siege::start(burden.name(), &stage.program, &["callee"], burden.has_guests()).await?;
    let scene = Scene::new(&siege.exchange, burden);
    let sending = tokio::spawn(async move { timeout(LONGEST, scene.send()).await });
    sleep(BEFORE).await;
    let newcomers = siege.newcomers(burden.address(0)).await?;
    let sent = match sending.await? {
        Ok(sent) => sent?,
        Err(_) => return Err(io::Error::other(format!("{} did not end within 20 s", burden.name()))),
    };
    let mut figures: Vec<_> =
        sent.figures.into_iter().map(|(name, value)| siege.figure(name, value)).collect();
    figures.extend(newcomers);
    drop(sent.held);
    let (lifted, recovery) = siege.lift().await?;
    drop(alone);
    figures.extend(lifted);
    figures.extend(recovery.finish().await?);
    drop(sent.stays);
    Ok(figures)
}

impl Scene {
    fn new(exchange: &Exchange, burden: Burden) -> Self {
        Self { burden, target: exchange.target, callee: exchange.account("callee") }
    }

    async fn send(self) -> io::Result<Sent> {
        match self.burden {
            Burden::Requests => requests::send(&self).await,
            Burden::Guests => guests::send(&self).await,
            Burden::Away => away::send(&self).await,
            Burden::Unread => unread::send(&self).await,
            Burden::Halves => halves::send(&self).await,
        }
    }

    async fn link(&self, kind: Kind, index: usize) -> io::Result<Link> {
        Link::open(kind, self.burden.address(index), self.target).await
    }
}
