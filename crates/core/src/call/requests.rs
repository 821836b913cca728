//! Our requests within the dialog, and their responses.

use super::cx::CallCx;
use super::dialog_request::{DialogRequest, PendingRequest};
use super::fork::refuse_fork;
use super::machine::Trigger;
use super::session::Session;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Owner};
use crate::dialog::to_tag;
use crate::planted::{patched, planted};
use crate::request::headers::identify;
use crate::request::realm_set::RealmSet;
use crate::request::restarts::{Next, Restartable, Restarts};
use crate::transaction::{TxFailed, TxFailure};
use crate::{Cause, EndReason, EndedBy};
use offhook_wire::{Message, Method};

impl Session {
    /// Sends a request within the dialog. Returns `false` if there is no connection.
    pub(super) fn send_request(&mut self, cx: &mut CallCx<'_, '_>, request: DialogRequest) -> bool {
        self.send_again(cx, request, Restarts::default())
    }

    fn send_again(&mut self, cx: &mut CallCx<'_, '_>, request: DialogRequest, restarts: Restarts) -> bool {
        let owner = Owner::Session(self.id);
        let Some(e) = self.established_mut() else { return false };
        if cx.account.path().is_none() {
            return false;
        }
        let config = cx.base.config;
        let cseq = patched!(config, RequestsNotCounted, e.dialog.next_cseq(), 1);
        let dialog = &e.dialog;
        let (content_type, body) = request.body();
        let challenged = restarts.has_answered() || !planted!(config, CredentialsForgottenInDialog);
        let realms = if challenged { e.realms } else { RealmSet::default() };
        let credentials =
            cx.account.credentials(cx.base, realms, request.method(), dialog.request_uri(), &body);
        let (Some(path), contact) = (cx.account.path(), cx.account.contact()) else { return false };
        let tx = cx.txs.request(cx.base, path, owner, request.method(), |via| {
            let mut b = dialog.request(request.method(), cseq, &[via]);
            request.write(&mut b, config, contact);
            identify(&mut b, config, &credentials);
            if content_type.is_empty() { b.finish() } else { b.body(content_type, &body) }
        });
        match (&request, &mut e.transfer) {
            (DialogRequest::Invite { .. }, _) => {
                // Within a dialog there are no forks, and a late 2xx is that of a call that has ended.
                cx.txs.record_fork(tx, e.dialog.remote_tag());
                e.keep_credentials(cseq, credentials);
            }
            (DialogRequest::Refer { .. }, Some(transfer)) => transfer.cseq = cseq,
            _ => {}
        }
        e.pending.push(PendingRequest { tx, request, cseq, restarts });
        true
    }

    /// A response to one of them, or a retransmitted 2xx to an INVITE.
    pub(super) fn dialog_response(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        tx: ClientTx,
        code: u16,
        message: &Message,
    ) {
        let Some(e) = self.established_mut() else { return };
        let Some(at) = e.pending.iter().position(|p| p.tx == tx) else {
            return self.retransmitted_2xx(cx, tx, code, message);
        };
        if code < 200 {
            return;
        }
        let mut pending = e.pending.swap_remove(at);
        if code >= 300 {
            let next = cx.account.after(
                cx.base,
                &mut pending.restarts,
                Restartable::WithinDialog,
                &mut e.realms,
                message,
            );
            if next == Next::Again {
                self.send_again(cx, pending.request, pending.restarts);
                return;
            }
        }
        // A NOTIFY belongs to the subscription; its failure does not end the call (RFC 5057 §5.1).
        let of_the_call = !matches!(pending.request, DialogRequest::Notify { .. });
        self.answered(cx, pending, code, message);
        if of_the_call && matches!(code, 408 | 481) {
            self.dialog_lost(cx, code);
        }
    }

    /// The peer, or a proxy for it, has lost the dialog: the call ends (§12.2.1.2).
    fn dialog_lost(&mut self, cx: &mut CallCx<'_, '_>, code: u16) {
        cx.mark(Mark::LostByPeer);
        let cause = if code == 408 { Cause::TimedOut } else { Cause::Protocol };
        self.terminate(
            cx,
            Trigger::Refused,
            EndReason::new(EndedBy::Peer, cause, Some(code), "the peer lost the call"),
        );
    }

    /// A retransmitted 2xx to this or an earlier INVITE of the call gets its ACK again (§13.2.2.4). That of another fork gets ACK
    /// and BYE.
    fn retransmitted_2xx(&mut self, cx: &mut CallCx<'_, '_>, tx: ClientTx, code: u16, message: &Message) {
        let (200..=299, Ok(cseq), Some(e)) = (code, message.cseq(), self.established_mut()) else { return };
        if cseq.method != Method::Invite || !e.dialog.has_sent(cseq.number) {
            return;
        }
        if to_tag(message).unwrap_or_default() == e.dialog.remote_tag()
            || planted!(cx.base.config, ForkNotToldApart)
        {
            if planted!(cx.base.config, RepeatedAckForgotten) {
                return;
            }
            cx.mark(Mark::AnswerAgain);
            e.send_ack(cx, cseq.number);
        } else {
            refuse_fork(cx, tx, code, message);
        }
    }

    fn answered(&mut self, cx: &mut CallCx<'_, '_>, pending: PendingRequest, code: u16, message: &Message) {
        match pending.request {
            DialogRequest::Bye => {}
            DialogRequest::Invite { .. } => self.reinvite_response(cx, pending.cseq, code, message),
            DialogRequest::Refer { .. } => self.refer_response(cx, pending.cseq, code),
            DialogRequest::Info { digit, .. } => self.info_done(cx, digit, (200..=299).contains(&code)),
            DialogRequest::AppInfo(info) => self.info_outcome(cx, info.number, Some(code)),
            // RFC 6665 §4.2.2: these responses end the subscription, others do not.
            DialogRequest::Notify { id, .. } => {
                if matches!(code, 404 | 405 | 410 | 416 | 480..=485 | 489 | 501 | 604) {
                    self.subscription_ended(cx, id);
                }
            }
        }
    }

    pub(super) fn dialog_failed(&mut self, cx: &mut CallCx<'_, '_>, failed: &TxFailed) {
        let Some(e) = self.established_mut() else { return };
        let Some(at) = e.pending.iter().position(|p| p.tx == failed.tx) else { return };
        let pending = e.pending.swap_remove(at);
        match pending.request {
            DialogRequest::Bye | DialogRequest::Notify { .. } => {}
            DialogRequest::Invite { .. } => self.reinvite_failed(cx, failed.why),
            DialogRequest::Refer { .. } => {
                let code = if failed.why == TxFailure::TimedOut { 408 } else { 503 };
                self.refer_response(cx, pending.cseq, code);
            }
            DialogRequest::Info { .. } if planted!(cx.base.config, LostDigitNotReported) => {}
            DialogRequest::Info { digit, .. } => self.info_done(cx, digit, false),
            DialogRequest::AppInfo(info) => self.info_outcome(cx, info.number, None),
        }
    }
}
