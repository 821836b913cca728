//! The capabilities of the phone, in one place for INVITE, responses and REGISTER.

/// The header field values that state what a phone supports.
pub(crate) struct Capabilities {
    /// `Allow`: the supported methods.
    pub(crate) allow: &'static [u8],
    /// `Supported`: the supported extension (RFC 3262).
    pub(crate) supported: &'static [u8],
    /// `Accept`: the supported bodies.
    pub(crate) accept: &'static [u8],
    /// `Accept-Encoding`: no encoding (RFC 3261 §20.2).
    pub(crate) accept_encoding: &'static [u8],
    /// `Accept-Language`: that of reason phrases (RFC 3261 §20.3).
    pub(crate) accept_language: &'static [u8],
    /// `Allow-Events`: the event packages whose notifications it accepts (RFC 6665 §8.2.2).
    pub(crate) allow_events: &'static [u8],
}

/// They do not depend on the configuration.
pub(crate) const CAPABILITIES: Capabilities = Capabilities {
    allow: b"INVITE,ACK,CANCEL,BYE,PRACK,UPDATE,OPTIONS,INFO,MESSAGE,NOTIFY,REFER",
    supported: b"100rel",
    accept: b"application/sdp,application/dtmf-relay,application/dtmf",
    accept_encoding: b"identity",
    accept_language: b"en",
    allow_events: b"refer",
};
