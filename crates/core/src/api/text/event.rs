use super::words::InParentheses;
use crate::{AccountEvent, CallEvent, Event, RequestOutcome};
use std::fmt;

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Account { event, .. } => event.fmt(f),
            Event::Call { session, event } => write!(f, "{session} {event}"),
            Event::Request { request, outcome } => write!(f, "request {} {outcome}", request.0),
        }
    }
}

impl fmt::Display for AccountEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountEvent::Connection { state, .. } => state.fmt(f),
            AccountEvent::Registration(state) => state.fmt(f),
            AccountEvent::Message { from, .. } => write!(f, "message from {}", from.escape_debug()),
            AccountEvent::InviteRefused { from, fault } => {
                write!(f, "call from {} refused: {fault}", from.escape_debug())
            }
            AccountEvent::Removed => f.write_str("account removed"),
        }
    }
}

impl fmt::Display for RequestOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestOutcome::Accepted { code } => write!(f, "accepted{}", InParentheses(Some(*code))),
            RequestOutcome::Capabilities(_) => f.write_str("answered with capabilities"),
            RequestOutcome::Failed { cause, code } => write!(f, "failed: {cause}{}", InParentheses(*code)),
        }
    }
}

impl fmt::Display for CallEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallEvent::Incoming(incoming) => write!(f, "incoming from {}", incoming.from.escape_debug()),
            CallEvent::Status { to, .. } => to.fmt(f),
            CallEvent::Progress { code, .. } => write!(f, "progress {code}"),
            CallEvent::Hold { local, remote } => f.write_str(match (local, remote) {
                (false, false) => "not on hold",
                (true, false) => "on hold by us",
                (false, true) => "on hold by the peer",
                (true, true) => "on hold by both",
            }),
            CallEvent::HoldFailed { hold, code } => {
                let what = if *hold { "hold" } else { "resume" };
                write!(f, "{what} failed{}", InParentheses(*code))
            }
            CallEvent::MediaRestarted { accepted: true, .. } => f.write_str("media restarted"),
            CallEvent::MediaRestarted { accepted: false, code } => {
                write!(f, "restart of media failed{}", InParentheses(*code))
            }
            CallEvent::MediaTypes { agreed } => write!(f, "media is {agreed}"),
            CallEvent::MediaTypesFailed { code } => {
                write!(f, "the change of the types of media failed{}", InParentheses(*code))
            }
            CallEvent::Digit { digit, path, .. } => write!(f, "digit {digit} received by {path}"),
            CallEvent::DigitSent { digit, path } => write!(f, "digit {digit} sent by {path}"),
            CallEvent::DigitFailed { digit, why } => write!(f, "digit {digit} failed: {why}"),
            CallEvent::Transfer(state) => write!(f, "transfer {state}"),
            CallEvent::TransferRequested { target, .. } => {
                write!(f, "is asked to dial {}", target.escape_debug())
            }
            CallEvent::TransferRequestEnded { .. } => f.write_str("requested transfer ended"),
            CallEvent::Referred { by, target } => {
                write!(f, "dials {}, as the peer of {by} asked", target.escape_debug())
            }
            CallEvent::Media { up } => write!(f, "media {}", if *up { "up" } else { "down" }),
            CallEvent::Redirected { target } => write!(f, "redirected to {}", target.escape_debug()),
            CallEvent::Info { package, content_type, .. } => {
                write!(f, "INFO with {}", content_type.escape_debug())?;
                match package {
                    Some(package) => write!(f, " of {}", package.escape_debug()),
                    None => Ok(()),
                }
            }
            CallEvent::InfoOutcome { info, code: Some(code) } => {
                write!(f, "INFO {info} answered with {code}")
            }
            CallEvent::InfoOutcome { info, code: None } => write!(f, "INFO {info} not answered"),
            CallEvent::Ended(why) => why.fmt(f),
        }
    }
}
