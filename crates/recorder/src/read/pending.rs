//! Inputs of which a part follows in further lines.

use bytes::Bytes;
use offhook::{Account, Input};

/// An input, possibly without what the lines after it contain.
pub(super) enum Pending {
    Whole(Input),
    /// This number of bytes follows.
    Bytes(usize, Box<dyn FnOnce(Bytes) -> Input>),
    /// The lines of an account follow.
    Account(Box<dyn FnOnce(Box<Account>) -> Input>),
}

/// An input that is followed by this number of bytes.
pub(super) fn bytes(length: &str, input: impl FnOnce(Bytes) -> Input + 'static) -> Option<Pending> {
    Some(Pending::Bytes(length.parse().ok()?, Box::new(input)))
}
