//! Offer and answer (RFC 3264, RFC 6337 §2): at most one offer is open between two ends, and each is answered or
//! withdrawn once. Who holds a token owes its end.

/// OfferSide turn it is.
#[derive(Debug, Default)]
pub(crate) struct Negotiation {
    generation: u32,
    open: Option<OfferSide>,
}

#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum OfferSide {
    Local,
    Remote,
}

/// An offer of ours that is out, or is being made.
#[must_use]
#[derive(Debug)]
pub(crate) struct LocalOffer(u32);

/// An offer of the peer that we owe an answer.
#[must_use]
#[derive(Debug)]
pub(crate) struct RemoteOffer(u32);

/// An offer cannot be made now, because another one is open (RFC 3261 §14.1: 491).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Glare;

impl Negotiation {
    /// We make an offer.
    pub(crate) fn local_offer(&mut self) -> Result<LocalOffer, Glare> {
        self.open(OfferSide::Local).map(LocalOffer)
    }

    /// The peer made an offer.
    pub(crate) fn remote_offer(&mut self) -> Result<RemoteOffer, Glare> {
        self.open(OfferSide::Remote).map(RemoteOffer)
    }

    /// Our offer was answered.
    pub(crate) fn agree(&mut self, offer: LocalOffer) {
        self.close(offer.0, OfferSide::Local);
    }

    /// We answered the peer's offer.
    pub(crate) fn reply(&mut self, offer: RemoteOffer) {
        self.close(offer.0, OfferSide::Remote);
    }

    /// Our offer was refused or withdrawn: what was agreed before holds (RFC 3264 §8).
    pub(crate) fn withdraw(&mut self, offer: LocalOffer) {
        self.close(offer.0, OfferSide::Local);
    }

    /// We refused the peer's offer.
    pub(crate) fn refuse(&mut self, offer: RemoteOffer) {
        self.close(offer.0, OfferSide::Remote);
    }

    fn open(&mut self, side: OfferSide) -> Result<u32, Glare> {
        if self.open.is_some() {
            return Err(Glare);
        }
        self.generation += 1;
        self.open = Some(side);
        Ok(self.generation)
    }

    fn close(&mut self, generation: u32, side: OfferSide) {
        assert!(
            self.generation == generation && self.open == Some(side),
            "an offer token was used out of its turn"
        );
        self.open = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_offer_at_a_time() {
        let mut n = Negotiation::default();
        let ours = n.local_offer().expect("idle");
        assert_eq!(n.remote_offer().unwrap_err(), Glare);
        assert_eq!(n.local_offer().unwrap_err(), Glare);
        n.withdraw(ours);
        let theirs = n.remote_offer().expect("idle again");
        assert_eq!(n.local_offer().unwrap_err(), Glare);
        n.reply(theirs);
        let ours = n.local_offer().expect("idle again");
        n.agree(ours);
        let theirs = n.remote_offer().expect("idle again");
        n.refuse(theirs);
        let ours = n.local_offer().expect("idle once more");
        n.withdraw(ours);
    }

    #[test]
    #[should_panic(expected = "out of its turn")]
    fn a_token_of_another_negotiation_is_a_bug() {
        let (mut a, mut b) = (Negotiation::default(), Negotiation::default());
        let token = a.local_offer().expect("idle");
        b.agree(token);
    }

    #[test]
    #[should_panic(expected = "out of its turn")]
    fn a_token_of_another_round_is_a_bug() {
        let (mut a, mut b) = (Negotiation::default(), Negotiation::default());
        let first = a.local_offer().expect("idle");
        a.withdraw(first);
        let (second, _open) = (a.local_offer().expect("idle"), b.local_offer().expect("idle"));
        b.agree(second);
    }
}
