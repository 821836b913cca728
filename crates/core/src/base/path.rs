use crate::{FlowId, Transport};
use bytes::Bytes;

/// A flow that is up, as much of it as a request needs.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) flow: FlowId,
    pub(crate) transport: Transport,
    /// The `sent-by` of our Via: a `.invalid` name on a WebSocket (RFC 7118 §5), else `host:port`.
    pub(crate) sent_by: Bytes,
}
