//! Masks text without changing its length.

use bytes::Bytes;

/// Replaces all characters except white space, line ends and the separators of headers.
pub(super) fn mask(bytes: &mut [u8]) {
    for byte in bytes {
        if !matches!(*byte, 0..=b' ' | 0x7f) && !b"\"<>,;=:()[]{}@\\".contains(byte) {
            *byte = b'x';
        }
    }
}

pub(super) fn masked(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    mask(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Applies a change that keeps the length. Shares the memory of `data` if nothing changed.
pub(super) fn with_copy(data: &Bytes, change: impl FnOnce(&mut [u8])) -> Bytes {
    let mut copy = data.to_vec();
    change(&mut copy);
    if copy == *data { data.clone() } else { copy.into() }
}
