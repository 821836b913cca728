use super::dial::DtmfPath;
use crate::MediaTypes;
use bytes::Bytes;
use std::time::Duration;

/// A command for a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallCommand {
    /// Answer an incoming call.
    Answer,
    /// Send early media to the caller before the call is answered: a 183 with a description, reliably if the caller supports that.
    EarlyMedia,
    /// Reject an incoming call.
    Reject {
        /// 300–699; 486 is "busy here", 603 "decline".
        code: u16,
    },
    /// End the call, whatever its status: CANCEL, BYE, or a refusal.
    HangUp,
    /// Put the peer on hold.
    Hold,
    /// End the hold.
    Resume,
    /// Restart ICE (RFC 8445 §9), for example on another network: offer the media again with new ICE credentials.
    RestartMedia,
    /// Set the types of media that the call is to have. Before an incoming call is answered they are those of the answer; later, other
    /// types are offered to the peer (RFC 3264 §8). Before the callee of an outgoing call answers, or after early media was sent, they are
    /// offered once the call is established. They stay: video that the peer offers later is rejected unless they have it. In an
    /// established call, [`CallEvent::MediaTypes`](crate::CallEvent::MediaTypes) or `MediaTypesFailed` follows.
    SetMediaTypes {
        /// The types; at least one.
        types: MediaTypes,
    },
    /// Send nothing of these types of media, and send the others. The peer is not informed.
    Mute {
        /// The types; [`MediaTypes::NONE`] sends all.
        types: MediaTypes,
    },
    /// Send digits, one after another.
    Digits {
        /// `0-9 * # A-D`; at most 64 may be queued.
        digits: String,
        /// The length of each (40 ms – 6 s).
        duration: Duration,
        /// How they are sent.
        path: DtmfPath,
    },
    /// Send an INFO: with an Info Package that the peer supports (RFC 6086), or without one (legacy usage, RFC 6086 §2).
    Info {
        /// A number of the caller's choice, for [`CallEvent::InfoOutcome`](crate::CallEvent::InfoOutcome).
        info: u32,
        /// The Info Package: a token.
        package: Option<String>,
        /// The `Content-Type`.
        content_type: String,
        /// The body; at most 16 KiB.
        body: Bytes,
    },
    /// Blind transfer: ask the peer to call `target` instead of us (RFC 3515, RFC 5589 §6).
    Transfer {
        /// An address as in [`Dial::to`](crate::Dial::to).
        target: String,
    },
    /// Accept a REFER of the peer: call its target.
    AcceptTransfer {
        /// Its `request`.
        request: u32,
    },
    /// Reject a REFER of the peer.
    RejectTransfer {
        /// Its `request`.
        request: u32,
    },
}
