//! Reasons of an end that are needed in several states.

use crate::api::reason::reason_of;
use crate::{Cause, EndReason, EndedBy, MediaFault};
use offhook_wire::Message;

/// There is no connection.
pub(super) fn not_connected() -> EndReason {
    EndReason::new(EndedBy::Network, Cause::NotConnected, None, "not connected to a server")
}

/// The response code and the reason for a fault of the media engine.
pub(super) fn refusal_of(fault: MediaFault) -> (u16, Cause) {
    match fault {
        MediaFault::NoCommonCodec
        | MediaFault::NoCommonTransport
        | MediaFault::NoCommonMedia
        | MediaFault::BadDescription => (488, Cause::NotAcceptable),
        MediaFault::Engine => (500, Cause::MediaFailed),
    }
}

/// The reason that a CANCEL gives (RFC 3326 §2).
pub(super) fn cancel_reason(message: &Message) -> EndReason {
    let (code, text) = reason_of(message);
    let cause = match code {
        Some(200..=299) => Cause::AnsweredElsewhere,
        Some(600..=699) => Cause::DeclinedElsewhere,
        _ => Cause::Cancelled,
    };
    EndReason { by: EndedBy::Peer, cause, code: code.or(Some(487)), text }
}
