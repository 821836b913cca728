//! What is decided about a request: its destination, and how it is forwarded or why it is not.

use crate::budget::Sender;
use crate::response::Response;
use crate::token::End;

/// The destination of a request, by its Request-URI.
pub(super) enum Destination {
    /// The exchange itself.
    Exchange,
    /// A local user, by its address-of-record.
    User(String),
    /// A phone, by its contact: inside a dialog whose route token is invalid, or for a transfer with Replaces.
    Contact(Target),
    /// A phone that is not registered, inside a dialog whose route token is invalid.
    Unregistered,
    /// A local user that does not exist.
    UnknownUser,
}

/// How a request is to be forwarded.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Never empty.
    pub(crate) targets: Vec<Target>,
    /// The number of leading Route values to remove.
    pub(crate) own_routes: usize,
    /// The sender's end.
    pub(crate) source: End,
    /// The class of the sender.
    pub(crate) sender: Sender,
}

/// The target of one branch.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) end: End,
    /// The new Request-URI; none inside a dialog, where it is already the peer's.
    pub(crate) uri: Option<Vec<u8>>,
}

/// Why a request is not forwarded.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) response: Response,
    /// Whether credentials were consumed: then a retransmission would be a replay, so it needs a transaction.
    pub(crate) authenticated: bool,
}

impl From<Response> for Refusal {
    fn from(response: Response) -> Self {
        Refusal { response, authenticated: false }
    }
}
