//! Why calls end, for more than one state.

use crate::api::reason::reason_of;
use crate::{Cause, EndReason, EndedBy, MediaFault};
use offhook_wire::Message;

/// There is no connection.
pub(super) fn not_connected() -> EndReason {
    EndReason::new(EndedBy::Network, Cause::NotConnected, None, "not connected to a server")
}

/// What a fault of the media engine means: for the peer, and for the user.
pub(super) fn refusal_of(fault: MediaFault) -> (u16, Cause) {
    match fault {
        MediaFault::NoCommonCodec | MediaFault::BadDescription => (488, Cause::NotAcceptable),
        MediaFault::Engine => (500, Cause::MediaFailed),
    }
}

/// What a CANCEL says (RFC 3326 §2).
pub(super) fn cancel_reason(message: &Message) -> EndReason {
    let (code, text) = reason_of(message);
    let cause = match code {
        Some(200..=299) => Cause::AnsweredElsewhere,
        Some(600..=699) => Cause::DeclinedElsewhere,
        _ => Cause::Cancelled,
    };
    EndReason { by: EndedBy::Peer, cause, code: code.or(Some(487)), text }
}
