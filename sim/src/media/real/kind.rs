//! The kind of a datagram, from its unencrypted part.

/// The payload types of telephone-event that the engine offers.
const EVENTS: [u8; 2] = [110, 126];

/// A kind of datagram (RFC 7983, RFC 5761).
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A STUN message.
    Stun,
    /// A DTLS record.
    Dtls,
    /// Audio or a digit, with an unencrypted header.
    Rtp {
        /// The payload type.
        payload_type: u8,
        /// The sequence number.
        sequence: u16,
        /// The timestamp.
        timestamp: u32,
    },
    /// An RTCP packet.
    Rtcp,
    /// Anything else.
    Other,
}

impl Kind {
    /// The kind of a datagram.
    pub fn of(data: &[u8]) -> Self {
        match *data {
            [0..=3, ..] => Self::Stun,
            [20..=63, ..] => Self::Dtls,
            [128..=191, 192..=223, ..] => Self::Rtcp,
            [128..=191, kind, a, b, c, d, e, f, ..] => Self::Rtp {
                payload_type: kind & 0x7f,
                sequence: u16::from_be_bytes([a, b]),
                timestamp: u32::from_be_bytes([c, d, e, f]),
            },
            _ => Self::Other,
        }
    }

    /// The timestamp, if it is a telephone-event.
    pub fn digit(self) -> Option<u32> {
        match self {
            Self::Rtp { payload_type, timestamp, .. } if EVENTS.contains(&payload_type) => Some(timestamp),
            _ => None,
        }
    }

    /// The number of the kind.
    pub fn number(self) -> u64 {
        match self {
            Self::Stun => 0,
            Self::Dtls => 1,
            Self::Rtp { .. } => 2,
            Self::Rtcp => 3,
            Self::Other => 4,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_recognized_by_the_first_bytes() {
        let rtp = [0x80, 0x80 | 110, 1, 2, 0, 0, 0, 9, 0, 0, 0, 0];
        let kind = Kind::Rtp { payload_type: 110, sequence: 0x102, timestamp: 9 };
        assert_eq!((Kind::of(&rtp), kind.digit()), (kind, Some(9)));
        assert_eq!(Kind::of(&[0x80, 111, 0, 0, 0, 0, 0, 9]).digit(), None, "audio");
        assert_eq!(Kind::of(&[0x80, 200, 0, 0]), Kind::Rtcp);
        assert_eq!(Kind::of(&[22, 254, 253]), Kind::Dtls);
        assert_eq!(Kind::of(&[0, 1, 0, 0]), Kind::Stun);
        assert_eq!([Kind::of(&[]), Kind::of(&[0x80, 111]), Kind::of(&[255])], [Kind::Other; 3]);
    }
}
