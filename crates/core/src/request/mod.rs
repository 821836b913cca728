//! Requests: responses to those of the peer; restarts, credentials and common header fields of ours.
//!
//! | file | content |
//! |---|---|
//! | `restarts` | whether a final response makes a request of ours be sent again; the one place that decides it |
//! | `realms`, `realm_set` | challenges and credentials: which realms are answered, and with which algorithm |
//! | `redirect` | the targets that a 3xx names |
//! | `headers` | the header fields that all requests of ours have |
//! | `respond` | responses that do not depend on a call |

pub(crate) mod headers;
pub(crate) mod realm_set;
pub(crate) mod realms;
pub(crate) mod redirect;
pub(crate) mod respond;
pub(crate) mod restarts;
