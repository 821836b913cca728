use crate::{AccountId, RequestId, SessionId, Status};

/// A mistake of the caller: the only error that [`Phone::handle`](crate::Phone::handle) returns.
/// The phone has not changed and sends nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// There is no such account, or it is being removed.
    #[error("no account {}", .0.0)]
    UnknownAccount(AccountId),
    /// The identifier of an `Add` is not that of [`Phone::next_account`](crate::Phone::next_account).
    #[error("account {} is not the next free one", .0.0)]
    NotNextAccount(AccountId),
    /// All identifiers of accounts were used.
    #[error("no identifier is left for another account")]
    TooManyAccounts,
    /// The call does not exist, or has ended.
    #[error("no call {0}")]
    UnknownSession(SessionId),
    /// The session id of a `Dial` is not that of [`Phone::next_session`](crate::Phone::next_session).
    #[error("call {0} is not the next free one")]
    NotNextSession(SessionId),
    /// The command is not possible in the status of the call.
    #[error("not possible while the call is {0}")]
    WrongStatus(Status),
    /// There are as many calls as [`Config::call_limit`](crate::Config::call_limit) allows.
    #[error("the limit of {0} calls is reached")]
    TooManyCalls(usize),
    /// The address is neither a SIP or tel URI without header fields, nor a user name or number.
    #[error("not an address: expected a SIP or tel URI, a user name or a number")]
    BadAddress,
    /// A header name is not a token or is one that the phone writes itself, a value has a control character, or a content type is not
    /// `type/subtype`.
    #[error("malformed header field or content type, or a header field that the phone writes itself")]
    BadHeader,
    /// A digit is not one of `0-9 * # A-D`, or the queue is full.
    #[error("not a DTMF digit, or too many")]
    BadDigits,
    /// The code cannot reject a call: it is not in 300–699.
    #[error("{0} cannot reject a call: it is not in 300–699")]
    BadCode(u16),
    /// No REFER of the peer with this number waits for a decision.
    #[error("no requested transfer with this number waits for a decision")]
    NoTransferRequest,
    /// The id of a request is not that of [`Phone::next_request`](crate::Phone::next_request).
    #[error("request {} is not the next one", .0.0)]
    NotNextRequest(RequestId),
    /// This many requests of this kind are pending, which is the limit.
    #[error("the limit of {0} pending requests is reached")]
    TooManyRequests(usize),
    /// A MESSAGE to the same address has no outcome yet: there may be one at a time (RFC 3428 §8).
    #[error("a message to this address is pending")]
    MessagePending,
    /// A body has more than this many bytes.
    #[error("the body has more than {0} bytes")]
    TooLong(usize),
    /// The peer has not stated that it supports the Info Package (RFC 6086 §5.2).
    #[error("the peer does not support the Info Package")]
    PackageNotSupported,
    /// The call has early media already, or the caller's INVITE does not allow it (RFC 3262 §5).
    #[error("early media is not possible, or was sent already")]
    NoEarlyMedia,
    /// A call has at least one type of media.
    #[error("a call needs audio, video or both")]
    NoMediaTypes,
    /// A transfer is pending already.
    #[error("a transfer is pending already")]
    Transferring,
}
