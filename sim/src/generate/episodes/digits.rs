//! Digits, also across a re-INVITE.

use std::time::Duration;

use offhook::DtmfPath;

use super::{Episode, Writer};
use crate::scenario::Deed;

pub(super) const EPISODES: &[Episode] = &[Episode::deed(digits), Episode::deed(digits_across_hold)];

fn digits(writer: &mut Writer<'_>) {
    let digits = some_digits(writer);
    writer.user(writer.one, 0, digits);
}

fn digits_across_hold(writer: &mut Writer<'_>) {
    let digits = some_digits(writer);
    writer.both(digits, Deed::Hold);
}

fn some_digits(writer: &mut Writer<'_>) -> Deed {
    let draw = &mut writer.draw;
    let length = draw.between(1, 12);
    let digits = (0..length).map(|_| char::from(*draw.pick(b"0123456789*#ABCD"))).collect();
    let path = *draw.pick(&[DtmfPath::Auto, DtmfPath::Auto, DtmfPath::Rtp, DtmfPath::Info]);
    let tone = Duration::from_millis(*draw.pick(&[40, 100, 250, 2_000]));
    Deed::Digits { digits, path, tone }
}
