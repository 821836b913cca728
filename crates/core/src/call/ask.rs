//! Our requests within the dialog, and what their responses mean.

use super::cx::Env;
use super::dialog_request::{Ask, Pending};
use super::fork::refuse_fork;
use super::machine::Step;
use super::session::Session;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Owner};
use crate::dialog::to_tag;
use crate::planted::{patched, planted};
use crate::transaction::{TxFailed, TxFailure};
use crate::{Cause, EndReason, EndedBy};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message, Method};

impl Session {
    /// Sends a request within the dialog. `false` when there is no connection.
    pub(super) fn ask(&mut self, env: &mut Env<'_, '_>, ask: Ask) -> bool {
        self.send_ask(env, ask, None, 0)
    }

    fn send_ask(
        &mut self,
        env: &mut Env<'_, '_>,
        ask: Ask,
        credentials: Option<(HeaderName, String)>,
        tried: u8,
    ) -> bool {
        let owner = Owner::Session(self.id);
        let Some(e) = self.established_mut() else { return false };
        let Some(path) = env.line.path() else { return false };
        let (contact, config) = (env.line.contact(), env.cx.config);
        let cseq = patched!(config, RequestsNotCounted, e.dialog.next_cseq(), 1);
        let dialog = &e.dialog;
        let tx = env.txs.request(env.cx, path, owner, ask.method(), |via| {
            let mut b = dialog.request(ask.method(), cseq, &[via]);
            ask.write(&mut b, contact);
            b.header(HeaderName::UserAgent, &config.user_agent);
            if let Some((name, value)) = &credentials {
                b.header(*name, value);
            }
            match ask.body() {
                ("", _) => b.finish(),
                (content_type, body) => b.body(content_type, &body),
            }
        });
        match (&ask, &mut e.transfer) {
            (Ask::Invite { .. }, _) => {
                // Within a dialog there are no other forks, and a 2xx that comes late is that of a call that was hung up.
                env.txs.meet_fork(tx, e.dialog.remote_tag());
                e.credentials = credentials.map(Box::new);
            }
            (Ask::Refer { .. }, Some(transfer)) => transfer.cseq = cseq,
            _ => {}
        }
        e.pending.push(Pending { tx, ask, cseq, tried });
        true
    }

    /// A response to one of them, or a 2xx to an INVITE that comes again.
    pub(super) fn dialog_response(
        &mut self,
        env: &mut Env<'_, '_>,
        tx: ClientTx,
        code: u16,
        message: &Message,
    ) {
        let Some(e) = self.established_mut() else { return };
        let Some(at) = e.pending.iter().position(|p| p.tx == tx) else {
            return self.repeated_2xx(env, tx, code, message);
        };
        if code < 200 {
            return;
        }
        let pending = e.pending.swap_remove(at);
        if matches!(code, 401 | 407) {
            let (_, body) = pending.ask.body();
            let uri = Bytes::copy_from_slice(e.dialog.request_uri());
            let credentials =
                env.line.authorize(env.cx, message, pending.ask.method(), &uri, &body, pending.tried);
            if let Some(credentials) = credentials {
                self.send_ask(env, pending.ask, Some(credentials), pending.tried + 1);
                return;
            }
        }
        // A NOTIFY is of the subscription, whose end is not that of the call (RFC 5057 §5.1).
        let of_the_call = !matches!(pending.ask, Ask::Notify { .. });
        self.answered(env, pending, code, message);
        if of_the_call && matches!(code, 408 | 481) {
            self.lost_by_peer(env, code);
        }
    }

    /// The peer, or a proxy for it, does not know the call any more: so it is over (§12.2.1.2).
    fn lost_by_peer(&mut self, env: &mut Env<'_, '_>, code: u16) {
        env.mark(Mark::LostByPeer);
        let cause = if code == 408 { Cause::TimedOut } else { Cause::Protocol };
        self.close(
            env,
            Step::Refused,
            EndReason::new(EndedBy::Peer, cause, Some(code), "the peer lost the call"),
        );
    }

    /// A 2xx to an INVITE that was answered before, this one or an earlier one of the call: its ACK goes again
    /// (§13.2.2.4). Of another fork: that one is hung up.
    fn repeated_2xx(&mut self, env: &mut Env<'_, '_>, tx: ClientTx, code: u16, message: &Message) {
        let (200..=299, Ok(cseq), Some(e)) = (code, message.cseq(), self.established_mut()) else { return };
        if cseq.method != Method::Invite || !e.dialog.has_sent(cseq.number) {
            return;
        }
        if to_tag(message).unwrap_or_default() == e.dialog.remote_tag()
            || planted!(env.cx.config, ForkNotToldApart)
        {
            if planted!(env.cx.config, RepeatedAckForgotten) {
                return;
            }
            env.mark(Mark::AnswerAgain);
            e.send_ack(env, cseq.number);
        } else {
            refuse_fork(env, tx, code, message);
        }
    }

    fn answered(&mut self, env: &mut Env<'_, '_>, pending: Pending, code: u16, message: &Message) {
        match pending.ask {
            Ask::Bye => {}
            Ask::Invite { .. } => self.reinvite_response(env, pending.cseq, code, message),
            Ask::Refer { .. } => self.refer_response(env, pending.cseq, code),
            Ask::Info { digit, .. } => self.info_done(env, digit, (200..=299).contains(&code)),
            // A peer that refuses our NOTIFY has no subscription any more (RFC 6665 §4.2.2).
            Ask::Notify { id, .. } => {
                if let (300.., Some(e)) = (code, self.established_mut()) {
                    e.referral.take_if(|referral| referral.id == id);
                }
            }
        }
    }

    pub(super) fn dialog_failed(&mut self, env: &mut Env<'_, '_>, failed: &TxFailed) {
        let Some(e) = self.established_mut() else { return };
        let Some(at) = e.pending.iter().position(|p| p.tx == failed.tx) else { return };
        let pending = e.pending.swap_remove(at);
        match pending.ask {
            Ask::Bye | Ask::Notify { .. } => {}
            Ask::Invite { .. } => self.reinvite_failed(env, failed.why),
            Ask::Refer { .. } => {
                let code = if failed.why == TxFailure::TimedOut { 408 } else { 503 };
                self.refer_response(env, pending.cseq, code);
            }
            Ask::Info { .. } if planted!(env.cx.config, LostDigitNotReported) => {}
            Ask::Info { digit, .. } => self.info_done(env, digit, false),
        }
    }
}
