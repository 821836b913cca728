use super::cx::CallCx;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Machine, Owner};
use crate::dialog::Dialog;
use offhook_wire::{Message, Method};

/// The early dialog of a further fork.
pub(super) enum Early<'a> {
    /// No request was sent in it.
    None,
    /// Requests may have been sent in it.
    Known(&'a mut Dialog),
    /// The call has ended, and it is not known whether requests were sent.
    Forgotten,
}

/// How far the CSeq of a BYE is above that of the INVITE if requests may have been sent between them. A gap is not an error (§12.2.2).
const GAP: u32 = 1_000;

/// Answers a 2xx of a further fork, or one that arrived after the end of the call, with ACK and BYE (§13.2.2.4). The response
/// has everything that is needed, but for the CSeq of an early dialog in which requests were sent.
pub(super) fn refuse_fork(
    cx: &mut CallCx<'_, '_>,
    tx: ClientTx,
    code: u16,
    message: &Message,
    early: Early<'_>,
) {
    let (200..=299, Ok(cseq)) = (code, message.cseq()) else { return };
    if cseq.method != Method::Invite {
        return;
    }
    let dialog = Dialog::of_response(cx.base.config, message, None, cseq.number);
    let (Some(path), Ok(mut dialog)) = (cx.account.path(), dialog) else { return };
    cx.base.mark(cx.session.map(Machine::Session), Mark::Forked);
    let branch: [u8; 16] = cx.base.entropy.token(Label::Ids);
    let ack = dialog.ack(cseq.number, path, &branch, &[]);
    cx.base.out.transmit(path.connection, ack);
    // The BYE is sent once per fork; its transaction retransmits it.
    if cx.txs.is_at_fork_limit(cx.base) || !cx.txs.record_fork(tx, dialog.remote_tag()) {
        return;
    }
    let bye = match early {
        Early::None => dialog.next_cseq(),
        Early::Known(early) => early.next_cseq(),
        Early::Forgotten => dialog.next_cseq() + GAP,
    };
    cx.txs.request(cx.base, path, Owner::None, Method::Bye, |via| {
        dialog.request(Method::Bye, bye, &[via]).finish()
    });
}
