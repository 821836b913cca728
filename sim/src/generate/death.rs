//! Permanent faults, in three worlds of ten.

use std::time::Duration;

use crate::hash::Draw;
use crate::scenario::{Action, ExchangeTrouble, Fault, Scenario, Step, Way};

pub(super) fn draw(scenario: &mut Scenario, draw: &mut Draw) {
    if !draw.chance(300) {
        return;
    }
    let phone = draw.below(scenario.phones.len() as u64) as usize;
    let exchange = draw.below(scenario.exchanges.len() as u64) as usize;
    let fault = match draw.below(10) {
        // The only exchange seldom dies: little happens afterwards.
        0..5 if scenario.exchanges.len() > 1 => Fault::Exchange { exchange, trouble: ExchangeTrouble::Dies },
        0 => Fault::Exchange { exchange, trouble: ExchangeTrouble::Dies },
        5..8 if scenario.exchanges.len() > 1 => {
            let way = *draw.pick(&[Way::Both, Way::Both, Way::Up, Way::Down]);
            Fault::Partition { phone, exchange, way, lasting: None }
        }
        _ => Fault::Die { phone },
    };
    let at = Duration::from_millis(draw.below(scenario.phases.faults.as_millis() as u64));
    scenario.steps.push(Step { at, action: Action::Fault(fault) });
}
