//! The events of a phone.

use crate::Call;
use bytes::Bytes;
use offhook::{AccountId, ConnectionId, ConnectionState, RegistrationState, SessionId};

/// An event of a phone that belongs to no existing call. Text from peers is untrusted.
#[derive(Debug)]
#[non_exhaustive]
pub enum PhoneEvent {
    /// An incoming call: [`Call::incoming`] has the caller. Dropping the call rejects it.
    Incoming(Call),
    /// A peer transferred a call, and this phone calls the target.
    Referred {
        /// The new outgoing call.
        call: Call,
        /// The call that was transferred.
        by: SessionId,
        /// The address of the new call.
        target: String,
    },
    /// An account's registration changed.
    Registration {
        /// The account.
        account: AccountId,
        /// Its new state.
        state: RegistrationState,
    },
    /// An account's connection changed. A connected account is not registered yet.
    Connection {
        /// The account.
        account: AccountId,
        /// The connection.
        connection: ConnectionId,
        /// Its new state.
        state: ConnectionState,
    },
    /// A MESSAGE was received (RFC 3428).
    Message {
        /// The receiving account.
        account: AccountId,
        /// The sender's URI.
        from: String,
        /// Its `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// This many older events were dropped, because the queue was full.
    Missed(u64),
}
