//! Digits: telephone-event (RFC 4733) out and in, and DTMF heard in the audio.

mod detector;
mod receiver;
mod sender;

pub(crate) use detector::Detector;
pub(crate) use receiver::{Received, Receiver};
pub(crate) use sender::Sender;

const KEYS: &[u8; 16] = b"0123456789*#ABCD";

/// The event code of a key (RFC 4733 §3.2).
pub(crate) fn code(key: char) -> Option<u8> {
    let key = u8::try_from(key.to_ascii_uppercase()).ok()?;
    KEYS.iter().position(|k| *k == key).map(|at| at as u8)
}

/// The key of an event code.
pub(crate) fn key(code: u8) -> Option<char> {
    KEYS.get(usize::from(code)).map(|key| char::from(*key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_codes_are_one_to_one() {
        for n in 0..16 {
            assert_eq!(code(key(n).unwrap()), Some(n));
        }
        assert_eq!((code('d'), code('e'), code('€'), key(16)), (Some(15), None, None, None));
    }
}
