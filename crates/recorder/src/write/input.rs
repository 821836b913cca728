//! Writes inputs: a line for each, followed by its bytes or its account.

use super::account::credentials;
use super::{agreed, command};
use crate::names::{CONNECTION_FAILURES, MEDIA_FAULTS, name_of};
use crate::text::{At, Seconds, word, write_bytes};
use offhook::{ConnectionChange, EffectResult, Input, Instant, MediaEvent};
use std::fmt::Write;

pub(super) fn write(out: &mut String, name: &str, at: Instant, input: &Input) -> Option<()> {
    let _ = write!(out, "{} {} ", At(at), word(name));
    match input {
        Input::Wake => out.push_str("wake"),
        Input::Received { connection, data } => {
            let _ = write!(out, "received {}", connection.0);
            write_bytes(out, data);
            return Some(());
        }
        Input::Connection { connection, change: ConnectionChange::Up { local } } => {
            let _ = write!(out, "up {}", connection.0);
            if let Some(local) = local {
                let _ = write!(out, " {}", word(local));
            }
        }
        Input::Connection { connection, change: ConnectionChange::Down(why) } => {
            let _ = write!(out, "down {} {}", connection.0, name_of(CONNECTION_FAILURES, why)?);
        }
        Input::Media { session, leg, event } => {
            let _ = write!(out, "media {session} {} ", leg.0);
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
                EffectResult::Checked(what) => {
                    out.push_str("checked");
                    agreed::write(out, what)?;
                }
                EffectResult::Applied(what) => {
                    out.push_str("applied");
                    agreed::write(out, what)?;
                }
                EffectResult::Answered { answer, agreed: what } => {
                    out.push_str("answered");
                    agreed::write(out, what)?;
                    write_bytes(out, answer);
                    return Some(());
                }
                EffectResult::Sent => out.push_str("sent"),
                EffectResult::Credentials(None) => out.push_str("credentials none"),
                EffectResult::Credentials(Some(found)) => {
                    let _ = write!(out, "credentials {}", credentials(found));
                }
                EffectResult::Failed(fault) => {
                    let _ = write!(out, "failed {}", name_of(MEDIA_FAULTS, fault)?);
                }
                EffectResult::Description(sdp) => {
                    out.push_str("description");
                    write_bytes(out, sdp);
                    return Some(());
                }
            }
        }
        Input::Command(request) => return command::write(out, request),
    }
    out.push('\n');
    Some(())
}
