//! Texts for people: reasons and codes. The JSON output has words of its own.

use offhook::{Cause, ConnectionFailure, DigitFailure, EndReason, EndedBy};
use offhook_wire::reason_phrase;
use std::time::Duration;

/// Seconds with one decimal.
pub(super) fn seconds(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 10.0).round() / 10.0
}

/// ` (486 Busy Here)`, or nothing.
pub(super) fn code(code: Option<u16>) -> String {
    code.map(|code| format!(" ({})", status(code))).unwrap_or_default()
}

/// `180 Ringing`; an unknown code has the phrase of its class.
pub(super) fn status(code: u16) -> String {
    format!("{code} {}", reason_phrase(code))
}

/// Why something failed or ended.
pub(super) fn cause(cause: Cause) -> &'static str {
    match cause {
        Cause::HungUp => "hung up",
        Cause::Cancelled => "cancelled",
        Cause::AnsweredElsewhere => "answered elsewhere",
        Cause::DeclinedElsewhere => "declined elsewhere",
        Cause::Busy => "busy",
        Cause::Rejected => "rejected",
        Cause::NotFound => "not found",
        Cause::NoAnswer => "no answer",
        Cause::Unavailable => "unavailable",
        Cause::NotAcceptable => "no common codec, or an unusable description",
        Cause::Unauthorized => "wrong or missing credentials",
        Cause::Redirected => "redirected",
        Cause::Transferred => "transferred",
        Cause::TimedOut => "no response",
        Cause::NotConnected => "no connection",
        Cause::MediaFailed => "no media path",
        Cause::Protocol => "protocol error",
        _ => "error",
    }
}

/// How a call ended, with the text of the peer if it differs from the code's phrase.
pub(super) fn ended(why: &EndReason) -> String {
    let what = match (why.by, why.cause) {
        (EndedBy::Us, Cause::HungUp) => "you hung up",
        (EndedBy::Us, Cause::Cancelled) => "you cancelled",
        (EndedBy::Us, Cause::Rejected | Cause::Busy) => "you rejected the call",
        (EndedBy::Peer, Cause::HungUp) => "the peer hung up",
        (EndedBy::Peer, Cause::Cancelled) => "the peer cancelled",
        (_, other) => cause(other),
    };
    let (shown, text) = (code(why.code), why.text.as_str());
    let repeated =
        why.code.is_some_and(|code| reason_phrase(code) == text) || text.is_empty() || text == what;
    let local = why.by == EndedBy::Us && why.code.is_none();
    match repeated || local {
        true => format!("{what}{shown}"),
        false => format!("{what}{shown}: {}", text.escape_debug()),
    }
}

/// Why a digit was not sent.
pub(super) fn digit_failure(why: DigitFailure) -> &'static str {
    match why {
        DigitFailure::NotSupported => "the peer does not support it",
        DigitFailure::Refused => "the peer refused it",
        DigitFailure::Media => "the media engine failed",
        DigitFailure::Ended => "the call ended",
    }
}

/// Why there is no connection.
pub(super) fn connection_failure(failure: ConnectionFailure) -> &'static str {
    match failure {
        ConnectionFailure::Unreachable => "the server is unreachable",
        ConnectionFailure::Untrusted => "the certificate is not trusted",
        ConnectionFailure::Refused => "the server refused the WebSocket",
        ConnectionFailure::Closed => "closed by the server",
        ConnectionFailure::TimedOut => "timed out",
        _ => "failed",
    }
}

/// The hold of a call.
pub(super) fn hold(by_us: bool, by_peer: bool) -> &'static str {
    match (by_us, by_peer) {
        (true, true) => "on hold by both ends",
        (true, false) => "on hold by you",
        (false, true) => "on hold by the peer",
        (false, false) => "not on hold",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(by: EndedBy, cause: Cause, code: Option<u16>, text: &str) -> String {
        ended(&EndReason::new(by, cause, code, text))
    }

    #[test]
    fn end_of_a_call_is_a_sentence() {
        assert_eq!(end(EndedBy::Us, Cause::HungUp, None, "hung up"), "you hung up");
        assert_eq!(end(EndedBy::Peer, Cause::HungUp, None, ""), "the peer hung up");
        assert_eq!(end(EndedBy::Peer, Cause::NotFound, Some(404), "Not Found"), "not found (404 Not Found)");
        assert_eq!(
            end(EndedBy::Peer, Cause::Busy, Some(486), "on the\nphone"),
            "busy (486 Busy Here): on the\\nphone"
        );
        assert_eq!(end(EndedBy::Network, Cause::NotConnected, None, ""), "no connection");
        assert_eq!(end(EndedBy::Us, Cause::Transferred, Some(200), "transferred"), "transferred (200 OK)");
    }

    #[test]
    fn code_has_its_phrase_or_that_of_its_class() {
        assert_eq!((code(None), code(Some(180))), (String::new(), " (180 Ringing)".to_owned()));
        assert_eq!(status(299), "299 Success");
    }
}
