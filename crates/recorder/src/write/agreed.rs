//! Writes what an offer and its answer agree on.

use crate::names::{DIRECTIONS, name_of};
use offhook::Agreed;
use std::fmt::Write;

/// Appends the direction, and a word for each of the other properties that it has.
pub(super) fn write(out: &mut String, agreed: &Agreed) -> Option<()> {
    let Agreed { direction, held, telephone_event, .. } = *agreed;
    let _ = write!(out, " {}", name_of(DIRECTIONS, &direction)?);
    for (has, word) in [(held, " held"), (telephone_event, " telephone-event")] {
        if has {
            out.push_str(word);
        }
    }
    Some(())
}
