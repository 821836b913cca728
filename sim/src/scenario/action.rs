//! The steps of a scenario.

use std::time::Duration;

use offhook::DtmfPath;

use crate::node::UnsolicitedMessage;

use super::Fault;

/// Something that happens at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// When, from the start of the run.
    pub at: Duration,
    /// What.
    pub action: Action,
}

/// What happens at a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A user does something.
    User {
        /// At which phone, by its place in the scenario.
        phone: usize,
        /// What.
        action: UserAction,
    },
    /// Something goes wrong.
    Fault(Fault),
    /// A rogue does something.
    Rogue {
        /// Which one, by its place in the scenario.
        rogue: usize,
        /// What.
        action: RogueAction,
    },
}

/// What a rogue does of its own accord. How it does that is up to what it breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RogueAction {
    /// Call a user.
    Call(String),
    /// End its newest call, by BYE.
    HangUp,
    /// Give up its newest call, by CANCEL.
    Cancel,
    /// Register the Contact of a user's phone in its own name, and again after each reconnection.
    Claim(String),
    /// Send something to a user many times, in its newest call with the user if there is one.
    Flood {
        /// To whom.
        user: String,
        /// How many times.
        count: u32,
        /// What.
        with: UnsolicitedMessage,
    },
}

/// What a user does. It is meant for the newest call that is in the state for it; without one, nothing is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserAction {
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
    Behaviour(Behaviour),
}

/// What a user does with an incoming call.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
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
