//! 3,000 calls of guests, with bodies of 60 kB, to a phone that rings and is not answered; then the callers leave.

use std::io;
use std::time::Duration;

use offhook_wire::Method;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::{BODY, Scene, Sent};
use crate::figure::Value;
use crate::peer::{Conduct, Draft, Kind, Link, Phone, body, branch, read};

/// Callers of each transport, and calls of each.
const CALLERS: usize = 8;
const WS_EACH: usize = 250;
const UDP_EACH: usize = 125;
/// How long the 180 is waited for, which shows that the phone has read the INVITE: its connection shall not be lost. A datagram
/// may have been lost.
const RINGING: Duration = Duration::from_secs(2);
const LOST: Duration = Duration::from_millis(100);

pub(super) async fn send(scene: &Scene) -> io::Result<Sent> {
    let mut phone = Phone::open(scene.callee.clone(), Kind::Ws, scene.burden.address(249)).await?;
    phone.register().await?;
    let requests = phone.keep();
    let ringing = phone.serve(Conduct::Ring);
    let mut calling = JoinSet::new();
    for index in 0..2 * CALLERS {
        let (kind, each) = if index < CALLERS { (Kind::Ws, WS_EACH) } else { (Kind::Udp, UDP_EACH) };
        let link = scene.link(kind, index).await;
        let callee = scene.callee.aor();
        // A caller that the exchange turns away makes no calls.
        calling.spawn(async move {
            match link {
                Ok(link) => call(link, &callee, each).await,
                Err(_) => 0,
            }
        });
    }
    let mut sent = 0;
    while let Some(calls) = calling.join_next().await {
        sent += calls?;
    }
    let figures = vec![
        ("calls of guests, 60 kB each", Value::count(sent)),
        ("of these, the phone rang for", Value::count(requests.len() as u64)),
    ];
    Ok(Sent { figures, held: Vec::new(), stays: vec![Box::new(ringing)] })
}

/// How many calls one guest began before it left.
async fn call(mut link: Link, callee: &str, calls: usize) -> u64 {
    let patience = if link.kind() == Kind::Udp { LOST } else { RINGING };
    for index in 0..calls {
        let guest = "sip:guest@guests.example";
        let invite = Draft::new(Method::Invite, callee, guest, callee)
            .with("Contact", format!("<sip:guest@{}>", link.host("guest")))
            .with_body(body(BODY));
        let sent = link.send(invite.write(&link.via(), &branch())).await;
        if sent.is_err() || matches!(timeout(patience, answered(&mut link)).await, Ok(Err(_))) {
            return index as u64;
        }
    }
    calls as u64
}

/// Waits for a response other than 100.
async fn answered(link: &mut Link) -> io::Result<()> {
    while read(link.receive().await?).and_then(|response| response.status()) == Some(100) {}
    Ok(())
}
