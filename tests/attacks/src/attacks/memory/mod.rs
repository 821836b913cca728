//! Attack 4: memory held by unauthenticated peers.

mod away;
mod guests;
mod halves;
mod requests;
mod scenario;
mod unread;

use std::io;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::context::Context;
use crate::capacity::CapacityRun;
use crate::figure::Figure;
pub(super) use scenario::MemoryAttack;
use scenario::{Scenario, Sent};

/// The delay before new phones register.
const BEFORE: Duration = Duration::from_millis(1500);
/// The time limit of sending.
const LONGEST: Duration = Duration::from_secs(20);
pub(super) async fn run(context: Context, attack: MemoryAttack) -> io::Result<Vec<Figure>> {
    let alone = context.alone().await?;
    let run = CapacityRun::start(attack.name(), &context.program, &["callee"], attack.has_guests()).await?;
    let scenario = Scenario::new(&run.exchange, attack);
    let sending = tokio::spawn(async move { timeout(LONGEST, send(scenario)).await });
    sleep(BEFORE).await;
    let new_phones = run.new_phones(attack.address(0)).await?;
    let sent = match sending.await? {
        Ok(sent) => sent?,
        Err(_) => return Err(io::Error::other(format!("{} did not end within 20 s", attack.name()))),
    };
    let mut figures: Vec<_> = sent.figures.into_iter().map(|(name, value)| run.figure(name, value)).collect();
    figures.extend(new_phones);
    drop(sent.held);
    let (end_figures, recovery) = run.end_attack().await?;
    drop(alone);
    figures.extend(end_figures);
    figures.extend(recovery.finish().await?);
    drop(sent.held_longer);
    Ok(figures)
}

async fn send(scenario: Scenario) -> io::Result<Sent> {
    match scenario.attack {
        MemoryAttack::Requests => requests::send(&scenario).await,
        MemoryAttack::Guests => guests::send(&scenario).await,
        MemoryAttack::Away => away::send(&scenario).await,
        MemoryAttack::Unread => unread::send(&scenario).await,
        MemoryAttack::Halves => halves::send(&scenario).await,
    }
}
