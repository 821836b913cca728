//! What a phone and its calls tell the program.

use crate::Call;
use bytes::Bytes;
use offhook::{
    AccountId, DigitFailure, DtmfPath, EndReason, FlowId, FlowState, RegistrationState, SessionId, Status,
    TransferState,
};
use offhook_media::FailureCause;
use std::time::Duration;

/// News of a phone that belong to no call yet. Text that peers sent is untrusted.
#[derive(Debug)]
#[non_exhaustive]
pub enum PhoneEvent {
    /// Somebody calls: [`Call::incoming`] says who. Dropping the call refuses it.
    Incoming(Call),
    /// A peer transferred us, and we call whom it named.
    Referred {
        /// The new call, on its way already.
        call: Call,
        /// The call whose peer asked.
        by: SessionId,
        /// The address that is called.
        target: String,
    },
    /// An account's registration changed.
    Registration {
        /// The account.
        account: AccountId,
        /// Its new state.
        state: RegistrationState,
    },
    /// An account's connection changed. "Connected" is not "registered".
    Flow {
        /// The account.
        account: AccountId,
        /// The connection.
        flow: FlowId,
        /// Its new state.
        state: FlowState,
    },
    /// A MESSAGE came in (RFC 3428).
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
    /// So many older events were dropped, because nobody took them.
    Missed(u64),
}

/// News of one call.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum CallEvent {
    /// The status changed to this one.
    Status(Status),
    /// A provisional response to our INVITE: 180 rings, 183 may bring early media.
    Progress {
        /// 101–199.
        code: u16,
    },
    /// Somebody put somebody on hold, or took it back.
    Hold {
        /// We hold the peer.
        local: bool,
        /// The peer holds us.
        remote: bool,
    },
    /// A hold or resume of ours was refused; the call goes on as it was.
    HoldFailed {
        /// What was wanted: `true` for hold.
        hold: bool,
        /// The SIP code that refused it, if one did.
        code: Option<u16>,
    },
    /// A digit came in.
    Digit {
        /// `0-9 * # A-D`.
        digit: char,
        /// How long it was.
        duration: Duration,
        /// How it came: `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit of ours is out.
    DigitSent {
        /// Which one.
        digit: char,
        /// How it went: `Rtp` or `Info`.
        path: DtmfPath,
    },
    /// A digit of ours was lost.
    DigitFailed {
        /// Which one.
        digit: char,
        /// Why.
        why: DigitFailure,
    },
    /// A transfer that we asked for moved on.
    Transfer(TransferState),
    /// The peer asked us to call somebody else, and we do: see [`PhoneEvent::Referred`].
    Referred {
        /// The new call.
        session: SessionId,
        /// The address that is called.
        target: String,
    },
    /// The media path came up (`true`) or was interrupted.
    Media {
        /// Whether it is up.
        up: bool,
    },
    /// The media path failed for good; the end of the call follows.
    MediaFailed(FailureCause),
    /// The peer's first sound arrived.
    FirstAudio,
    /// What is heard became another tone, or silence, and stayed so.
    Tone {
        /// The dominant frequency in Hz; `None` is silence.
        hz: Option<f32>,
        /// The level in dB relative to full scale.
        level_dbfs: f32,
    },
    /// What was played came to its end.
    SourceEnded,
    /// An INFO that is not DTMF came in.
    Info {
        /// Its `Content-Type`.
        content_type: String,
        /// The body.
        body: Bytes,
    },
    /// So many older events were dropped, because nobody took them.
    Missed(u64),
    /// The call is over. Comes once; [`Call::next`] gives `None` after it.
    Ended(EndReason),
}
