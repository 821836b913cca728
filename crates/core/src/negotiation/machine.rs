//! The states, triggers and legal edges of offers and answers.

use crate::base::machine::{Table, named_enum};

named_enum! {
    /// The state of the offers and answers of a leg, without what it owns.
    pub(crate) enum Phase {
        Stable = "stable",
        CreatingOffer = "creating offer",
        OfferSent = "offer sent",
        ApplyingAnswer = "applying answer",
        CreatingAnswer = "creating answer",
    }
}

named_enum! {
    /// What causes a transition.
    pub(crate) enum Trigger {
        /// An offer of ours is wanted.
        Offer = "offer",
        /// The media engine created the description, and it was sent.
        Described = "described",
        /// The media engine failed, or did not complete its work in time.
        NoMedia = "no media",
        /// The peer's answer was received.
        Answer = "answer",
        /// The media engine applied the answer.
        Applied = "applied",
        /// The peer refused our offer, or it is not sent.
        Withdrawn = "withdrawn",
        /// The peer's offer was received.
        RemoteOffer = "remote offer",
        /// The peer cancelled the request with its offer, or the call ends.
        Cancelled = "cancelled",
    }
}

/// Every legal edge.
pub(crate) static EDGES: Table<Phase, Trigger> = {
    use Phase::{ApplyingAnswer, CreatingAnswer, CreatingOffer, OfferSent, Stable};
    Table(&[
        (Stable, Trigger::Offer, CreatingOffer),
        (Stable, Trigger::RemoteOffer, CreatingAnswer),
        (CreatingOffer, Trigger::Described, OfferSent),
        (CreatingOffer, Trigger::NoMedia, Stable),
        (CreatingOffer, Trigger::Withdrawn, Stable),
        (CreatingOffer, Trigger::Cancelled, Stable),
        (OfferSent, Trigger::Answer, ApplyingAnswer),
        (OfferSent, Trigger::Withdrawn, Stable),
        (ApplyingAnswer, Trigger::Applied, Stable),
        (ApplyingAnswer, Trigger::NoMedia, Stable),
        (ApplyingAnswer, Trigger::NoMedia, OfferSent),
        (ApplyingAnswer, Trigger::Withdrawn, Stable),
        (CreatingAnswer, Trigger::Described, Stable),
        (CreatingAnswer, Trigger::NoMedia, Stable),
        (CreatingAnswer, Trigger::Cancelled, Stable),
    ])
};
