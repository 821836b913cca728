//! Faults of exchanges.

use std::time::Duration;

use offhook_exchange::Memory;

use super::hosts::any_step;
use super::{Episode, Odds, Writer};
use crate::scenario::{ExchangeTrouble, Fault};

pub(super) const EPISODES: &[Episode] = &[
    Episode::fault(crash),
    Episode::fault(forget),
    Episode::fault(refuse),
    Episode::fault(lag),
    Episode { odds: Odds::Swarm { seeds: 150, most: 30 }, write: grant_nothing },
    Episode { odds: Odds::Swarm { seeds: 150, most: 30 }, write: want },
    Episode::fault(freeze),
    Episode::fault(set_nonces_stale),
    Episode::fault(step),
    Episode::fault(reconnect_storm),
];

fn crash(writer: &mut Writer<'_>) {
    let lasting = writer.lasting(60_000);
    trouble(writer, ExchangeTrouble::Crashes { lasting });
}

fn forget(writer: &mut Writer<'_>) {
    let memory = *writer.draw.pick(&[Memory::Bindings, Memory::Nonces, Memory::Transactions]);
    trouble(writer, ExchangeTrouble::Forgets(memory));
}

fn refuse(writer: &mut Writer<'_>) {
    let retry_after = writer.draw.millis(0, 30_000);
    let lasting = writer.lasting(40_000);
    trouble(writer, ExchangeTrouble::Refuses { retry_after, lasting });
}

fn grant_nothing(writer: &mut Writer<'_>) {
    let lasting = writer.lasting(40_000);
    trouble(writer, ExchangeTrouble::GrantsNothing { lasting });
}

/// A Min-Expires above the granted lifetime, so that refreshes are refused, too.
fn want(writer: &mut Writer<'_>) {
    let least = Duration::from_secs(writer.draw.between(60, 1_200));
    let lasting = writer.lasting(200_000);
    trouble(writer, ExchangeTrouble::MinExpires { least, lasting });
}

/// Late responses, some of them around 64·T1, when transactions time out.
fn lag(writer: &mut Writer<'_>) {
    let (least, most) = *writer.draw.pick(&[(100, 2_000), (2_000, 12_000), (28_000, 36_000)]);
    let by = writer.draw.millis(least, most);
    let lasting = writer.lasting(40_000);
    trouble(writer, ExchangeTrouble::Lags { by, lasting });
}

fn freeze(writer: &mut Writer<'_>) {
    let lasting = writer.lasting(60_000);
    trouble(writer, ExchangeTrouble::Freezes { lasting });
}

/// An exchange with stale nonces, and a phone that registers or calls there.
fn set_nonces_stale(writer: &mut Writer<'_>) {
    let lasting = writer.lasting(60_000);
    trouble(writer, ExchangeTrouble::StaleNonces { lasting });
    if writer.draw.chance(500) {
        let near = writer.near(0);
        writer.fault_after(near, Fault::Reset { phone: writer.one });
    } else {
        writer.dial();
    }
}

fn step(writer: &mut Writer<'_>) {
    let step = any_step(writer);
    trouble(writer, ExchangeTrouble::SetClock(step));
}

/// All phones lose their connections simultaneously, several times.
fn reconnect_storm(writer: &mut Writer<'_>) {
    let times = writer.draw.between(1, 4);
    for time in 0..times {
        for phone in 0..writer.scenario.phones.len() {
            let near = writer.near(time * 3_000);
            writer.fault_after(near, Fault::Reset { phone });
        }
    }
}

fn trouble(writer: &mut Writer<'_>, trouble: ExchangeTrouble) {
    let exchange = writer.draw.below(writer.scenario.exchanges.len() as u64) as usize;
    writer.fault(Fault::Exchange { exchange, trouble });
}
