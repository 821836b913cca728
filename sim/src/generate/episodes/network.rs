//! Connections that are lost, and networks that are cut.

use super::{Episode, Writer};
use crate::scenario::{Fault, Way};

pub(super) const EPISODES: &[Episode] =
    &[Episode::fault(drop), Episode::fault(rot), Episode::fault(cut), Episode::fault(part)];

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
