use crate::{AccountId, SessionId};
use std::time::Duration;

/// A command of the user. [`Phone`](crate::Phone) has a method for each.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Register: again after a failure or an unregistration, or now instead of after the back-off.
    Register {
        /// The account.
        account: AccountId,
    },
    /// Unregister. Calls continue.
    Unregister {
        /// The account.
        account: AccountId,
    },
    /// Make a call.
    Dial {
        /// The identifier of the new call, from [`Phone::next_session`](crate::Phone::next_session).
        session: SessionId,
        /// The callee and the options of the call.
        dial: Dial,
    },
    /// Answer an incoming call.
    Answer {
        /// The call.
        session: SessionId,
    },
    /// Reject an incoming call.
    Reject {
        /// The call.
        session: SessionId,
        /// 300–699; 486 is "busy here", 603 "decline".
        code: u16,
    },
    /// End the call, whatever its status: CANCEL, BYE, or a refusal.
    HangUp {
        /// The call.
        session: SessionId,
    },
    /// Put the peer on hold.
    Hold {
        /// The call.
        session: SessionId,
    },
    /// End the hold.
    Resume {
        /// The call.
        session: SessionId,
    },
    /// Send digits, one after another.
    Digits {
        /// The call.
        session: SessionId,
        /// `0-9 * # A-D`; at most 64 may be queued.
        digits: String,
        /// The length of each (40 ms – 6 s).
        duration: Duration,
        /// How they are sent.
        path: DtmfPath,
    },
    /// Blind transfer: ask the peer to call `target` instead of us (RFC 3515, RFC 5589 §6).
    Transfer {
        /// The call.
        session: SessionId,
        /// An address as in [`Dial::to`].
        target: String,
    },
    /// Accept a REFER of the peer: call its target.
    AcceptTransfer {
        /// The call of [`Event::TransferRequested`](crate::Event::TransferRequested).
        session: SessionId,
        /// Its `request`.
        request: u32,
    },
    /// Reject a REFER of the peer.
    RejectTransfer {
        /// The call of [`Event::TransferRequested`](crate::Event::TransferRequested).
        session: SessionId,
        /// Its `request`.
        request: u32,
    },
}

/// The callee of a new call and the options of its INVITE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dial {
    /// The account to call from.
    pub account: AccountId,
    /// `sip:…`, `sips:…`, `tel:…`, or a user name or number of the account's own domain.
    pub to: String,
    /// Additional header fields for the INVITE. Names that the phone writes itself are an error.
    pub headers: Vec<(String, String)>,
}

impl Dial {
    /// A call from the first account.
    pub fn to(to: impl Into<String>) -> Self {
        Self { account: AccountId(0), to: to.into(), headers: Vec::new() }
    }
}

/// How DTMF digits are sent.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum DtmfPath {
    /// RTP if telephone-event was negotiated, else INFO.
    #[default]
    Auto,
    /// RTP telephone-event (RFC 4733).
    Rtp,
    /// SIP INFO with `application/dtmf-relay`.
    Info,
}
