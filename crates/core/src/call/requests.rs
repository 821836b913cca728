//! Our requests within the dialog, and their responses.

use super::cx::CallCx;
use super::dialog_request::{DialogRequest, Ends, PendingRequest};
use super::fork::{Early, refuse_fork};
use super::leg::{Leg, ONLY};
use super::machine::Trigger;
use super::session::Session;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Owner};
use crate::dialog::to_tag;
use crate::negotiation::OfferAnswer;
use crate::planted::{patched, planted};
use crate::request::headers::identify;
use crate::request::realm_set::RealmSet;
use crate::request::restarts::{Next, Restartable, Restarts};
use crate::transaction::{TxFailed, TxFailure};
use crate::{Cause, EndReason, EndedBy};
use offhook_wire::{Message, Method};

impl Session {
    /// Sends a request within the dialog of a leg. Returns `false` if there is no connection.
    pub(super) fn send_request(&mut self, cx: &mut CallCx<'_, '_>, n: usize, request: DialogRequest) -> bool {
        self.send_again(cx, n, request, Restarts::default())
    }

    fn send_again(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        n: usize,
        request: DialogRequest,
        restarts: Restarts,
    ) -> bool {
        let owner = Owner::Session(self.id);
        let Some(leg) = self.leg_mut(n) else { return false };
        if cx.account.path().is_none() {
            return false;
        }
        let config = cx.base.config;
        let cseq = patched!(config, RequestsNotCounted, leg.dialog.next_cseq(), 1);
        let dialog = &leg.dialog;
        let (content_type, body) = request.body();
        let challenged = restarts.has_answered() || !planted!(config, CredentialsForgottenInDialog);
        let realms = if challenged { leg.realms } else { RealmSet::default() };
        let credentials =
            cx.account.credentials(cx.base, realms, request.method(), dialog.request_uri(), &body);
        let (Some(path), contact) = (cx.account.path(), cx.account.contact()) else { return false };
        let tx = cx.txs.request(cx.base, path, owner, request.method(), |via| {
            let mut b = dialog.request(request.method(), cseq, &[via]);
            request.write(&mut b, config, contact);
            identify(&mut b, config, &credentials);
            if content_type.is_empty() { b.finish() } else { b.body(content_type, &body) }
        });
        if let DialogRequest::Invite { .. } = request {
            // Within a dialog there are no forks, and a late 2xx is that of a call that has ended.
            cx.txs.record_fork(tx, leg.dialog.remote_tag());
            leg.keep_credentials(cseq, credentials);
        }
        let is_refer = matches!(request, DialogRequest::Refer { .. });
        leg.pending.push(PendingRequest { tx, request, cseq, restarts });
        if is_refer && let Some(transfer) = self.established_mut().and_then(|e| e.transfer.as_mut()) {
            transfer.cseq = cseq;
        }
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
        let Some((n, at)) = self.pending(tx) else {
            return self.retransmitted_2xx(cx, tx, code, message);
        };
        let Some(leg) = self.leg_mut(n).filter(|_| code >= 200) else { return };
        let mut pending = leg.pending.swap_remove(at);
        if code >= 300 {
            let next = cx.account.after(
                cx.base,
                &mut pending.restarts,
                Restartable::WithinDialog,
                &mut leg.realms,
                message,
            );
            if next == Next::Again {
                self.send_again(cx, n, pending.request, pending.restarts);
                return;
            }
        }
        let ends = pending.request.ends(code);
        self.answered(cx, pending, code, message, ends);
        if ends == Ends::Call {
            self.dialog_lost(cx, code);
        }
    }

    /// The peer, or a proxy for it, has lost the dialog, or cannot be reached by it: the call ends (§12.2.1.2, RFC 5057 §5.1).
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
        if cseq.method != Method::Invite || !e.leg.dialog.has_sent(cseq.number) {
            return;
        }
        if to_tag(message).unwrap_or_default() == e.leg.dialog.remote_tag()
            || planted!(cx.base.config, ForkNotToldApart)
        {
            if planted!(cx.base.config, RepeatedAckForgotten) {
                return;
            }
            cx.mark(Mark::AnswerAgain);
            e.leg.send_ack(cx, cseq.number);
        } else {
            let tag = to_tag(message).unwrap_or_default();
            let branch = e.branches.iter_mut().find(|leg| leg.dialog.remote_tag() == tag);
            let early = branch.map_or(Early::None, |leg| Early::Known(&mut leg.dialog));
            refuse_fork(cx, tx, code, message, early);
        }
    }

    /// The leg of a pending request, and its place there.
    pub(super) fn pending(&self, tx: ClientTx) -> Option<(usize, usize)> {
        let at = |leg: &Leg| leg.pending.iter().position(|pending| pending.tx == tx);
        self.state.legs().iter().enumerate().find_map(|(n, leg)| Some((n, at(leg)?)))
    }

    /// The final response to our re-INVITE or UPDATE.
    fn offer_response(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        pending: &PendingRequest,
        code: u16,
        message: &Message,
    ) {
        let accepted = (200..=299).contains(&code);
        let of_invite = matches!(pending.request, DialogRequest::Invite { .. });
        if accepted && let Some(leg) = self.leg_mut(ONLY) {
            // The ACK goes to the new target already (§12.2.1.2).
            if !of_invite || !planted!(cx.base.config, AckToOldTarget) {
                leg.dialog.refresh_target(message);
            }
            leg.update_peer(cx.base.config, message);
            if of_invite {
                leg.send_ack(cx, pending.cseq);
            }
        }
        let open = self.leg(ONLY).map(|leg| &leg.offer_answer);
        if !matches!(open, Some(OfferAnswer::OfferSent { .. })) {
            return;
        }
        match code {
            200..=299 => self.offer_accepted(cx, code, message),
            // The peer does not support UPDATE after all: a re-INVITE has the same offer.
            405 | 501 if !of_invite => self.offer_again(cx, pending),
            _ => self.offer_refused(cx, code, message, !of_invite),
        }
    }

    fn offer_again(&mut self, cx: &mut CallCx<'_, '_>, pending: &PendingRequest) {
        let DialogRequest::Update { sdp } = &pending.request else { return };
        cx.mark(Mark::UpdateNotSupported);
        if let Some(leg) = self.leg_mut(ONLY) {
            leg.allows_update = false;
        }
        if !self.send_request(cx, ONLY, DialogRequest::Invite { sdp: sdp.clone() }) {
            self.offer_failed(cx, TxFailure::ConnectionLost, false);
        }
    }

    fn answered(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        pending: PendingRequest,
        code: u16,
        message: &Message,
        ends: Ends,
    ) {
        match pending.request {
            DialogRequest::Bye | DialogRequest::Prack { .. } => {}
            DialogRequest::Invite { .. } | DialogRequest::Update { .. } => {
                self.offer_response(cx, &pending, code, message);
            }
            DialogRequest::Refer { .. } => self.refer_response(cx, pending.cseq, code),
            DialogRequest::Info { digit, .. } => self.info_done(cx, digit, (200..=299).contains(&code)),
            DialogRequest::AppInfo(info) => self.info_outcome(cx, info.number, Some(code)),
            DialogRequest::Notify { id, .. } => {
                if ends != Ends::Nothing {
                    self.subscription_ended(cx, id);
                }
            }
        }
    }

    pub(super) fn dialog_failed(&mut self, cx: &mut CallCx<'_, '_>, failed: &TxFailed) {
        let Some((n, at)) = self.pending(failed.tx) else { return };
        let Some(leg) = self.leg_mut(n) else { return };
        let pending = leg.pending.swap_remove(at);
        match pending.request {
            // After a time-out of a NOTIFY the outcome of the transfer is still reported.
            DialogRequest::Bye | DialogRequest::Notify { .. } | DialogRequest::Prack { .. } => {}
            DialogRequest::Invite { .. } => self.offer_failed(cx, failed.why, false),
            DialogRequest::Update { .. } => self.offer_failed(cx, failed.why, true),
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
