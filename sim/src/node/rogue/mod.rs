//! A peer that breaks rules of the protocol.
//!
//! It uses `offhook-wire` only, and no state machine of the phone. It registers like a phone, and makes and receives calls. Before it sends
//! messages it makes a correct plan ([`plan`]), which the breaches of the table ([`breach`]) change. Decisions depend only on the seed of
//! the scenario, the rogue, the call and the kind of message, so that removing a step or a breach leaves the others unchanged.
//!
//! | module | contents |
//! |---|---|
//! | `breach` | the table of breaches: keyword, trigger and function |
//! | `finals`, `ringing`, `busy`, `cancels`, `identity` | wrong responses |
//! | `invites`, `acks` | wrong INVITEs and ACKs |
//! | `reliable` | reliable provisional responses and UPDATEs |
//! | `attacks` | messages to the exchange |
//! | `within` | wrong requests and responses in a dialog |
//! | `unsolicited` | unsolicited messages |
//! | `requests`, `responses` | the correct behaviour on requests and responses |

mod acks;
mod attacks;
mod breach;
mod busy;
mod call;
mod cancels;
mod claims;
mod draft;
mod finals;
mod identity;
mod invites;
mod peer;
mod plan;
mod reliable;
mod requests;
mod responses;
mod ringing;
mod unsolicited;
mod within;

pub use breach::Breach;
pub use peer::{RogueNode, RogueOutput};
pub use unsolicited::UnsolicitedMessage;
