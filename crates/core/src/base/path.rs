use crate::{ConnectionId, Transport};
use bytes::Bytes;

/// What a request needs of a connection that is up.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) connection: ConnectionId,
    pub(crate) transport: Transport,
    /// The `sent-by` of our Via: a `.invalid` name on a WebSocket (RFC 7118 §5), else `host:port`.
    pub(crate) sent_by: Bytes,
}
