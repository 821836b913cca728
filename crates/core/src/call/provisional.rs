//! The provisional responses to an INVITE of the peer.

use super::cx::CallCx;
use super::machine::reliable::Phase;
use crate::base::entropy::Label;
use bytes::Bytes;
use offhook_wire::Instant;
use std::time::Duration;

/// The provisional responses to an INVITE of the peer.
#[derive(Default)]
pub(super) struct Provisional {
    /// The RSeq of the last one; 0: none was reliable.
    pub(super) rseq: u32,
    pub(super) unacknowledged: Option<Box<Unacknowledged>>,
    /// A response that waits for the PRACK of the one before (§3), with its description.
    pub(super) next: Option<(u16, Option<Bytes>)>,
    /// The description of an unreliable 183, which the 2xx repeats (RFC 3261 §13.2.1).
    pub(super) preview: Option<Bytes>,
    /// Whether a reliable one had our description.
    pub(super) described: bool,
    /// Whether the offer that a reliable one or the INVITE had is answered, and the answer acknowledged.
    pub(super) agreed: bool,
}

/// A reliable provisional response without its PRACK.
pub(super) struct Unacknowledged {
    pub(super) response: Bytes,
    pub(super) has_sdp: bool,
    pub(super) interval: Duration,
    pub(super) give_up: Instant,
}

impl Provisional {
    pub(super) fn phase(&self) -> Phase {
        if self.unacknowledged.is_some() { Phase::Unacknowledged } else { Phase::Idle }
    }

    /// The RSeq of the last one, if it has no PRACK.
    pub(super) fn last(&self) -> Option<u32> {
        self.unacknowledged.as_ref().map(|_| self.rseq)
    }

    /// Whether an offer and its answer are complete, so that another offer may follow.
    pub(super) fn is_agreed(&self) -> bool {
        self.agreed
    }

    /// Whether one has our description, or will.
    pub(super) fn has_description(&self) -> bool {
        self.described || self.preview.is_some() || self.next.as_ref().is_some_and(|(_, sdp)| sdp.is_some())
    }

    /// Whether a 2xx has to wait: for the PRACK of a response with a description (§3).
    pub(super) fn delays_2xx(&self) -> bool {
        self.unacknowledged.as_ref().is_some_and(|unacknowledged| unacknowledged.has_sdp)
            || self.next.as_ref().is_some_and(|(_, sdp)| sdp.is_some())
    }
}

impl Provisional {
    /// §3: the first is random in 1..2^31, each further one is higher by one.
    pub(super) fn next_rseq(&mut self, cx: &mut CallCx<'_, '_>) -> u32 {
        self.rseq = match self.rseq {
            0 => 1 + (cx.base.entropy.u64(Label::Ids) % ((1 << 31) - 1)) as u32,
            last => last + 1,
        };
        self.rseq
    }
}
