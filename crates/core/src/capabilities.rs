//! What the phone can do, as its messages say it: one value for requests, responses and REGISTER, so that all say the same.

/// What a phone takes and understands.
pub(crate) struct Capabilities {
    /// The methods that it takes: `Allow`.
    pub(crate) allow: &'static [u8],
    /// The bodies that it reads: `Accept`.
    pub(crate) accept: &'static [u8],
    /// The event packages that it takes notifications of: `Allow-Events` (RFC 6665 §8.2.2).
    pub(crate) allow_events: &'static [u8],
}

/// The same for every configuration: nothing in one adds to it or takes from it.
pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    allow: b"INVITE,ACK,CANCEL,BYE,OPTIONS,INFO,MESSAGE,NOTIFY,REFER",
    accept: b"application/sdp,application/dtmf-relay,application/dtmf",
    allow_events: b"refer",
};
