//! Bugs planted on purpose: how many seeds it takes until an oracle objects to each of them, and how small the scenario
//! becomes in which it does.

mod bug;
mod search;

pub use offhook::Bug;
pub use offhook_exchange::Bug as ExchangeBug;

pub use bug::Planted;
pub use search::{Effort, Find, Search, TRIES, Try, control, hunt, search};
