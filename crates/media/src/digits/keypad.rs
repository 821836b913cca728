//! The keys of a telephone and their event codes.

use std::time::Duration;

const KEYS: &[u8; 16] = b"0123456789*#ABCD";

/// The event code of a key (RFC 4733 §3.2).
pub(crate) fn event_code(key: char) -> Option<u8> {
    let key = u8::try_from(key.to_ascii_uppercase()).ok()?;
    KEYS.iter().position(|k| *k == key).map(|at| at as u8)
}

/// The key of an event code; none for events other than DTMF.
pub(crate) fn key_of_event(code: u8) -> Option<char> {
    KEYS.get(usize::from(code)).map(|key| char::from(*key))
}

/// A digit that was received.
#[derive(Debug, PartialEq)]
pub(crate) struct ReceivedDigit {
    pub(crate) digit: char,
    pub(crate) duration: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_codes_are_one_to_one() {
        for n in 0..16 {
            assert_eq!(event_code(key_of_event(n).unwrap()), Some(n));
        }
        assert_eq!(
            (event_code('d'), event_code('e'), event_code('€'), key_of_event(16)),
            (Some(15), None, None, None)
        );
    }
}
