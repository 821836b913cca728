//! The peer's requests within the dialog, and the retransmission of our 2xx until its ACK.

use super::cx::CallCx;
use super::leg::ONLY;
use super::machine::Trigger;
use super::session::Session;
use super::states::State;
use crate::api::reason::reason_of;
use crate::base::marks::Mark;
use crate::base::name::SessionTimer;
use crate::dialog::Order;
use crate::planted::{patched, planted};
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{CallEvent, Cause, EndReason, EndedBy};
use offhook_wire::{Message, Method};

impl Session {
    pub(super) fn hold_event(&mut self, cx: &mut CallCx<'_, '_>) {
        if let Some(e) = self.established_mut() {
            let (local, remote) = (e.holds, e.is_held());
            self.intent.hold_pending &= self.intent.hold != local;
            cx.base.out.call_event(self.id, CallEvent::Hold { local, remote });
        }
    }

    /// Before the ACK the call is not established for the user, who is informed of a hold when it is.
    pub(super) fn may_report_hold(&self) -> bool {
        matches!(self.state, State::Established(_))
    }

    /// Our hold or resume failed.
    pub(super) fn hold_failed(&self, cx: &mut CallCx<'_, '_>, hold: bool, code: Option<u16>) {
        cx.base.out.call_event(self.id, CallEvent::HoldFailed { hold, code });
    }

    /// An ACK without a transaction: for our 2xx.
    pub(crate) fn on_ack(&mut self, cx: &mut CallCx<'_, '_>, ack: &Message) {
        let Some(e) = self.established_mut() else { return };
        let cseq = ack.cseq().map_or(0, |cseq| cseq.number);
        if !e.leg.dialog.owns(cx.base.config, ack) || e.unacked.as_ref().is_none_or(|u| u.cseq != cseq) {
            return;
        }
        e.leg.peer_packages.update(ack);
        if !planted!(cx.base.config, AckNotHeard) {
            e.unacked = None;
            self.cancel_timer(cx.base, SessionTimer::Retransmit);
        }
        self.acknowledged(cx);
        self.answer_in_ack(cx, ack);
        self.reconcile(cx);
    }

    pub(super) fn retransmit_2xx(&mut self, cx: &mut CallCx<'_, '_>) {
        let Some(unacked) = self.established_mut().and_then(|e| e.unacked.as_mut()) else { return };
        if cx.base.now >= unacked.give_up {
            cx.mark(Mark::AckMissing);
            return self.ack_missing(cx);
        }
        // The connection of the INVITE may be closed; the account's current one leads to the same server.
        if let Some(path) = cx.account.path()
            && !planted!(cx.base.config, AnswerNotRepeated)
        {
            let connection = path.connection;
            cx.mark(Mark::AnswerRepeated);
            cx.base.out.transmit(connection, unacked.response.clone());
        }
        unacked.interval = (unacked.interval * 2).min(cx.base.config.times.t2);
        let wait = unacked.interval.min(unacked.give_up.saturating_since(cx.base.now));
        self.set_timer(cx.base, wait, SessionTimer::Retransmit);
    }

    /// No ACK within 64·T1: the dialog is confirmed nevertheless, and is ended with a BYE (§13.3.1.4).
    fn ack_missing(&mut self, cx: &mut CallCx<'_, '_>) {
        let why = match &self.state {
            State::HangUpAfterAck(_, why) => why.clone(),
            _ => EndReason::new(EndedBy::Network, Cause::TimedOut, Some(408), "no ACK came"),
        };
        self.terminate(cx, Trigger::Timeout, why);
    }

    pub(super) fn dialog_request(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        let Some(e) = self.established_mut() else { return };
        let order = e.leg.dialog.order(cx.base.config, request);
        match order {
            Order::Next => {}
            Order::Late => cx.mark(Mark::LateSequence),
            Order::Repeated => cx.mark(Mark::SameSequence),
        }
        match (order, request.method()) {
            (Order::Next, _) => {}
            // The request was processed already; the response is the same. A proxy retransmits pending requests over a new
            // connection, and a digit must not be reported twice for that.
            (Order::Repeated, Some(Method::Info)) => return self.repeated_info(cx, tx, request),
            (Order::Repeated, Some(Method::Notify)) => {
                return respond::answer(cx.base, cx.txs, tx, request, 200);
            }
            (Order::Repeated, Some(Method::Refer)) => {
                // A refused one is retransmitted because the refusal was lost.
                if e.referred == request.cseq().ok().map(|cseq| cseq.number) {
                    return respond::answer(cx.base, cx.txs, tx, request, 202);
                }
            }
            (Order::Repeated, Some(Method::Update)) => {
                return self.retransmitted_update(cx, ONLY, tx, request);
            }
            // There may have been others in between.
            (Order::Repeated | Order::Late, Some(Method::Invite)) => {
                return self.retransmitted_reinvite(cx, tx, request);
            }
            (Order::Repeated | Order::Late, _) => return respond::answer(cx.base, cx.txs, tx, request, 500),
        }
        match request.method() {
            Some(Method::Bye) => self.on_bye(cx, tx, request),
            Some(Method::Invite) => self.on_reinvite(cx, tx, request),
            Some(Method::Update) => self.on_update(cx, ONLY, tx, request),
            Some(Method::Prack) => self.on_prack(cx, tx, request),
            Some(Method::Info) => self.on_info(cx, tx, request),
            Some(Method::Refer) => self.on_refer(cx, tx, request),
            Some(Method::Notify) => self.on_notify(cx, tx, request),
            _ => respond::out_of_dialog(cx.base, cx.txs, cx.account.id(), tx, request, 200),
        }
    }

    fn on_bye(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        if !planted!(cx.base.config, ByeNotAnswered) {
            respond::answer(cx.base, cx.txs, tx, request, 200);
        }
        let left = match &self.state {
            State::HangUpAfterAck(_, why) => Some(why.clone()),
            _ => None,
        };
        let Some(established) = self.established_mut() else { return };
        let was_transferring = established.transfer.is_some();
        let transferred = established.transfer.as_ref().is_some_and(|transfer| transfer.accepted);
        if was_transferring {
            cx.mark(Mark::TransferHungUp);
        }
        let (code, text) = reason_of(request);
        let cause = if transferred { Cause::Transferred } else { Cause::HungUp };
        let by = patched!(cx.base.config, PeersByeIsOurs, EndedBy::Peer, EndedBy::Us);
        let why = left.unwrap_or(EndReason { by, cause, code, text });
        self.settle_outstanding(cx, why.cause);
        self.end(cx, Trigger::Bye, why);
    }
}
