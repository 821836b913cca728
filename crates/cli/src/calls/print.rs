//! Output of events, as JSON and as text.

use super::words::{self, code, seconds};
use crate::output::Output;
use offhook::{
    ConnectionFailure, ConnectionState, DigitFailure, DtmfPath, EndReason, EndedBy, Instant, MediaFault,
    RegistrationState, SessionId, Status, TransferState,
};
use offhook_tokio::{AccountEvent, CallEvent, CallUpdate, MediaUpdate};
use serde_json::json;
use std::time::Duration;

pub(super) fn registration(
    output: Output,
    aor: &str,
    limit: Option<u32>,
    now: Instant,
    state: &RegistrationState,
) {
    let most = limit.map(|limit| format!(" of {limit}")).unwrap_or_default();
    match state {
        RegistrationState::Registering { attempt } => output.event(
            "registering",
            &json!({ "aor": aor, "attempt": attempt, "of": limit }),
            format_args!("registering {aor}, attempt {attempt}{most}"),
        ),
        RegistrationState::Registered { until } => {
            let left = until.saturating_since(now).as_secs_f64().round() as u64;
            output.event(
                "registered",
                &json!({ "aor": aor, "expires": left }),
                format_args!("registered {aor} for {left} s"),
            );
        }
        RegistrationState::Refreshing => {
            output.event("refreshing", &json!({ "aor": aor }), format_args!("refreshing {aor}"));
        }
        RegistrationState::Waiting { attempt, until, why, .. } => {
            let wait = seconds(until.saturating_since(now));
            output.event(
                "waiting",
                &json!({
                    "aor": aor, "attempt": attempt, "of": limit, "seconds": wait,
                    "cause": why.cause.as_str(), "code": why.code,
                }),
                format_args!(
                    "not registered: {}{}; attempt {attempt}{most} in {wait} s",
                    words::cause(why.cause),
                    code(why.code)
                ),
            );
        }
        RegistrationState::Unregistering => {
            output.event("unregistering", &json!({ "aor": aor }), format_args!("unregistering {aor}"));
        }
        RegistrationState::Unregistered => {
            output.event("unregistered", &json!({ "aor": aor }), format_args!("unregistered {aor}"));
        }
        RegistrationState::Failed(why) => output.event(
            "registration_failed",
            &json!({
                "aor": aor, "cause": why.cause.as_str(), "code": why.code, "attempts": why.attempts, "of": limit,
            }),
            format_args!(
                "registration failed: {}{}, attempts: {}{most}",
                words::cause(why.cause),
                code(why.code),
                why.attempts
            ),
        ),
    }
}

pub(super) fn account(output: Output, event: &AccountEvent) {
    match event {
        AccountEvent::Connection { state, .. } => {
            let (word, failure) = match state {
                ConnectionState::Connecting => ("connecting", None),
                ConnectionState::Up => ("up", None),
                ConnectionState::Down(failure) => ("down", Some(*failure)),
            };
            let shown =
                failure.map(|why| format!(": {}", words::connection_failure(why))).unwrap_or_default();
            output.event(
                "connection",
                &json!({ "state": word, "why": failure.map(connection_failure) }),
                format_args!("connection {word}{shown}"),
            );
        }
        AccountEvent::Message { from, content_type, body } => {
            let text = String::from_utf8_lossy(body);
            output.event(
                "message",
                &json!({ "from": from, "content_type": content_type, "text": text }),
                format_args!("message from {}: {}", from.escape_debug(), text.escape_debug()),
            );
        }
        AccountEvent::InviteRefused { from, fault } => output.event(
            "invite_refused",
            &json!({ "from": from, "why": media_fault(*fault) }),
            format_args!("call from {} refused: {fault}", from.escape_debug()),
        ),
        // The registration is printed by the call loop, with the address. The command removes no account.
        _ => {}
    }
}

/// A prompt for the password of an account.
pub(super) fn credentials(output: Output, aor: &str, realm: &str) {
    output.event(
        "credentials",
        &json!({ "aor": aor, "realm": realm }),
        format_args!("password of {aor} for \"{}\"?", realm.escape_debug()),
    );
}

/// Events that were dropped, of a call or of the phone.
pub(super) fn missed(output: Output, call: Option<SessionId>, count: u64) {
    let mut fields = json!({ "events": count });
    if let Some(call) = call {
        fields["call"] = call.to_string().into();
    }
    output.event("missed", &fields, format_args!("{count} events were missed"));
}

pub(super) fn incoming(output: Output, call: SessionId, incoming: &offhook::Incoming) {
    let name = incoming.display_name.as_deref();
    output.event(
        "incoming",
        &json!({ "call": call.to_string(), "from": incoming.from, "display_name": name, "to": incoming.to }),
        format_args!(
            "call {call} from {}{}",
            name.map(|name| format!("{} ", name.escape_debug())).unwrap_or_default(),
            incoming.from.escape_debug()
        ),
    );
}

pub(super) fn referred(output: Output, call: SessionId, target: &str) {
    output.event(
        "referred",
        &json!({ "call": call.to_string(), "target": target }),
        format_args!("transferred: call {call} to {}", target.escape_debug()),
    );
}

pub(super) fn recorded(output: Output, call: SessionId, file: &std::path::Path, length: Duration) {
    let (file, length) = (file.display().to_string(), seconds(length));
    output.event(
        "recorded",
        &json!({ "call": call.to_string(), "file": file, "seconds": length }),
        format_args!("recorded {length} s in {file}"),
    );
}

pub(super) fn update(output: Output, call: SessionId, update: &CallUpdate) {
    match update {
        CallUpdate::Event(event) => match update.ended() {
            Some(why) => ended(output, &call.to_string(), why),
            None => self::event(output, call, event),
        },
        CallUpdate::Media(update) => media(output, call, update),
        CallUpdate::Missed(count) => missed(output, Some(call), *count),
        _ => {}
    }
}

pub(super) fn status(output: Output, call: SessionId, status: Status, why: Option<&EndReason>) {
    let mut fields = json!({ "call": call.to_string(), "status": status.as_str() });
    let mut text = format!("call {call}: {status}");
    if let Some(why) = why {
        (fields["cause"], fields["by"]) = (why.cause.as_str().into(), by(why.by).into());
        text += &format!(": {}", words::ended(why));
    }
    output.event("status", &fields, text);
}

fn event(output: Output, call: SessionId, event: &CallEvent) {
    let id = call.to_string();
    match event {
        CallEvent::Status { to, why, .. } => status(output, call, *to, why.as_ref()),
        CallEvent::Progress { code, leg } => {
            let media = if leg.is_some() { ", with early media" } else { "" };
            output.event(
                "progress",
                &json!({ "call": id, "code": code, "early_media": leg.is_some() }),
                format_args!("call {id}: {}{media}", words::status(*code)),
            );
        }
        CallEvent::Hold { local, remote } => {
            output.event(
                "hold",
                &json!({ "call": id, "local": local, "remote": remote }),
                format_args!("call {id}: {}", words::hold(*local, *remote)),
            );
        }
        CallEvent::HoldFailed { hold, code: refused } => {
            let what = if *hold { "hold" } else { "resume" };
            output.event(
                "hold_failed",
                &json!({ "call": id, "wanted": what, "code": refused }),
                format_args!("call {id}: {what} refused{}", code(*refused)),
            );
        }
        CallEvent::MediaRestarted { accepted, code: refused } => {
            let word = if *accepted { "restarted" } else { "not restarted" };
            output.event(
                "restarted",
                &json!({ "call": id, "accepted": accepted, "code": refused }),
                format_args!("call {id}: media {word}{}", code(*refused)),
            );
        }
        CallEvent::TransferRequested { request, target, referred_by } => {
            transfer_requested(output, &id, *request, target, referred_by.as_deref());
        }
        CallEvent::TransferRequestEnded { request } => transfer_request_ended(output, &id, *request),
        CallEvent::Transfer(state) => {
            let (word, refused) = match state {
                TransferState::Trying => ("trying", None),
                TransferState::Progress { code } => ("progress", Some(*code)),
                TransferState::Done => ("done", None),
                TransferState::Failed { code } => ("failed", *code),
            };
            output.event(
                "transfer",
                &json!({ "call": id, "state": word, "code": refused }),
                format_args!("call {id}: transfer {word}{}", code(refused)),
            );
        }
        CallEvent::Media { up } => {
            let word = if *up { "up" } else { "interrupted" };
            output.event(
                "path",
                &json!({ "call": id, "up": up }),
                format_args!("call {id}: media path {word}"),
            );
        }
        CallEvent::Redirected { target } => output.event(
            "redirected",
            &json!({ "call": id, "target": target }),
            format_args!("call {id}: redirected to {}", target.escape_debug()),
        ),
        CallEvent::Info { package, content_type, body } => {
            info(output, &id, package.as_deref(), content_type, body);
        }
        CallEvent::InfoOutcome { info, code: answer } => {
            let text = answer.map_or_else(|| "not answered".to_owned(), words::status);
            output.event(
                "info_outcome",
                &json!({ "call": id, "info": info, "code": answer }),
                format_args!("call {id}: INFO {info}: {text}"),
            );
        }
        // The others are printed for the phone.
        _ => digit(output, &id, event),
    }
}

/// The number of an INFO, which its outcome has, too.
pub(super) fn info_sent(output: Output, call: SessionId, info: u32) {
    output.event(
        "info_sent",
        &json!({ "call": call.to_string(), "info": info }),
        format_args!("call {call}: sent INFO {info}"),
    );
}

fn info(output: Output, id: &str, package: Option<&str>, content_type: &str, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    let of = package.map(|package| format!(" ({})", package.escape_debug())).unwrap_or_default();
    output.event(
        "info",
        &json!({ "call": id, "package": package, "content_type": content_type, "text": text }),
        format_args!("call {id}: INFO{of} {}", text.escape_debug()),
    );
}

fn transfer_requested(output: Output, id: &str, request: u32, target: &str, referred_by: Option<&str>) {
    // Referred-By is a claim of the peer.
    let claim = referred_by.map(|by| format!(" (in the name of {}, not verified)", by.escape_debug()));
    output.event(
        "transfer_requested",
        &json!({ "call": id, "request": request, "target": target, "referred_by": referred_by }),
        format_args!(
            "call {id}: the peer asks you to call {}{}; accept-transfer {request} or reject-transfer {request}?",
            target.escape_debug(),
            claim.unwrap_or_default(),
        ),
    );
}

fn transfer_request_ended(output: Output, id: &str, request: u32) {
    output.event(
        "transfer_request_ended",
        &json!({ "call": id, "request": request }),
        format_args!("call {id}: the requested transfer {request} can no longer be accepted"),
    );
}

fn digit(output: Output, id: &str, event: &CallEvent) {
    match event {
        CallEvent::Digit { digit, duration, path } => output.event(
            "dtmf",
            &json!({ "call": id, "digit": digit, "duration_ms": millis(*duration), "via": via(*path) }),
            format_args!("call {id}: received digit {digit} by {}", shown(*path)),
        ),
        CallEvent::DigitSent { digit, path } => output.event(
            "dtmf_sent",
            &json!({ "call": id, "digit": digit, "via": via(*path) }),
            format_args!("call {id}: sent digit {digit} by {}", shown(*path)),
        ),
        CallEvent::DigitFailed { digit, why } => {
            let word = match why {
                DigitFailure::NotSupported => "not_supported",
                DigitFailure::Refused => "refused",
                DigitFailure::Media => "media",
                DigitFailure::Ended => "ended",
            };
            output.event(
                "dtmf_failed",
                &json!({ "call": id, "digit": digit, "why": word }),
                format_args!("call {id}: digit {digit} not sent: {}", words::digit_failure(*why)),
            );
        }
        _ => {}
    }
}

pub(super) fn media(output: Output, call: SessionId, update: &MediaUpdate) {
    let id = call.to_string();
    match update {
        MediaUpdate::Failed(why) => output.event(
            "path_failed",
            &json!({ "call": id, "why": why.to_string() }),
            format_args!("call {id}: media path failed: {why}"),
        ),
        MediaUpdate::FirstAudio => {
            output.event("first_audio", &json!({ "call": id }), format_args!("call {id}: first audio"));
        }
        MediaUpdate::Tone { hz, level_dbfs } => {
            let rounded = hz.map(|hz| (f64::from(hz) * 10.0).round() / 10.0);
            let level = f64::from(*level_dbfs).round();
            let text = match rounded {
                Some(hz) => format!("{hz} Hz at {level} dBFS"),
                None => "silence".to_owned(),
            };
            output.event(
                "media",
                &json!({ "call": id, "heard_hz": rounded, "level_dbfs": level }),
                format_args!("call {id}: receives {text}"),
            );
        }
        MediaUpdate::SourceEnded => {
            output.event("played", &json!({ "call": id }), format_args!("call {id}: played to the end"));
        }
        _ => {}
    }
}

fn ended(output: Output, id: &str, why: &EndReason) {
    output.event(
        "ended",
        &json!({ "call": id, "cause": why.cause.as_str(), "by": by(why.by), "code": why.code, "text": why.text }),
        format_args!("call {id} ended: {}", words::ended(why)),
    );
}

fn by(party: EndedBy) -> &'static str {
    match party {
        EndedBy::Us => "us",
        EndedBy::Peer => "peer",
        EndedBy::Network => "network",
    }
}

fn via(path: DtmfPath) -> &'static str {
    match path {
        DtmfPath::Info => "info",
        DtmfPath::Rtp | DtmfPath::Auto => "rtp",
    }
}

fn shown(path: DtmfPath) -> &'static str {
    match path {
        DtmfPath::Info => "SIP INFO",
        DtmfPath::Rtp | DtmfPath::Auto => "RTP",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn media_fault(fault: MediaFault) -> &'static str {
    match fault {
        MediaFault::NoCommonCodec => "no_common_codec",
        MediaFault::NoCommonTransport => "no_common_transport",
        MediaFault::NoCommonMedia => "no_common_media",
        MediaFault::BadDescription => "bad_description",
        _ => "other",
    }
}

fn connection_failure(failure: ConnectionFailure) -> &'static str {
    match failure {
        ConnectionFailure::Unreachable => "unreachable",
        ConnectionFailure::Untrusted => "untrusted",
        ConnectionFailure::Refused => "refused",
        ConnectionFailure::Closed => "closed",
        ConnectionFailure::TimedOut => "timed_out",
        _ => "other",
    }
}
