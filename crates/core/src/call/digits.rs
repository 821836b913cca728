//! The digits of a call: each is sent once, or reported as failed.

use super::cx::CallCx;
use super::dialog_request::DialogRequest;
use super::dtmf::{self, Digit, Digits};
use super::session::Session;
use crate::base::marks::Mark;
use crate::base::waiter::CallWaiter;
use crate::planted::planted;
use crate::{CallEffect, CallEvent, DigitFailure, DtmfPath, EffectId, EffectResult};
use std::time::Duration;

impl Session {
    /// A digit of the peer was received.
    pub(super) fn digit_received(
        &self,
        cx: &mut CallCx<'_, '_>,
        (digit, duration): (char, Duration),
        path: DtmfPath,
    ) {
        cx.base.out.call_event(self.id, CallEvent::Digit { digit, duration, path });
    }

    /// A digit of ours could not be sent.
    pub(super) fn digit_failed(&self, cx: &mut CallCx<'_, '_>, digit: char, why: DigitFailure) {
        cx.base.out.call_event(self.id, CallEvent::DigitFailed { digit, why });
    }

    pub(crate) fn has_room_for(&mut self, digits: usize) -> bool {
        let queue = self.established_mut().and_then(|e| e.digits.as_deref());
        queue.map_or(digits <= dtmf::MOST_WAITING, |queue| queue.has_room_for(digits))
    }

    pub(crate) fn send_digits(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        digits: &str,
        duration: Duration,
        path: DtmfPath,
    ) {
        let Some(e) = self.established_mut() else { return };
        let queue = e.digits.get_or_insert_with(Box::<Digits>::default);
        for digit in digits.chars() {
            queue.push(Digit { digit, duration, path });
            if planted!(cx.base.config, DigitDoubled) {
                queue.push(Digit { digit, duration, path });
            }
        }
        self.next_digit(cx);
    }

    /// Sends the next digit, unless one is pending.
    pub(super) fn next_digit(&mut self, cx: &mut CallCx<'_, '_>) {
        let session = self.id;
        loop {
            let Some(e) = self.established_mut() else { return };
            let telephone_event = e.telephone_event;
            let Some(queue) = e.digits.as_deref_mut() else { return };
            if !queue.is_idle() {
                return;
            }
            let Some(Digit { digit, duration, path }) = queue.pop() else {
                e.digits = None;
                return;
            };
            let why = match (path, telephone_event) {
                (DtmfPath::Rtp | DtmfPath::Auto, true) => {
                    cx.mark(Mark::DigitByRtp);
                    let effect = cx.base.out.call_effect(
                        session,
                        CallEffect::Digit { digit, duration },
                        CallWaiter::Digit,
                    );
                    return queue.send_by_rtp(effect, digit);
                }
                (DtmfPath::Info, _) | (DtmfPath::Auto, false) => {
                    cx.mark(Mark::DigitByInfo);
                    queue.send_by_info();
                    if self.send_request(cx, DialogRequest::Info { digit, duration }) {
                        return;
                    }
                    self.info_idle();
                    DigitFailure::Refused
                }
                (DtmfPath::Rtp, false) => {
                    cx.mark(Mark::DigitNotSupported);
                    DigitFailure::NotSupported
                }
            };
            self.digit_failed(cx, digit, why);
        }
    }

    fn info_idle(&mut self) {
        if let Some(queue) = self.established_mut().and_then(|e| e.digits.as_deref_mut()) {
            queue.info_done();
        }
    }

    /// A digit was sent by RTP, or not.
    pub(super) fn digit_done(&mut self, cx: &mut CallCx<'_, '_>, effect: EffectId, result: &EffectResult) {
        let queue = self.established_mut().and_then(|e| e.digits.as_deref_mut());
        let Some(digit) = queue.and_then(|queue| queue.rtp_done(effect)) else { return };
        cx.base.out.call_event(
            self.id,
            match result {
                EffectResult::Sent => CallEvent::DigitSent { digit, path: DtmfPath::Rtp },
                _ => CallEvent::DigitFailed { digit, why: DigitFailure::Media },
            },
        );
        self.next_digit(cx);
    }

    pub(super) fn info_done(&mut self, cx: &mut CallCx<'_, '_>, digit: char, taken: bool) {
        self.info_idle();
        if !taken {
            cx.mark(Mark::DigitRefused);
        }
        let taken = taken || planted!(cx.base.config, LostDigitReportedSent);
        cx.base.out.call_event(
            self.id,
            match taken {
                true => CallEvent::DigitSent { digit, path: DtmfPath::Info },
                false => CallEvent::DigitFailed { digit, why: DigitFailure::Refused },
            },
        );
        self.next_digit(cx);
    }
}
