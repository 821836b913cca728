//! The connections over which a message was sent already.

use bytes::Bytes;

use crate::FlowId;
use crate::cx::Cx;
use crate::token::End;

/// How many connections are remembered. A callee that registers over more connections while a request is pending may get that request
/// twice on the first of them.
const CAPACITY: usize = 8;

/// The open reliable connections over which a message was sent. Such a connection does not lose the message, and a callee that has
/// answered it no longer knows the branch (RFC 3261 §17.2.2, timer J): it would take a copy for a new request.
#[derive(Default)]
pub(super) struct Delivered(Vec<FlowId>);

impl Delivered {
    /// Sends the message to an end, unless it was sent over the same connection before.
    pub(super) fn send(&mut self, cx: &mut Cx, end: End, message: &Bytes) {
        let Some(flow) = cx.reach(end) else { return };
        if !self.0.contains(&flow) {
            self.record(cx, flow);
            cx.send(flow, message.clone());
        }
    }

    /// Records that the message was sent over this flow.
    pub(super) fn record(&mut self, cx: &Cx, flow: FlowId) {
        self.0.retain(|flow| cx.transport(*flow).is_some());
        if cx.transport(flow).is_some_and(|transport| transport.is_reliable()) {
            if self.0.len() == CAPACITY {
                self.0.remove(0);
            }
            self.0.push(flow);
        }
    }
}
