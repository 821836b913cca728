use super::cx::Env;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Machine, Owner};
use crate::dialog::Dialog;
use offhook_wire::{Message, Method};

/// A 2xx of a fork that lost, or that came after the call was over: the dialog is acknowledged and hung up
/// (§13.2.2.4). Everything needed stands in the response.
pub(super) fn refuse_fork(env: &mut Env<'_, '_>, tx: ClientTx, code: u16, message: &Message) {
    let (200..=299, Ok(cseq)) = (code, message.cseq()) else { return };
    if cseq.method != Method::Invite {
        return;
    }
    let dialog = Dialog::of_response(env.cx.config, message, None, cseq.number);
    let (Some(path), Ok(mut dialog)) = (env.line.path(), dialog) else { return };
    env.cx.mark(env.session.map(Machine::Session), Mark::Forked);
    let branch: [u8; 16] = env.cx.entropy.token(Label::Ids);
    let ack = dialog.ack(cseq.number, path, &branch, None);
    env.cx.out.transmit(path.flow, ack);
    // Its BYE goes once, and its transaction repeats it where that is needed.
    if env.txs.is_crowded(env.cx) || !env.txs.meet_fork(tx, dialog.remote_tag()) {
        return;
    }
    let bye = dialog.next_cseq();
    env.txs.request(env.cx, path, Owner::Nobody, Method::Bye, |via| {
        dialog.request(Method::Bye, bye, &[via]).finish()
    });
}
