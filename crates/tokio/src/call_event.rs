//! The events of a call.

use bytes::Bytes;
use offhook::{DigitFailure, DtmfPath, EndReason, SessionId, Status, TransferState};
use offhook_media::FailureCause;
use std::time::Duration;

/// An event of one call. Text from peers is untrusted.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallEvent {
    /// The status changed to this one.
    Status(Status),
    /// A provisional response to an outgoing INVITE: 180 Ringing, 183 Session Progress (possibly with early media).
    Progress {
        /// 101–199.
        code: u16,
    },
    /// A hold began or ended.
    Hold {
        /// The peer is held by this phone.
        local: bool,
        /// This phone is held by the peer.
        remote: bool,
    },
    /// A hold or resume of this phone was refused; the call continues unchanged.
    HoldFailed {
        /// `true` for a hold, `false` for a resume.
        hold: bool,
        /// The status code of the refusal, if there was a response.
        code: Option<u16>,
    },
    /// A digit was received.
    Digit {
        /// `0-9 * # A-D`.
        digit: char,
        /// Its duration.
        duration: Duration,
        /// `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit was sent.
    DigitSent {
        /// The digit.
        digit: char,
        /// `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit could not be sent.
    DigitFailed {
        /// The digit.
        digit: char,
        /// The reason.
        why: DigitFailure,
    },
    /// Progress of a transfer requested by this phone.
    Transfer(TransferState),
    /// The peer requests that this phone call `target`: decide with [`Call::accept_transfer`](crate::Call::accept_transfer) or
    /// [`Call::reject_transfer`](crate::Call::reject_transfer). Only with [`ReferPolicy::Ask`](offhook::ReferPolicy), the default.
    TransferRequested {
        /// The number of the request, for the decision.
        request: u32,
        /// The requested address. The peer chose it.
        target: String,
        /// The value of Referred-By, which is not authenticated.
        referred_by: Option<String>,
    },
    /// A requested transfer can no longer be decided on.
    TransferRequestEnded {
        /// The number of the request.
        request: u32,
    },
    /// The peer transferred the call, and this phone calls the target: see [`PhoneEvent::Referred`](crate::PhoneEvent::Referred).
    Referred {
        /// The new call.
        session: SessionId,
        /// The address of the new call.
        target: String,
    },
    /// The media path came up (`true`) or was interrupted.
    Media {
        /// Whether it is up.
        up: bool,
    },
    /// The media path failed permanently; the end of the call follows.
    MediaFailed(FailureCause),
    /// The first audio of the peer was received.
    FirstAudio,
    /// The received audio changed to another tone or to silence, and is stable.
    Tone {
        /// The dominant frequency in Hz; `None` is silence.
        hz: Option<f32>,
        /// The level in dB relative to full scale.
        level_dbfs: f32,
    },
    /// The played source has ended.
    SourceEnded,
    /// An INFO other than DTMF was received.
    Info {
        /// Its `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// This many older events were dropped, because the queue was full.
    Missed(u64),
    /// The call has ended. Comes once; [`Call::next`](crate::Call::next) returns `None` after it.
    Ended(EndReason),
}
