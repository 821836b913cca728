//! Events for a log. No event needs an action of the host.

use std::time::Duration;

use crate::flow::FlowId;

/// The longest text of a peer in an event, in bytes.
const MAX_TEXT: usize = 256;

/// Text of a peer, truncated for a log.
pub(crate) fn truncated(text: &[u8]) -> String {
    String::from_utf8_lossy(&text[..text.len().min(MAX_TEXT)]).into_owned()
}

/// An event for a log. Carries no credentials. Text of peers is truncated to 256 bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A contact was added or refreshed.
    Registered {
        /// User part of the address-of-record.
        user: String,
        /// The Contact URI as registered.
        contact: String,
        /// The flow that requests for the contact use now.
        flow: FlowId,
        /// The interval granted.
        expires: Duration,
    },
    /// A contact was removed.
    Unregistered {
        /// User part of the address-of-record.
        user: String,
        /// The Contact URI as registered.
        contact: String,
        /// The reason.
        reason: Unregistered,
    },
    /// A request with credentials was refused.
    Denied {
        /// The user name in the credentials.
        user: String,
        /// The status of the refusal (401, 403 or 407).
        status: u16,
        /// The flow of the request.
        flow: FlowId,
    },
    /// A call progressed.
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

/// Why a contact was removed.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unregistered {
    /// The user removed it.
    Removed,
    /// It was not refreshed in time.
    Expired,
    /// The connection of its registration was lost.
    FlowLost,
    /// The exchange lost its bindings ([`Exchange::forget`](crate::Exchange::forget)).
    Forgotten,
    /// Its user was removed or has a different password.
    Revoked,
}

/// The progress of a call as a proxy sees it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallStep {
    /// The INVITE was forwarded.
    Offered {
        /// The number of branches.
        branches: usize,
    },
    /// The first 180 to 183 response came.
    Ringing,
    /// A callee answered.
    Answered,
    /// The final response is not a 2xx.
    Refused {
        /// The status sent to the caller.
        status: u16,
    },
    /// A BYE got a final response, or timed out.
    Ended,
}
