//! Events, commands and states in words, for ladders, pages and the messages of oracles.

use offhook::{
    Cause, Command, DeadlineKind, DigitFailure, DtmfPath, EndReason, EndedBy, Event, ConnectionFailure, ConnectionState,
    Machine, RegistrationState, TransferState,
};
use offhook_wire::reason_phrase;

use crate::scenario::Seconds;

/// An event as a ladder shows it. `None` for states of connections: the ladder shows what follows from them.
pub(crate) fn ladder_event(event: &Event) -> Option<String> {
    (!matches!(event, Event::Flow { .. })).then(|| self::event(event))
}

pub(crate) fn event(event: &Event) -> String {
    match event {
        Event::Flow { state, .. } => match state {
            ConnectionState::Connecting => "connecting".to_owned(),
            ConnectionState::Up => "connected".to_owned(),
            ConnectionState::Down(why) => format!("connection lost: {}", flow_failure(*why)),
        },
        Event::Registration { state, .. } => registration(state),
        Event::Incoming(incoming) => format!("{} incoming from {}", incoming.session, incoming.from),
        Event::Status { session, to, .. } => format!("{session} {to}"),
        Event::Progress { session, code } => format!("{session} progress {code}"),
        Event::Hold { session, local, remote } => format!("{session} {}", hold(*local, *remote)),
        Event::HoldFailed { session, hold, code } => {
            let what = if *hold { "hold" } else { "resume" };
            format!("{session} {what} failed{}", in_parentheses(*code))
        }
        Event::Digit { session, digit, path, .. } => {
            format!("{session} digit {digit} received by {}", dtmf_path(*path))
        }
        Event::DigitSent { session, digit, path } => {
            format!("{session} digit {digit} sent by {}", dtmf_path(*path))
        }
        Event::DigitFailed { session, digit, why } => {
            format!("{session} digit {digit} failed: {}", digit_failure(*why))
        }
        Event::Transfer { session, state } => format!("{session} transfer {}", transfer(*state)),
        Event::TransferRequested { session, target, .. } => format!("{session} is asked to dial {target}"),
        Event::TransferRequestEnded { session, .. } => format!("{session} requested transfer ended"),
        Event::Referred { session, by, target } => {
            format!("{session} dials {target}, as the peer of {by} asked")
        }
        Event::Media { session, up } => format!("{session} media {}", if *up { "up" } else { "down" }),
        Event::Message { from, .. } => format!("message from {from}"),
        Event::Info { session, content_type, .. } => format!("{session} INFO with {content_type}"),
        Event::Ended { session, why } => format!("{session} {}", ended(why)),
        _ => "another event".to_owned(),
    }
}

pub(crate) fn command(command: &Command) -> String {
    match command {
        Command::Register { .. } => "registers".to_owned(),
        Command::Unregister { .. } => "unregisters".to_owned(),
        Command::Dial { session, dial } => format!("{session} dials {}", dial.to),
        Command::Answer { session } => format!("{session} answers"),
        Command::Reject { session, code } => format!("{session} rejects {code}"),
        Command::HangUp { session } => format!("{session} hangs up"),
        Command::Hold { session } => format!("{session} holds"),
        Command::Resume { session } => format!("{session} resumes"),
        Command::Digits { session, digits, duration, path } => {
            format!("{session} sends {digits} by {} for {}", dtmf_path(*path), Seconds(*duration))
        }
        Command::AcceptTransfer { session, .. } => format!("{session} accepts the transfer"),
        Command::RejectTransfer { session, .. } => format!("{session} rejects the transfer"),
        Command::Transfer { session, target } => format!("{session} transfers to {target}"),
        _ => "another command".to_owned(),
    }
}

/// A mark, with the call that it belongs to.
pub(crate) fn mark(machine: Option<Machine>, words: &str) -> String {
    match machine {
        Some(Machine::Session(session)) => format!("{session} {words}"),
        _ => words.to_owned(),
    }
}

pub(crate) fn registration(state: &RegistrationState) -> String {
    match state {
        RegistrationState::Unregistered => "unregistered".to_owned(),
        RegistrationState::Registering { attempt } => format!("registering (attempt {attempt})"),
        RegistrationState::Registered { .. } => "registered".to_owned(),
        RegistrationState::Refreshing => "refreshing".to_owned(),
        RegistrationState::Waiting { attempt, why, .. } => {
            format!("waiting for attempt {attempt}: {}{}", cause(why.cause), in_parentheses(why.code))
        }
        RegistrationState::Unregistering => "unregistering".to_owned(),
        RegistrationState::Failed(why) => {
            format!("registration failed: {}{}", cause(why.cause), in_parentheses(why.code))
        }
    }
}

pub(crate) fn flow_failure(failure: ConnectionFailure) -> &'static str {
    match failure {
        ConnectionFailure::Unreachable => "unreachable",
        ConnectionFailure::Untrusted => "untrusted certificate",
        ConnectionFailure::Refused => "refused",
        ConnectionFailure::Closed => "closed",
        ConnectionFailure::TimedOut => "timed out",
        _ => "another failure",
    }
}

pub(crate) fn deadline(kind: DeadlineKind) -> &'static str {
    match kind {
        DeadlineKind::Output => "queued output",
        DeadlineKind::Transaction => "a transaction",
        DeadlineKind::Flow => "a connection",
        DeadlineKind::Registration => "a registration",
        DeadlineKind::Session => "a call",
        _ => "another timer",
    }
}

/// An event of a media engine.
#[cfg(feature = "media")]
pub(crate) fn media_event(event: &offhook_media::MediaEvent) -> String {
    use offhook_media::MediaEvent;
    match event {
        MediaEvent::Connected => "media path up".to_owned(),
        MediaEvent::Disconnected => "media path down".to_owned(),
        MediaEvent::Failed { cause } => format!("media path failed: {cause}"),
        MediaEvent::FirstAudio => "first audio".to_owned(),
        MediaEvent::Digit { digit, .. } => format!("digit {digit} received"),
        MediaEvent::DigitSent { digit } => format!("digit {digit} sent"),
        MediaEvent::DigitFailed { digit } => format!("digit {digit} failed"),
        MediaEvent::ToneChanged { hz: Some(hz), .. } => format!("tone of {hz} Hz"),
        MediaEvent::ToneChanged { hz: None, .. } => "no tone".to_owned(),
        MediaEvent::SourceEnded => "source ended".to_owned(),
    }
}

fn hold(local: bool, remote: bool) -> &'static str {
    match (local, remote) {
        (false, false) => "not on hold",
        (true, false) => "on hold by us",
        (false, true) => "on hold by the peer",
        (true, true) => "on hold by both",
    }
}

fn ended(why: &EndReason) -> String {
    let by = match why.by {
        EndedBy::Us => "us",
        EndedBy::Peer => "the peer",
        EndedBy::Network => "the network",
    };
    format!("ended by {by}: {}{}", cause(why.cause), in_parentheses(why.code))
}

fn cause(cause: Cause) -> String {
    match cause {
        Cause::NotConnected => "no connection".to_owned(),
        _ => cause.as_str().replace('_', " "),
    }
}

fn transfer(state: TransferState) -> String {
    match state {
        TransferState::Trying => "requested".to_owned(),
        TransferState::Progress { code } => format!("progress {code}"),
        TransferState::Done => "done".to_owned(),
        TransferState::Failed { code } => format!("failed{}", in_parentheses(code)),
    }
}

fn in_parentheses(code: Option<u16>) -> String {
    code.map_or(String::new(), |code| format!(" ({})", format!("{code} {}", reason_phrase(code)).trim_end()))
}

fn dtmf_path(path: DtmfPath) -> &'static str {
    match path {
        DtmfPath::Auto => "RTP or INFO",
        DtmfPath::Rtp => "RTP",
        DtmfPath::Info => "INFO",
    }
}

fn digit_failure(why: DigitFailure) -> &'static str {
    match why {
        DigitFailure::NotSupported => "not supported",
        DigitFailure::Refused => "refused",
        DigitFailure::Media => "media failed",
        DigitFailure::Ended => "the call ended",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;
    use crate::oracle;
    use crate::tape::EntryKind;
    use crate::world::World;

    /// Neither identifiers of the code nor `Debug` output.
    fn is_prose(text: &str) -> bool {
        !text.contains('_') && !text.contains("Some(") && !text.contains("None") && !text.contains(" {")
    }

    #[test]
    fn events_and_commands_are_described_in_words() {
        for seed in 0..30 {
            let mut world = World::new(generate(seed), oracle::all(), true);
            world.play();
            for entry in world.tape().entries() {
                let text = match &entry.what {
                    EntryKind::Event { event, .. } => self::event(event),
                    EntryKind::Command { command, .. } => self::command(command),
                    EntryKind::Mark { machine, words, .. } => mark(*machine, words),
                    EntryKind::Note { text, .. } => text.clone(),
                    EntryKind::Sent { .. } | EntryKind::Phase { .. } => continue,
                };
                assert!(is_prose(&text), "{text}");
            }
        }
    }
}
