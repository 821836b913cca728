//! The events of a phone.

use crate::{Call, CredentialsRequest};
use offhook::{AccountEvent, AccountId, SessionId};

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
    /// An event of an account: its connection, its registration, a message.
    Account {
        /// The account.
        account: AccountId,
        /// The event.
        event: AccountEvent,
    },
    /// An account needs credentials, and [`Account::ask_credentials`](offhook::Account::ask_credentials) is set. Dropping the request
    /// refuses it.
    Credentials(CredentialsRequest),
    /// This many older events were dropped, because the queue was full.
    Missed(u64),
}
