//! Reads what an offer and its answer agree on.

use crate::names::{DIRECTIONS, value_of};
use offhook::Agreed;

/// The direction, then `held` and `telephone-event` if it has them, in this order.
pub(super) fn read(words: &[&str]) -> Option<Agreed> {
    let [direction, words @ ..] = words else { return None };
    let (held, telephone_event) = match words {
        [] => (false, false),
        ["held"] => (true, false),
        ["telephone-event"] => (false, true),
        ["held", "telephone-event"] => (true, true),
        _ => return None,
    };
    let agreed = Agreed::new(value_of(DIRECTIONS, direction)?);
    Some(agreed.with_held(held).with_telephone_event(telephone_event))
}
