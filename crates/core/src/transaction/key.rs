use super::branch::COOKIE;
use crate::base::entropy::{BASE32, Entropy, Label};
use foldhash::{fast, quality};
use offhook_wire::{Message, Method};
use std::hash::BuildHasher;

/// A 128-bit digest of what identifies a request: two hashes with secret seeds. The request is not stored, and a sender cannot
/// create a collision with another's request.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key(u64, u64);

impl Key {
    /// A To tag for a stateless response: the same for the same request (RFC 3261 §8.2.7).
    pub(super) fn tag(self) -> [u8; 12] {
        let mut bits = self.0;
        std::array::from_fn(|_| {
            let digit = BASE32[(bits & 31) as usize];
            bits >>= 5;
            digit
        })
    }
}

impl Key {
    pub(super) fn as_u128(self) -> u128 {
        u128::from(self.0) << 64 | u128::from(self.1)
    }

    pub(super) fn from_u128(key: u128) -> Self {
        Self((key >> 64) as u64, key as u64)
    }
}

/// The secret seeds of a phone.
pub(super) struct Keys {
    one: quality::FixedState,
    two: quality::FixedState,
    map: fast::FixedState,
}

impl Keys {
    pub(super) fn new(entropy: &mut Entropy) -> Self {
        Self {
            one: quality::FixedState::with_seed(entropy.u64(Label::Auth)),
            two: quality::FixedState::with_seed(entropy.u64(Label::Auth)),
            map: fast::FixedState::with_seed(entropy.u64(Label::Auth)),
        }
    }

    /// For maps by key; they are never iterated.
    pub(super) fn map_hasher(&self) -> fast::FixedState {
        self.map.clone()
    }

    /// RFC 3261 §17.2.3: branch, sent-by and method.
    pub(super) fn of_request(&self, message: &Message) -> Option<Key> {
        self.of(message, message.method()?)
    }

    /// The key of the INVITE that an ACK or a CANCEL belongs to.
    pub(super) fn of_invite(&self, message: &Message) -> Option<Key> {
        self.of(message, Method::Invite)
    }

    fn of(&self, message: &Message, method: Method<'_>) -> Option<Key> {
        let via = message.via().ok()?;
        match via.branch() {
            Some(branch)
                if branch.len() > COOKIE.len() && branch[..COOKIE.len()].eq_ignore_ascii_case(COOKIE) =>
            {
                Some(self.hash((branch, via.host, via.port, method.as_bytes())))
            }
            // A branch of RFC 2543 is not unique: all fields that a retransmission repeats count. An ACK has another To
            // tag, so that one is left out.
            branch => {
                let (from, cseq) = (message.from().ok()?, message.cseq().ok()?);
                let origin = (from.tag(), message.call_id().ok()?, cseq.number);
                Some(self.hash((
                    branch,
                    via.host,
                    via.port,
                    method.as_bytes(),
                    message.request_uri(),
                    origin,
                )))
            }
        }
    }

    /// RFC 3261 §8.2.2.2: From tag, Call-ID and CSeq of a request without a To tag.
    pub(super) fn of_origin(&self, message: &Message) -> Option<Key> {
        if message.to().ok()?.tag().is_some() {
            return None;
        }
        let (from, cseq) = (message.from().ok()?, message.cseq().ok()?);
        Some(self.hash((from.tag(), message.call_id().ok()?, cseq.number, cseq.method.as_bytes())))
    }

    /// A fork of an INVITE, by its To tag.
    pub(super) fn of_fork(&self, tag: &[u8]) -> Key {
        self.hash(tag)
    }

    fn hash(&self, parts: impl std::hash::Hash) -> Key {
        Key(self.one.hash_one(&parts), self.two.hash_one(&parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// RFC 3261 §19.3: a tag has at least 32 bits of randomness; ours 60.
    #[test]
    fn each_bit_of_the_key_changes_the_tag() {
        let tags: BTreeSet<[u8; 12]> = (0..60).map(|bit| Key(1 << bit, 0).tag()).collect();
        assert_eq!(tags.len(), 60);
    }

    #[test]
    fn keys_differ_between_phones() {
        let keys = [1, 2].map(|seed| Keys::new(&mut Entropy::new([seed; 32])));
        let [one, two] = &keys;
        assert_ne!(one.hash("a request"), two.hash("a request"));
        let places = keys.each_ref().map(|keys| keys.map_hasher().hash_one("a key"));
        assert_ne!(places[0], places[1]);
    }
}
