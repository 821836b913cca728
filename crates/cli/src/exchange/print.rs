//! Output of the events of an exchange, as JSON and as text.

use super::sources::Exposed;
use super::users::{Source, Wrong};
use crate::output::Output;
use offhook_exchange::{CallStep, Event, Unregistered, UserChanges};
use offhook_tokio::ServerLoad;
use offhook_wire::reason_phrase;
use serde_json::{Value, json};

pub(super) fn event(output: Output, event: &Event) {
    match event {
        Event::Registered { user, contact, expires, .. } => output.event(
            "registered",
            &json!({ "user": user, "contact": contact, "expires": expires.as_secs() }),
            format_args!("{user} is registered at {contact} for {} s", expires.as_secs()),
        ),
        Event::Unregistered { user, contact, reason } => {
            let (word, text) = match reason {
                Unregistered::Removed => ("removed", "removed by the phone"),
                Unregistered::Expired => ("expired", "expired"),
                Unregistered::FlowLost => ("connection_lost", "connection lost"),
                Unregistered::Forgotten => ("forgotten", "lost by the exchange"),
                Unregistered::Revoked => ("revoked", "the user was removed or has another password"),
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
            format_args!("{user} was refused ({status} {})", reason_phrase(*status)),
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
            let shown = code.map(|code| format!(" ({code} {})", reason_phrase(*code))).unwrap_or_default();
            output.event(
                "call",
                &json!({ "call_id": call_id, "from": from, "to": to, "step": word, "code": code }),
                format_args!("{from} -> {to}: {word}{shown}"),
            );
        }
        // The enum is non-exhaustive.
        _ => {}
    }
}

/// Prints that the users were read again.
pub(super) fn users(output: Output, changes: &UserChanges) {
    let [added, removed, changed] = [&changes.added, &changes.removed, &changes.changed].map(Vec::len);
    output.event(
        "users",
        &json!({ "added": added, "removed": removed, "changed": changed }),
        format_args!("users read again: {added} added, {removed} removed, {changed} changed"),
    );
}

/// Prints that the users were read again and have an error.
pub(super) fn rejected(output: Output, wrong: &Wrong) {
    let file = match &wrong.at.source {
        Source::File(path) => Some(path.display().to_string()),
        Source::Argument | Source::Variable => None,
    };
    output.warn(
        "users_rejected",
        &json!({ "message": wrong.to_string(), "file": file, "line": wrong.at.line }),
        format_args!("{wrong}; the users are unchanged"),
    );
}

pub(super) fn exposed(output: Output, exposed: &Exposed) {
    let file = exposed.file.display().to_string();
    let text =
        format!("{file} is accessible to other users (mode {:04o}); run: chmod 600 {file}", exposed.mode);
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
            "load: {flows} connections and UDP peers, {unauthenticated} of them unauthenticated; {bindings} contacts; \
             {transactions} transactions with {bytes} bytes; {} bytes queued for sending",
            load.queued
        ),
    );
}

/// The numbers of the load and their names in JSON.
fn numbers(load: &ServerLoad) -> [(&'static str, usize); 6] {
    let ServerLoad { exchange, queued, .. } = load;
    [
        ("flows", exchange.flows),
        ("unauthenticated", exchange.unauthenticated),
        ("bindings", exchange.bindings),
        ("transactions", exchange.transactions),
        ("bytes", exchange.bytes),
        ("queued", *queued),
    ]
}
