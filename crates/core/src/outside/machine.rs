//! The states, triggers and legal edges of a request outside of a dialog.

use crate::base::machine::{Table, named_enum};

named_enum! {
    pub(super) enum Phase {
        New = "new",
        Sent = "sent",
        Challenged = "challenged",
        Ended = "ended",
    }
}

named_enum! {
    pub(super) enum Trigger {
        Send = "send",
        /// A final response after which it is sent again, or waits for credentials.
        Again = "again",
        Accepted = "2xx",
        /// Another final response, or a rule of ours that refuses to send it.
        Refused = "refused",
        Timeout = "timeout",
        /// There is no connection, it was lost, or the account was removed.
        NoConnection = "no connection",
    }
}

/// Every legal edge.
pub(super) static OUTSIDE: Table<Phase, Trigger> = {
    use Phase::{Challenged, Ended, New, Sent};
    Table(&[
        (New, Trigger::Send, Sent),
        (New, Trigger::Refused, Ended),
        (New, Trigger::NoConnection, Ended),
        (Sent, Trigger::Again, Sent),
        (Sent, Trigger::Again, Challenged),
        (Sent, Trigger::Accepted, Ended),
        (Sent, Trigger::Refused, Ended),
        (Sent, Trigger::Timeout, Ended),
        (Sent, Trigger::NoConnection, Ended),
        (Challenged, Trigger::Again, Sent),
        (Challenged, Trigger::Refused, Ended),
        (Challenged, Trigger::Timeout, Ended),
        (Challenged, Trigger::NoConnection, Ended),
    ])
};
