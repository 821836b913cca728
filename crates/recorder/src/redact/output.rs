//! Redacts effects and events. The digests of a recording are over redacted outputs.

use super::{account, body, uri};
use bytes::Bytes;
use offhook::{AccountEffect, AccountEvent, CallEffect, CallEvent, Effect, Event, Untrusted};

/// An effect without its secrets.
pub(crate) fn effect(effect: &Effect) -> Effect {
    let mut effect = effect.clone();
    if let Some(text) = description(&mut effect) {
        *text = body::sdp(text);
    }
    match &mut effect {
        Effect::Call { effect: CallEffect::Digit { digit, .. }, .. } => *digit = body::dtmf_digit(*digit),
        Effect::Account { effect: AccountEffect::Credentials { realm }, .. } => account::realm(realm),
        _ => {}
    }
    effect
}

/// The peer's description in an effect.
pub(crate) fn description(effect: &mut Effect) -> Option<&mut Bytes> {
    match effect {
        Effect::Call {
            effect:
                CallEffect::Check { offer: text }
                | CallEffect::Answer { offer: text, .. }
                | CallEffect::Apply { answer: text },
            ..
        } => Some(text),
        _ => None,
    }
}

/// An event without its secrets.
pub(crate) fn event(event: &Event) -> Event {
    let mut event = event.clone();
    match &mut event {
        Event::Call { event, .. } => call_event(event),
        Event::Account { event: AccountEvent::Message { from, content_type, body }, .. } => {
            *from = uri::in_text(from);
            typed(content_type, body);
        }
        Event::Account { event: AccountEvent::InviteRefused { from, .. }, .. } => *from = uri::in_text(from),
        _ => {}
    }
    event
}

/// The body that an event reports.
pub(crate) fn body_of(event: &mut Event) -> Option<&mut Bytes> {
    match event {
        Event::Call { event: CallEvent::Info { body, .. }, .. }
        | Event::Account { event: AccountEvent::Message { body, .. }, .. } => Some(body),
        _ => None,
    }
}

fn call_event(event: &mut CallEvent) {
    event.for_each_untrusted(|part| match part {
        Untrusted::Text(text) => *text = uri::in_text(text),
        Untrusted::Digit(digit) => *digit = body::dtmf_digit(*digit),
        Untrusted::Body(content_type, body) => typed(content_type, body),
    });
}

fn typed(content_type: &mut String, data: &mut Bytes) {
    *data = body::of_type(content_type.as_bytes(), data);
    *content_type = uri::in_text(content_type);
}
