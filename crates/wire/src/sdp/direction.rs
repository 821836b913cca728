//! Directions of media and how an offer and an answer combine them (RFC 3264 §5.1, §6.1).

use sdp_types::{Attribute, Media, Session};

/// The direction of a stream, from the point of view of the end that describes it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Both ways; what a description without a direction means (RFC 8866 §6.7).
    #[default]
    SendRecv,
    /// This end only sends: it holds the peer.
    SendOnly,
    /// This end only receives.
    RecvOnly,
    /// Neither.
    Inactive,
}

impl Direction {
    /// All four.
    pub const ALL: [Direction; 4] =
        [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

    /// The direction with these permissions.
    pub const fn new(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// Whether this end sends.
    pub const fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether this end receives.
    pub const fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same stream seen from the other end.
    pub const fn reversed(self) -> Direction {
        Direction::new(self.receives(), self.sends())
    }

    /// Only what both allow, both seen from the same end.
    pub const fn meet(self, other: Direction) -> Direction {
        Direction::new(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// The answer to `offered` (RFC 3264 §6.1): `desired` as far as the offer allows.
    pub const fn answer(offered: Direction, desired: Direction) -> Direction {
        offered.reversed().meet(desired)
    }

    /// The name of the attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }

    /// Reads the name of an attribute; it is case-sensitive (RFC 8866 §5.13).
    pub fn from_name(name: &[u8]) -> Option<Direction> {
        // One comparison each: this is on the way of every line of an outline.
        const fn word(direction: Direction) -> u64 {
            match direction.name().as_bytes().first_chunk() {
                Some(name) => u64::from_ne_bytes(*name),
                None => panic!("all names have eight octets"),
            }
        }
        let word_read = u64::from_ne_bytes(name.try_into().ok()?);
        Direction::ALL.into_iter().find(|&known| word(known) == word_read)
    }
}

/// The direction of a stream: its own attribute, or the session's, or `sendrecv` (RFC 8866 §6.7).
pub fn direction(session: &Session, media: &Media) -> Direction {
    let own = |list: &[Attribute]| {
        let mut flags = list.iter().filter(|attribute| attribute.value.is_none());
        flags.find_map(|attribute| Direction::from_name(attribute.attribute.as_bytes()))
    };
    own(&media.attributes).or_else(|| own(&session.attributes)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    use super::*;

    #[test]
    fn answers_follow_rfc_3264() {
        // RFC 3264 §6.1: what may be answered to each offer, from most to least.
        let allowed = [
            (SendRecv, [SendRecv, SendOnly, RecvOnly, Inactive]),
            (SendOnly, [RecvOnly, Inactive, RecvOnly, Inactive]),
            (RecvOnly, [SendOnly, SendOnly, Inactive, Inactive]),
            (Inactive, [Inactive; 4]),
        ];
        for (offered, answers) in allowed {
            for (desired, answer) in [SendRecv, SendOnly, RecvOnly, Inactive].into_iter().zip(answers) {
                assert_eq!(Direction::answer(offered, desired), answer, "{offered:?} {desired:?}");
            }
        }
    }

    #[test]
    fn directions_compose() {
        for a in Direction::ALL {
            assert_eq!(a.reversed().reversed(), a);
            assert_eq!(a.meet(a), a);
            assert_eq!(a.meet(SendRecv), a);
            assert_eq!(Direction::from_name(a.name().as_bytes()), Some(a));
            for b in Direction::ALL {
                assert_eq!(a.meet(b), b.meet(a));
                assert_eq!(a.meet(b).reversed(), a.reversed().meet(b.reversed()));
            }
        }
        assert_eq!(Direction::from_name(b"SendRecv"), None);
        assert_eq!(Direction::from_name(b"sendrecv "), None);
    }
}
