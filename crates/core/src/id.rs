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
pub struct EffectId(pub u64);

/// One call. Never used twice: the slot it names may be, the generation in it not.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId {
    generation: u32,
    slot: u32,
}

impl SessionId {
    pub(crate) fn new(slot: usize, generation: u32) -> Self {
        Self { generation, slot: u32::try_from(slot).expect("fewer than 2^32 sessions") }
    }

    pub(crate) fn slot(self) -> usize {
        self.slot as usize
    }

    pub(crate) fn generation(self) -> u32 {
        self.generation
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
