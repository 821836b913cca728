//! A thousand registered phones, each on its own loopback address.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::exchange::Exchange;
use crate::peer::{Behaviour, Kind, Phone, Serving};

/// Phones on a WebSocket, and on UDP.
const WS: usize = 900;
const UDP: usize = 100;
/// Simultaneous registrations.
const PARALLEL: usize = 16;

/// The user names of the fleet.
pub(super) fn users() -> impl Iterator<Item = String> {
    (0..WS + UDP).map(|index| format!("p{index}"))
}

/// The address-of-record of one of them, which answers calls.
pub(super) fn callee(exchange: &Exchange) -> String {
    exchange.account("p0").aor()
}

/// Registers all of them.
///
/// # Errors
/// If one of them is refused: the figures require all of them.
pub(super) async fn register(exchange: &Exchange) -> io::Result<Vec<Serving>> {
    let gate = Arc::new(Semaphore::new(PARALLEL));
    let mut registering = JoinSet::new();
    for (index, user) in users().enumerate() {
        let account = exchange.account(&user);
        let gate = gate.clone();
        registering.spawn(async move {
            let _permit = gate.acquire_owned().await.map_err(io::Error::other)?;
            let kind = if index < WS { Kind::Ws } else { Kind::Udp };
            let mut phone = Phone::open(account, kind, address(index)).await?;
            phone.register().await?;
            Ok::<_, io::Error>(phone.serve(Behaviour::Answer))
        });
    }
    let mut phones = Vec::with_capacity(WS + UDP);
    while let Some(registered) = registering.join_next().await {
        phones.push(registered??);
    }
    Ok(phones)
}

fn address(index: usize) -> IpAddr {
    let (high, low) = (index / 250, index % 250 + 1);
    Ipv4Addr::new(127, 10, high as u8, low as u8).into()
}
