//! Offers and answers of a leg (RFC 3264, RFC 6337 §2): at most one offer is open, whatever message carries it.

mod machine;

pub(crate) use machine::{EDGES, Phase, Trigger};

use crate::EffectId;
use crate::base::cx::Cx;
use crate::base::name::Machine;
use crate::transaction::ServerTx;
use crate::{LegId, MediaTypes, SessionId};
use offhook_wire::Message;

/// The table of the machine, for its diagram.
#[cfg(any(test, feature = "marks"))]
pub(crate) fn table() -> &'static dyn crate::base::machine::Edges {
    &EDGES
}

/// The state of the offers and answers of a leg, with what it owns.
pub(crate) enum OfferAnswer {
    /// No offer is open.
    Stable,
    /// The media engine creates our offer.
    CreatingOffer { effect: EffectId, intent: Offered, carrier: Carrier },
    /// Our offer was sent; its answer is expected.
    OfferSent { intent: Offered },
    /// The media engine applies the peer's answer.
    ApplyingAnswer { effect: EffectId, intent: Offered },
    /// The media engine creates the answer to the peer's offer.
    CreatingAnswer { effect: EffectId, hold: bool, carrier: Carrier },
}

/// The part of the user's intent that an offer of ours has.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Offered {
    /// We hold the peer.
    pub(crate) hold: bool,
    /// ICE is restarted.
    pub(crate) restart: bool,
    /// The types of media.
    pub(crate) types: MediaTypes,
}

/// The message that carries our description.
pub(crate) enum Carrier {
    /// The INVITE that creates the call, or a response to it.
    Invite,
    /// A re-INVITE or UPDATE of ours.
    Request,
    /// The response to a request of the peer.
    Response(Box<PeerRequest>),
}

/// A request of the peer that waits for its response.
pub(crate) struct PeerRequest {
    pub(crate) tx: ServerTx,
    pub(crate) message: Message,
}

/// An offer of the peer collides with an open one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Glare {
    /// Our offer is open: 491 (RFC 3261 §14.2, RFC 3311 §5.2).
    Ours,
    /// An earlier offer of the peer, or its request for ours, is open: 500 with Retry-After.
    Theirs,
}

/// The leg of a call whose offers and answers a machine has.
#[derive(Copy, Clone)]
pub(crate) struct LegOf {
    pub(crate) session: SessionId,
    pub(crate) leg: LegId,
}

impl OfferAnswer {
    /// The state of a branch of our INVITE, whose offer of these types each branch may answer.
    pub(crate) fn of_branch(types: MediaTypes) -> Self {
        OfferAnswer::OfferSent { intent: Offered { types, ..Offered::default() } }
    }

    pub(crate) fn phase(&self) -> Phase {
        match self {
            OfferAnswer::Stable => Phase::Stable,
            OfferAnswer::CreatingOffer { .. } => Phase::CreatingOffer,
            OfferAnswer::OfferSent { .. } => Phase::OfferSent,
            OfferAnswer::ApplyingAnswer { .. } => Phase::ApplyingAnswer,
            OfferAnswer::CreatingAnswer { .. } => Phase::CreatingAnswer,
        }
    }

    pub(crate) fn is_stable(&self) -> bool {
        matches!(self, OfferAnswer::Stable)
    }

    /// How an offer of the peer would collide.
    pub(crate) fn glare(&self) -> Option<Glare> {
        match self {
            OfferAnswer::Stable => None,
            OfferAnswer::CreatingOffer { carrier: Carrier::Response(_), .. }
            | OfferAnswer::CreatingAnswer { .. } => Some(Glare::Theirs),
            _ => Some(Glare::Ours),
        }
    }

    /// The effect whose result is awaited.
    pub(crate) fn effect(&self) -> Option<EffectId> {
        match self {
            OfferAnswer::CreatingOffer { effect, .. }
            | OfferAnswer::ApplyingAnswer { effect, .. }
            | OfferAnswer::CreatingAnswer { effect, .. } => Some(*effect),
            OfferAnswer::Stable | OfferAnswer::OfferSent { .. } => None,
        }
    }

    /// The request of the peer that waits for our description.
    pub(crate) fn request_mut(&mut self) -> Option<&mut PeerRequest> {
        match self {
            OfferAnswer::CreatingOffer { carrier: Carrier::Response(request), .. }
            | OfferAnswer::CreatingAnswer { carrier: Carrier::Response(request), .. } => Some(request),
            _ => None,
        }
    }

    /// Writes the state: checks the edge and records the transition. Returns the state before.
    pub(crate) fn transition(&mut self, cx: &mut Cx<'_>, of: LegOf, trigger: Trigger, next: Self) -> Self {
        let machine = Machine::OfferAnswer(of.session, of.leg);
        cx.trace.transition(cx.now, machine, &EDGES, self.phase(), trigger, next.phase());
        std::mem::replace(self, next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Bench;

    fn effect() -> EffectId {
        EffectId::from_u64(1)
    }

    fn offered() -> OfferAnswer {
        OfferAnswer::of_branch(MediaTypes::AUDIO)
    }

    fn creating_offer(carrier: Carrier) -> OfferAnswer {
        OfferAnswer::CreatingOffer { effect: effect(), intent: Offered::default(), carrier }
    }

    const OF: LegOf = LegOf { session: SessionId::FIRST, leg: LegId(0) };

    /// RFC 6337 §2.3: an offer of the peer is refused while one is open.
    #[test]
    fn an_open_offer_collides() {
        let answering =
            OfferAnswer::CreatingAnswer { effect: effect(), hold: false, carrier: Carrier::Invite };
        let applying = OfferAnswer::ApplyingAnswer { effect: effect(), intent: Offered::default() };
        for (state, glare) in [
            (OfferAnswer::Stable, None),
            (creating_offer(Carrier::Request), Some(Glare::Ours)),
            (offered(), Some(Glare::Ours)),
            (applying, Some(Glare::Ours)),
            (answering, Some(Glare::Theirs)),
        ] {
            assert_eq!(state.glare(), glare, "{}", crate::base::machine::StateName::name(state.phase()));
        }
    }

    #[test]
    fn an_offer_is_answered_or_withdrawn() {
        let mut bench = Bench::new();
        let mut state = OfferAnswer::Stable;
        for _ in 0..2 {
            state.transition(&mut bench.cx(), OF, Trigger::Offer, creating_offer(Carrier::Request));
            state.transition(&mut bench.cx(), OF, Trigger::Described, offered());
            state.transition(&mut bench.cx(), OF, Trigger::Withdrawn, OfferAnswer::Stable);
        }
        assert!(state.is_stable());
    }

    #[test]
    #[should_panic(expected = "no edge offer sent --offer--> creating offer")]
    fn a_second_offer_panics() {
        let mut state = offered();
        state.transition(&mut Bench::new().cx(), OF, Trigger::Offer, creating_offer(Carrier::Request));
    }

    #[test]
    #[should_panic(expected = "no edge stable --answer--> applying answer")]
    fn an_answer_without_an_offer_panics() {
        let mut state = OfferAnswer::Stable;
        let next = OfferAnswer::ApplyingAnswer { effect: effect(), intent: Offered::default() };
        state.transition(&mut Bench::new().cx(), OF, Trigger::Answer, next);
    }
}
