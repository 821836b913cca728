//! Writes what an offer and its answer agree on.

use crate::names::{DIRECTIONS, MEDIA_TYPES, name_of};
use offhook::{Agreed, MediaTypes};
use std::fmt::Write;

/// Appends the direction, a word for each of the other properties that it has, and the types of media if there is not audio only.
pub(super) fn write(out: &mut String, agreed: &Agreed) -> Option<()> {
    let Agreed { direction, held, telephone_event, types, .. } = *agreed;
    let _ = write!(out, " {}", name_of(DIRECTIONS, &direction)?);
    for (has, word) in [(held, " held"), (telephone_event, " telephone-event")] {
        if has {
            out.push_str(word);
        }
    }
    if types != MediaTypes::AUDIO {
        let _ = write!(out, " {}", name_of(MEDIA_TYPES, &types)?);
    }
    Some(())
}
