//! The events of an exchange as lines: the words of the JSON, and the sentences for people.

use super::sources::Exposed;
use super::users::{Source, Wrong};
use crate::output::Output;
use offhook_exchange::{CallStep, Event, Unregistered, UserChanges};
use offhook_tokio::ServerLoad;
use serde_json::{Value, json};

pub(super) fn event(output: Output, event: &Event) {
    match event {
        Event::Registered { user, contact, expires, .. } => output.event(
            "registered",
            &json!({ "user": user, "contact": contact, "expires": expires.as_secs() }),
            format_args!("{user} is registered at {contact} for {} s", expires.as_secs()),
        ),
        Event::Unregistered { user, contact, reason } => {
            let (word, text) = match why {
                Unregistered::Removed => ("removed", "removed by the phone"),
                Unregistered::Expired => ("expired", "expired"),
                Unregistered::FlowLost => ("connection_lost", "connection lost"),
                Unregistered::Forgotten => ("forgotten", "forgotten by the exchange"),
                Unregistered::Revoked => ("revoked", "the user was removed, or has another password"),
                _ => ("other", "another reason"),
            };
            output.event(
                "unregistered",
                &json!({ "user": user, "contact": contact, "why": word }),
                format_args!("{user} is no longer registered at {contact}: {text}"),
            );
        }
        Event::Denied { user, status, .. } => output.event(
            "denied",
            &json!({ "user": user, "code": status }),
            format_args!("{user} was refused with {status}"),
        ),
        Event::Call { call_id, from, to, step } => {
            let (word, code) = match step {
                CallStep::Offered { .. } => ("offered", None),
                CallStep::Ringing => ("ringing", None),
                CallStep::Answered => ("answered", None),
                CallStep::Refused { status } => ("refused", Some(status)),
                CallStep::Ended => ("ended", None),
                _ => ("other", None),
            };
            let shown = code.map(|code| format!(" ({code})")).unwrap_or_default();
            output.event(
                "call",
                &json!({ "call_id": call_id, "from": from, "to": to, "step": word, "code": code }),
                format_args!("{from} -> {to}: {word}{shown}"),
            );
        }
        // Events of a newer exchange are for commands that know them.
        _ => {}
    }
}

/// The file was read again.
pub(super) fn users(output: Output, changes: &UserChanges) {
    let [added, removed, changed] = [&changes.added, &changes.removed, &changes.changed].map(Vec::len);
    output.event(
        "users",
        &json!({ "added": added, "removed": removed, "changed": changed }),
        format_args!("users read again: {added} added, {removed} removed, {changed} changed"),
    );
}

/// The file was read again, and is wrong.
pub(super) fn rejected(output: Output, wrong: &Wrong) {
    let file = match &wrong.at.source {
        Source::File(path) => Some(path.display().to_string()),
        Source::Argument | Source::Variable => None,
    };
    output.warn(
        "users_rejected",
        &json!({ "message": wrong.to_string(), "file": file, "line": wrong.at.line }),
        format_args!("{wrong}; the users are the same as before"),
    );
}

pub(super) fn exposed(output: Output, exposed: &Exposed) {
    let file = exposed.file.display().to_string();
    let text = format!("{file} is open to others (mode {:04o}); try: chmod 600 {file}", exposed.mode);
    output.warn("warning", &json!({ "message": text, "file": file }), &text);
}

pub(super) fn load(output: Output, load: &ServerLoad) {
    let numbers = numbers(load);
    let fields = numbers.iter().map(|(name, number)| ((*name).to_owned(), Value::from(*number))).collect();
    let offhook_exchange::Load { flows, unauthenticated, bindings, transactions, bytes, .. } = load.exchange;
    output.event(
        "load",
        &Value::Object(fields),
        format_args!(
            "load: {flows} connections and UDP peers, {strangers} of them without credentials; {bindings} contacts; \
             {transactions} transactions with {bytes} bytes; {} bytes wait to be sent",
            load.queued
        ),
    );
}

/// What is reported of the load, under which names.
fn numbers(load: &ServerLoad) -> [(&'static str, usize); 6] {
    let ServerLoad { exchange, queued, .. } = load;
    [
        ("flows", exchange.flows),
        ("strangers", exchange.unauthenticated),
        ("bindings", exchange.bindings),
        ("transactions", exchange.transactions),
        ("bytes", exchange.bytes),
        ("queued", *queued),
    ]
}
