//! Events, by subject.

pub(crate) mod account;
pub(crate) mod call;
pub(crate) mod request;
pub(crate) mod untrusted;

pub use account::{AccountEvent, RegistrationFailure, RegistrationState};
pub use call::{CallEvent, DigitFailure, Incoming, TransferState};
pub use request::{PeerCapabilities, RequestOutcome};
pub use untrusted::Untrusted;

use crate::{AccountId, RequestId, SessionId};

/// An event for the user of a phone: what happened. What the host has to do is an [`Effect`](crate::Effect). Text from peers is
/// untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An event of an account.
    Account {
        /// The account.
        account: AccountId,
        /// The event.
        event: AccountEvent,
    },
    /// An event of a call.
    Call {
        /// The call.
        session: SessionId,
        /// The event.
        event: CallEvent,
    },
    /// The outcome of a [`Command::Request`](crate::Command::Request), exactly one for each.
    Request {
        /// The request.
        request: RequestId,
        /// The outcome.
        outcome: RequestOutcome,
    },
}

impl Event {
    /// The account and the event, if it is one of an account.
    pub fn of_account(&self) -> Option<(AccountId, &AccountEvent)> {
        match self {
            Event::Account { account, event } => Some((*account, event)),
            _ => None,
        }
    }

    /// The call and the event, if it is one of a call.
    pub fn of_call(&self) -> Option<(SessionId, &CallEvent)> {
        match self {
            Event::Call { session, event } => Some((*session, event)),
            _ => None,
        }
    }
}
