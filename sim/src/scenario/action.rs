//! The steps of a scenario.

use std::time::Duration;

use offhook::{DtmfPath, MediaTypes};

use crate::node::UnsolicitedMessage;

use super::Fault;

/// An action at a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The time from the start of the run.
    pub at: Duration,
    /// The action.
    pub action: Action,
}

/// The action of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A user acts.
    User {
        /// The phone, by its index in the scenario.
        phone: usize,
        /// The action.
        action: UserAction,
    },
    /// A fault starts.
    Fault(Fault),
    /// A rogue acts.
    Rogue {
        /// The rogue, by its index in the scenario.
        rogue: usize,
        /// The action.
        action: RogueAction,
    },
}

/// An action of a rogue. Its breaches change how it acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RogueAction {
    /// Call a user.
    Call(String),
    /// End its newest call, by BYE.
    HangUp,
    /// Cancel its newest call, by CANCEL.
    Cancel,
    /// Register the Contact of a user's phone as its own, and again after each reconnection.
    Claim(String),
    /// Send messages to a user, in its newest call with the user if there is one.
    Flood {
        /// The user.
        user: String,
        /// The number of messages.
        count: u32,
        /// The action.
        with: UnsolicitedMessage,
    },
}

/// An action of a user. It applies to the newest call in a suitable state; without one, it has no effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserAction {
    /// Dial a user or another address.
    Dial(String),
    /// Answer the incoming call.
    Answer,
    /// Reject the incoming call with this code.
    Reject(u16),
    /// End a call: by CANCEL, BYE or a refusal.
    HangUp,
    /// Hold an established call.
    Hold,
    /// Resume a held call.
    Resume,
    /// Restart the media path of an established call (ICE, RFC 8445 §9).
    RestartMedia,
    /// Set the types of media of a call that is not ending.
    SetMediaTypes(MediaTypes),
    /// Mute types of media in a call that is not ending.
    Mute(MediaTypes),
    /// Send early media in a call that rings.
    EarlyMedia,
    /// Send digits in an established call.
    Digits {
        /// The digits.
        digits: String,
        /// By RTP or INFO.
        path: DtmfPath,
        /// The length of each tone.
        tone: Duration,
    },
    /// Transfer an established call to an address.
    Transfer(String),
    /// Decide on the transfer that the peer of a call requests.
    DecideTransfer {
        /// Accept or reject.
        accept: bool,
    },
    /// Send a MESSAGE to a user or another address.
    Message(String),
    /// Send a MESSAGE that is too long for a datagram.
    LongMessage(String),
    /// Send an OPTIONS to a user or another address.
    AskCapabilities(String),
    /// Send an INFO in an established call: of an Info Package, or without one.
    Info {
        /// The Info Package.
        package: Option<String>,
    },
    /// Give credentials: to the phone that asks for them, or without being asked.
    GivePassword(GivenPassword),
    /// Add an account, if the phone has none.
    AddAccount,
    /// Replace the account.
    ReplaceAccount(Replacement),
    /// Remove the account.
    RemoveAccount,
    /// Register.
    Register,
    /// Unregister.
    Unregister,
    /// Set the behaviour for incoming calls from now on.
    Behaviour(Behaviour),
}

/// The answer of a user to a phone that asks for credentials.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum GivenPassword {
    /// The right password.
    Right,
    /// A wrong password.
    Wrong,
    /// There is none.
    Nothing,
}

/// How the account of a user is replaced.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Replacement {
    /// By itself.
    Same,
    /// By one with the servers in the reverse order.
    ServersReversed,
    /// By one with another address of record.
    OtherUser,
    /// By one without a password.
    WithoutPassword,
}

/// The behaviour of a user for incoming calls.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Answer.
    Answer {
        /// After this time of ringing.
        after: Duration,
    },
    /// Reject.
    Reject {
        /// The status code.
        code: u16,
        /// After this time of ringing.
        after: Duration,
    },
    /// Let it ring.
    Ignore,
}
