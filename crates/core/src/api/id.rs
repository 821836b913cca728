use std::fmt;

/// An account: its index in [`Config::accounts`](crate::Config::accounts), or the number that followed when it was added at run
/// time. It is never reused.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u16);

/// A connection, or a UDP association, between the phone and a server. The phone chooses it in
/// [`Output::Open`](crate::Output::Open) and never reuses it.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u32);

/// A leg of a call: a media session. A call has one, and more only while several branches of its INVITE have early media.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LegId(pub u8);

/// A request outside of a dialog. It is never reused.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u32);

/// An effect, completed by [`Input::Done`](crate::Input::Done). It is never reused.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(u64);

/// A call. It is never reused: a slot is, but with another generation.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    generation: u32,
    slot: u32,
}

impl EffectId {
    /// The id as a number, for a recording.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The id of a number from a recording. A phone ignores results with an unknown id.
    pub fn from_u64(id: u64) -> Self {
        Self(id)
    }
}

impl SessionId {
    const SLOT_BITS: u32 = 24;
    #[cfg(test)]
    pub(crate) const FIRST: Self = Self { generation: 0, slot: 0 };

    pub(crate) fn new(slot: usize, generation: u32) -> Self {
        assert!(slot < 1 << Self::SLOT_BITS, "fewer than 2^24 calls");
        Self { generation, slot: slot as u32 }
    }

    /// The id that a recording shows as `slot.generation`; `None` if it is not one that a phone creates.
    pub fn from_parts(slot: u32, generation: u32) -> Option<Self> {
        (slot < 1 << Self::SLOT_BITS).then_some(Self { generation, slot })
    }

    /// The slot and the generation.
    pub fn parts(self) -> (u32, u32) {
        (self.slot, self.generation)
    }

    pub(crate) fn slot(self) -> usize {
        self.slot as usize
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.slot, self.generation)
    }
}

impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionId({self})")
    }
}
