//! The states, triggers and legal edges of the renegotiation.

use crate::base::machine::{Table, named_enum};

named_enum! {
    /// The state of the renegotiation.
    pub(crate) enum Phase {
        /// The agreed media is what the user wants, or an offer of the peer comes first.
        Idle = "idle",
        /// The intent waits for a connection.
        AwaitingConnection = "awaiting connection",
        /// Our offer is created, sent or answered.
        Negotiating = "negotiating",
        /// Our offer met another one; the next attempt waits (RFC 3261 §14.1, §14.2).
        Glare = "glare",
    }
}

named_enum! {
    /// What causes a transition.
    pub(crate) enum Trigger {
        /// The user wants other media, and an offer begins.
        Offer = "offer",
        /// There is no connection, or it was lost.
        NoConnection = "no connection",
        /// The peer's answer was applied.
        Agreed = "agreed",
        /// The peer or the media engine refused.
        Refused = "refused",
        /// A 491, or a 500 with Retry-After.
        Glare = "491 or Retry-After",
        /// The user wants the agreed media again.
        Withdrawn = "withdrawn",
        /// A time-out.
        Timeout = "timeout",
    }
}

/// Every legal edge.
pub(crate) static EDGES: Table<Phase, Trigger> = {
    use Phase::{AwaitingConnection, Glare, Idle, Negotiating};
    Table(&[
        (Idle, Trigger::Offer, Negotiating),
        (Idle, Trigger::NoConnection, AwaitingConnection),
        (AwaitingConnection, Trigger::Offer, Negotiating),
        (AwaitingConnection, Trigger::Withdrawn, Idle),
        (AwaitingConnection, Trigger::Timeout, Idle),
        (Negotiating, Trigger::Agreed, Idle),
        (Negotiating, Trigger::Refused, Idle),
        (Negotiating, Trigger::Timeout, Idle),
        (Negotiating, Trigger::Glare, Glare),
        (Negotiating, Trigger::NoConnection, AwaitingConnection),
        (Glare, Trigger::Offer, Negotiating),
        (Glare, Trigger::NoConnection, AwaitingConnection),
        (Glare, Trigger::Withdrawn, Idle),
    ])
};
