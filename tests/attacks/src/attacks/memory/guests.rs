//! 3,000 calls of guests with bodies of 60 kB to a phone that rings and does not answer; then the callers disconnect.

use std::io;
use std::time::Duration;

use offhook_wire::Method;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::scenario::{BODY, Scenario, Sent};
use crate::figure::Value;
use crate::peer::{Behaviour, Draft, Kind, Link, Phone, body, branch, read};

/// Callers of each transport, and calls of each.
const CALLERS: usize = 8;
const WS_EACH: usize = 250;
const UDP_EACH: usize = 125;
/// The time limit of the 180, which is awaited so that the phone's connection does not overflow. A datagram may be lost.
const RINGING: Duration = Duration::from_secs(2);
const LOST: Duration = Duration::from_millis(100);

pub(super) async fn send(scenario: &Scenario) -> io::Result<Sent> {
    let mut phone = Phone::open(scenario.callee.clone(), Kind::Ws, scenario.attack.address(249)).await?;
    phone.register().await?;
    let requests = phone.record_requests();
    let ringing = phone.serve(Behaviour::Ring);
    let mut calling = JoinSet::new();
    for index in 0..2 * CALLERS {
        let (kind, each) = if index < CALLERS { (Kind::Ws, WS_EACH) } else { (Kind::Udp, UDP_EACH) };
        let link = scenario.link(kind, index).await;
        let callee = scenario.callee.aor();
        // A caller that the exchange refuses makes no calls.
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
    Ok(Sent { figures, held: Vec::new(), held_longer: vec![Box::new(ringing)] })
}

/// Makes the calls of one guest. Returns their number.
async fn call(mut link: Link, callee: &str, calls: usize) -> u64 {
    let wait = if link.kind() == Kind::Udp { LOST } else { RINGING };
    for index in 0..calls {
        let guest = "sip:guest@guests.example";
        let invite = Draft::new(Method::Invite, callee, guest, callee)
            .with("Contact", format!("<sip:guest@{}>", link.host("guest")))
            .with_body(body(BODY));
        let sent = link.send(invite.write(&link.via(), &branch())).await;
        if sent.is_err() || matches!(timeout(wait, answered(&mut link)).await, Ok(Err(_))) {
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
