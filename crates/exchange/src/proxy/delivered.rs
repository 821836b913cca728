//! Which connections took a message already.

use bytes::Bytes;

use crate::FlowId;
use crate::cx::Cx;
use crate::token::End;

/// How many connections are remembered. A callee that registers over more of them while one request is pending may see that request
/// twice on the first of them.
const MOST: usize = 8;

/// The open connections of a reliable transport that took a message. What a connection took once it does not lose, and a callee that
/// answered has forgotten the branch (RFC 3261 §17.2.2, timer J): it would take the message for a new one.
#[derive(Default)]
pub(super) struct Delivered(Vec<FlowId>);

impl Delivered {
    /// Sends the message to an end, unless the connection by which that is reached took it before.
    pub(super) fn send(&mut self, cx: &mut Cx, end: End, message: &Bytes) {
        let Some(flow) = cx.reach(end) else { return };
        if !self.0.contains(&flow) {
            self.note(cx, flow);
            cx.send(flow, message.clone());
        }
    }

    /// The message was sent over this flow.
    pub(super) fn note(&mut self, cx: &Cx, flow: FlowId) {
        self.0.retain(|flow| cx.transport(*flow).is_some());
        if cx.transport(flow).is_some_and(|transport| transport.is_reliable()) {
            if self.0.len() == MOST {
                self.0.remove(0);
            }
            self.0.push(flow);
        }
    }
}
