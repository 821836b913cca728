//! The steps of a scenario.

use std::time::Duration;

use offhook::DtmfPath;

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, from the start of the run.
    pub at: Duration,
    /// What.
    pub act: Act,
}

/// What happens at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A user does something.
    User {
        /// At which phone, by its place in the scenario.
        phone: usize,
        /// What.
        deed: Deed,
    },
    /// Something goes wrong.
    Fault(Fault),
}

/// What a user does. It is meant for the newest call that is in the state for it; without one, nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Call an address: a user, or anything else that can be dialled.
    Dial(String),
    /// Take the incoming call.
    Answer,
    /// Refuse the incoming call with this code.
    Reject(u16),
    /// End a call that is not ending yet: by CANCEL, BYE or a refusal.
    HangUp,
    /// Hold an established call.
    Hold,
    /// Resume a held call.
    Resume,
    /// Send digits into an established call.
    Digits {
        /// Which.
        digits: String,
        /// How.
        path: DtmfPath,
        /// The length of each.
        tone: Duration,
    },
    /// Transfer an established call to an address.
    Transfer(String),
    /// Want to be registered.
    Register,
    /// Want not to be.
    Unregister,
    /// From now on, do this with incoming calls.
    Manner(Manner),
}

/// What a user does with an incoming call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// Take it.
    Answer {
        /// After it rang so long.
        after: Duration,
    },
    /// Refuse it.
    Reject {
        /// With this code.
        code: u16,
        /// After it rang so long.
        after: Duration,
    },
    /// Let it ring.
    Ignore,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A phone's connection is reset; both ends are told.
    Drop {
        /// Which phone.
        phone: usize,
    },
    /// A phone's connection is dead, and nobody is told.
    Rot {
        /// Which phone.
        phone: usize,
    },
    /// A phone's network is cut. Streams stall, datagrams are lost, nothing can be connected.
    Cut {
        /// Which phone.
        phone: usize,
        /// What no longer passes.
        way: Way,
        /// For how long.
        lasting: Duration,
    },
    /// An exchange stops, and comes back with all forgotten.
    Crash {
        /// Which exchange, by its place in the scenario.
        exchange: usize,
        /// How long it is away.
        lasting: Duration,
    },
    /// A phone's media engine has trouble.
    Media {
        /// Which phone.
        phone: usize,
        /// What trouble.
        trouble: MediaTrouble,
        /// For how long.
        lasting: Duration,
    },
    /// A phone is gone for ever, and its network with it. It is not healed.
    Die {
        /// Which phone.
        phone: usize,
    },
}

/// Which way a network is cut.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// Nothing comes from the network to the phone.
    Down,
    /// Nothing goes from the phone to the network.
    Up,
    /// Nothing passes at all.
    Both,
}

/// What is wrong with a phone's media engine.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MediaTrouble {
    /// Every effect takes so long.
    Slow(Duration),
    /// Every effect fails.
    Broken,
    /// No path comes up.
    Pathless,
}
