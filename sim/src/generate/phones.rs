//! The phones of a scenario and their networks.

use std::time::Duration;

use offhook::{RedirectPolicy, ReferPolicy};

use crate::hash::Draw;
use crate::node::OTHER_REALM;
use crate::scenario::{Codec, PhoneSetup, Scenario, Streaming, Transport, Weather};

const NAMES: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];

pub(super) fn draw(scenario: &mut Scenario, draw: &mut Draw) {
    // More phones cost time, and most bugs need two or three.
    let count = *draw.pick(&[1, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 5, 5, 6, 7, 8]);
    let udp = *draw.pick(&[0, 0, 300, 500, 1000]);
    // Half of the worlds have networks without loss, so that other faults have an effect of their own.
    let calm = draw.chance(500);
    for name in &NAMES[..count] {
        let mut phone = PhoneSetup::new(*name);
        if draw.chance(udp) {
            phone.transport = Transport::Udp;
        }
        if draw.chance(150)
            && let Some(other) = scenario.phones.last()
        {
            phone.user.clone_from(&other.user);
        }
        phone.weather.delay = draw.millis(1, 60);
        if !calm {
            phone.weather = weather(draw);
        }
        if phone.transport == Transport::Udp && draw.chance(300) {
            phone.nat = Some(Duration::from_secs(*draw.pick(&[28, 30, 60, 120, 300])));
        }
        phone.drift = drift(draw);
        if draw.chance(60) {
            phone.codecs = vec![*draw.pick(&Codec::ALL)];
        }
        phone.telephone_event = !draw.chance(150);
        phone.right_password = !draw.chance(20);
        if draw.chance(80) {
            phone.attempts = Some(draw.between(1, 6) as u32);
        }
        phone.expires = Duration::from_secs(*draw.pick(&[60, 90, 120, 600, 600, 3600]));
        phone.refers = refers(&mut Draw::new(scenario.seed, &format!("{name} refers")));
        requests(&mut Draw::new(scenario.seed, &format!("{name} requests")), &mut phone);
        negotiation(&mut Draw::new(scenario.seed, &format!("{name} negotiates")), &mut phone);
        if phone.transport == Transport::Ws {
            phone.streaming = streaming(&mut Draw::new(scenario.seed, name));
        }
        scenario.phones.push(phone);
    }
}

/// Half of the streams have plain framing.
fn streaming(draw: &mut Draw) -> Streaming {
    if draw.chance(500) {
        return Streaming::default();
    }
    let mut per_mille = |most| if draw.chance(500) { draw.between(1, most) as u16 } else { 0 };
    Streaming {
        split: per_mille(500),
        gather: per_mille(300),
        fragment: per_mille(300),
        ping: per_mille(200),
        binary: per_mille(1_000),
    }
}

fn refers(draw: &mut Draw) -> ReferPolicy {
    *draw.pick(&[
        ReferPolicy::Ask,
        ReferPolicy::Ask,
        ReferPolicy::Ask,
        ReferPolicy::OwnDomain,
        ReferPolicy::Reject,
    ])
}

/// Reliable responses, UPDATE, early media, and codecs that another phone may lack.
fn negotiation(draw: &mut Draw, phone: &mut PhoneSetup) {
    if draw.chance(80) {
        phone.codecs = vec![*draw.pick(&Codec::ALL)];
    }
    phone.reliable = draw.chance(350);
    phone.by_update = draw.chance(350);
    if draw.chance(350) {
        phone.legs = draw.between(2, 4) as usize;
    }
}

/// What decides about challenges, redirections and INFOs.
fn requests(draw: &mut Draw, phone: &mut PhoneSetup) {
    phone.redirects = *draw.pick(&[
        RedirectPolicy::OwnDomain,
        RedirectPolicy::OwnDomain,
        RedirectPolicy::Follow,
        RedirectPolicy::Report,
    ]);
    phone.late_password = draw.chance(120);
    if draw.chance(400) {
        phone.realms.push(OTHER_REALM.to_owned());
    }
    // More than a phone stores.
    if draw.chance(50) {
        phone.realms.extend((0..10).map(|n| format!("realm{n}.example")));
    }
    for package in ["conference", "trigger"] {
        if draw.chance(400) {
            phone.packages.push(package.to_owned());
        }
    }
}

/// Up to `most`, in a share of the worlds, in thousandths.
fn per_mille_of(draw: &mut Draw, worlds: u16, most: u64) -> u16 {
    if draw.chance(worlds) { draw.below(most) as u16 } else { 0 }
}

fn weather(draw: &mut Draw) -> Weather {
    let mut per_mille = |most| if draw.chance(500) { draw.below(most) as u16 } else { 0 };
    let (loss, duplicate, late) = (per_mille(250), per_mille(150), per_mille(150));
    let jitter = if draw.chance(700) { draw.millis(0, 120) } else { Duration::ZERO };
    let (tail, bursts) = (per_mille_of(draw, 200, 50), per_mille_of(draw, 250, 100));
    Weather { delay: draw.millis(1, 80), jitter, loss, duplicate, late, tail, bursts }
}

/// Clock drift in parts per million: up to 200, or in one world of five up to 5 %.
pub(super) fn drift(draw: &mut Draw) -> i32 {
    let most = if draw.chance(200) { 50_000 } else { 200 };
    draw.between(0, 2 * most) as i32 - most as i32
}
