//! The nodes of a world, each with its own clock.

mod account;
mod clock;
mod exchange;
mod phone;
mod realm;
mod refusing;
mod rogue;

pub use account::AccountNode;
pub(crate) use account::credentials;
pub use clock::Clock;
pub use exchange::ExchangeNode;
pub use phone::{Call, PhoneNode, Suspension};
pub(crate) use realm::{DOMAIN, OTHER_REALM};
pub use refusing::{Admission, Refusing};
pub use rogue::{Breach, RogueNode, RogueOutput, UnsolicitedMessage};
