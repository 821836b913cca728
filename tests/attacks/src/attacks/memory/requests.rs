//! 8,000 unauthenticated requests with bodies of 60 kB, over WebSockets and UDP.

use std::io;
use std::net::IpAddr;

use bytes::Bytes;
use offhook_wire::Method;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::scenario::{BODY, RESPONSE_TIMEOUT, Scenario, Sent};
use crate::exchange::REALM;
use crate::figure::Value;
use crate::peer::{Draft, Kind, Link, Target, body, branch};

/// Connections and sockets of each transport, at as many addresses, and requests of each.
const PEERS: usize = 40;
const EACH: usize = 100;
/// Kinds of requests, in rotation.
const KINDS: u64 = 4;
/// How often a closed connection is opened again.
const REOPENED: usize = 20;

pub(super) async fn send(scenario: &Scenario) -> io::Result<Sent> {
    let mut sending = JoinSet::new();
    for index in 0..2 * PEERS {
        let kind = if index < PEERS { Kind::Ws } else { Kind::Udp };
        sending.spawn(peer(scenario.target, kind, scenario.attack.address(index)));
    }
    let (mut sent, mut answered) = (0, 0);
    while let Some(peer) = sending.join_next().await {
        let (more, of_them) = peer?;
        sent += more;
        answered += of_them;
    }
    let figures =
        vec![("requests of 60 kB sent", Value::count(sent)), ("of these, answered", Value::count(answered))];
    Ok(Sent { figures, ..Sent::default() })
}

/// Sends the requests of one peer. Returns how many were sent and answered.
async fn peer(target: Target, kind: Kind, from: IpAddr) -> (u64, u64) {
    let (mut sent, mut answered) = (0, 0);
    for _ in 0..REOPENED {
        let Ok(mut link) = Link::open(kind, from, target).await else { continue };
        while sent < EACH as u64 {
            if link.send(request(&link, sent)).await.is_err() {
                break;
            }
            sent += 1;
            if sent % KINDS == 0 {
                // For the unregistered contact: answered after the grace period.
                continue;
            }
            match timeout(RESPONSE_TIMEOUT, link.receive()).await {
                Ok(Ok(_)) => answered += 1,
                Ok(Err(_)) => break,
                Err(_) => {}
            }
        }
    }
    (sent, answered)
}

/// Three requests that are challenged, and one with a To tag for a contact that is not registered.
fn request(link: &Link, index: u64) -> Bytes {
    let (exchange, callee) = (format!("sip:{REALM}"), format!("sip:callee@{REALM}"));
    let draft = match index % KINDS {
        0 => Draft::new(Method::Invite, &callee, &callee, &callee),
        1 => Draft::new(Method::Register, &exchange, &callee, &callee),
        2 => Draft::new(Method::Message, &callee, &callee, &callee),
        _ => Draft::new(Method::Info, "sip:callee@gone.invalid", &callee, &callee).tagged(),
    };
    draft.with_body(body(BODY)).write(&link.via(), &branch())
}
