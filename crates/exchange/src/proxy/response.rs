//! Where a response belongs: RFC 3261 §16.7, before its context.

use offhook_wire::{Message, Method};

use super::context::strip_via;
use crate::Exchange;

impl Exchange {
    /// A response that was read and makes sense. Our own branch in its top Via says which context and branch it
    /// belongs to; without that seal it is a response to nothing of ours and is dropped.
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
            // A late 2xx still finds its way: the seal holds where the request came from. Nothing else is of use to a caller whose
            // transaction is over here too.
            (false, Method::Invite) if (200..=299).contains(&status) => {
                self.cx.respond(token.origin, strip_via(response));
            }
            (false, _) => {}
        }
    }
}
