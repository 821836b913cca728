//! Peers that do not read: strangers whose answers are large, and the contacts of one account, which guests send to.

use std::io;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::Method;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::{BODY, Scene, Sent};
use crate::exchange::REALM;
use crate::figure::Value;
use crate::peer::{Draft, Kind, Link, Phone, body, branch, fresh};

/// Strangers, and how long each goes on.
const STRANGERS: usize = 100;
const GOES_ON: Duration = Duration::from_secs(4);
/// Bytes of the Call-ID, which each answer repeats.
const CALL_ID: usize = 24_000;
/// Contacts that do not read, and calls to them.
const UNREAD: usize = 5;
const CALLS: usize = 300;
/// The exchange does not take more for the moment.
const STUCK: Duration = Duration::from_millis(500);

pub(super) async fn send(scene: &Scene) -> io::Result<Sent> {
    let mut sent = Sent::default();
    for index in 0..UNREAD {
        let mut phone = Phone::open_unread(scene.callee.clone(), scene.burden.address(240 + index)).await?;
        phone.register_contact(&format!("<sip:callee@unread{index}.invalid;transport=ws>")).await?;
        sent.held.push(Box::new(phone));
    }
    let mut asking = JoinSet::new();
    for index in 0..STRANGERS {
        asking.spawn(ask(scene.target, scene.burden.address(index)));
    }
    let calls = call(scene, &mut sent).await?;
    let mut asked = 0;
    while let Some(stranger) = asking.join_next().await {
        let (questions, link) = stranger?;
        asked += questions;
        sent.held.push(Box::new(link));
    }
    sent.figures.push(("requests whose answers of 24 kB are not read", Value::count(asked)));
    sent.figures.push(("calls of 60 kB to five contacts that do not read", Value::count(calls)));
    Ok(sent)
}

/// Sends until the time is over; a connection that was closed is opened again.
async fn ask(target: crate::peer::Target, from: std::net::IpAddr) -> (u64, Option<Link>) {
    let (end, mut asked, mut last) = (Instant::now() + GOES_ON, 0, None);
    while Instant::now() < end {
        let Ok(Ok(mut link)) = timeout(GOES_ON, Link::unread(from, target)).await else { continue };
        while Instant::now() < end && matches!(timeout(STUCK, link.send(options(&link))).await, Ok(Ok(()))) {
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

async fn call(scene: &Scene, sent: &mut Sent) -> io::Result<u64> {
    let mut link = scene.link(Kind::Ws, 239).await?;
    let (callee, guest) = (scene.callee.aor(), "sip:guest@guests.example");
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
