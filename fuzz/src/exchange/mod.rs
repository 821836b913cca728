//! An exchange with registered phones, and arbitrary operations on it.

mod drive;
mod op;
mod phone;
mod play;
mod reached;
mod vias;

pub use op::Op;
pub use reached::Reached;

/// Reads `data` as a choice of configuration and a sequence of operations ([`Op`]), and performs them.
///
/// # Panics
///
/// When the exchange panics, never stops sending, sends on a flow that is down, sends an unreadable message or a response without the
/// Via of its request, keeps a contact with a flow that is down, ignores a deadline, or never becomes idle.
pub fn exchange(data: &[u8]) -> Reached {
    play::play(data)
}
