//! The digits of a call: each is sent once, or reported as failed.

use super::cx::CallCx;
use super::dialog_request::DialogRequest;
use super::dtmf::{self, Digit, Digits, Sending, Trigger};
use super::leg::ONLY;
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
            // Which path is possible is known when the media is agreed on.
            let Some(agreed) = e.leg.agreed else { return };
            let (telephone_event, media) = (agreed.telephone_event, e.leg.media.unwrap_or_default());
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
                    let effect = CallEffect::Digit { digit, duration };
                    let effect = cx.base.out.call_effect(session, media, effect, CallWaiter::Digit);
                    let sending = Sending::ByRtp(effect, digit);
                    return queue.transition(cx.base, session, Trigger::Digit, sending);
                }
                (DtmfPath::Info, _) | (DtmfPath::Auto, false) => {
                    cx.mark(Mark::DigitByInfo);
                    queue.transition(cx.base, session, Trigger::Digit, Sending::ByInfo);
                    if self.send_request(cx, ONLY, DialogRequest::Info { digit, duration }) {
                        return;
                    }
                    self.info_idle(cx, Trigger::Failed);
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

    fn info_idle(&mut self, cx: &mut CallCx<'_, '_>, trigger: Trigger) {
        let session = self.id;
        if let Some(queue) = self.established_mut().and_then(|e| e.digits.as_deref_mut())
            && queue.is_by_info()
        {
            queue.transition(cx.base, session, trigger, Sending::Nothing);
        }
    }

    /// A digit was sent by RTP, or not.
    pub(super) fn digit_done(&mut self, cx: &mut CallCx<'_, '_>, effect: EffectId, result: &EffectResult) {
        let session = self.id;
        let queue = self.established_mut().and_then(|e| e.digits.as_deref_mut());
        let Some(queue) = queue else { return };
        let Some(digit) = queue.awaits(effect) else { return };
        let sent = matches!(result, EffectResult::Sent);
        let trigger = if sent { Trigger::Sent } else { Trigger::Failed };
        queue.transition(cx.base, session, trigger, Sending::Nothing);
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
        self.info_idle(cx, if taken { Trigger::Sent } else { Trigger::Failed });
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
