//! Lost connections and cut networks.

use super::{Episode, Odds, Writer};
use crate::scenario::{Corruption, Fault, Way};

pub(super) const EPISODES: &[Episode] = &[
    Episode::fault(drop),
    Episode::fault(drop_silently),
    Episode::fault(cut),
    Episode::fault(part),
    Episode::fault(rebind),
    Episode { odds: Odds::Swarm { seeds: 150, most: 40 }, write: tamper },
];

fn drop(writer: &mut Writer<'_>) {
    writer.fault(Fault::Reset { phone: writer.one });
}

fn drop_silently(writer: &mut Writer<'_>) {
    writer.fault(Fault::DropSilently { phone: writer.one });
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
    writer.fault(Fault::Partition { phone: writer.one, exchange, way, lasting });
}

fn rebind(writer: &mut Writer<'_>) {
    writer.fault(Fault::Rebind { phone: writer.one });
}

fn tamper(writer: &mut Writer<'_>) {
    let corruption = *writer.draw.pick(&Corruption::ALL);
    let share = *writer.draw.pick(&[50, 200, 1000]);
    let way = *writer.draw.pick(&[Way::Both, Way::Up, Way::Down]);
    let lasting = writer.lasting(40_000);
    writer.fault(Fault::Tamper { phone: writer.one, corruption, share, way, lasting });
}
