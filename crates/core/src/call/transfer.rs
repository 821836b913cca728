//! Blind transfer in both roles (RFC 3515, RFC 5589 §6).

use super::cx::{CallAction, CallCx, Referrer};
use super::dialog_request::DialogRequest;
use super::established::{ReferRequest, Referral, Transfer};
use super::leg::ONLY;
use super::machine::Trigger as CallTrigger;
use super::machine::transfer::{EDGES, Phase, Trigger};
use super::session::Session;
use super::states::State;
use crate::base::decimal::decimal;
use crate::base::marks::Mark;
use crate::base::name::{Machine, SessionTimer};
use crate::planted::planted;
use crate::request::redirect::is_own_domain;
use crate::request::respond;
use crate::transaction::ServerTx;
use crate::{CallEvent, Cause, EndReason, EndedBy, ReferPolicy, TransferState};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message, Scheme, Uri};

impl Transfer {
    fn phase(transfer: Option<&Self>) -> Phase {
        match transfer {
            None => Phase::Idle,
            Some(Transfer { accepted: false, .. }) => Phase::Requested,
            Some(Transfer { accepted: true, .. }) => Phase::Accepted,
        }
    }
}

impl Session {
    /// Writes the state of our transfer.
    fn transferring(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger, next: Option<Transfer>) {
        let machine = Machine::Transfer(self.id);
        let Some(e) = self.established_mut() else { return };
        let (from, to) = (Transfer::phase(e.transfer.as_ref()), Transfer::phase(next.as_ref()));
        e.transfer = next;
        cx.base.trace.transition(cx.base.now, machine, &EDGES, from, trigger, to);
    }

    /// The call ends: the outcome of a pending transfer.
    pub(super) fn settle_transfer(&mut self, cx: &mut CallCx<'_, '_>, cause: Cause) {
        if !self.is_transferring() {
            return;
        }
        self.transferring(cx, Trigger::End, None);
        let state = match cause {
            Cause::Transferred => TransferState::Done,
            _ => TransferState::Failed { code: None },
        };
        self.transfer_event(cx, state);
    }

    pub(crate) fn transfer(&mut self, cx: &mut CallCx<'_, '_>, target: Bytes) {
        self.transferring(cx, Trigger::Refer, Some(Transfer::default()));
        if self.send_request(cx, ONLY, DialogRequest::Refer { target }) {
            self.transfer_event(cx, TransferState::Trying);
        } else {
            self.transfer_failed(cx, None);
        }
    }

    fn transfer_event(&self, cx: &mut CallCx<'_, '_>, state: TransferState) {
        cx.base.out.call_event(self.id, CallEvent::Transfer(state));
    }

    /// The final response to the REFER with this CSeq.
    pub(super) fn refer_response(&mut self, cx: &mut CallCx<'_, '_>, cseq: u32, code: u16) {
        let transfer = self.established_mut().and_then(|e| e.transfer.as_ref());
        // A NOTIFY may have ended that transfer already, and another one may have begun.
        if transfer.is_none_or(|transfer| transfer.cseq != cseq) {
            return;
        }
        if (200..=299).contains(&code) {
            self.transfer_accepted(cx);
        } else {
            self.transfer_failed(cx, Some(code));
        }
    }

    /// Accepted by a 2xx, or by a NOTIFY that overtakes it (RFC 3515 §2.4.4).
    fn transfer_accepted(&mut self, cx: &mut CallCx<'_, '_>) {
        let Some(transfer) = self.established_mut().and_then(|e| e.transfer.as_ref()) else { return };
        if !transfer.accepted {
            let accepted = Transfer { cseq: transfer.cseq, accepted: true };
            self.transferring(cx, Trigger::Accepted, Some(accepted));
            self.await_notify(cx);
        }
    }

    /// If the peer does not report within this time, the transfer has failed and the call with the peer continues.
    fn await_notify(&mut self, cx: &mut CallCx<'_, '_>) {
        let limit = cx.base.config.no_answer + cx.base.config.times.t1 * 64;
        self.set_timer(cx.base, limit, SessionTimer::Transfer);
    }

    pub(super) fn transfer_timeout(&mut self, cx: &mut CallCx<'_, '_>) {
        cx.mark(Mark::TransferSilent);
        self.transfer_failed(cx, None);
    }

    /// The transfer failed: the call continues.
    fn transfer_failed(&mut self, cx: &mut CallCx<'_, '_>, code: Option<u16>) {
        self.cancel_timer(cx.base, SessionTimer::Transfer);
        if self.is_transferring() {
            self.transferring(cx, Trigger::Failed, None);
            cx.mark(Mark::TransferFailed);
            self.transfer_event(cx, TransferState::Failed { code });
            if planted!(cx.base.config, TransferLosesCall) {
                self.hang_up(cx);
            }
        }
    }

    /// A NOTIFY of the peer for our REFER (RFC 3515 §2.4.5).
    pub(super) fn on_notify(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        let event = request.event().ok().flatten();
        if !event.is_some_and(|event| event.package.eq_ignore_ascii_case(b"refer")) {
            return respond::unknown_event(cx.base, cx.txs, tx, request);
        }
        let transfer = self.established_mut().and_then(|e| e.transfer.as_ref());
        let names_another = |transfer: &Transfer| {
            let id = event.and_then(|event| event.id());
            id.is_some_and(|id| id != decimal(transfer.cseq, &mut [0; 10]))
        };
        if transfer.is_none_or(names_another) {
            cx.mark(Mark::NotifyOfAnother);
            return respond::answer(cx.base, cx.txs, tx, request, 481);
        }
        respond::answer(cx.base, cx.txs, tx, request, 200);
        if transfer.is_some_and(|transfer| !transfer.accepted) {
            cx.mark(Mark::NotifyOvertakes);
        }
        self.transfer_accepted(cx);
        // A NOTIFY shows that the peer is still at work: the user may have taken long to decide.
        self.await_notify(cx);
        let terminated = request.subscription_state().is_ok_and(|s| s.is_some_and(|s| s.is_terminated()));
        match (sipfrag_code(request.body_bytes()), terminated) {
            (Some(200..=299), _) => {
                self.cancel_timer(cx.base, SessionTimer::Transfer);
                self.transferring(cx, Trigger::Done, None);
                cx.mark(Mark::TransferDone);
                self.transfer_event(cx, TransferState::Done);
                if planted!(cx.base.config, TransferredCallKept) {
                    return;
                }
                let why = EndReason::new(EndedBy::Us, Cause::Transferred, Some(200), "transferred");
                self.hang_up_with(cx, CallTrigger::HangUp, why);
            }
            (Some(300..), _) if planted!(cx.base.config, TransferFailureUntold) => {}
            (Some(code @ 300..), _) => self.transfer_failed(cx, Some(code)),
            (_, true) => self.transfer_failed(cx, None),
            (Some(code @ 101..=199), false) => self.transfer_event(cx, TransferState::Progress { code }),
            (_, false) => {}
        }
    }

    /// A REFER of the peer.
    pub(super) fn on_refer(&mut self, cx: &mut CallCx<'_, '_>, tx: ServerTx, request: &Message) {
        // A call that is ending creates no further one.
        let policy = cx.base.config.refer_policy;
        if policy == ReferPolicy::Reject || matches!(self.state, State::HangUpAfterAck(..)) {
            cx.mark(Mark::ReferRefused);
            return respond::answer(cx.base, cx.txs, tx, request, 603);
        }
        let aor = &cx.base.config.accounts[usize::from(self.account.0)].aor;
        let Some(e) = self.established_mut() else { return };
        if e.referral.is_some() {
            cx.mark(Mark::ReferTwice);
            return respond::answer(cx.base, cx.txs, tx, request, 491);
        }
        let target = match target_of(request, policy, aor) {
            Ok(target) => target,
            Err((code, mark)) => {
                cx.mark(mark);
                return respond::answer(cx.base, cx.txs, tx, request, code);
            }
        };
        let asks = policy == ReferPolicy::Ask && !planted!(cx.base.config, ConsentNotAsked);
        let number = request.cseq().ok().map(|cseq| cseq.number);
        let id = number.filter(|_| e.referred.is_some());
        e.referred = number;
        e.referral = Some(Referral { id, last_reported: 100, undecided: None });
        let response =
            respond::reply(cx.base.config, request, 202, self.tag.as_bytes(), cx.account.contact()).finish();
        cx.txs.finish(cx.base, tx, 202, response);
        self.send_request(
            cx,
            ONLY,
            DialogRequest::Notify { code: 100, id, pending: asks, expires: expires(cx) },
        );
        let mut referred_by = match request.header(HeaderName::ReferredBy) {
            Some(value) => Some(value.to_vec()),
            None => request.from().ok().map(|from| [b"<", from.uri, b">"].concat()),
        };
        // The peer's header field may be folded (RFC 3261 §7.3.1); ours are not.
        for byte in referred_by.iter_mut().flatten().filter(|byte| byte.is_ascii_control()) {
            *byte = b' ';
        }
        let refer = ReferRequest { number: number.unwrap_or(0), target, referred_by };
        if asks {
            self.ask_for_consent(cx, refer);
        } else {
            self.follow_refer(cx, id, refer);
        }
    }

    fn ask_for_consent(&mut self, cx: &mut CallCx<'_, '_>, refer: ReferRequest) {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let (target, referred_by) = (text(&refer.target), refer.referred_by.as_deref().map(text));
        let request = refer.number;
        cx.base.out.call_event(self.id, CallEvent::TransferRequested { request, target, referred_by });
        if let Some(referral) = self.established_mut().and_then(|e| e.referral.as_mut()) {
            referral.undecided = Some(Box::new(refer));
        }
        self.set_timer(cx.base, cx.base.config.no_answer, SessionTimer::Consent);
    }

    fn follow_refer(&mut self, cx: &mut CallCx<'_, '_>, id: Option<u32>, refer: ReferRequest) {
        if planted!(cx.base.config, ReferIgnored) {
            return;
        }
        let by = Referrer { session: self.id, id };
        let ReferRequest { target, referred_by, .. } = refer;
        cx.actions.push(CallAction::Refer { by, target, referred_by });
    }

    /// The CSeq number of the REFER that waits for the user's decision.
    pub(crate) fn requested_transfer(&self) -> Option<u32> {
        match &self.state {
            State::AwaitingAck(e) | State::Established(e) => {
                Some(e.referral.as_ref()?.undecided.as_ref()?.number)
            }
            _ => None,
        }
    }

    /// Carries out the user's decision on a REFER. Does nothing if there is none to decide on.
    pub(crate) fn decide_refer(&mut self, cx: &mut CallCx<'_, '_>, accept: bool) {
        self.cancel_timer(cx.base, SessionTimer::Consent);
        let Some(referral) = self.established_mut().and_then(|e| e.referral.as_mut()) else { return };
        let (id, Some(refer)) = (referral.id, referral.undecided.take()) else { return };
        if accept {
            self.send_request(
                cx,
                ONLY,
                DialogRequest::Notify { code: 100, id, pending: false, expires: expires(cx) },
            );
            self.follow_refer(cx, id, *refer);
        } else {
            cx.mark(Mark::ReferRejected);
            self.on_report(cx, id, 603);
        }
    }

    /// We end the call: a REFER that waits for a decision is rejected. Without the NOTIFY its transferor would take our BYE for the
    /// success of the transfer.
    pub(super) fn reject_undecided(&mut self, cx: &mut CallCx<'_, '_>) {
        if self.requested_transfer().is_some() {
            self.decide_refer(cx, false);
        }
    }

    /// The user did not decide in time: the REFER counts as rejected.
    pub(super) fn consent_timeout(&mut self, cx: &mut CallCx<'_, '_>) {
        cx.mark(Mark::ReferUndecided);
        self.transfer_request_ended(cx);
        self.decide_refer(cx, false);
    }

    /// Reports that the REFER which waits for a decision, if there is one, waits no longer.
    fn transfer_request_ended(&mut self, cx: &mut CallCx<'_, '_>) {
        self.cancel_timer(cx.base, SessionTimer::Consent);
        if let Some(request) = self.requested_transfer() {
            cx.base.out.call_event(self.id, CallEvent::TransferRequestEnded { request });
        }
    }

    /// The peer has ended the subscription of a REFER (RFC 6665 §4.2.2).
    pub(super) fn subscription_ended(&mut self, cx: &mut CallCx<'_, '_>, id: Option<u32>) {
        let Some(e) = self.established_mut() else { return };
        if e.referral.as_ref().is_some_and(|referral| referral.id == id) {
            self.transfer_request_ended(cx);
            if let Some(e) = self.established_mut() {
                e.referral = None;
            }
        }
    }

    /// Reports the progress of the call that a REFER created. If its subscription has ended, nothing is sent.
    pub(crate) fn on_report(&mut self, cx: &mut CallCx<'_, '_>, id: Option<u32>, code: u16) {
        let Some(e) = self.established_mut() else { return };
        let Some(referral) = e.referral.as_mut().filter(|referral| referral.id == id) else { return };
        // Each code once: a target that rings without end must not cause NOTIFYs without end.
        if code <= referral.last_reported {
            return;
        }
        referral.last_reported = code;
        if code >= 200 {
            e.referral = None;
            if planted!(cx.base.config, TransferUnreported) {
                return;
            }
        }
        self.send_request(cx, ONLY, DialogRequest::Notify { code, id, pending: false, expires: expires(cx) });
    }
}

/// The target of a REFER, or the response code and the mark of its refusal.
fn target_of(request: &Message, policy: ReferPolicy, aor: &str) -> Result<Vec<u8>, (u16, Mark)> {
    // RFC 3515 §2.4.2: exactly one Refer-To.
    let malformed = (400, Mark::ReferMalformed);
    let (Ok(Some(to)), 1) = (request.refer_to(), request.rows(HeaderName::ReferTo).count()) else {
        return Err(malformed);
    };
    let uri = Uri::parse(to.uri).map_err(|_| malformed)?;
    // The user is shown what would be called, so it must be text.
    if std::str::from_utf8(to.uri).is_err() {
        return Err(malformed);
    }
    // RFC 5057 §5.6: a 416 would be about the Request-URI, and end the dialog.
    if matches!(uri.scheme, Scheme::Other(_)) {
        return Err((603, Mark::ReferMalformed));
    }
    // With headers (Replaces) it is an attended transfer.
    if to.uri.contains(&b'?') || uri.params.get("method").is_some() {
        return Err((501, Mark::ReferUnsupported));
    }
    if policy == ReferPolicy::OwnDomain && !is_own_domain(aor, &uri) {
        return Err((603, Mark::ReferRefused));
    }
    Ok(to.uri.to_vec())
}

/// The lifetime of a REFER's subscription, in seconds: the decision, the ringing, and the last NOTIFY.
fn expires(cx: &CallCx<'_, '_>) -> u32 {
    let lifetime = cx.base.config.no_answer * 2 + cx.base.config.times.t1 * 64;
    u32::try_from(lifetime.as_secs()).unwrap_or(u32::MAX)
}

/// The status code in a `message/sipfrag` body (RFC 3420).
fn sipfrag_code(body: &[u8]) -> Option<u16> {
    let digits = body.strip_prefix(b"SIP/2.0 ")?.get(..3)?;
    let code = std::str::from_utf8(digits).ok()?.parse().ok()?;
    (100..=699).contains(&code).then_some(code)
}

#[cfg(test)]
mod tests {
    use super::sipfrag_code;

    #[test]
    fn a_sipfrag_gives_its_status_code() {
        assert_eq!(sipfrag_code(b"SIP/2.0 180 Ringing\r\n"), Some(180));
        assert_eq!(sipfrag_code(b"SIP/2.0 200 OK"), Some(200));
        for other in
            [&b""[..], b"SIP/2.0 ", b"SIP/2.0 20", b"SIP/2.0 abc", b"SIP/2.0 999 No", b"INVITE sip:a SIP/2.0"]
        {
            assert_eq!(sipfrag_code(other), None);
        }
    }
}
