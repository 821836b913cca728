use crate::{AccountCommand, CallCommand, Command, RequestKind};
use std::fmt;

/// No password is shown.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Command::Account { command, .. } => command.fmt(f),
            Command::Dial { session, dial } => write!(f, "{session} dials {}", dial.to),
            Command::Call { session, command } => write!(f, "{session} {command}"),
            Command::Request { send, .. } => match &send.kind {
                RequestKind::Message { .. } => write!(f, "sends a message to {}", send.to),
                RequestKind::Options => write!(f, "sends OPTIONS to {}", send.to),
            },
        }
    }
}

impl fmt::Display for AccountCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AccountCommand::Add(account) => write!(f, "adds the account {}", account.aor),
            AccountCommand::Replace(account) => write!(f, "replaces its account by {}", account.aor),
            AccountCommand::Remove => f.write_str("removes its account"),
            AccountCommand::Register => f.write_str("registers"),
            AccountCommand::Unregister => f.write_str("unregisters"),
            AccountCommand::SetCredentials(_) => f.write_str("sets its credentials"),
        }
    }
}

impl fmt::Display for CallCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CallCommand::Answer => f.write_str("answers"),
            CallCommand::EarlyMedia => f.write_str("sends early media"),
            CallCommand::Reject { code } => write!(f, "rejects {code}"),
            CallCommand::HangUp => f.write_str("hangs up"),
            CallCommand::Hold => f.write_str("holds"),
            CallCommand::Resume => f.write_str("resumes"),
            CallCommand::RestartMedia => f.write_str("restarts its media"),
            CallCommand::SetMediaTypes { types } => write!(f, "sets its media to {types}"),
            CallCommand::Mute { types } => write!(f, "mutes {types}"),
            CallCommand::Digits { digits, duration, path } => {
                write!(f, "sends {digits} by {path} for {duration:?}")
            }
            CallCommand::Info { content_type, .. } => write!(f, "sends INFO with {content_type}"),
            CallCommand::Transfer { target } => write!(f, "transfers to {target}"),
            CallCommand::AcceptTransfer { .. } => f.write_str("accepts the transfer"),
            CallCommand::RejectTransfer { .. } => f.write_str("rejects the transfer"),
        }
    }
}
