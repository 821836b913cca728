//! An exchange with registered phones, and anything that may happen to it.

mod drive;
mod op;
mod phone;
mod play;
mod vias;

pub use op::Op;

/// How often an input came to the places that are worth coming to.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// A challenge was sent.
    pub challenged: u32,
    /// A contact was registered or refreshed.
    pub registered: u32,
    /// A contact is gone.
    pub unregistered: u32,
    /// An INVITE was forwarded to more than one phone.
    pub forked: u32,
    /// A phone rang.
    pub rang: u32,
    /// A phone answered.
    pub answered: u32,
    /// A CANCEL was sent to a phone.
    pub cancelled: u32,
    /// A request inside a dialog was forwarded.
    pub inside: u32,
    /// A BYE was answered.
    pub ended: u32,
    /// A request was answered 400.
    pub refused: u32,
    /// A request was answered 503: there is no room for it.
    pub full: u32,
}

/// Reads `data` as a choice of configuration and a sequence of operations ([`Op`]), and has them done.
///
/// # Panics
///
/// When the exchange panics, sends without end, sends on a flow that is down, sends what cannot be read or a response without the Via
/// of its request, keeps a contact whose flow is down, does not deal with a deadline, or does not come to rest.
pub fn exchange(data: &[u8]) -> Reached {
    play::play(data)
}
