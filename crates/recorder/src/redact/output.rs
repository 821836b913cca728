//! Redacts effects and events. The digests of a recording are over redacted outputs.

use super::{account, body, uri};
use crate::call_event::{self, Secret};
use bytes::Bytes;
use offhook::{AccountEffect, AccountEvent, CallEffect, Effect, Event};

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

/// The description that an effect applies.
pub(crate) fn description(effect: &mut Effect) -> Option<&mut Bytes> {
    match effect {
        Effect::Call {
            effect: CallEffect::Answer { offer: text, .. } | CallEffect::Apply { answer: text },
            ..
        } => Some(text),
        _ => None,
    }
}

/// An event without its secrets.
pub(crate) fn event(event: &Event) -> Event {
    let mut event = event.clone();
    for secret in secrets(&mut event) {
        match secret {
            Secret::Text(text) => *text = uri::in_text(text),
            Secret::Digit(digit) => *digit = body::dtmf_digit(*digit),
            Secret::Body(content_type, data) => {
                *data = body::of_type(content_type.as_bytes(), data);
                *content_type = uri::in_text(content_type);
            }
        }
    }
    event
}

/// The body that an event reports.
pub(crate) fn body_of(event: &mut Event) -> Option<&mut Bytes> {
    secrets(event).into_iter().find_map(|secret| match secret {
        Secret::Body(_, body) => Some(body),
        _ => None,
    })
}

fn secrets(event: &mut Event) -> Vec<Secret<'_>> {
    match event {
        Event::Call { event, .. } => call_event::secrets(event),
        Event::Account { event: AccountEvent::Message { from, content_type, body }, .. } => {
            vec![Secret::Text(from), Secret::Body(content_type, body)]
        }
        _ => Vec::new(),
    }
}
