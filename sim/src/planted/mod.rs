//! Planted bugs: the number of seeds until an oracle finds each, and the size of the shrunk scenario.

mod bug;
mod search;

pub use offhook::Bug;
pub use offhook_exchange::Bug as ExchangeBug;

pub use bug::Planted;
pub use search::{Effort, Find, Search, TRIES, Try, control, hunt, search};
