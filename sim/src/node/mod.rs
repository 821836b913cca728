//! The machines of a world, each with a clock of its own.

mod clock;
mod exchange;
mod phone;
mod refusing;
mod rogue;

pub use clock::Clock;
pub(crate) use exchange::DOMAIN;
pub use exchange::ExchangeNode;
pub use phone::{Call, PhoneNode, Rest};
pub use refusing::{Admission, Refusing};
pub use rogue::{Breach, Oddity, RogueNode, Shot};
