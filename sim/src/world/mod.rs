//! A world: phones, exchanges and networks in virtual time, and the oracles that check them.

mod accounts;
mod effects;
mod event;
mod faults;
mod net;
mod rogue_flows;
mod rogues;
mod run;
mod script;
#[cfg(feature = "media")]
mod sound;
mod state;
mod users;

use event::ScheduledEvent;
pub use script::Builder;
pub use state::World;
