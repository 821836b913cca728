//! Blind transfer, both roles (RFC 3515, RFC 5589 §6).

use super::ask::Ask;
use super::{Env, Session, Step, Upcall};
use crate::timer::SessionTimer;
use crate::transaction::ServerTx;
use crate::{By, Cause, EndReason, Event, TransferState, uas};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message};

/// We asked the peer to call somebody else. The call with the peer is kept until the target has answered.
pub(super) enum Transfer {
    /// The REFER is out.
    Asked,
    /// It was accepted; the peer will report by NOTIFY.
    Accepted,
}

impl Transfer {
    pub(super) fn is_accepted(&self) -> bool {
        matches!(self, Transfer::Accepted)
    }
}

/// The peer asked us to call somebody else, and we report to him.
pub(super) struct Referral;

impl Session {
    pub(super) fn start_transfer(&mut self, env: &mut Env<'_, '_>, target: Bytes) {
        if self.ask(env, Ask::Refer { target }) {
            if let Some(e) = self.established_mut() {
                e.transfer = Some(Transfer::Asked);
            }
            self.transfer_event(env, TransferState::Trying);
        } else {
            self.transfer_event(env, TransferState::Failed { code: None });
        }
    }

    fn transfer_event(&self, env: &mut Env<'_, '_>, state: TransferState) {
        env.cx.out.event(Event::Transfer { session: self.id, state });
    }

    /// The final response to the REFER.
    pub(super) fn refer_response(&mut self, env: &mut Env<'_, '_>, code: u16) {
        let Some(e) = self.established_mut() else { return };
        let Some(Transfer::Asked) = e.transfer else { return };
        if (200..=299).contains(&code) {
            e.transfer = Some(Transfer::Accepted);
            // A peer that never reports leaves us where we are: with him.
            let patience = env.cx.config.no_answer + env.cx.config.times.t1 * 64;
            self.alarm(env.cx, patience, SessionTimer::Transfer);
        } else {
            self.transfer_over(env, Some(code));
        }
    }

    pub(super) fn transfer_silent(&mut self, env: &mut Env<'_, '_>) {
        self.transfer_over(env, None);
    }

    /// It failed: the call goes on.
    fn transfer_over(&mut self, env: &mut Env<'_, '_>, code: Option<u16>) {
        self.silence(env.cx, SessionTimer::Transfer);
        if self.established_mut().and_then(|e| e.transfer.take()).is_some() {
            self.transfer_event(env, TransferState::Failed { code });
        }
    }

    /// The peer reports on our REFER (RFC 3515 §2.4.5).
    pub(super) fn on_notify(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        let event = request.event().ok().flatten();
        if !event.is_some_and(|event| event.package.eq_ignore_ascii_case(b"refer")) {
            return uas::answer(env, tx, request, 489);
        }
        let Some(e) = self.established_mut() else { return };
        if e.transfer.is_none() {
            return uas::answer(env, tx, request, 481);
        }
        // A NOTIFY may overtake the 202: it says as much.
        e.transfer = Some(Transfer::Accepted);
        uas::answer(env, tx, request, 200);
        let terminated = request.subscription_state().is_ok_and(|s| s.is_some_and(|s| s.is_terminated()));
        match (sipfrag_code(request.body_bytes()), terminated) {
            (Some(200..=299), _) => {
                self.silence(env.cx, SessionTimer::Transfer);
                if let Some(e) = self.established_mut() {
                    e.transfer = None;
                }
                self.transfer_event(env, TransferState::Done);
                let why = EndReason::new(By::Us, Cause::Transferred, Some(200), "transferred");
                self.hang_up_because(env, Step::HangUp, why);
            }
            (Some(code @ 300..), _) => self.transfer_over(env, Some(code)),
            (_, true) => self.transfer_over(env, None),
            (Some(code @ 101..=199), false) => self.transfer_event(env, TransferState::Progress { code }),
            (_, false) => {}
        }
    }

    /// The peer asks us to call somebody else.
    pub(super) fn on_refer(&mut self, env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
        let Some(e) = self.established_mut() else { return };
        if !env.cx.config.accept_transfers {
            return uas::answer(env, tx, request, 603);
        }
        if e.referral.is_some() {
            return uas::answer(env, tx, request, 491);
        }
        let target = match request.refer_to() {
            Ok(Some(to)) => match offhook_wire::Uri::parse(to.uri) {
                // A target with headers in it (Replaces) is an attended transfer.
                Ok(uri) if uri.headers().next().is_some() => return uas::answer(env, tx, request, 501),
                Ok(_) => to.uri.to_vec(),
                Err(_) => return uas::answer(env, tx, request, 400),
            },
            _ => return uas::answer(env, tx, request, 400),
        };
        e.referral = Some(Referral);
        let response =
            uas::reply(env.cx.config, request, 202, self.tag.as_bytes(), env.line.contact()).finish();
        env.txs.finish(env.cx, tx, 202, response);
        self.ask(env, Ask::Notify { code: 100 });
        let referred_by = match request.header(HeaderName::ReferredBy) {
            Some(value) => Some(value.to_vec()),
            None => request.from().ok().map(|from| [b"<", from.uri, b">"].concat()),
        };
        env.upcalls.push(Upcall::Refer { by: self.id, target, referred_by });
    }

    /// The call that the REFER made has moved.
    pub(crate) fn on_report(&mut self, env: &mut Env<'_, '_>, code: u16) {
        let Some(e) = self.established_mut() else { return };
        if e.referral.is_none() {
            return;
        }
        if code >= 200 {
            e.referral = None;
        }
        self.ask(env, Ask::Notify { code });
    }
}

/// The status code of a `message/sipfrag` body (RFC 3420).
fn sipfrag_code(body: &[u8]) -> Option<u16> {
    let digits = body.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
    let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (100..=699).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::sipfrag_code;

    #[test]
    fn the_status_line_of_a_sipfrag() {
        assert_eq!(sipfrag_code(b"SIP/2.0 180 Ringing\r\n"), Some(180));
        assert_eq!(sipfrag_code(b"SIP/2.0 200 OK"), Some(200));
        for other in
            [&b""[..], b"SIP/2.0 ", b"SIP/2.0 20", b"SIP/2.0 abc", b"SIP/2.0 999 No", b"INVITE sip:a SIP/2.0"]
        {
            assert_eq!(sipfrag_code(other), None);
        }
    }
}
