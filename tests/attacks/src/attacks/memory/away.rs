//! 3,000 requests with bodies of 60 kB inside the calls of a phone whose connection was lost.

use std::io;

use offhook_wire::Method;
use tokio::task::JoinSet;

use super::scenario::{BODY, Scenario, Sent};
use crate::figure::Value;
use crate::peer::{Account, Behaviour, Dialog, Kind, Phone, body};

/// Guests with a call to the phone, and requests of each.
const GUESTS: usize = 10;
const EACH: usize = 300;

pub(super) async fn send(scenario: &Scenario) -> io::Result<Sent> {
    let mut callee = Phone::open(scenario.callee.clone(), Kind::Ws, scenario.attack.address(249)).await?;
    callee.register().await?;
    let callee = callee.serve(Behaviour::Answer);
    let mut calls = Vec::new();
    for index in 0..GUESTS {
        calls.push(call(scenario, index).await?);
    }
    callee.disconnect();
    let mut sending = JoinSet::new();
    for (guest, dialog) in calls {
        sending.spawn(requests(guest, dialog));
    }
    let (mut sent, mut count) = (Sent::default(), 0);
    while let Some(guest) = sending.join_next().await {
        let (guest, requests) = guest?;
        count += requests;
        sent.held.push(Box::new(guest));
    }
    sent.figures.push(("requests of 60 kB for a phone that is away", Value::count(count)));
    Ok(sent)
}

async fn call(scenario: &Scenario, index: usize) -> io::Result<(Phone, Dialog)> {
    let realm = "guests.example".to_owned();
    let account = Account { user: format!("guest{index}"), realm, ..scenario.callee.clone() };
    let mut guest = Phone::open(account, Kind::Ws, scenario.attack.address(index)).await?;
    let dialog = guest.call(&scenario.callee.aor()).await?;
    Ok((guest, dialog))
}

/// Sends the requests of one guest. Returns their number.
async fn requests(mut guest: Phone, mut dialog: Dialog) -> (Phone, u64) {
    let mut count = 0;
    while count < EACH as u64 {
        let info = dialog.next(Method::Info, true).with_body(body(BODY));
        if guest.send(&info).await.is_err() {
            break;
        }
        count += 1;
    }
    (guest, count)
}
