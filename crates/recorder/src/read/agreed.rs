//! Reads what an offer and its answer agree on.

use crate::names::{DIRECTIONS, MEDIA_TYPES, value_of};
use offhook::Agreed;

/// The direction, then `held`, `telephone-event` and the types of media if it has them, in this order.
pub(super) fn read(words: &[&str]) -> Option<Agreed> {
    let [direction, words @ ..] = words else { return None };
    let (held, words) = optional(words, "held");
    let (telephone_event, words) = optional(words, "telephone-event");
    let agreed = Agreed::new(value_of(DIRECTIONS, direction)?);
    let agreed = agreed.with_held(held).with_telephone_event(telephone_event);
    match words {
        [] => Some(agreed),
        [types] => Some(agreed.with_types(value_of(MEDIA_TYPES, types)?)),
        _ => None,
    }
}

fn optional<'a, 'b>(words: &'a [&'b str], word: &str) -> (bool, &'a [&'b str]) {
    match words {
        [first, rest @ ..] if *first == word => (true, rest),
        words => (false, words),
    }
}
