//! What the recorder reads of the events of calls. No other file does, so that a new event changes only this one.

use bytes::Bytes;
use offhook::{CallEvent, DtmfPath, EndReason, SessionId, Status};
use std::time::Duration;

/// A part of an event that may be secret.
pub(crate) enum Secret<'e> {
    /// Text in which URIs may have passwords.
    Text(&'e mut String),
    /// A digit.
    Digit(&'e mut char),
    /// A body and its `Content-Type`.
    Body(&'e mut String, &'e mut Bytes),
}

/// The parts of an event that may be secret.
pub(crate) fn secrets(event: &mut CallEvent) -> Vec<Secret<'_>> {
    match event {
        CallEvent::Incoming(incoming) => {
            let name = incoming.display_name.as_mut();
            let texts = [&mut incoming.from, &mut incoming.to].into_iter().chain(name);
            texts.map(Secret::Text).collect()
        }
        CallEvent::TransferRequested { target, referred_by, .. } => {
            [target].into_iter().chain(referred_by).map(Secret::Text).collect()
        }
        CallEvent::Referred { target, .. } | CallEvent::Redirected { target } => vec![Secret::Text(target)],
        CallEvent::Digit { digit, .. }
        | CallEvent::DigitSent { digit, .. }
        | CallEvent::DigitFailed { digit, .. } => vec![Secret::Digit(digit)],
        CallEvent::Info { content_type, body, .. } => vec![Secret::Body(content_type, body)],
        CallEvent::Ended(why) | CallEvent::Status { why: Some(why), .. } => {
            vec![Secret::Text(&mut why.text)]
        }
        _ => Vec::new(),
    }
}

/// What a scenario has of an event.
pub(crate) enum CallStep<'e> {
    /// A call from this URI was received.
    Received(&'e str),
    /// The call was created by a transfer of the peer of another one.
    Referred {
        by: SessionId,
        target: &'e str,
    },
    /// The peer's phone rings.
    Ringing,
    Established,
    /// Whether the peer holds us.
    HeldByPeer(bool),
    /// A digit was received.
    Digit {
        digit: char,
        duration: Duration,
        path: DtmfPath,
    },
    Ended(&'e EndReason),
}

/// The step of an event, if it has one.
pub(crate) fn step(event: &CallEvent) -> Option<CallStep<'_>> {
    Some(match event {
        CallEvent::Incoming(incoming) => CallStep::Received(&incoming.from),
        CallEvent::Referred { by, target } => CallStep::Referred { by: *by, target },
        CallEvent::Progress { code: 180..=189 } => CallStep::Ringing,
        CallEvent::Status { to: Status::Established, .. } => CallStep::Established,
        CallEvent::Hold { remote, .. } => CallStep::HeldByPeer(*remote),
        CallEvent::Digit { digit, duration, path } => {
            CallStep::Digit { digit: *digit, duration: *duration, path: *path }
        }
        CallEvent::Ended(why) => CallStep::Ended(why),
        _ => return None,
    })
}
