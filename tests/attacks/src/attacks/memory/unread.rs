//! Peers that do not read: unauthenticated senders with large responses, and the contacts of one account, called by a guest.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::Method;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::scenario::{BODY, Scenario, Sent};
use crate::exchange::REALM;
use crate::figure::Value;
use crate::peer::{Draft, Kind, Link, Phone, body, branch, fresh};

/// Unauthenticated senders, and how long each sends.
const SENDERS: usize = 100;
const DURATION: Duration = Duration::from_secs(4);
/// Bytes of the Call-ID, which each response repeats.
const CALL_ID: usize = 24_000;
/// Contacts that do not read, and calls to them.
const UNREAD: usize = 5;
const CALLS: usize = 300;
/// The time limit of a send: beyond it the exchange does not read.
const SEND_TIMEOUT: Duration = Duration::from_millis(500);

pub(super) async fn send(scenario: &Scenario) -> io::Result<Sent> {
    let mut sent = Sent::default();
    for index in 0..UNREAD {
        let mut phone =
            Phone::open_unread(scenario.callee.clone(), scenario.attack.address(240 + index)).await?;
        phone.register_contact(&format!("<sip:callee@unread{index}.invalid;transport=ws>")).await?;
        sent.held.push(Box::new(phone));
    }
    let mut asking = JoinSet::new();
    for index in 0..SENDERS {
        asking.spawn(ask(scenario.target, scenario.attack.address(index)));
    }
    let calls = call(scenario, &mut sent).await?;
    let mut asked = 0;
    while let Some(sender) = asking.join_next().await {
        let (questions, link) = sender?;
        asked += questions;
        sent.held.push(Box::new(link));
    }
    sent.figures.push(("requests whose answers of 24 kB are not read", Value::count(asked)));
    sent.figures.push(("calls of 60 kB to five contacts that do not read", Value::count(calls)));
    Ok(sent)
}

/// Sends until the end; a closed connection is opened again.
async fn ask(target: crate::peer::Target, from: std::net::IpAddr) -> (u64, Option<Link>) {
    let (end, mut asked, mut last) = (Instant::now() + DURATION, 0, None);
    while Instant::now() < end {
        let Ok(Ok(mut link)) = timeout(DURATION, Link::unread(from, target)).await else { continue };
        while Instant::now() < end
            && matches!(timeout(SEND_TIMEOUT, link.send(options(&link))).await, Ok(Ok(())))
        {
            asked += 1;
        }
        last = Some(link);
    }
    (asked, last)
}

fn options(link: &Link) -> Bytes {
    let exchange = format!("sip:{REALM}");
    let mut options = Draft::new(Method::Options, &exchange, "sip:guest@guests.example", &exchange);
    options.call_id = format!("{}{}", fresh("c"), "x".repeat(CALL_ID));
    options.write(&link.via(), &branch())
}

async fn call(scenario: &Scenario, sent: &mut Sent) -> io::Result<u64> {
    let mut link = scenario.link(Kind::Ws, 239).await?;
    let (callee, guest) = (scenario.callee.aor(), "sip:guest@guests.example");
    let mut calls = 0;
    while calls < CALLS as u64 {
        let invite = Draft::new(Method::Invite, &callee, guest, &callee)
            .with("Contact", "<sip:guest@guest.invalid;transport=ws>")
            .with_body(body(BODY));
        if link.send(invite.write(&link.via(), &branch())).await.is_err() {
            break;
        }
        calls += 1;
    }
    sent.held.push(Box::new(link));
    Ok(calls)
}
