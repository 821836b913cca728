//! Every bound on what others can make a phone hold or do. Bounds on single messages are in [`Limits`](crate::Limits).

use std::time::Duration;

/// Server transactions alive at a time; a request beyond is answered with 503, and only that is remembered. Over UDP each one
/// lives for 32 s after its answer, so this is also a rate: 32 requests a second for a phone of two calls.
pub(crate) const fn server_transactions(call_limit: usize) -> usize {
    call_limit.saturating_mul(16).saturating_add(1024)
}

/// Answered INVITEs and CANCELs that are remembered without a transaction. They matter for the one second in which a phone
/// comes back over another connection.
pub(crate) const RECENT_REQUESTS: usize = 32;

/// Requests that were refused for want of room, and that are refused again when they come again. 24 bytes each, for 32 s.
pub(crate) const OVERLOADED: usize = 1024;

/// Client transactions alive at a time beyond which a fork that lost is acknowledged, but not hung up: a server can
/// answer one INVITE with forks without end.
pub(crate) const fn fork_requests(call_limit: usize) -> usize {
    server_transactions(call_limit)
}

/// Forks of one INVITE that are told apart. The 2xx of one more is acknowledged, and not hung up.
pub(crate) const FORKS: usize = 64;

/// Client transactions alive at a time; a request beyond is not sent, and fails as if nobody had answered.
/// Only we create them, so this is a backstop: memory, not fairness.
pub(crate) const CLIENT_TRANSACTIONS: usize = 1 << 20;

/// The shortest time between a 2xx to a REGISTER and the refresh, however short the lifetime that was granted.
pub(crate) const SHORTEST_REFRESH: Duration = Duration::from_secs(5);

/// The longest `Retry-After` that is honoured; longer ones are cut, so that one bad header cannot retire a phone.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The longest `Min-Expires` that is followed; a registrar that asks for more has refused us (RFC 3261 §10.2.8).
pub(crate) const LONGEST_MIN_EXPIRES: u32 = 86_400;

/// How often in a row a re-INVITE that is answered with 491 is tried again (RFC 3261 §14.1).
pub(crate) const GLARES: u8 = 6;

/// How often a request is sent again because its nonce was stale. Each time costs the server a nonce and us a request; one
/// that never accepts its own nonces is broken.
pub(crate) const STALE_NONCES: u8 = 3;
