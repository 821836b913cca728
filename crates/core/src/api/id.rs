use std::fmt;

/// One account of the [`Config`](crate::Config), by its place in `accounts`.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(pub u16);

/// One connection, or one UDP association, between the phone and a server. The phone chooses it in
/// [`Output::Open`](crate::Output::Open) and never uses it again after it went down.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlowId(pub u32);

/// One request to the host, answered by [`Input::Done`](crate::Input::Done). Never used twice.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EffectId(u64);

impl EffectId {
    /// The slot of the call goes into the upper bits, so that an answer finds it without a table.
    const COUNTER_BITS: u32 = 40;

    pub(crate) fn new(session: SessionId, counter: u64) -> Self {
        Self(u64::from(session.slot) << Self::COUNTER_BITS | counter & ((1 << Self::COUNTER_BITS) - 1))
    }

    pub(crate) fn slot(self) -> usize {
        (self.0 >> Self::COUNTER_BITS) as usize
    }

    /// The id as a number, for a recording.
    pub fn as_u64(self) -> u64 {
        self.0
    }

    /// The id of a number from a recording. A phone ignores what is done for an id that it never gave.
    pub fn from_u64(id: u64) -> Self {
        Self(id)
    }
}

/// One call. Never used twice: the slot it names may be, the generation in it not.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    generation: u32,
    slot: u32,
}

impl SessionId {
    const SLOT_BITS: u32 = 24;

    pub(crate) fn new(slot: usize, generation: u32) -> Self {
        assert!(slot < 1 << Self::SLOT_BITS, "fewer than 2^24 calls");
        Self { generation, slot: slot as u32 }
    }

    /// The id that a recording shows as `slot.generation`; `None` if no phone can have given it.
    pub fn from_parts(slot: u32, generation: u32) -> Option<Self> {
        (slot < 1 << Self::SLOT_BITS).then_some(Self { generation, slot })
    }

    /// The slot and the generation, as a recording shows them.
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
