//! A peer that breaks rules on purpose.
//!
//! It is written on `offhook-wire` alone: it shares no machine with the phone, and none of its scruples. It registers like a
//! phone, is called and calls. Whenever something is to be sent there is an honest plan first ([`turn`]), and then the table
//! ([`breach`]) says what becomes of it. What is done hangs on the scenario's seed, the rogue, the call and the kind of message, so
//! that a step or a breach that is taken out leaves the others as they were.
//!
//! | room | what is in it |
//! |---|---|
//! | `breach` | the table: each breach, its word, its occasion and what it does |
//! | `finals`, `ringing`, `busy`, `cancels`, `identity` | wrong responses |
//! | `invites`, `acks` | wrong calls |
//! | `attacks` | what is meant for the exchange and not for a phone |
//! | `within` | wrong deeds in a dialog, asked and unasked |
//! | `oddity` | what it sends because it wants to |
//! | `asked`, `answered` | what is honest, on a request and on a response |

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
mod requests;
mod responses;
mod ringing;
mod unsolicited;
mod within;

pub use breach::Breach;
pub use peer::{RogueNode, RogueOutput};
pub use unsolicited::UnsolicitedMessage;
