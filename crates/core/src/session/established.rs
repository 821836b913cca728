//! What both sides own once a dialog exists, and the peer's requests in it.

pub(super) use super::change::Change;

use super::ask::Pending;
use super::outgoing::sdp_of;
use super::transfer::{Referral, Transfer};
use super::{Env, Session, State, Step};
use crate::dialog::{Dialog, Order};
use crate::dtmf::{self, Digits};
use crate::entropy::Label;
use crate::marks::Mark;
use crate::planted::planted;
use crate::reason::reason_of;
use crate::timer::SessionTimer;
use crate::transaction::{ServerTx, own_message};
use crate::{By, Cause, DtmfPath, EndReason, Event, uas};
use bytes::Bytes;
use offhook_wire::sdp::Outline;
use offhook_wire::{HeaderName, Instant, Message, Method};
use std::time::Duration;

pub(super) struct Established {
    pub(super) dialog: Dialog,
    pub(super) change: Change,
    pub(super) hold: Hold,
    pub(super) pending: Vec<Pending>,
    pub(super) unacked: Option<Unacked>,
    pub(super) digits: Option<Box<Digits>>,
    pub(super) transfer: Option<Transfer>,
    pub(super) referral: Option<Referral>,
    /// The CSeq of the last REFER that was accepted.
    pub(super) referred: Option<u32>,
    /// Whether we own the Call-ID, which decides who waits longer after a glare (§14.1).
    pub(super) caller: bool,
    /// How often in a row our re-INVITE met one of the peer.
    pub(super) glares: u8,
    /// Whether the peer takes telephone-event by RTP.
    pub(super) telephone_event: bool,
    /// The credentials of our last INVITE, which its ACK repeats (§13.2.2.4).
    pub(super) credentials: Option<Credentials>,
}

/// A header that answers a challenge.
pub(super) type Credentials = Box<(HeaderName, String)>;

/// Who holds whom. The user's intent is kept, and the description derived from it.
#[derive(Copy, Clone, Debug, Default)]
pub(super) struct Hold {
    pub(super) wanted: bool,
    pub(super) agreed: bool,
    pub(super) remote: bool,
    /// Whether what is wanted waits for a connection, and the alarm of changes runs for that.
    pub(super) waits: bool,
    /// Whether the user asked for something and was not told yet what became of it.
    pub(super) owed: bool,
}

/// A 2xx to an INVITE that is sent until its ACK comes (§13.3.1.4), whatever the transport: a hop may lose it.
pub(super) struct Unacked {
    response: Bytes,
    cseq: u32,
    interval: Duration,
    give_up: Instant,
}

impl Established {
    pub(super) fn new(dialog: Dialog, caller: bool) -> Self {
        Self {
            dialog,
            change: Change::Settled,
            hold: Hold::default(),
            pending: Vec::new(),
            unacked: None,
            digits: None,
            transfer: None,
            referral: None,
            referred: None,
            caller,
            glares: 0,
            telephone_event: false,
            credentials: None,
        }
    }

    /// Sends the ACK for a 2xx to our INVITE of this CSeq.
    pub(super) fn send_ack(&self, env: &mut Env<'_, '_>, cseq: u32) {
        let Some(path) = env.line.path() else { return };
        let branch: [u8; 16] = env.cx.entropy.token(Label::Ids);
        let cseq = if planted!(env.cx.config, AckMiscounted) { cseq + 1 } else { cseq };
        let ack = self.dialog.ack(cseq, path, &branch, self.credentials.as_deref());
        env.cx.out.transmit(path.flow, ack);
    }

    pub(super) fn send_2xx(
        &mut self,
        env: &mut Env<'_, '_>,
        tx: ServerTx,
        invite: &Message,
        response: Bytes,
    ) {
        let cseq = invite.cseq().map_or(0, |cseq| cseq.number);
        let times = env.cx.config.times;
        let give_up = env.cx.now + times.t1 * 64;
        self.unacked = Some(Unacked { response: response.clone(), cseq, interval: times.t1, give_up });
        env.txs.finish(env.cx, tx, 200, response);
    }

    /// The description that our 2xx to the INVITE of this CSeq carries, while that is not acknowledged.
    pub(super) fn described(&self, cseq: u32) -> Option<Bytes> {
        let unacked = self.unacked.as_ref().filter(|unacked| unacked.cseq == cseq)?;
        own_message(&unacked.response).as_ref().and_then(sdp_of)
    }

    /// Reads what the core needs of the peer's description. Returns whether its hold of us changed.
    pub(super) fn heard(&mut self, sdp: &[u8]) -> bool {
        let Ok(outline) = Outline::parse(sdp) else { return false };
        let Some(audio) = outline.media().flatten().find(|m| m.kind == b"audio") else { return false };
        self.telephone_event = audio.telephone_event.is_some();
        let remote = !audio.direction.receives() || audio.held_by_address;
        std::mem::replace(&mut self.hold.remote, remote) != remote
    }
}

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
            env.cx.trace.mark(Mark::AckMissing);
            return self.ack_missing(env);
        }
        // The flow that the INVITE came over may be gone; the account's is the way to the same server.
        if let Some(path) = env.line.path()
            && !planted!(env.cx.config, AnswerNotRepeated)
        {
            env.cx.trace.mark(Mark::AnswerRepeated);
            env.cx.out.transmit(path.flow, unacked.response.clone());
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
                EndReason::new(By::Network, Cause::TimedOut, Some(408), "no ACK came")
            }
        };
        self.close(env, Step::Timeout, why);
    }

    pub(super) fn dialog_request(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        let Some(e) = self.established_mut() else { return };
        let order = e.dialog.order(request);
        match order {
            Order::Next => {}
            Order::Late => env.cx.trace.mark(Mark::LateSequence),
            Order::Again => env.cx.trace.mark(Mark::SameSequence),
        }
        match (order, request.method()) {
            (Order::Next, _) => {}
            (Order::Again, Some(Method::Info)) if planted!(env.cx.config, DigitHeardTwice) => {}
            (Order::Late, _) if planted!(env.cx.config, LateRequestTaken) => {}
            // What was done is not done twice; the answer is what it was. A proxy sends what was pending again over a new
            // connection, and a digit must not be heard twice for that.
            (Order::Again, Some(Method::Info | Method::Notify)) => return uas::answer(env, tx, request, 200),
            (Order::Again, Some(Method::Refer)) => {
                // One that was refused comes again because nobody heard of that.
                if e.referred == request.cseq().ok().map(|cseq| cseq.number) {
                    return uas::answer(env, tx, request, 202);
                }
            }
            // Others may have come in between.
            (Order::Again | Order::Late, Some(Method::Invite)) => {
                return self.reinvite_again(env, tx, request);
            }
            (Order::Again | Order::Late, _) => return uas::answer(env, tx, request, 500),
        }
        match request.method() {
            Some(Method::Bye) => self.on_bye(env, tx, request),
            Some(Method::Invite) => self.on_reinvite(env, tx, request),
            Some(Method::Info) => self.on_info(env, tx, request),
            Some(Method::Refer) => self.on_refer(env, tx, request),
            Some(Method::Notify) => self.on_notify(env, tx, request),
            _ => uas::out_of_dialog(env, tx, request),
        }
    }

    fn on_bye(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        if !planted!(env.cx.config, ByeNotAnswered) {
            uas::answer(env, tx, request, 200);
        }
        let (mut established, left) = match self.take() {
            State::Confirming(e) | State::Established(e) => (e, None),
            State::Leaving(e, why) => (e, Some(why)),
            _ => unreachable!("dialog_request is for calls with a dialog"),
        };
        if established.transfer.is_some() {
            env.cx.trace.mark(Mark::TransferHungUp);
        }
        let transferred = established.transfer.as_ref().is_some_and(|transfer| transfer.accepted);
        let (code, text) = reason_of(request);
        let cause = if transferred { Cause::Transferred } else { Cause::HungUp };
        let by = if planted!(env.cx.config, PeersByeIsOurs) { By::Us } else { By::Peer };
        let why = left.unwrap_or(EndReason { by, cause, code, text });
        self.wind_up(env, &mut established, why.cause);
        self.end(env, Step::Bye, why);
    }

    fn on_info(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        uas::answer(env, tx, request, 200);
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
