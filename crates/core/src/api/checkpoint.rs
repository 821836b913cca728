//! A phone at rest, as data.

use crate::base::name::AccountTimer;
use crate::{AccountId, FlowId, RegistrationFailure, Transport};
use offhook_wire::Instant;
use offhook_wire::digest::ResponderSnapshot;

/// What a phone that has neither calls nor transactions has become since it was made: with its configuration and its seed
/// enough to make another one that goes on as it would ([`Phone::from_checkpoint`](crate::Phone::from_checkpoint)).
///
/// It is the inside of a phone, turned outward for recordings: a field is added or changed as a machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The latest time that it was told.
    pub now: Instant,
    /// How many words of 32 bits were drawn of its randomness: for names, for client nonces, for waits.
    pub drawn: [u64; 3],
    /// How many lines its trace had.
    pub traced: u64,
    /// How many effects it asked for.
    pub effects: u64,
    /// How many connections it asked for.
    pub flows: u32,
    /// How many calls it had.
    pub calls: u32,
    /// The serial number of its last transaction.
    pub serial: u32,
    /// [`Counters`](crate::Counters): malformed, stray, clock backwards.
    pub counters: [u64; 3],
    /// INVITEs, and CANCELs as datagrams, that were taken lately: until when they are remembered, and their digest.
    pub recent_requests: Vec<(Instant, u128)>,
    /// CANCELs of nothing that were refused lately.
    pub refused_cancels: Vec<(Instant, u128)>,
    /// The timers that are set, in the order in which they will fire.
    pub timers: Vec<(Instant, AccountId, AccountTimer)>,
    /// Its accounts, in the order of the configuration.
    pub accounts: Vec<AccountCheckpoint>,
}

/// An account at rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountCheckpoint {
    /// Our Contact value: our name, and our address or one that is none.
    pub contact: String,
    /// The connection.
    pub flow: FlowCheckpoint,
    /// Which server is next, counted from the first without wrapping.
    pub next_server: u32,
    /// Connections in a row that failed.
    pub flow_failures: u32,
    /// The registration.
    pub registration: RegistrationCheckpoint,
    /// The CSeq number of its last REGISTER.
    pub cseq: u32,
    /// The lifetime that the next one asks for, in seconds.
    pub expires: u32,
    /// Registration attempts in a row that failed.
    pub failures: u32,
    /// Until when the registrar holds our binding, as far as we know.
    pub bound: Option<Instant>,
    /// When the REGISTERs of the last minute went out.
    pub spent: Vec<Instant>,
    /// The last challenge of the registrar's kind.
    pub user: Option<ResponderSnapshot>,
    /// The last challenge of the proxies' kind.
    pub proxy: Option<ResponderSnapshot>,
}

/// A connection at rest. Its timers are in [`Checkpoint::timers`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum FlowCheckpoint {
    /// Not wanted.
    Off,
    /// Until the next attempt.
    Waiting,
    /// On the way.
    Connecting {
        /// Its name.
        flow: FlowId,
        /// By which transport.
        transport: Transport,
    },
    /// There.
    Up {
        /// Its name.
        flow: FlowId,
        /// By which transport.
        transport: Transport,
        /// Since when.
        since: Instant,
        /// When something last came in.
        last_received: Instant,
        /// Whether the peer answered a keep-alive once.
        answers_keep_alives: bool,
    },
}

/// A registration at rest: no REGISTER is on its way.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RegistrationCheckpoint {
    /// Not wanted.
    Unregistered,
    /// Waits for a connection, or, with a timer, for budget.
    Registering,
    /// The registrar holds the binding.
    Registered {
        /// Until then.
        until: Instant,
    },
    /// An attempt failed.
    Waiting {
        /// The next one is then.
        until: Instant,
        /// Why.
        why: RegistrationFailure,
    },
    /// Given up.
    Failed(RegistrationFailure),
}

/// No phone of this configuration and seed can have rested like this.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no phone of this configuration and seed can have rested like this: {0}")]
pub struct InvalidCheckpoint(pub(crate) &'static str);
