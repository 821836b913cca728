use crate::{Cause, ConnectionId, ConnectionState, MediaFault};
use bytes::Bytes;
use offhook_wire::Instant;

/// An event of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AccountEvent {
    /// The state of its connection changed. "Connected" is not "registered".
    Connection {
        /// The connection.
        connection: ConnectionId,
        /// Its new state.
        state: ConnectionState,
    },
    /// The state of its registration changed.
    Registration(RegistrationState),
    /// A MESSAGE was received (RFC 3428) and answered with 200.
    Message {
        /// The sender's URI.
        from: String,
        /// Its `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// An INVITE was refused with 488 before the user was alerted: its offer cannot be used.
    InviteRefused {
        /// The caller's URI (From).
        from: String,
        /// What is wrong with the offer.
        fault: MediaFault,
    },
    /// The account was removed by [`AccountCommand::Remove`](crate::AccountCommand::Remove): its calls have ended, its binding is
    /// removed, and its connection is closed. It is the last event of the account.
    Removed,
}

/// The state of a registration (RFC 3261 §10.2).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// Not registered, and not requested.
    Unregistered,
    /// A REGISTER is pending, or waits for a connection or for credentials.
    Registering {
        /// 1 for the first; counts consecutive failed attempts, as `reRegistryPhoneTimes` does.
        attempt: u32,
    },
    /// The registrar has a binding for us.
    Registered {
        /// When the binding expires; the phone refreshes it before that.
        until: Instant,
    },
    /// Registered, and a refresh is pending.
    Refreshing,
    /// An attempt failed, and the next one is scheduled.
    Waiting {
        /// The number of the next attempt.
        attempt: u32,
        /// The maximum number of attempts, if there is one.
        of: Option<u32>,
        /// When it is made.
        until: Instant,
        /// Why the last attempt failed.
        why: RegistrationFailure,
    },
    /// The binding is being removed.
    Unregistering,
    /// Gave up, until [`AccountCommand::Register`](crate::AccountCommand::Register).
    Failed(RegistrationFailure),
}

/// Why a registration attempt failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RegistrationFailure {
    /// The cause, one of `Unauthorized`, `NotConnected`, `TimedOut`, `Rejected`, `NotFound`, `Unavailable`, `OtherFailure`.
    pub cause: Cause,
    /// The SIP code, if there was a response.
    pub code: Option<u16>,
    /// Consecutive failed attempts so far.
    pub attempts: u32,
}

impl RegistrationFailure {
    /// The failure with these fields.
    pub fn new(cause: Cause, code: Option<u16>, attempts: u32) -> Self {
        Self { cause, code, attempts }
    }
}
