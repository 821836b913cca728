use crate::request::respond::SDP;
use bytes::Bytes;
use offhook_wire::Message;

/// The session description of a message, if it has one.
pub(super) fn sdp_of(message: &Message) -> Option<Bytes> {
    has_sdp(message).then(|| message.body())
}

/// Whether a message has a session description.
pub(super) fn has_sdp(message: &Message) -> bool {
    message.has_content_type(SDP) && !message.body_bytes().is_empty()
}
