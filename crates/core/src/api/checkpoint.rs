//! The snapshot of an idle phone, as data.

use crate::base::name::AccountTimer;
use crate::{Account, AccountId, ConnectionId, RegistrationFailure, Transport};
use offhook_wire::Instant;
use offhook_wire::digest::{Algorithm, ResponderSnapshot};

/// The state of a phone that has neither calls nor transactions. With the phone's configuration and seed it is enough to make
/// a phone that continues in the same way ([`Phone::from_checkpoint`](crate::Phone::from_checkpoint)).
///
/// It exposes internal state, for recordings: its fields change with the machines.
#[derive(Clone, Debug)]
pub struct Checkpoint {
    /// The time of its last input.
    pub now: Instant,
    /// How many 32-bit words were drawn from each random stream: identifiers, client nonces, jitter.
    pub drawn: [u64; 3],
    /// How many lines were added to its trace.
    pub traced: u64,
    /// How many effects it requested.
    pub effects: u64,
    /// How many connections it opened.
    pub connections: u32,
    /// How many identifiers of accounts it used, including those of removed accounts.
    pub account_ids: u32,
    /// How many calls it had.
    pub calls: u32,
    /// How many requests outside of dialogs it had.
    pub requests: u32,
    /// The serial number of its last transaction.
    pub serial: u32,
    /// [`Counters`](crate::Counters): malformed, stray, clock backwards.
    pub counters: [u64; 3],
    /// INVITEs, and CANCELs over UDP, that were received recently: when each is forgotten, and its digest.
    pub recent_requests: Vec<(Instant, u128)>,
    /// CANCELs without an INVITE that were refused recently: when each is forgotten, and its digest.
    pub refused_cancels: Vec<(Instant, u128)>,
    /// The pending timers, in the order in which they will fire.
    pub timers: Vec<(Instant, AccountId, AccountTimer)>,
    /// Its accounts, in the order of their identifiers.
    pub accounts: Vec<AccountCheckpoint>,
}

/// The state of an account without a pending REGISTER.
#[derive(Clone, Debug)]
pub struct AccountCheckpoint {
    /// Its identifier.
    pub id: AccountId,
    /// Its configuration, which may have been added or replaced since the phone was created.
    pub config: Account,
    /// The position in the random stream at which its identifiers were drawn.
    pub drawn: u64,
    /// Our Contact value: our user part, and our address or a `.invalid` host name.
    pub contact: String,
    /// The connection.
    pub connection: ConnectionCheckpoint,
    /// The index of the next server, not reduced modulo the number of servers.
    pub next_server: u32,
    /// Consecutive failed connection attempts.
    pub connection_failures: u32,
    /// The registration.
    pub registration: RegistrationCheckpoint,
    /// The CSeq number of its last REGISTER.
    pub cseq: u32,
    /// The lifetime that the next REGISTER requests, in seconds.
    pub expires: u32,
    /// Consecutive failed registration attempts.
    pub failures: u32,
    /// When our binding at the registrar expires, if there is one.
    pub bound: Option<Instant>,
    /// When the REGISTERs of the last minute were sent.
    pub spent: Vec<Instant>,
    /// How many servers answered the pending registration attempt with 503.
    pub servers_refused: u32,
    /// The realms that challenged requests of the account.
    pub realms: Vec<RealmCheckpoint>,
}

/// A realm that challenged requests of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RealmCheckpoint {
    /// The realm.
    pub realm: String,
    /// Whether it challenged with 407; otherwise with 401.
    pub proxy: bool,
    /// Whether it challenged a REGISTER.
    pub registers: bool,
    /// The strongest algorithm that the server accepted.
    pub algorithm: Option<Algorithm>,
    /// The algorithm of the credentials in the last REGISTER, until they are accepted.
    pub offered: Option<Algorithm>,
    /// The last challenge.
    pub challenge: Option<ResponderSnapshot>,
}

/// The state of a connection. Its timers are in [`Checkpoint::timers`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum ConnectionCheckpoint {
    /// Not needed.
    Off,
    /// Down until the next attempt.
    Waiting,
    /// Being opened.
    Connecting {
        /// Its identifier.
        connection: ConnectionId,
        /// Its transport.
        transport: Transport,
    },
    /// Up.
    Up {
        /// Its identifier.
        connection: ConnectionId,
        /// Its transport.
        transport: Transport,
        /// When it came up.
        since: Instant,
        /// When bytes were last received.
        last_received: Instant,
        /// Whether the server has ever answered a keep-alive on it.
        answers_keep_alives: bool,
    },
}

/// The state of a registration without a pending REGISTER.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RegistrationCheckpoint {
    /// Not requested.
    Unregistered,
    /// Waits for a connection, or, with a timer, for the flood budget.
    Registering,
    /// The registrar holds the binding.
    Registered {
        /// When the binding expires.
        until: Instant,
    },
    /// An attempt failed.
    Waiting {
        /// When the next attempt is made.
        until: Instant,
        /// Why the last attempt failed.
        why: RegistrationFailure,
    },
    /// Gave up.
    Failed(RegistrationFailure),
}

/// The checkpoint does not belong to a phone of this configuration and seed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the checkpoint is not of a phone with this configuration and seed: {0}")]
pub struct InvalidCheckpoint(pub(crate) &'static str);
