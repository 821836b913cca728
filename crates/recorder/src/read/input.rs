//! Reads inputs.

use crate::names::{FLOW_FAILURES, MEDIA_FAULTS, PATHS, value_of};
use crate::text::duration;
use bytes::Bytes;
use offhook::{
    AccountId, Command, Dial, EffectId, EffectResult, ConnectionChange, ConnectionId, Input, MediaEvent, SessionId,
};

/// An input, possibly without its bytes yet.
pub(super) enum Pending {
    Whole(Input),
    Received(ConnectionId),
    Description(EffectId),
}

impl Pending {
    pub(super) fn with(self, data: Bytes) -> Input {
        match self {
            Pending::Whole(input) => input,
            Pending::Received(connection) => Input::Received { connection, data },
            Pending::Description(effect) => Input::Done { effect, result: EffectResult::Description(data) },
        }
    }
}

/// Reads the words after the name of the phone. Returns the input and the number of bytes that follow.
pub(super) fn read(words: &[&str]) -> Option<(Pending, usize)> {
    let input = match words {
        ["received", connection, length] => return Some((Pending::Received(connection_id(connection)?), length.parse().ok()?)),
        ["done", effect, "description", length] => {
            return Some((Pending::Description(effect_id(effect)?), length.parse().ok()?));
        }
        ["wake"] => Input::Wake,
        ["up", connection] => Input::Connection { connection: connection_id(connection)?, change: ConnectionChange::Up { local: None } },
        ["up", connection, local] => {
            let local = Some((*local).to_owned());
            Input::Connection { connection: connection_id(connection)?, change: ConnectionChange::Up { local } }
        }
        ["down", connection, why] => {
            let change = ConnectionChange::Down(value_of(FLOW_FAILURES, why)?);
            Input::Connection { connection: connection_id(connection)?, change }
        }
        ["media", session, event @ ..] => {
            Input::Media { session: session_id(session)?, event: media_event(event)? }
        }
        ["done", effect, result @ ..] => {
            Input::Done { effect: effect_id(effect)?, result: effect_result(result)? }
        }
        _ => Input::Command(command(words)?),
    };
    Some((Pending::Whole(input), 0))
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
        ["applied"] => EffectResult::Applied,
        ["sent"] => EffectResult::Sent,
        ["failed", fault] => EffectResult::Failed(value_of(MEDIA_FAULTS, fault)?),
        _ => return None,
    })
}

fn command(words: &[&str]) -> Option<Command> {
    Some(match words {
        ["register", account] => Command::Register { account: account_id(account)? },
        ["unregister", account] => Command::Unregister { account: account_id(account)? },
        ["dial", session, account, to, headers @ ..] => {
            let (pairs, rest) = headers.as_chunks::<2>();
            if !rest.is_empty() {
                return None;
            }
            let headers = pairs.iter().map(|[name, value]| ((*name).to_owned(), (*value).to_owned()));
            let dial =
                Dial { account: account_id(account)?, to: (*to).to_owned(), headers: headers.collect() };
            Command::Dial { session: session_id(session)?, dial }
        }
        ["answer", session] => Command::Answer { session: session_id(session)? },
        ["reject", session, code] => {
            Command::Reject { session: session_id(session)?, code: code.parse().ok()? }
        }
        ["hang-up", session] => Command::HangUp { session: session_id(session)? },
        ["hold", session] => Command::Hold { session: session_id(session)? },
        ["resume", session] => Command::Resume { session: session_id(session)? },
        ["digits", session, path, time, digits] => Command::Digits {
            session: session_id(session)?,
            digits: (*digits).to_owned(),
            duration: duration(time)?,
            path: value_of(PATHS, path)?,
        },
        ["accept-transfer", session, request] => {
            Command::AcceptTransfer { session: session_id(session)?, request: request.parse().ok()? }
        }
        ["reject-transfer", session, request] => {
            Command::RejectTransfer { session: session_id(session)?, request: request.parse().ok()? }
        }
        ["transfer", session, target] => {
            Command::Transfer { session: session_id(session)?, target: (*target).to_owned() }
        }
        _ => return None,
    })
}

fn account_id(word: &str) -> Option<AccountId> {
    word.parse().ok().map(AccountId)
}

fn connection_id(word: &str) -> Option<ConnectionId> {
    word.parse().ok().map(ConnectionId)
}

fn effect_id(word: &str) -> Option<EffectId> {
    word.parse().ok().map(EffectId::from_u64)
}

fn session_id(word: &str) -> Option<SessionId> {
    let (slot, generation) = word.split_once('.')?;
    SessionId::from_parts(slot.parse().ok()?, generation.parse().ok()?)
}
