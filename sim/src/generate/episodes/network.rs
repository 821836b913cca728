//! Connections that are lost, and networks that are cut.

use super::{Episode, Odds, Writer};
use crate::scenario::{Fault, Harm, Way};

pub(super) const EPISODES: &[Episode] = &[
    Episode::fault(drop),
    Episode::fault(rot),
    Episode::fault(cut),
    Episode::fault(part),
    Episode::fault(rebind),
    Episode { odds: Odds::Swarm { seeds: 150, most: 40 }, write: tamper },
];

fn drop(writer: &mut Writer<'_>) {
    writer.fault(Fault::Drop { phone: writer.one });
}

fn rot(writer: &mut Writer<'_>) {
    writer.fault(Fault::Rot { phone: writer.one });
}

fn cut(writer: &mut Writer<'_>) {
    let way = *writer.draw.pick(&[Way::Both, Way::Both, Way::Up, Way::Down]);
    let lasting = writer.lasting(45_000);
    writer.fault(Fault::Cut { phone: writer.one, way, lasting });
}

fn part(writer: &mut Writer<'_>) {
    let exchange = writer.draw.below(writer.scenario.exchanges.len() as u64) as usize;
    let way = *writer.draw.pick(&[Way::Both, Way::Both, Way::Up, Way::Down]);
    let lasting = Some(writer.lasting(60_000));
    writer.fault(Fault::Part { phone: writer.one, exchange, way, lasting });
}

fn rebind(writer: &mut Writer<'_>) {
    writer.fault(Fault::Rebinds { phone: writer.one });
}

fn tamper(writer: &mut Writer<'_>) {
    let harm = *writer.draw.pick(&Harm::ALL);
    let share = *writer.draw.pick(&[50, 200, 1000]);
    let way = *writer.draw.pick(&[Way::Both, Way::Up, Way::Down]);
    let lasting = writer.lasting(40_000);
    writer.fault(Fault::Tampered { phone: writer.one, harm, share, way, lasting });
}
