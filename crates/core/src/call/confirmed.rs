//! The peer's requests within the dialog, and the 2xx until its ACK comes.

use super::cx::Env;
use super::dtmf;
use super::machine::Step;
use super::session::Session;
use super::states::State;
use crate::api::reason::reason_of;
use crate::base::marks::Mark;
use crate::base::name::SessionTimer;
use crate::dialog::Order;
use crate::planted::{patched, planted};
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{Cause, DtmfPath, EndReason, EndedBy, Event};
use offhook_wire::{Message, Method};

impl Session {
    pub(super) fn hold_event(&mut self, env: &mut Env<'_, '_>) {
        let session = self.id;
        if let Some(e) = self.established_mut() {
            let (local, remote) = (e.hold.agreed, e.hold.remote);
            e.hold.owed &= e.hold.wanted != local;
            env.cx.out.event(Event::Hold { session, local, remote });
        }
    }

    /// An ACK that no transaction knew: for a 2xx of ours.
    pub(crate) fn on_ack(&mut self, env: &mut Env<'_, '_>, ack: &Message) {
        let Some(e) = self.established_mut() else { return };
        let cseq = ack.cseq().map_or(0, |cseq| cseq.number);
        if !e.dialog.owns(env.cx.config, ack) || e.unacked.as_ref().is_none_or(|u| u.cseq != cseq) {
            return;
        }
        if !planted!(env.cx.config, AckNotHeard) {
            e.unacked = None;
            self.silence(env.cx, SessionTimer::Retransmit2xx);
        }
        self.on_ack_of_2xx(env);
        self.answer_in_ack(env, ack);
        self.reconcile(env);
    }

    pub(super) fn retransmit_2xx(&mut self, env: &mut Env<'_, '_>) {
        let Some(unacked) = self.established_mut().and_then(|e| e.unacked.as_mut()) else { return };
        if env.cx.now >= unacked.give_up {
            env.mark(Mark::AckMissing);
            return self.ack_missing(env);
        }
        // The flow that the INVITE came over may be gone; the account's is the way to the same server.
        if let Some(path) = env.line.path()
            && !planted!(env.cx.config, AnswerNotRepeated)
        {
            let flow = path.flow;
            env.mark(Mark::AnswerRepeated);
            env.cx.out.transmit(flow, unacked.response.clone());
        }
        unacked.interval = (unacked.interval * 2).min(env.cx.config.times.t2);
        let wait = unacked.interval.min(unacked.give_up.saturating_since(env.cx.now));
        self.alarm(env.cx, wait, SessionTimer::Retransmit2xx);
    }

    /// No ACK within 64·T1: the dialog is confirmed all the same, and ended with a BYE (§13.3.1.4).
    fn ack_missing(&mut self, env: &mut Env<'_, '_>) {
        let why = match self.take() {
            State::Leaving(established, why) => {
                return self.close_dialog(env, established, Step::Timeout, why);
            }
            other => {
                self.state = other;
                EndReason::new(EndedBy::Network, Cause::TimedOut, Some(408), "no ACK came")
            }
        };
        self.close(env, Step::Timeout, why);
    }

    pub(super) fn dialog_request(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        let Some(e) = self.established_mut() else { return };
        let order = e.dialog.order(env.cx.config, request);
        match order {
            Order::Next => {}
            Order::Late => env.mark(Mark::LateSequence),
            Order::Again => env.mark(Mark::SameSequence),
        }
        match (order, request.method()) {
            (Order::Next, _) => {}
            // What was done is not done twice; the answer is what it was. A proxy sends what was pending again over a new
            // connection, and a digit must not be heard twice for that.
            (Order::Again, Some(Method::Info | Method::Notify)) => {
                return respond::answer(env.cx, env.txs, tx, request, 200);
            }
            (Order::Again, Some(Method::Refer)) => {
                // One that was refused comes again because nobody heard of that.
                if e.referred == request.cseq().ok().map(|cseq| cseq.number) {
                    return respond::answer(env.cx, env.txs, tx, request, 202);
                }
            }
            // Others may have come in between.
            (Order::Again | Order::Late, Some(Method::Invite)) => {
                return self.reinvite_again(env, tx, request);
            }
            (Order::Again | Order::Late, _) => return respond::answer(env.cx, env.txs, tx, request, 500),
        }
        match request.method() {
            Some(Method::Bye) => self.on_bye(env, tx, request),
            Some(Method::Invite) => self.on_reinvite(env, tx, request),
            Some(Method::Info) => self.on_info(env, tx, request),
            Some(Method::Refer) => self.on_refer(env, tx, request),
            Some(Method::Notify) => self.on_notify(env, tx, request),
            _ => respond::out_of_dialog(env.cx, env.txs, env.line.id(), tx, request),
        }
    }

    fn on_bye(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        if !planted!(env.cx.config, ByeNotAnswered) {
            respond::answer(env.cx, env.txs, tx, request, 200);
        }
        let (mut established, left) = match self.take() {
            State::Confirming(e) | State::Established(e) => (e, None),
            State::Leaving(e, why) => (e, Some(why)),
            _ => unreachable!("dialog_request is for calls with a dialog"),
        };
        if established.transfer.is_some() {
            env.mark(Mark::TransferHungUp);
        }
        let transferred = established.transfer.as_ref().is_some_and(|transfer| transfer.accepted);
        let (code, text) = reason_of(request);
        let cause = if transferred { Cause::Transferred } else { Cause::HungUp };
        let by = patched!(env.cx.config, PeersByeIsOurs, EndedBy::Peer, EndedBy::Us);
        let why = left.unwrap_or(EndReason { by, cause, code, text });
        self.wind_up(env, &mut established, why.cause);
        self.end(env, Step::Bye, why);
    }

    fn on_info(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        respond::answer(env.cx, env.txs, tx, request, 200);
        let content_type = request.content_type().unwrap_or_default();
        let session = self.id;
        env.cx.out.event(match dtmf::read_info(content_type, request.body_bytes()) {
            Some((digit, duration)) => Event::Digit { session, digit, duration, path: DtmfPath::Info },
            None => Event::Info {
                session,
                content_type: String::from_utf8_lossy(content_type).into_owned(),
                body: request.body(),
            },
        });
    }
}
