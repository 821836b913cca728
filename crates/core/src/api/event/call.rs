use crate::{AccountId, DtmfPath, EndReason, LegId, MediaTypes, SessionId, Status};
use bytes::Bytes;
use std::time::Duration;

/// An event of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallEvent {
    /// An incoming call. Its status is `initial`, then `establishing` when it rings.
    Incoming(Incoming),
    /// The status of a call changed.
    Status {
        /// The status before.
        from: Status,
        /// The status now.
        to: Status,
        /// With `terminating`: why the call ends. It is known before the response to our CANCEL or BYE, and
        /// [`Ended`](Self::Ended) has the same.
        why: Option<EndReason>,
    },
    /// A provisional response to our INVITE: 180 is ringing, 183 may have early media.
    Progress {
        /// 101–199.
        code: u16,
        /// The leg with the early media of the branch, if it has any.
        leg: Option<LegId>,
    },
    /// The hold of a call changed, on our side or the peer's, or is the outcome of `Hold` or `Resume`.
    Hold {
        /// Whether we hold the peer.
        local: bool,
        /// Whether the peer holds us.
        remote: bool,
    },
    /// Our hold or resume failed; the call continues as before.
    HoldFailed {
        /// The intent that failed: `true` for hold, `false` for resume.
        hold: bool,
        /// The SIP code of the refusal, if there was one.
        code: Option<u16>,
    },
    /// The outcome of [`CallCommand::RestartMedia`](crate::CallCommand::RestartMedia): the peer has answered the offer, and the paths
    /// are searched again; or it was refused, and the media stays as agreed before.
    MediaRestarted {
        /// Whether the peer accepted it.
        accepted: bool,
        /// The SIP code of the refusal, if there was one.
        code: Option<u16>,
    },
    /// The types of media of an established call: their change, and the outcome of
    /// [`CallCommand::SetMediaTypes`](crate::CallCommand::SetMediaTypes). A call has audio only until this event.
    MediaTypes {
        /// The types that both ends agreed on.
        agreed: MediaTypes,
    },
    /// A change of the types of media failed; the call continues as before.
    MediaTypesFailed {
        /// The SIP code of the refusal; `None`: our media engine failed, or there was no connection.
        code: Option<u16>,
    },
    /// A digit was received.
    Digit {
        /// `0-9 * # A-D`.
        digit: char,
        /// Its duration.
        duration: Duration,
        /// How it was received: `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit was sent: its last RTP packet, or an INFO that was answered with 2xx.
    DigitSent {
        /// The digit.
        digit: char,
        /// How it was sent: `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit could not be sent.
    DigitFailed {
        /// The digit.
        digit: char,
        /// Why.
        why: DigitFailure,
    },
    /// The state of our transfer changed.
    Transfer(TransferState),
    /// The peer sent a REFER, and [`Config::refer_policy`](crate::Config::refer_policy) is to ask. Decide with
    /// [`CallCommand::AcceptTransfer`](crate::CallCommand::AcceptTransfer) or `RejectTransfer`.
    TransferRequested {
        /// The CSeq number of the REFER. A decision names it, so that it cannot apply to a later REFER.
        request: u32,
        /// The Refer-To URI.
        target: String,
        /// The value of Referred-By, which is not authenticated.
        referred_by: Option<String>,
    },
    /// A REFER can no longer be decided on: the time limit has passed, or the peer has ended the subscription. The end of the
    /// call ends its REFER without this event.
    TransferRequestEnded {
        /// The CSeq number of the REFER.
        request: u32,
    },
    /// This call was created by a REFER that was accepted. It is the first event of the call.
    Referred {
        /// The call in which the REFER was received.
        by: SessionId,
        /// The Refer-To URI.
        target: String,
    },
    /// The media path of a call came up (`true`) or was interrupted.
    Media {
        /// Whether it is up.
        up: bool,
    },
    /// The INVITE follows a redirection (RFC 3261 §8.1.3.4): its new Request-URI.
    Redirected {
        /// The Contact URI of the 3xx.
        target: String,
    },
    /// An INFO without DTMF was received and answered with 200.
    Info {
        /// Its Info Package (RFC 6086), one of [`Config::info_packages`](crate::Config::info_packages); `None`: legacy usage
        /// (RFC 6086 §2).
        package: Option<String>,
        /// Its `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// The outcome of [`CallCommand::Info`](crate::CallCommand::Info).
    InfoOutcome {
        /// The number of the command.
        info: u32,
        /// The final response; `None`: there was none.
        code: Option<u16>,
    },
    /// A call has ended. It is emitted exactly once for each call that was dialed or reported as `Incoming`, as the call's last event.
    Ended(EndReason),
}

impl CallEvent {
    /// The status before and now, if it changed.
    pub fn status_change(&self) -> Option<(Status, Status)> {
        match self {
            Self::Status { from, to, .. } => Some((*from, *to)),
            _ => None,
        }
    }

    /// The new status, if it changed.
    pub fn status(&self) -> Option<Status> {
        self.status_change().map(|(_, to)| to)
    }

    /// The caller and the callee, if the call is a new incoming one.
    pub fn incoming(&self) -> Option<&Incoming> {
        match self {
            Self::Incoming(incoming) => Some(incoming),
            _ => None,
        }
    }

    /// Why the call has ended, if this is its end.
    pub fn ended(&self) -> Option<&EndReason> {
        match self {
            Self::Ended(why) => Some(why),
            _ => None,
        }
    }
}

/// An incoming call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Incoming {
    /// The account that received it.
    pub account: AccountId,
    /// The caller's URI (From).
    pub from: String,
    /// The caller's display name.
    pub display_name: Option<String>,
    /// The URI in To.
    pub to: String,
    /// The types of media that an answer could have: those of the offer that the media engine supports. `None` if the INVITE has no offer, or
    /// if the engine failed or was late to judge it. A call is answered with [`MediaTypes::AUDIO`] unless
    /// [`Phone::set_media_types`](crate::Phone::set_media_types) asks for other types before.
    pub types: Option<MediaTypes>,
}

/// The state of our transfer.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum TransferState {
    /// The REFER is pending or was accepted.
    Trying,
    /// The peer reports a provisional response of the target.
    Progress {
        /// 100–199.
        code: u16,
    },
    /// The target answered. The phone ends the call with the peer.
    Done,
    /// The transfer failed; the call with the peer continues.
    Failed {
        /// The response code of the target, or of the REFER.
        code: Option<u16>,
    },
}

/// Why a digit could not be sent.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum DigitFailure {
    /// RTP was requested, and telephone-event was not negotiated.
    NotSupported,
    /// The INFO was refused, or not answered.
    Refused,
    /// The media engine failed to send it.
    Media,
    /// The call ended before.
    Ended,
}
