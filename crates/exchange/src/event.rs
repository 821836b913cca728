//! What the exchange tells its host, for a log: nothing here asks for an action.

use std::time::Duration;

use crate::flow::FlowId;

/// The longest text that an event repeats, in bytes.
const SHOWN: usize = 256;

/// Text of a peer as events repeat it: cut where it is longer than a line of a log should be.
pub(crate) fn shown(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(SHOWN)]).into_owned()
}

/// Something worth a line in a log. Carries no credentials. What peers wrote is cut after 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A contact was added or refreshed.
    Registered {
        /// User part of the address-of-record.
        user: String,
        /// The Contact URI as registered.
        contact: String,
        /// The flow on which the user is now reached.
        flow: FlowId,
        /// The interval granted.
        expires: Duration,
    },
    /// A contact is gone.
    Unregistered {
        /// User part of the address-of-record.
        user: String,
        /// The Contact URI as registered.
        contact: String,
        /// Why.
        why: Unregistered,
    },
    /// Credentials were given and refused.
    Denied {
        /// The user name in the credentials.
        user: String,
        /// The status of the refusal (401, 403 or 407).
        status: u16,
        /// The flow it came over.
        flow: FlowId,
    },
    /// A call made a step.
    Call {
        /// The Call-ID.
        call_id: String,
        /// The URI of From.
        from: String,
        /// The URI of To.
        to: String,
        /// The step.
        step: CallStep,
    },
}

/// Why a contact is gone.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unregistered {
    /// The user removed it.
    Removed,
    /// It was not refreshed in time.
    Expired,
    /// The connection it was registered over is gone.
    FlowLost,
    /// The exchange lost its memory of it.
    Forgotten,
    /// Its user was removed, or has another password now.
    Revoked,
}

/// A step of a call as a proxy sees it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallStep {
    /// The INVITE was forwarded to this many contacts.
    Offered {
        /// How many branches were forked.
        branches: usize,
    },
    /// A callee rings (the first 180 to 183).
    Ringing,
    /// A callee answered.
    Answered,
    /// The final answer was no.
    Refused {
        /// The status sent to the caller.
        status: u16,
    },
    /// A BYE was answered, or nobody was there to answer it.
    Ended,
}
