//! The states that an input reached.

/// How often an input reached each interesting state.
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
