use crate::{AccountId, SessionId, Status};

/// A mistake of the caller: the only error that [`Phone::handle`](crate::Phone::handle) returns.
/// Nothing was changed and nothing sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misuse {
    /// No such account in the configuration.
    #[error("no account {}", .0.0)]
    UnknownAccount(AccountId),
    /// No such call, or no more.
    #[error("no call {0}")]
    UnknownSession(SessionId),
    /// The session id of a `Dial` is not the one that [`Phone::next_session`](crate::Phone::next_session) gave.
    #[error("call {0} is not the next free one")]
    NotNextSession(SessionId),
    /// The call is in a status in which this cannot be asked for.
    #[error("not possible while the call is {0}")]
    WrongStatus(Status),
    /// As many calls as [`Config::call_limit`](crate::Config::call_limit) allows.
    #[error("the limit of {0} calls is reached")]
    TooManyCalls(usize),
    /// The address is not a SIP or tel URI, nor a user name that can be made one.
    #[error("not an address that can be dialled")]
    BadAddress,
    /// A header name is not a token, is one that the phone writes itself, or a value holds CR, LF or NUL.
    #[error("header refused: not a token, reserved, or a control character inside")]
    BadHeader,
    /// Not one of `0-9 * # A-D`, or more than the queue holds.
    #[error("not a DTMF digit, or too many")]
    BadDigits,
    /// A response code that cannot refuse a call (needed: 300–699).
    #[error("{0} cannot refuse a call")]
    BadCode(u16),
    /// A transfer is going on already.
    #[error("a transfer is going on already")]
    Transferring,
}
