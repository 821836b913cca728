use crate::base::bounds;

/// Some of the realms of an account: those that challenged the requests of one Call-ID, or of one request. An element is the index of a
/// realm.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RealmSet(u8);

const _: () = assert!(bounds::REALMS <= u8::BITS as usize);

/// The challenges of one request that were answered since it got its Request-URI. Credentials that it had before a challenge do not
/// count: their nonce may have expired.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Answered {
    pub(crate) realms: RealmSet,
    /// How many stale nonces were answered.
    pub(crate) stale: u8,
}

impl RealmSet {
    /// With one more realm.
    #[must_use]
    pub(crate) fn with(self, index: usize) -> Self {
        Self(self.0 | 1 << index)
    }

    pub(crate) fn has(self, index: usize) -> bool {
        self.0 & 1 << index != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }
}
