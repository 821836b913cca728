use crate::{AccountId, Cause, DtmfPath, EndReason, FlowId, FlowState, SessionId, Status};
use bytes::Bytes;
use offhook_wire::Instant;
use std::time::Duration;

/// What a phone tells its user. Text that peers sent is untrusted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// An account's connection changed. "Connected" is not "registered".
    Flow {
        /// The account.
        account: AccountId,
        /// The connection.
        flow: FlowId,
        /// Its new state.
        state: FlowState,
    },
    /// An account's registration changed.
    Registration {
        /// The account.
        account: AccountId,
        /// Its new state.
        state: RegistrationState,
    },
    /// Somebody calls. The call's status is `initial`, and `establishing` follows when it rings.
    Incoming(Incoming),
    /// A call's status changed.
    Status {
        /// The call.
        session: SessionId,
        /// Before.
        from: Status,
        /// Now.
        to: Status,
    },
    /// A provisional response to our INVITE: 180 rings, 183 may bring early media.
    Progress {
        /// The call.
        session: SessionId,
        /// 101–199.
        code: u16,
    },
    /// Somebody put somebody on hold, or took it back.
    Hold {
        /// The call.
        session: SessionId,
        /// We hold the peer.
        local: bool,
        /// The peer holds us.
        remote: bool,
    },
    /// A hold or resume that we asked for was refused; the call goes on as it was.
    HoldFailed {
        /// The call.
        session: SessionId,
        /// What was wanted: `true` for hold.
        hold: bool,
        /// The SIP code that refused it, if one did.
        code: Option<u16>,
    },
    /// A digit came in.
    Digit {
        /// The call.
        session: SessionId,
        /// `0-9 * # A-D`.
        digit: char,
        /// How long it was.
        duration: Duration,
        /// How it came: `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit of ours is out: the last RTP packet was sent, or the INFO answered with 2xx.
    DigitSent {
        /// The call.
        session: SessionId,
        /// Which one.
        digit: char,
        /// How it went: `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit of ours was lost.
    DigitFailed {
        /// The call.
        session: SessionId,
        /// Which one.
        digit: char,
        /// Why.
        why: DigitFailure,
    },
    /// A transfer that we asked for moved on.
    Transfer {
        /// The call that is being transferred.
        session: SessionId,
        /// How far it is.
        state: TransferState,
    },
    /// The peer asked us to call somebody else (REFER), and we do: `session` is the new call.
    Referred {
        /// The new call; an outgoing one.
        session: SessionId,
        /// The call whose peer asked.
        by: SessionId,
        /// The address that is called.
        target: String,
    },
    /// The media path of a call came up (`true`) or was interrupted.
    Media {
        /// The call.
        session: SessionId,
        /// Whether it is up.
        up: bool,
    },
    /// A MESSAGE came in (RFC 3428) and was answered with 200.
    Message {
        /// The account it came to.
        account: AccountId,
        /// The sender's URI.
        from: String,
        /// Its `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// An INFO that is not DTMF came in within a call and was answered with 200 (RFC 6086 legacy use).
    Info {
        /// The call.
        session: SessionId,
        /// Its `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// A call is over. Exactly one for each call, and nothing after it.
    Ended {
        /// The call.
        session: SessionId,
        /// Why.
        why: EndReason,
    },
}

/// A call that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incoming {
    /// The call.
    pub session: SessionId,
    /// The account it came to.
    pub account: AccountId,
    /// The caller's URI (From).
    pub from: String,
    /// The caller's display name.
    pub display_name: Option<String>,
    /// The URI that was called (To).
    pub to: String,
}

/// The state of a registration (RFC 3261 §10.2).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum RegistrationState {
    /// Neither registered nor wanted to be.
    Unregistered,
    /// A REGISTER, or the connection for it, is on its way.
    Registering {
        /// 1 for the first; counts consecutive failed attempts, as `reRegistryPhoneTimes` does.
        attempt: u32,
    },
    /// The server holds a binding for us.
    Registered {
        /// When it would lapse; the phone refreshes it well before.
        until: Instant,
    },
    /// Registered, and a refresh is on its way.
    Refreshing,
    /// An attempt failed and the next one waits.
    Waiting {
        /// The number of the attempt that comes next.
        attempt: u32,
        /// The most attempts that will be made, if there is a limit.
        of: Option<u32>,
        /// When it will be made.
        until: Instant,
        /// Why the last one failed.
        why: RegistrationFailure,
    },
    /// The binding is being removed.
    Unregistering,
    /// Given up until [`Command::Register`](crate::Command::Register).
    Failed(RegistrationFailure),
}

/// Why a registration attempt failed.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub struct RegistrationFailure {
    /// In one word: `Unauthorized`, `NotConnected`, `TimedOut`, `Rejected`, `NotFound`, `Unavailable`, `OtherFailure`.
    pub cause: Cause,
    /// The SIP code, if a response said so.
    pub code: Option<u16>,
    /// Consecutive failed attempts so far.
    pub attempts: u32,
}

/// How far a transfer is.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum TransferState {
    /// The REFER is on its way or accepted.
    Trying,
    /// The peer reports a provisional response of the target.
    Progress {
        /// 100–199.
        code: u16,
    },
    /// The target answered. Our call with the peer is ended.
    Done,
    /// It failed, and the call with the peer goes on.
    Failed {
        /// The code of the target, or of the refusal of the REFER.
        code: Option<u16>,
    },
}

/// Why a digit was lost.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum DigitFailure {
    /// The peer has no telephone-event, and RTP was asked for.
    NotSupported,
    /// The peer refused the INFO, or did not answer it.
    Refused,
    /// The media engine failed to send it.
    Media,
    /// The call ended first.
    Ended,
}
