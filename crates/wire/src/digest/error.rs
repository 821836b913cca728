//! Errors and limits of authentication headers.

/// The longest value of an authentication header that is read, in octets. The longest seen in the field
/// (Kerberos-like nonces of some IMS cores) stay below 1 kB.
pub const MAX_VALUE: usize = 4096;

/// The most parameters that one authentication header may carry; RFC 7616 defines 13.
pub const MAX_PARAMETERS: usize = 32;

/// Why a challenge or credentials cannot be used. Contains no text of the peer and no secret.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The scheme is not `Digest`. `Basic` is forbidden in SIP (RFC 3261 §22).
    #[error("the authentication scheme is not Digest")]
    Scheme,
    /// Longer than [`MAX_VALUE`] or more than [`MAX_PARAMETERS`] parameters.
    #[error("the authentication header is longer than the limit")]
    TooLong,
    /// Not a comma-separated list of `name=value` at this offset.
    #[error("unreadable authentication parameter at offset {0}")]
    Syntax(u32),
    /// This mandatory parameter is missing.
    #[error("the authentication header lacks {0}")]
    Missing(&'static str),
    /// This parameter occurs twice, so that implementations could read different values.
    #[error("the authentication header has {0} twice")]
    Duplicate(&'static str),
    /// This parameter has a value that its grammar does not allow.
    #[error("the authentication header has an invalid {0}")]
    Invalid(&'static str),
    /// The algorithm is none of those of RFC 7616 and RFC 8760. Another challenge may be usable.
    #[error("unknown digest algorithm")]
    Algorithm,
    /// No offered quality of protection is supported. Another challenge may be usable.
    #[error("unknown quality of protection")]
    Qop,
    /// The password is stored as a hash for another algorithm than that of the challenge.
    #[error("the stored password hash is for another algorithm")]
    Stored,
    /// This local value cannot be in a header: it has a control character, or is not UTF-8.
    #[error("the {0} contains characters that a header cannot carry")]
    Unwritable(&'static str),
}
