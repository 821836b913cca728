//! Offers and answers alternate (RFC 3264 §4): a phone gives its media engine effects in a legal order, and rolls an offer back when it
//! is refused.

use std::collections::BTreeMap;

use offhook::Status;
use offhook_wire::Method;

use super::reading::Transaction;
use super::{Observation, Oracle, WorldView};
use crate::media::End;
use crate::node::Call;

#[derive(Default)]
pub(super) struct Negotiation {
    /// The offers in INVITEs and UPDATEs, by the end and the version of the description; `None` once refused.
    offers: BTreeMap<Transaction, Option<(End, u64)>>,
    /// Offers refused since the phone was last polled, and not sent again; and whether the refusal was a challenge.
    refused: Vec<((End, u64), bool)>,
}

impl Oracle for Negotiation {
    fn name(&self) -> &'static str {
        "negotiation"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::OutOfOrder { end, what } => Err(format!(
                "{} gave the media engine of call {} {what}",
                view.phones[end.0].setup.name, end.1
            )),
            Observation::Sent { message: Some(message), .. }
                if matches!(message.method(), Some(Method::Invite | Method::Update)) =>
            {
                let offer = view.engines.offer_in(message.body_bytes());
                if let (Some(transaction), Some(offer)) = (message.transaction, offer) {
                    self.refused.retain(|(refused, _)| *refused != offer);
                    if !self.offers.contains_key(&transaction) {
                        // Sent again to another target: a late refusal by the target before does not matter.
                        self.offers
                            .values_mut()
                            .filter(|other| **other == Some(offer))
                            .for_each(|other| *other = None);
                        self.offers.insert(transaction, Some(offer));
                    }
                }
                Ok(())
            }
            Observation::Received { phone, message: Some(message), .. }
                if message.status().is_some_and(|status| status >= 300)
                    && (message.of == Method::Invite || message.of == Method::Update) =>
            {
                let challenged = matches!(message.status(), Some(401 | 407));
                let offer = message.transaction.and_then(|transaction| self.offers.get_mut(&transaction));
                // A response that a rogue sends directly reaches all phones of a user; only the one that sent the request handles it
                // (RFC 3261 §17.1.3).
                let own = offer.filter(|offer| offer.is_some_and(|((asker, _), _)| asker == phone));
                self.refused.extend(own.and_then(Option::take).map(|offer| (offer, challenged)));
                Ok(())
            }
            Observation::PhonePolled { phone, .. } => {
                // An INVITE that waits for credentials keeps its offer.
                let account = &view.phones[phone].account;
                let waits = account.asked.is_some() || account.moving;
                let is_due = |((end, _), challenged): &mut ((End, u64), bool)| {
                    end.0 == phone && !(*challenged && waits)
                };
                for ((end, version), _) in self.refused.extract_if(.., is_due) {
                    // The engine is released with a terminating call.
                    let time_stopped = |call: &Call| {
                        call.status < Status::Terminating && !view.engines.is_with_stranger(end)
                    };
                    let time_stopped = view.phones[phone].calls.get(&end.1).is_some_and(time_stopped);
                    // A corrupted response may have been a challenge, or may not.
                    let sure = !view.corrupted_calls.of_end(end);
                    if sure && time_stopped && view.engines.open_offer(end) == Some(version) {
                        let name = &view.phones[phone].setup.name;
                        return Err(format!(
                            "the offer of call {} of {name} was refused, but not rolled back",
                            end.1
                        ));
                    }
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
