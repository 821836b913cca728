use crate::Cause;

/// The outcome of a request outside of a dialog.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestOutcome {
    /// The MESSAGE got a 2xx: 200 from the recipient, or 202 from a server that delivers it later (RFC 3428 §7).
    Accepted {
        /// 200–299.
        code: u16,
    },
    /// The OPTIONS got a 2xx (RFC 3261 §11.2).
    Capabilities(Box<PeerCapabilities>),
    /// There was no 2xx.
    Failed {
        /// The cause.
        cause: Cause,
        /// The SIP code of the final response, or of the rule that refused to send the request (513: too large for UDP).
        code: Option<u16>,
    },
}

/// What a peer supports, as it claims: the header fields of its response to OPTIONS. Untrusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerCapabilities {
    /// The methods of `Allow`.
    pub methods: Vec<String>,
    /// The media types of `Accept`.
    pub media_types: Vec<String>,
    /// The extensions of `Supported`.
    pub extensions: Vec<String>,
    /// The Info Packages of `Recv-Info` (RFC 6086).
    pub info_packages: Vec<String>,
    /// The value of `Server` or `User-Agent`.
    pub software: Option<String>,
}
