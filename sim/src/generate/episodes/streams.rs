//! Faults of streams.

use super::Episode;
use crate::generate::writer::Writer;
use crate::scenario::{End, Fault, StreamTrouble, Way};

pub(super) const EPISODES: &[Episode] = &[
    Episode::fault(stall),
    Episode::fault(trickle),
    Episode::fault(break_off),
    Episode::fault(half_open),
    Episode::fault(close),
    Episode::fault(refuse),
];

fn stall(writer: &mut Writer<'_>) {
    let way = any_way(writer);
    let lasting = writer.lasting(40_000);
    trouble(writer, StreamTrouble::Stalls { way, lasting });
}

fn trickle(writer: &mut Writer<'_>) {
    let way = any_way(writer);
    let lasting = writer.lasting(8_000);
    trouble(writer, StreamTrouble::Trickles { way, lasting });
}

/// Usually in the next message, often in one that is sent immediately.
fn break_off(writer: &mut Writer<'_>) {
    let way = any_way(writer);
    let after = writer.draw.between(1, 1_500) as u32;
    trouble(writer, StreamTrouble::Breaks { way, after });
    if writer.draw.chance(300) {
        writer.dial();
    }
}

fn half_open(writer: &mut Writer<'_>) {
    let lost = *writer.draw.pick(&[End::Near, End::Far]);
    trouble(writer, StreamTrouble::HalfOpen { lost });
}

fn close(writer: &mut Writer<'_>) {
    // RFC 6455 §7.4.1: normal closure, going away, message too big, internal error, try again later.
    let code = *writer.draw.pick(&[Some(1000), Some(1001), Some(1009), Some(1011), Some(1013), None]);
    trouble(writer, StreamTrouble::Closed { code });
}

fn refuse(writer: &mut Writer<'_>) {
    let lasting = writer.lasting(30_000);
    trouble(writer, StreamTrouble::Refused { lasting });
    if writer.draw.chance(500) {
        trouble(writer, StreamTrouble::Closed { code: Some(1013) });
    }
}

fn any_way(writer: &mut Writer<'_>) -> Way {
    *writer.draw.pick(&[Way::Both, Way::Up, Way::Down])
}

fn trouble(writer: &mut Writer<'_>, trouble: StreamTrouble) {
    writer.fault(Fault::Stream { phone: writer.one, trouble });
}
