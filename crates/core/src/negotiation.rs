//! Offer/answer (RFC 3264, RFC 6337 §2): at most one offer is open in a dialog, and each is answered or withdrawn once. The
//! owner of a token has to complete its offer.

/// The side of the open offer.
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

/// A local offer, sent or being created.
#[must_use]
#[derive(Debug)]
pub(crate) struct LocalOffer(u32);

/// A remote offer without an answer.
#[must_use]
#[derive(Debug)]
pub(crate) struct RemoteOffer(u32);

/// There is an open offer already (RFC 3261 §14.1: 491).
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Glare;

impl Negotiation {
    /// Begins a local offer.
    pub(crate) fn local_offer(&mut self) -> Result<LocalOffer, Glare> {
        self.open(OfferSide::Local).map(LocalOffer)
    }

    /// Begins a remote offer.
    pub(crate) fn remote_offer(&mut self) -> Result<RemoteOffer, Glare> {
        self.open(OfferSide::Remote).map(RemoteOffer)
    }

    /// Completes a local offer with the peer's answer.
    pub(crate) fn agree(&mut self, offer: LocalOffer) {
        self.close(offer.0, OfferSide::Local);
    }

    /// Completes a remote offer with our answer.
    pub(crate) fn reply(&mut self, offer: RemoteOffer) {
        self.close(offer.0, OfferSide::Remote);
    }

    /// Ends a local offer that was refused or withdrawn: the session stays as agreed before (RFC 3264 §8).
    pub(crate) fn withdraw(&mut self, offer: LocalOffer) {
        self.close(offer.0, OfferSide::Local);
    }

    /// Ends a remote offer that we refused.
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
        let local = n.local_offer().expect("idle");
        assert_eq!(n.remote_offer().unwrap_err(), Glare);
        assert_eq!(n.local_offer().unwrap_err(), Glare);
        n.withdraw(local);
        let remote = n.remote_offer().expect("idle again");
        assert_eq!(n.local_offer().unwrap_err(), Glare);
        n.reply(remote);
        let local = n.local_offer().expect("idle again");
        n.agree(local);
        let remote = n.remote_offer().expect("idle again");
        n.refuse(remote);
        let local = n.local_offer().expect("idle once more");
        n.withdraw(local);
    }

    #[test]
    #[should_panic(expected = "out of its turn")]
    fn a_token_of_another_negotiation_panics() {
        let (mut a, mut b) = (Negotiation::default(), Negotiation::default());
        let token = a.local_offer().expect("idle");
        b.agree(token);
    }

    #[test]
    #[should_panic(expected = "out of its turn")]
    fn a_token_of_an_earlier_offer_panics() {
        let (mut a, mut b) = (Negotiation::default(), Negotiation::default());
        let first = a.local_offer().expect("idle");
        a.withdraw(first);
        let (second, _open) = (a.local_offer().expect("idle"), b.local_offer().expect("idle"));
        b.agree(second);
    }
}
