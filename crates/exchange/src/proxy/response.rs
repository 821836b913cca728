//! Matching responses to contexts: RFC 3261 §16.7 step 1.

use offhook_wire::{Message, Method};

use super::context::strip_via;
use crate::Exchange;

impl Exchange {
    /// Handles a response that passed the checks. The branch in its top Via identifies the context and the branch; a response without a
    /// valid token is dropped.
    pub(crate) fn response(&mut self, response: &Message) {
        let Ok(via) = response.via() else { return };
        let Some(branch) = via.branch() else { return };
        let Some(token) = self.cx.seal.open_branch(branch) else { return };
        let Ok(cseq) = response.cseq() else { return };
        let Some(status) = response.status() else { return };
        let (id, index) = (token.serial >> 16, (token.serial & 0xffff) as usize);
        let known = self.contexts.get(id).is_some_and(|context| context.has_branch(index, branch));
        match (known, cseq.method) {
            (true, Method::Cancel) => {
                self.contexts
                    .with(&mut self.cx, id, |context, cx| context.cancel_response(cx, index, status));
            }
            (true, _) => {
                self.contexts.with(&mut self.cx, id, |context, cx| context.response(cx, index, response));
            }
            // A late 2xx is forwarded: the token contains the sender of the request. Other responses are of no use after the transaction.
            (false, Method::Invite) if (200..=299).contains(&status) => {
                self.cx.respond(token.origin, strip_via(response));
            }
            (false, _) => {}
        }
    }
}
