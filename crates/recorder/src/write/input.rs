//! Writes inputs: a line for each, followed by its bytes.

use crate::names::{FLOW_FAILURES, MEDIA_FAULTS, PATHS, name_of};
use crate::text::{At, Seconds, word, write_block};
use bytes::Bytes;
use offhook::{Command, EffectResult, ConnectionChange, Input, Instant, MediaEvent};
use std::fmt::Write;

pub(super) fn write(out: &mut String, name: &str, at: Instant, input: &Input) -> Option<()> {
    let _ = write!(out, "{} {} ", At(at), word(name));
    match input {
        Input::Wake => out.push_str("wake"),
        Input::Received { connection, data } => {
            let _ = write!(out, "received {}", connection.0);
            bytes(out, data);
            return Some(());
        }
        Input::Connection { connection, change: ConnectionChange::Up { local } } => {
            let _ = write!(out, "up {}", connection.0);
            if let Some(local) = local {
                let _ = write!(out, " {}", word(local));
            }
        }
        Input::Connection { connection, change: ConnectionChange::Down(why) } => {
            let _ = write!(out, "down {} {}", connection.0, name_of(FLOW_FAILURES, why)?);
        }
        Input::Media { session, event } => {
            let _ = write!(out, "media {session} ");
            match event {
                MediaEvent::Up => out.push_str("up"),
                MediaEvent::Down => out.push_str("down"),
                MediaEvent::Failed => out.push_str("failed"),
                MediaEvent::Digit { digit, duration } => {
                    let _ = write!(out, "digit {} {}", word(&digit.to_string()), Seconds(*duration));
                }
                _ => return None,
            }
        }
        Input::Done { effect, result } => {
            let _ = write!(out, "done {} ", effect.as_u64());
            match result {
                EffectResult::Applied => out.push_str("applied"),
                EffectResult::Sent => out.push_str("sent"),
                EffectResult::Failed(fault) => {
                    let _ = write!(out, "failed {}", name_of(MEDIA_FAULTS, fault)?);
                }
                EffectResult::Description(sdp) => {
                    out.push_str("description");
                    bytes(out, sdp);
                    return Some(());
                }
            }
        }
        Input::Command(request) => command(out, request)?,
    }
    out.push('\n');
    Some(())
}

/// The number of bytes, and the bytes.
fn bytes(out: &mut String, data: &Bytes) {
    let _ = writeln!(out, " {}", data.len());
    write_block(out, data);
}

fn command(out: &mut String, command: &Command) -> Option<()> {
    let _ = match command {
        Command::Register { account } => write!(out, "register {}", account.0),
        Command::Unregister { account } => write!(out, "unregister {}", account.0),
        Command::Dial { session, dial } => {
            let _ = write!(out, "dial {session} {} {}", dial.account.0, word(&dial.to));
            dial.headers.iter().try_for_each(|(name, value)| write!(out, " {} {}", word(name), word(value)))
        }
        Command::Answer { session } => write!(out, "answer {session}"),
        Command::Reject { session, code } => write!(out, "reject {session} {code}"),
        Command::HangUp { session } => write!(out, "hang-up {session}"),
        Command::Hold { session } => write!(out, "hold {session}"),
        Command::Resume { session } => write!(out, "resume {session}"),
        Command::Digits { session, digits, duration, path } => {
            let (path, digits) = (name_of(PATHS, path)?, word(digits));
            write!(out, "digits {session} {path} {} {digits}", Seconds(*duration))
        }
        Command::AcceptTransfer { session, request } => write!(out, "accept-transfer {session} {request}"),
        Command::RejectTransfer { session, request } => write!(out, "reject-transfer {session} {request}"),
        Command::Transfer { session, target } => write!(out, "transfer {session} {}", word(target)),
        _ => return None,
    };
    Some(())
}
