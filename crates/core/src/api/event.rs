use crate::{AccountId, Cause, DtmfPath, EndReason, FlowId, FlowState, SessionId, Status};
use bytes::Bytes;
use offhook_wire::Instant;
use std::time::Duration;

/// An event for the user of a phone. Text from peers is untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The state of an account's connection changed. "Connected" is not "registered".
    Flow {
        /// The account.
        account: AccountId,
        /// The connection.
        flow: FlowId,
        /// Its new state.
        state: FlowState,
    },
    /// The state of an account's registration changed.
    Registration {
        /// The account.
        account: AccountId,
        /// Its new state.
        state: RegistrationState,
    },
    /// An incoming call. Its status is `initial`, then `establishing` when it rings.
    Incoming(Incoming),
    /// The status of a call changed.
    Status {
        /// The call.
        session: SessionId,
        /// The status before.
        from: Status,
        /// The status now.
        to: Status,
    },
    /// A provisional response to our INVITE: 180 is ringing, 183 may have early media.
    Progress {
        /// The call.
        session: SessionId,
        /// 101–199.
        code: u16,
    },
    /// The hold of a call changed, on our side or the peer's.
    Hold {
        /// The call.
        session: SessionId,
        /// Whether we hold the peer.
        local: bool,
        /// Whether the peer holds us.
        remote: bool,
    },
    /// Our hold or resume failed; the call continues as before.
    HoldFailed {
        /// The call.
        session: SessionId,
        /// The intent that failed: `true` for hold, `false` for resume.
        hold: bool,
        /// The SIP code of the refusal, if there was one.
        code: Option<u16>,
    },
    /// A digit was received.
    Digit {
        /// The call.
        session: SessionId,
        /// `0-9 * # A-D`.
        digit: char,
        /// Its duration.
        duration: Duration,
        /// How it was received: `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit was sent: its last RTP packet, or an INFO that was answered with 2xx.
    DigitSent {
        /// The call.
        session: SessionId,
        /// The digit.
        digit: char,
        /// How it was sent: `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit could not be sent.
    DigitFailed {
        /// The call.
        session: SessionId,
        /// The digit.
        digit: char,
        /// Why.
        why: DigitFailure,
    },
    /// The state of our transfer changed.
    Transfer {
        /// The call that is being transferred.
        session: SessionId,
        /// Its new state.
        state: TransferState,
    },
    /// The peer sent a REFER, and [`Config::refer_policy`](crate::Config::refer_policy) is to ask. Decide with
    /// [`Command::AcceptTransfer`](crate::Command::AcceptTransfer) or `RejectTransfer`.
    TransferRequested {
        /// The call in which the REFER was received.
        session: SessionId,
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
        /// The call in which the REFER was received.
        session: SessionId,
        /// The CSeq number of the REFER.
        request: u32,
    },
    /// A REFER of the peer was accepted: `session` is the new call.
    Referred {
        /// The new, outgoing call.
        session: SessionId,
        /// The call in which the REFER was received.
        by: SessionId,
        /// The Refer-To URI.
        target: String,
    },
    /// The media path of a call came up (`true`) or was interrupted.
    Media {
        /// The call.
        session: SessionId,
        /// Whether it is up.
        up: bool,
    },
    /// A MESSAGE was received (RFC 3428) and answered with 200.
    Message {
        /// The account that received it.
        account: AccountId,
        /// The sender's URI.
        from: String,
        /// Its `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// An INFO without DTMF was received within a call and answered with 200 (legacy usage, RFC 6086 §9.3).
    Info {
        /// The call.
        session: SessionId,
        /// Its `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// A call has ended. It is emitted exactly once for each call, as the call's last event.
    Ended {
        /// The call.
        session: SessionId,
        /// Why.
        why: EndReason,
    },
}

/// An incoming call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The call.
    pub session: SessionId,
    /// The account that received it.
    pub account: AccountId,
    /// The caller's URI (From).
    pub from: String,
    /// The caller's display name.
    pub display_name: Option<String>,
    /// The URI in To.
    pub to: String,
}

/// The state of a registration (RFC 3261 §10.2).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// Not registered, and not requested.
    Unregistered,
    /// A REGISTER is pending, or waits for a connection.
    Registering {
        /// 1 for the first; counts consecutive failed attempts, as `reRegistryPhoneTimes` does.
        attempt: u32,
    },
    /// The registrar has a binding for us.
    Registered {
        /// When the binding expires; the phone refreshes it before that.
        until: Instant,
    },
    /// Registered, and a refresh is pending.
    Refreshing,
    /// An attempt failed, and the next one is scheduled.
    Waiting {
        /// The number of the next attempt.
        attempt: u32,
        /// The maximum number of attempts, if there is one.
        of: Option<u32>,
        /// When it is made.
        until: Instant,
        /// Why the last attempt failed.
        why: RegistrationFailure,
    },
    /// The binding is being removed.
    Unregistering,
    /// Gave up, until [`Command::Register`](crate::Command::Register).
    Failed(RegistrationFailure),
}

/// Why a registration attempt failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegistrationFailure {
    /// The cause, one of `Unauthorized`, `NotConnected`, `TimedOut`, `Rejected`, `NotFound`, `Unavailable`, `OtherFailure`.
    pub cause: Cause,
    /// The SIP code, if there was a response.
    pub code: Option<u16>,
    /// Consecutive failed attempts so far.
    pub attempts: u32,
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
