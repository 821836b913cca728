use crate::SessionId;
use crate::base::cx::Cx;
use crate::base::entropy::Label;

/// Our tag of a call. It ends with the call's slot, so that a request finds the call without a table; the random part before it
/// cannot be guessed (RFC 3261 §19.3).
pub(super) struct LocalTag {
    bytes: [u8; LocalTag::MOST],
    len: u8,
}

impl LocalTag {
    const RANDOM: usize = 16;
    /// A slot has 24 bits.
    const DIGITS: usize = 6;
    const MOST: usize = Self::RANDOM + 1 + Self::DIGITS;

    pub(super) fn new(id: SessionId, cx: &mut Cx<'_>) -> Self {
        let random: [u8; Self::RANDOM] = cx.entropy.token(Label::Ids);
        let mut bytes = [0; Self::MOST];
        bytes[..Self::RANDOM].copy_from_slice(&random);
        bytes[Self::RANDOM] = b'-';
        let mut len = Self::RANDOM + 1;
        let slot = id.slot();
        let mut shift = 4 * (Self::DIGITS - 1);
        while shift > 0 && slot >> shift == 0 {
            shift -= 4;
        }
        loop {
            bytes[len] = b"0123456789abcdef"[slot >> shift & 15];
            len += 1;
            if shift == 0 {
                return Self { bytes, len: len as u8 };
            }
            shift -= 4;
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// The slot in our tag. A foreign tag gives none, or one whose call has another tag.
pub(crate) fn slot_of(tag: &[u8]) -> Option<usize> {
    let digits = tag.get(LocalTag::RANDOM + 1..)?;
    if tag[LocalTag::RANDOM] != b'-' || digits.is_empty() || digits.len() > LocalTag::DIGITS {
        return None;
    }
    digits.iter().try_fold(0, |n, d| Some(n << 4 | char::from(*d).to_digit(16)? as usize))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn tag(slot: usize) -> Vec<u8> {
        LocalTag::new(SessionId::new(slot, 1), &mut Bench::new().cx()).as_bytes().to_vec()
    }

    #[test]
    fn a_tag_ends_with_its_slot_in_the_fewest_digits() {
        for (slot, digits) in [
            (0, "0"),
            (9, "9"),
            (15, "f"),
            (16, "10"),
            (255, "ff"),
            (256, "100"),
            (0xab_cdef, "abcdef"),
            (0xff_ffff, "ffffff"),
        ] {
            let tag = tag(slot);
            assert_eq!(&tag[16..], format!("-{digits}").as_bytes());
            assert_eq!(slot_of(&tag), Some(slot));
        }
    }

    #[test]
    fn a_foreign_tag_gives_no_slot() {
        let good = tag(0x12);
        let other = |from: &[u8]| [&good[..16], from].concat();
        assert_eq!(slot_of(&other(b"-12")), Some(0x12));
        for bad in [&b""[..], b"-", b".12", b"12", b"-1g", b"-0000012"] {
            assert_eq!(slot_of(&other(bad)), None, "{:?}", String::from_utf8_lossy(bad));
        }
        assert_eq!((slot_of(b""), slot_of(&good[..15])), (None, None));
    }

    /// RFC 3261 §19.3.
    #[test]
    fn tags_of_two_calls_in_one_slot_differ() {
        let mut bench = Bench::new();
        let [one, two] = [1, 2].map(|n| LocalTag::new(SessionId::new(3, n), &mut bench.cx()));
        assert_ne!(one.as_bytes()[..16], two.as_bytes()[..16]);
    }
}
