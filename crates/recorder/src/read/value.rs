//! Single words: numbers, identifiers, and those of the form `key=value`.

use offhook::{AccountId, ConnectionId, EffectId, LegId, RequestId, SessionId};
use std::str::FromStr;

pub(super) fn value<'a>(key: &str, word: &'a str) -> Option<&'a str> {
    word.strip_prefix(key)?.strip_prefix('=')
}

pub(super) fn number<T: FromStr>(key: &str, word: &str) -> Option<T> {
    value(key, word)?.parse().ok()
}

pub(super) fn account_id(word: &str) -> Option<AccountId> {
    word.parse().ok().map(AccountId)
}

pub(super) fn request_id(word: &str) -> Option<RequestId> {
    word.parse().ok().map(RequestId)
}

pub(super) fn connection_id(word: &str) -> Option<ConnectionId> {
    word.parse().ok().map(ConnectionId)
}

pub(super) fn leg_id(word: &str) -> Option<LegId> {
    word.parse().ok().map(LegId)
}

pub(super) fn effect_id(word: &str) -> Option<EffectId> {
    word.parse().ok().map(EffectId::from_u64)
}

pub(super) fn session_id(word: &str) -> Option<SessionId> {
    let (slot, generation) = word.split_once('.')?;
    SessionId::from_parts(slot.parse().ok()?, generation.parse().ok()?)
}
