//! The machines of a world, each with a clock of its own.

mod clock;
mod exchange;
mod phone;

pub use clock::Clock;
pub use exchange::ExchangeNode;
pub use phone::{Call, PhoneNode};
