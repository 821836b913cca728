//! Commands, by subject.

pub(crate) mod account;
pub(crate) mod call;
pub(crate) mod dial;
pub(crate) mod request;

pub use account::{AccountCommand, Credentials};
pub use call::CallCommand;
pub use dial::{Dial, DtmfPath};
pub use request::{Request, RequestKind};

use crate::{AccountId, RequestId, SessionId};

/// A command of the user, or of the program. [`Phone`](crate::Phone) has a method for each.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Command {
    /// A command for an account.
    Account {
        /// The account.
        account: AccountId,
        /// The command.
        command: AccountCommand,
    },
    /// Make a call.
    Dial {
        /// The identifier of the new call, from [`Phone::next_session`](crate::Phone::next_session).
        session: SessionId,
        /// The callee and the options of the call.
        dial: Dial,
    },
    /// A command for a call.
    Call {
        /// The call.
        session: SessionId,
        /// The command.
        command: CallCommand,
    },
    /// Send a request outside of a dialog. [`Event::Request`](crate::Event::Request) follows.
    Request {
        /// The identifier of the new request, from [`Phone::next_request`](crate::Phone::next_request).
        request: RequestId,
        /// The request.
        send: Request,
    },
}
