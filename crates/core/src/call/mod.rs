//! A call (RFC 3261 §13, §14, §15), from the command or INVITE that creates it to the reason of its end.
//!
//! | file | content |
//! |---|---|
//! | `session` | the call, its transitions and timers |
//! | `states`, `machine` | what it owns in each state; the tables of legal edges of the call and of its parts |
//! | `leg` | a dialog with its media, early or confirmed |
//! | `established` | the session and the subscriptions of a confirmed dialog |
//! | `cx` | the context of a call |
//! | `outgoing` | the caller's role until the 2xx: offer, forks, CANCEL |
//! | `early` | the early dialogs of a caller: provisional responses, PRACK, early media |
//! | `invite`, `session_expires` | the INVITE, sent again after a challenge, a 422 or a redirection |
//! | `check` | the check of the offer before the user is alerted |
//! | `incoming` | the callee's role until the ACK: ringing, answer, 2xx |
//! | `reliable`, `provisional` | reliable provisional responses of a callee, and early media |
//! | `confirmed` | the peer's requests within the dialog, and our 2xx until its ACK |
//! | `offer_answer` | the offers and answers of the legs, whatever message carries them |
//! | `intent`, `media_types` | the media that the user wants; types of media, and muting |
//! | `renegotiation` | offers of the user's intent: hold, resume, restart of ICE, other types of media, glare |
//! | `peer_offers` | offers of the peer: re-INVITE, UPDATE, PRACK |
//! | `dialog_request`, `requests` | our requests within the dialog, and their responses |
//! | `digits`, `dtmf` | DTMF, by RTP or INFO |
//! | `info`, `info_package` | other INFOs, with and without Info Packages |
//! | `transfer` | REFER and NOTIFY in both roles |
//! | `closing` | ending a call in every state |
//! | `description`, `fork`, `reasons` | session descriptions in messages; further forks; reasons of an end |

mod check;
mod closing;
mod confirmed;
mod cx;
mod description;
mod dialog_request;
mod digits;
pub(crate) mod dtmf;
mod early;
mod established;
mod fork;
mod incoming;
mod info;
mod info_package;
mod intent;
mod invite;
mod leg;
mod machine;
mod media_types;
mod offer_answer;
mod outgoing;
mod peer_offers;
mod provisional;
mod reasons;
mod reliable;
mod renegotiation;
mod requests;
mod session;
mod session_expires;
mod states;
mod tag;
mod transfer;

pub(crate) use cx::{CallAction, CallCx, Referrer};
pub(crate) use info_package::Info;
pub(crate) use machine::Phase;
#[cfg(test)]
pub(crate) use machine::{EDGES, Trigger};
pub(crate) use session::Session;
pub(crate) use states::Invitation;
pub(crate) use tag::slot_of;

use crate::base::marks::Mark;
use crate::base::name::{ClientTx, ServerRef, SessionTimer};
use crate::base::waiter::CallWaiter;
use crate::request::respond;
use crate::transaction::{ServerTx, TxFailed};
use crate::{CallEvent, ConnectionId, DtmfPath, EffectId, EffectResult, LegId, MediaEvent};
use fork::{Early, refuse_fork};
use offhook_wire::Message;
use states::State;

/// The tables of the machines of a call, with their titles, for their diagrams.
#[cfg(any(test, feature = "marks"))]
pub(crate) fn tables() -> [(&'static str, &'static dyn crate::base::machine::Edges); 5] {
    [
        ("Call", &machine::EDGES),
        ("Renegotiation", &machine::renegotiation::EDGES),
        ("Reliable provisional responses", &machine::reliable::EDGES),
        ("Transfer", &machine::transfer::EDGES),
        ("Digits", &dtmf::EDGES),
    ]
}

impl Session {
    /// The result of an effect. A stale one is ignored.
    pub(crate) fn on_done(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        waiter: CallWaiter,
        effect: EffectId,
        result: EffectResult,
    ) {
        match waiter {
            CallWaiter::Nothing => {}
            CallWaiter::Check => self.on_check_result(cx, effect, &result),
            CallWaiter::OfferAnswer => self.on_offer_answer_result(cx, effect, result),
            CallWaiter::Digit => self.digit_done(cx, effect, &result),
        }
    }

    /// An event of a media session. The path of a branch that was not accepted yet is reported too: it has early media.
    pub(crate) fn on_media(&mut self, cx: &mut CallCx<'_, '_>, leg: LegId, event: MediaEvent) {
        if !self.media.is_live(leg) {
            return;
        }
        let is_current = self.only_leg().is_none_or(|only| only.media == Some(leg));
        match event {
            MediaEvent::Up => {
                // After a restart of ICE the path was never down for the user.
                let changed = self.media.set_up(leg, true);
                if is_current && changed {
                    self.cancel_timer(cx.base, SessionTimer::MediaPath);
                    cx.base.out.call_event(self.id, CallEvent::Media { up: true });
                }
            }
            MediaEvent::Down => {
                let was_up = self.media.set_up(leg, false);
                if is_current {
                    cx.base.out.call_event(self.id, CallEvent::Media { up: false });
                }
                let in_call = matches!(self.phase(), Phase::AwaitingAck | Phase::Established);
                if was_up && is_current && in_call {
                    self.await_media(cx);
                }
            }
            MediaEvent::Failed if is_current => self.media_failed(cx, "the media path failed"),
            MediaEvent::Failed => {}
            MediaEvent::Digit { digit, duration } => {
                if is_current && self.established_mut().is_some() {
                    self.digit_received(cx, (digit, duration), DtmfPath::Rtp);
                }
            }
        }
    }

    /// A response to one of our requests.
    pub(crate) fn on_response(&mut self, cx: &mut CallCx<'_, '_>, tx: ClientTx, message: &Message) {
        let Some(code) = message.status() else { return };
        match &self.state {
            State::Calling(calling) if calling.tx == tx => self.invite_response(cx, code, message),
            State::Calling(_) => self.dialog_response(cx, tx, code, message),
            State::Cancelling(cancelling) if cancelling.tx == tx => {
                self.cancelled_response(cx, code, message)
            }
            State::Terminating(..) => self.terminating_response(cx, tx, code, message),
            State::AwaitingAck(_) | State::HangUpAfterAck(..) | State::Established(_) => {
                self.dialog_response(cx, tx, code, message);
            }
            _ => refuse_fork(cx, tx, code, message, Early::None),
        }
    }

    /// One of our requests got no final response.
    pub(crate) fn on_failed(&mut self, cx: &mut CallCx<'_, '_>, failed: &TxFailed) {
        match &self.state {
            State::Calling(calling) if calling.tx == failed.tx => self.invite_failed(cx, failed),
            State::Calling(_) => self.dialog_failed(cx, failed),
            State::Cancelling(cancelling) if cancelling.tx == failed.tx => self.cancel_failed(cx),
            State::Terminating(..) => self.terminating_failed(cx, failed),
            State::AwaitingAck(_) | State::HangUpAfterAck(..) | State::Established(_) => {
                self.dialog_failed(cx, failed)
            }
            _ => {}
        }
    }

    pub(crate) fn on_timer(&mut self, cx: &mut CallCx<'_, '_>, timer: SessionTimer) {
        self.timers[timer as usize] = None;
        match timer {
            SessionTimer::NoAnswer if self.phase() == Phase::Checking => self.check_timeout(cx),
            SessionTimer::NoAnswer => {
                cx.mark(Mark::NobodyAnswers);
                self.no_answer_timeout(cx);
            }
            SessionTimer::Retransmit => match self.phase() {
                Phase::Ringing | Phase::Answering => self.retransmit_provisional(cx),
                _ => self.retransmit_2xx(cx),
            },
            SessionTimer::MediaPath => {
                cx.mark(Mark::MediaLate);
                self.media_failed(cx, "no media path in time");
            }
            SessionTimer::Glare => self.reconcile(cx),
            SessionTimer::Transfer => self.transfer_timeout(cx),
            SessionTimer::Consent => self.consent_timeout(cx),
            SessionTimer::Terminating => self.bye_timeout(cx),
            SessionTimer::Renegotiation => self.renegotiation_timeout(cx),
        }
    }

    /// The peer cancelled its INVITE before our final response (§9.2).
    pub(crate) fn on_cancelled(&mut self, cx: &mut CallCx<'_, '_>, invite: ServerRef, cancel: &Message) {
        match &self.state {
            State::Checking(incoming, _) | State::Ringing(incoming) | State::Answering(incoming)
                if incoming.tx.id() == invite =>
            {
                self.invite_cancelled(cx, cancel);
            }
            State::Established(_) => self.reinvite_cancelled(cx, invite),
            _ => {}
        }
    }

    /// A request within the call's dialog.
    pub(crate) fn on_request(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        // Our tag is not enough: the Call-ID and the peer's tag have to match too (§12.2.2).
        let Some(n) = self.leg_of(|dialog| dialog.owns(cx.base.config, request)) else {
            cx.mark(Mark::ForeignDialog);
            return respond::answer(cx.base, cx.txs, tx, request, 481);
        };
        match &self.state {
            State::Calling(_) => self.branch_request(cx, n, tx, request),
            State::Checking(..) | State::Ringing(_) | State::Answering(_) => {
                self.early_dialog_request(cx, tx, request);
            }
            State::AwaitingAck(_) | State::HangUpAfterAck(..) | State::Established(_) => {
                self.dialog_request(cx, tx, request);
            }
            State::Terminating(..) => self.terminating_request(cx, tx, request),
            _ => respond::answer(cx.base, cx.txs, tx, request, 481),
        }
    }

    /// The connection of the account went down.
    pub(crate) fn connection_lost(&mut self, cx: &mut CallCx<'_, '_>, connection: ConnectionId) {
        match &self.state {
            State::Checking(incoming, _) | State::Ringing(incoming) | State::Answering(incoming)
                if incoming.connection == connection =>
            {
                self.ringing_connection_lost(cx);
            }
            _ => {}
        }
    }

    /// A new connection is up: waiting requests are sent.
    pub(crate) fn connection_up(&mut self, cx: &mut CallCx<'_, '_>) {
        match &self.state {
            State::Established(_) => self.reconcile(cx),
            State::Terminating(..) => self.send_bye(cx),
            _ => {}
        }
    }
}

impl Session {
    /// A response to a call that has ended: a late 2xx gets ACK and BYE.
    pub(crate) fn refuse_late(cx: &mut CallCx<'_, '_>, tx: ClientTx, message: &Message) {
        if let Some(code) = message.status() {
            refuse_fork(cx, tx, code, message, Early::Forgotten);
        }
    }
}
