use crate::RequestId;
use crate::base::bounds;
use crate::outside::OutsideRequest;
use bytes::Bytes;
use std::collections::BTreeMap;

/// The pending requests outside of dialogs, at most [`bounds::REQUESTS`].
#[derive(Default)]
pub(super) struct Requests {
    pub(super) pending: BTreeMap<RequestId, OutsideRequest>,
    /// How many there were.
    pub(super) count: u32,
}

impl Requests {
    pub(super) fn len(&self) -> usize {
        self.pending.len()
    }

    pub(super) fn has_room(&self) -> bool {
        self.pending.len() < bounds::REQUESTS
    }

    /// Whether a MESSAGE to this URI is pending (RFC 3428 §8).
    pub(super) fn has_message_to(&self, uri: &Bytes) -> bool {
        self.pending.values().any(|request| request.is_message_to(uri))
    }
}
