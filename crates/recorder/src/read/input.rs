//! Reads inputs.

use super::account::credentials;
use super::pending::{Pending, bytes};
use super::value::{connection_id, effect_id, leg_id, session_id};
use super::{agreed, command};
use crate::names::{CONNECTION_FAILURES, MEDIA_FAULTS, value_of};
use crate::text::duration;
use offhook::{ConnectionChange, EffectResult, Input, MediaEvent};

/// Reads the words after the name of the phone.
pub(super) fn read(words: &[&str]) -> Option<Pending> {
    Some(Pending::Whole(match words {
        ["received", connection, length] => {
            let connection = connection_id(connection)?;
            return bytes(length, move |data| Input::Received { connection, data });
        }
        ["done", effect, "description", length] => {
            let effect = effect_id(effect)?;
            let done = move |data| Input::Done { effect, result: EffectResult::Description(data) };
            return bytes(length, done);
        }
        ["done", effect, "answered", what @ .., length] => {
            let (effect, agreed) = (effect_id(effect)?, agreed::read(what)?);
            let done =
                move |answer| Input::Done { effect, result: EffectResult::Answered { answer, agreed } };
            return bytes(length, done);
        }
        ["wake"] => Input::Wake,
        ["up", connection, local @ ..] => {
            let local = match local {
                [] => None,
                [local] => Some((*local).to_owned()),
                _ => return None,
            };
            Input::Connection {
                connection: connection_id(connection)?,
                change: ConnectionChange::Up { local },
            }
        }
        ["down", connection, why] => {
            let change = ConnectionChange::Down(value_of(CONNECTION_FAILURES, why)?);
            Input::Connection { connection: connection_id(connection)?, change }
        }
        ["media", session, leg, event @ ..] => {
            Input::Media { session: session_id(session)?, leg: leg_id(leg)?, event: media_event(event)? }
        }
        ["done", effect, result @ ..] => {
            Input::Done { effect: effect_id(effect)?, result: effect_result(result)? }
        }
        _ => return command::read(words),
    }))
}

fn media_event(words: &[&str]) -> Option<MediaEvent> {
    Some(match words {
        ["up"] => MediaEvent::Up,
        ["down"] => MediaEvent::Down,
        ["failed"] => MediaEvent::Failed,
        ["digit", digit, time] => {
            let mut chars = digit.chars();
            let (Some(digit), None) = (chars.next(), chars.next()) else { return None };
            MediaEvent::Digit { digit, duration: duration(time)? }
        }
        _ => return None,
    })
}

fn effect_result(words: &[&str]) -> Option<EffectResult> {
    Some(match words {
        ["checked", what @ ..] => EffectResult::Checked(agreed::read(what)?),
        ["applied", what @ ..] => EffectResult::Applied(agreed::read(what)?),
        ["sent"] => EffectResult::Sent,
        ["credentials", "none"] => EffectResult::Credentials(None),
        ["credentials", rest @ ..] => EffectResult::Credentials(Some(credentials(rest)?)),
        ["failed", fault] => EffectResult::Failed(value_of(MEDIA_FAULTS, fault)?),
        _ => return None,
    })
}
