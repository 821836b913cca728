use crate::base::bounds;

/// Some of the realms of an account: those that challenged the requests of one Call-ID, or of one request. An element is the index of a
/// realm.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RealmSet {
    /// The [`Realms`](super::realms::Realms) number their epochs: in another epoch the set is empty.
    epoch: u32,
    realms: u16,
}

const _: () = assert!(2 * bounds::REALMS <= u16::BITS as usize);

/// The challenges of one request that were answered since it got its Request-URI. Credentials that it had before a challenge do not
/// count: their nonce may have expired.
#[derive(Copy, Clone, Debug, Default)]
pub(crate) struct Answered {
    pub(crate) realms: RealmSet,
    /// How many stale nonces were answered.
    pub(crate) stale: u8,
}

impl RealmSet {
    /// The empty set of an epoch.
    pub(crate) fn empty(epoch: u32) -> Self {
        Self { epoch, realms: 0 }
    }

    /// The set as it is in an epoch.
    pub(crate) fn within(self, epoch: u32) -> Self {
        if self.epoch == epoch { self } else { Self::empty(epoch) }
    }

    /// With one more realm.
    #[must_use]
    pub(crate) fn with(self, index: usize) -> Self {
        Self { realms: self.realms | 1 << index, ..self }
    }

    pub(crate) fn has(self, index: usize) -> bool {
        self.realms & 1 << index != 0
    }

    pub(crate) fn is_empty(self) -> bool {
        self.realms == 0
    }
}

impl Answered {
    /// The same in an epoch: answers from another one do not count.
    pub(crate) fn within(self, epoch: u32) -> Self {
        let realms = self.realms.within(epoch);
        Self { realms, stale: if realms == self.realms { self.stale } else { 0 } }
    }
}
