//! Digits, also across a re-INVITE.

use std::time::Duration;

use offhook::DtmfPath;

use super::{Episode, Writer};
use crate::scenario::{Fault, UserAction};

pub(super) const EPISODES: &[Episode] = &[
    Episode::user_action(digits),
    Episode::user_action(digits_across_hold),
    Episode::fault(digits_across_loss),
    Episode::fault(too_many_digits),
];

fn digits(writer: &mut Writer<'_>) {
    let digits = some_digits(writer);
    writer.user(writer.one, 0, digits);
}

fn digits_across_hold(writer: &mut Writer<'_>) {
    let digits = some_digits(writer);
    writer.both(digits, UserAction::Hold);
}

/// By INFO: a response is lost with the connection of the receiver, and a proxy retransmits the INFO over the next one.
fn digits_across_loss(writer: &mut Writer<'_>) {
    let tone = Duration::from_millis(40);
    let digits = "12345".to_owned();
    writer.user(writer.one, 0, UserAction::Digits { digits, path: DtmfPath::Info, tone });
    let near = writer.near(10);
    let lost = Fault::Reset { phone: writer.other };
    writer.fault_after(near, lost);
}

/// About as many digits as the queue of a phone holds.
fn too_many_digits(writer: &mut Writer<'_>) {
    let digits = "5".repeat(writer.draw.between(60, 80) as usize);
    let path = *writer.draw.pick(&[DtmfPath::Auto, DtmfPath::Rtp, DtmfPath::Info]);
    let tone = Duration::from_millis(*writer.draw.pick(&[40, 100, 2_000]));
    writer.user(writer.one, 0, UserAction::Digits { digits, path, tone });
}

fn some_digits(writer: &mut Writer<'_>) -> UserAction {
    let draw = &mut writer.draw;
    let length = draw.between(1, 12);
    let digits = (0..length).map(|_| char::from(*draw.pick(b"0123456789*#ABCD"))).collect();
    let path = *draw.pick(&[DtmfPath::Auto, DtmfPath::Auto, DtmfPath::Rtp, DtmfPath::Info]);
    let tone = Duration::from_millis(*draw.pick(&[40, 100, 250, 2_000]));
    UserAction::Digits { digits, path, tone }
}
