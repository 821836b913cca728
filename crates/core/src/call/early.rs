//! The early dialogs of a caller: one for each branch of the INVITE that has answered with a provisional response (RFC 3261 §12.1.2,
//! RFC 3262 §4). Each may have early media of its own.

use super::cx::CallCx;
use super::description::sdp_of;
use super::dialog_request::{DialogRequest, PendingRequest};
use super::leg::Leg;
use super::session::Session;
use super::states::State;
use crate::base::bounds;
use crate::base::marks::Mark;
use crate::base::waiter::CallWaiter;
use crate::dialog::{Order, to_tag};
use crate::negotiation::OfferAnswer;
use crate::planted::planted;
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{CallEffect, CallEvent, LegId};
use offhook_wire::{HeaderName, Message, Method};

impl Session {
    /// A provisional response to our INVITE.
    pub(super) fn invite_progress(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        if code == 100 {
            return;
        }
        let n = self.branch(cx, message);
        if let Some(n) = n {
            if let Some(rseq) = reliable_rseq(message)
                && !self.acknowledge(cx, n, rseq, message)
            {
                return;
            }
            if let Some(leg) = self.leg_mut(n) {
                leg.update_peer(cx.base.config, message);
            }
            self.early_answer(cx, n, message);
        }
        let leg = n.and_then(|n| self.leg(n)).and_then(|leg| leg.media);
        cx.base.out.call_event(self.id, CallEvent::Progress { code, leg });
        self.report(cx, code);
    }

    /// The early dialog of a response; the first response of a branch begins one. `None`: the response has no tag, or there are too
    /// many branches.
    fn branch(&mut self, cx: &mut CallCx<'_, '_>, message: &Message) -> Option<usize> {
        let tag = to_tag(message)?;
        if let Some(n) = self.leg_of(|dialog| dialog.remote_tag() == tag) {
            return Some(n);
        }
        if !self.has_room_for_leg() {
            cx.mark(Mark::TooManyBranches);
            return None;
        }
        let State::Calling(calling) = &self.state else { return None };
        let dialog = self.dialog_of(cx, message, &calling.invite).ok()?;
        let mut leg = Leg::new(dialog, OfferAnswer::of_branch(calling.invite.invitation.types));
        leg.realms = calling.invite.realms;
        let State::Calling(calling) = &mut self.state else { return None };
        // A second branch is rare.
        calling.legs.reserve_exact(1);
        calling.legs.push(leg);
        if calling.legs.len() > 1 {
            cx.mark(Mark::SecondBranch);
        }
        Some(calling.legs.len() - 1)
    }

    /// Sends the PRACK for a reliable provisional response. Returns `false` for one that was received before, or out of order, which
    /// is not processed (RFC 3262 §4).
    fn acknowledge(&mut self, cx: &mut CallCx<'_, '_>, n: usize, rseq: u32, message: &Message) -> bool {
        let Some(leg) = self.leg_mut(n) else { return false };
        let in_order = leg.rseq.is_none_or(|last| last.checked_add(1) == Some(rseq));
        let is_prack = |pending: &&PendingRequest| matches!(pending.request, DialogRequest::Prack { .. });
        if leg.pending.iter().filter(is_prack).count() >= bounds::PRACKS {
            return false;
        }
        if !in_order && !planted!(cx.base.config, ProvisionalTakenTwice) {
            cx.mark(Mark::ProvisionalOutOfOrder);
            return false;
        }
        leg.rseq = Some(rseq);
        let cseq = message.cseq().map_or(0, |cseq| cseq.number);
        if !planted!(cx.base.config, PrackForgotten) {
            cx.mark(Mark::PrackSent);
            self.send_request(cx, n, DialogRequest::Prack { rseq, cseq });
        }
        true
    }

    /// An answer in a provisional response: early media (RFC 3261 §13.2.1). The first one of each branch is applied, if the host can
    /// have a media session for it.
    fn early_answer(&mut self, cx: &mut CallCx<'_, '_>, n: usize, message: &Message) {
        let Some(answer) = sdp_of(message) else { return };
        let open = self.leg(n).is_some_and(|leg| matches!(leg.offer_answer, OfferAnswer::OfferSent { .. }));
        if !open {
            return;
        }
        if self.has_media_for(cx, n, false) {
            cx.mark(Mark::EarlyMedia);
            self.begin_apply(cx, n, answer);
        } else if let Some(leg) = self.leg_mut(n) {
            leg.early_answer.get_or_insert_with(|| Box::new(answer));
        }
    }

    /// Whether a branch has a media session, or gets one: the first one is that of the offer, and each further one has the same offer.
    /// `accepted`: the sessions of the others are released.
    pub(super) fn has_media_for(&mut self, cx: &mut CallCx<'_, '_>, n: usize, accepted: bool) -> bool {
        if self.leg(n).is_some_and(|leg| leg.media.is_some()) {
            return true;
        }
        let used = self.state.legs().iter().filter(|leg| leg.media.is_some()).count();
        let first = LegId::default();
        let most = cx.base.config.media_legs;
        let leg = if used == 0 {
            Some(first)
        } else if used < most && self.media.has_early_leg() || accepted && most > 1 {
            let new = self.media.new_leg();
            if let Some(new) = new {
                cx.mark(Mark::MediaForked);
                self.effect(cx.base, new, CallEffect::Fork { of: first }, CallWaiter::Nothing);
            }
            new
        } else {
            None
        };
        if let Some(own) = self.leg_mut(n) {
            own.media = leg;
        }
        leg.is_some()
    }

    /// A request of the callee within an early dialog.
    pub(super) fn branch_request(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        n: usize,
        tx: ServerTx,
        request: &Message,
    ) {
        let Some(leg) = self.leg_mut(n) else { return };
        let order = leg.dialog.order(cx.base.config, request);
        match (request.method(), order) {
            (Some(Method::Update), Order::Next) => self.on_update(cx, n, tx, request),
            (Some(Method::Update), Order::Repeated) => self.retransmitted_update(cx, n, tx, request),
            (_, Order::Late) => {
                cx.mark(Mark::LateSequence);
                respond::answer(cx.base, cx.txs, tx, request, 500);
            }
            // A callee must not send BYE within an early dialog (RFC 3261 §15), and the session has no other requests yet.
            _ => {
                cx.mark(Mark::RingingRequest);
                respond::out_of_dialog(cx.base, cx.txs, cx.account.id(), tx, request, 200);
            }
        }
    }
}

/// The RSeq of a reliable provisional response.
fn reliable_rseq(message: &Message) -> Option<u32> {
    message.header(HeaderName::Require)?;
    if !message.has_token(HeaderName::Require, "100rel") {
        return None;
    }
    message.rseq().ok().flatten()
}
