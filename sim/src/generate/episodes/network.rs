//! Connections that are lost, and networks that are cut.

use super::{Episode, Writer};
use crate::scenario::{Fault, Way};

pub(super) const EPISODES: &[Episode] = &[Episode::fault(drop), Episode::fault(rot), Episode::fault(cut)];

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
