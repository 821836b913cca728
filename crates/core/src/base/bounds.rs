//! The bounds on what the network can make a phone store or do. Bounds on single messages are in [`Limits`](crate::Limits).

use std::time::Duration;

/// The maximum number of server transactions. A further request is answered with 503, without a transaction. Over UDP each one
/// exists for 32 s after its final response, so this is also a rate: 32 requests/s for a phone with two calls.
pub(crate) const fn server_transactions(call_limit: usize) -> usize {
    call_limit.saturating_mul(16).saturating_add(1024)
}

/// The maximum number of answered INVITEs and CANCELs that are stored without a transaction. They are needed for about 1 s, while
/// a phone reconnects.
pub(crate) const RECENT_REQUESTS: usize = 32;

/// The maximum number of requests refused by overload whose retransmissions are refused too. 24 bytes each, for 32 s.
pub(crate) const OVERLOADED: usize = 1024;

/// The number of client transactions from which a further fork is acknowledged, but gets no BYE: a server can answer one
/// INVITE with any number of forks.
pub(crate) const fn fork_requests(call_limit: usize) -> usize {
    server_transactions(call_limit)
}

/// The maximum number of forks of one INVITE that are distinguished. The 2xx of a further one is acknowledged, but gets no BYE.
pub(crate) const FORKS: usize = 64;

/// The maximum number of client transactions. A further request is not sent, and fails as with a time-out.
/// Only the phone creates them, so this only bounds memory.
pub(crate) const CLIENT_TRANSACTIONS: usize = 1 << 20;

/// The minimum time between a 2xx to a REGISTER and the refresh, however short the granted lifetime is.
pub(crate) const SHORTEST_REFRESH: Duration = Duration::from_secs(5);

/// The maximum `Retry-After`; a longer one is reduced to it, so that one bad header field cannot disable a phone.
pub(crate) const LONGEST_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The maximum `Min-Expires` that is accepted; a longer one counts as a refusal (RFC 3261 §10.2.8).
pub(crate) const LONGEST_MIN_EXPIRES: u32 = 86_400;

/// How often a re-INVITE is retried after consecutive 491 responses (RFC 3261 §14.1).
pub(crate) const GLARES: u8 = 6;

/// How often a request is retried because its nonce was stale. A server that never accepts its own nonces is broken.
pub(crate) const STALE_NONCES: u8 = 3;

/// The maximum number of pending requests outside of dialogs.
pub(crate) const REQUESTS: usize = 64;

/// The maximum number of pending INFOs of the application in a call.
pub(crate) const INFOS: usize = 16;

/// The maximum length of the body of a MESSAGE or INFO of the application.
pub(crate) const BODY: usize = 16 * 1024;

/// The maximum number of values of one header field in a response to OPTIONS that are reported.
pub(crate) const CAPABILITIES: usize = 64;

/// The maximum length of such a value; a longer one is skipped.
pub(crate) const CAPABILITY: usize = 256;

/// The maximum number of realms of an account, by kind of challenge (401, 407), that get credentials: in REGISTERs, and as many in
/// other requests.
pub(crate) const REALMS: usize = 8;

/// The maximum length of a realm, and of a nonce with its opaque value. A longer challenge is not answered: they are stored.
pub(crate) const CHALLENGE: usize = 1024;

/// The maximum number of challenges of one response that are read.
pub(crate) const CHALLENGES: usize = 16;

/// The maximum number of targets of redirections that a request is sent to.
pub(crate) const REDIRECTS: usize = 5;

/// The maximum number of Contacts of one 3xx that are read, and that wait.
pub(crate) const CONTACTS: usize = 16;

/// The maximum Min-SE that is accepted; a longer one counts as a refusal (RFC 4028 §6).
pub(crate) const LONGEST_MIN_SE: u32 = 86_400;

/// The maximum number of early dialogs of one INVITE. A provisional response of a further branch is only reported.
pub(crate) const EARLY_DIALOGS: usize = 8;

/// The maximum number of pending PRACKs of an early dialog. A further reliable response is not processed; it is retransmitted.
pub(crate) const PRACKS: usize = 8;
