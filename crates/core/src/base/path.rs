use crate::{FlowId, Transport};
use bytes::Bytes;

/// What a request needs of a flow that is up.
#[derive(Clone, Debug)]
pub(crate) struct Path {
    pub(crate) flow: FlowId,
    pub(crate) transport: Transport,
    /// The `sent-by` of our Via: a `.invalid` name on a WebSocket (RFC 7118 §5), else `host:port`.
    pub(crate) sent_by: Bytes,
}
