//! Work is bounded: one input causes few outputs, and no node is woken repeatedly at one instant.

use std::collections::BTreeMap;

use offhook_wire::{Instant, Method};

use super::reading::{Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::tape::Node;

/// Outputs after one input, retransmitted refusals not counted. Ending all calls of a phone takes a few for each.
const MOST_OUTPUTS: usize = 200;

/// Wake-ups of one node at one instant.
const MOST_WAKES: u32 = 200;

#[derive(Default)]
pub(super) struct Livelock {
    wakes: BTreeMap<Node, (Instant, u32)>,
    refusals: BTreeMap<usize, Refusals>,
}

/// The refusal of an INVITE is retransmitted after T1 without an ACK (RFC 3261 §17.2.1). The refusals of a flood that arrived at one
/// instant, for example from an exchange that was frozen, are all retransmitted at one instant, but each only once.
#[derive(Default)]
struct Refusals {
    /// The input after which each was last sent.
    sent: BTreeMap<Transaction, u64>,
    input: u64,
    /// The number of refusals of earlier inputs that were retransmitted after this one.
    again: usize,
}

impl Oracle for Livelock {
    fn name(&self) -> &'static str {
        "livelock"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Sent { phone, message: Some(message), .. } => {
                self.refusals.entry(phone).or_default().note(message);
                Ok(())
            }
            Observation::PhonePolled { phone, outputs } => {
                let again = self.refusals.entry(phone).or_default().rest();
                if outputs - again > MOST_OUTPUTS {
                    let name = &view.phones[phone].setup.name;
                    return Err(format!("{name} has {outputs} outputs after one input"));
                }
                Ok(())
            }
            Observation::Woken(node) => {
                let (at, count) = self.wakes.entry(node).or_insert((view.now, 0));
                if *at != view.now {
                    (*at, *count) = (view.now, 0);
                }
                *count += 1;
                if *count <= MOST_WAKES {
                    return Ok(());
                }
                let name = match node {
                    Node::Phone(phone) => &view.phones[phone].setup.name,
                    Node::Exchange(exchange) => view.exchanges[exchange].name(),
                    // A rogue has no bound.
                    Node::Rogue(_) => return Ok(()),
                };
                Err(format!("{name} is woken {count} times at one instant"))
            }
            _ => Ok(()),
        }
    }
}

impl Refusals {
    /// Counts a message that the phone sends.
    fn note(&mut self, message: &Reading<'_>) {
        let refuses = message.status().is_some_and(|status| status >= 300) && message.of == Method::Invite;
        let Some(transaction) = message.transaction.filter(|_| refuses) else { return };
        if self.sent.insert(transaction, self.input).is_some_and(|before| before < self.input) {
            self.again += 1;
        }
    }

    /// Ends an input. Returns the number of retransmitted refusals among its outputs.
    fn rest(&mut self) -> usize {
        self.input += 1;
        std::mem::take(&mut self.again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use offhook_wire::{Limits, Message};

    /// The number of retransmissions after each input: responses to an INVITE, by their status and branch.
    fn again(inputs: &[&[(u16, &str)]]) -> Vec<usize> {
        let mut refusals = Refusals::default();
        let mut counts = Vec::new();
        for responses in inputs {
            for (status, branch) in *responses {
                let text = format!(
                    "SIP/2.0 {status} So\r\nVia: SIP/2.0/UDP pbx;branch=z9hG4bK{branch}\r\nFrom: <sip:a@x>;tag=1\r\n\
                     To: <sip:b@x>;tag=2\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
                );
                let message = Message::parse(text.into(), &Limits::default()).expect("a good message");
                refusals.note(&Reading::sent(&message).expect("all that it needs is there"));
            }
            counts.push(refusals.rest());
        }
        counts
    }

    #[test]
    fn one_retransmission_of_a_refusal_is_exempted_per_input() {
        assert_eq!(again(&[&[(486, "a")], &[(486, "b")], &[(486, "a"), (486, "b")]]), [0, 0, 2]);
        assert_eq!(again(&[&[(486, "a"), (486, "a")]]), [0], "twice after one input");
        assert_eq!(
            again(&[&[(486, "a")], &[(486, "a"), (486, "a"), (486, "b")]]),
            [0, 1],
            "twice after one input, and a new one"
        );
        assert_eq!(
            again(&[&[(180, "a")], &[(180, "a"), (200, "a")], &[(200, "a")]]),
            [0, 0, 0],
            "no refusals"
        );
    }
}
