//! Suspended phones, and clocks that are set.

use std::time::Duration;

use super::{Episode, Odds, Writer};
use crate::scenario::{ClockStep, Fault, SuspensionKind};

pub(super) const EPISODES: &[Episode] = &[
    Episode::fault(rest),
    Episode::fault(step),
    Episode { odds: Odds::Seldom { seeds: 30, weight: 4 }, write: night },
];

/// A phone is suspended for seconds or minutes.
fn rest(writer: &mut Writer<'_>) {
    let how = *writer.draw.pick(&[
        SuspensionKind::Frozen,
        SuspensionKind::Asleep,
        SuspensionKind::AsleepClockStopped,
    ]);
    let lasting = writer.lasting(180_000);
    writer.fault(Fault::Suspend { phone: writer.one, how, lasting });
}

/// A phone's clock is set.
fn step(writer: &mut Writer<'_>) {
    let step = any_step(writer);
    writer.fault(Fault::SetClock { phone: writer.one, step });
}

/// Some phones are suspended for hours, without other steps.
fn night(writer: &mut Writer<'_>) {
    let lasting = writer.draw.millis(600_000, 4 * 3_600_000);
    for phone in 0..writer.scenario.phones.len() {
        if phone == writer.one || writer.draw.chance(500) {
            let how = *writer.draw.pick(&[
                SuspensionKind::Frozen,
                SuspensionKind::Asleep,
                SuspensionKind::AsleepClockStopped,
            ]);
            let early = Duration::from_millis(writer.near(0));
            writer.fault(Fault::Suspend { phone, how, lasting: lasting - early });
        }
    }
    writer.wait(lasting);
}

/// Forward by up to an hour, back by up to a minute.
pub(super) fn any_step(writer: &mut Writer<'_>) -> ClockStep {
    let most = *writer.draw.pick(&[1_000, 10_000, 60_000]);
    let by = writer.draw.millis(1, most);
    if writer.draw.chance(500) {
        return ClockStep::Back(by);
    }
    ClockStep::Forward(by * *writer.draw.pick(&[1, 1, 60]))
}
