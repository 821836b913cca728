//! Writes commands, each with the bytes or the account that follow it.

use super::account::{self, credentials};
use crate::names::{MEDIA_TYPES, PATHS, name_of};
use crate::text::{Seconds, word, write_bytes};
use offhook::{
    AccountCommand, AccountId, CallCommand, Command, Dial, MediaTypes, Request, RequestKind, SessionId,
};
use std::fmt::Write;

/// Writes all lines of a command.
pub(super) fn write(out: &mut String, command: &Command) -> Option<()> {
    match command {
        Command::Account { account, command } => account_command(out, *account, command),
        Command::Dial { session, dial: Dial { account, to, headers: fields, types, .. } } => {
            let _ = write!(out, "dial {session} {} {}", account.0, word(to));
            if *types != MediaTypes::AUDIO {
                let _ = write!(out, " {}", name_of(MEDIA_TYPES, types)?);
            }
            headers(out, fields);
            out.push('\n');
            Some(())
        }
        Command::Call { session, command } => call_command(out, *session, command),
        Command::Request { request, send: Request { account, to, headers: fields, kind, .. } } => {
            let (request, account, to) = (request.0, account.0, word(to));
            match kind {
                RequestKind::Message { content_type, body } => {
                    let _ = write!(out, "message {request} {account} {to} {}", word(content_type));
                    headers(out, fields);
                    write_bytes(out, body);
                }
                RequestKind::Options => {
                    let _ = write!(out, "options {request} {account} {to}");
                    headers(out, fields);
                    out.push('\n');
                }
                _ => return None,
            }
            Some(())
        }
        _ => None,
    }
}

fn account_command(out: &mut String, id: AccountId, command: &AccountCommand) -> Option<()> {
    let id = id.0;
    let _ = match command {
        AccountCommand::Add(config) => {
            let _ = writeln!(out, "add-account {id}");
            return account::write(out, config);
        }
        AccountCommand::Replace(config) => {
            let _ = writeln!(out, "replace-account {id}");
            return account::write(out, config);
        }
        AccountCommand::Remove => writeln!(out, "remove-account {id}"),
        AccountCommand::Register => writeln!(out, "register {id}"),
        AccountCommand::Unregister => writeln!(out, "unregister {id}"),
        AccountCommand::SetCredentials(new) => writeln!(out, "set-credentials {id} {}", credentials(new)),
        _ => return None,
    };
    Some(())
}

fn call_command(out: &mut String, session: SessionId, command: &CallCommand) -> Option<()> {
    let _ = match command {
        CallCommand::Answer => writeln!(out, "answer {session}"),
        CallCommand::EarlyMedia => writeln!(out, "early-media {session}"),
        CallCommand::Reject { code } => writeln!(out, "reject {session} {code}"),
        CallCommand::HangUp => writeln!(out, "hang-up {session}"),
        CallCommand::Hold => writeln!(out, "hold {session}"),
        CallCommand::Resume => writeln!(out, "resume {session}"),
        CallCommand::RestartMedia => writeln!(out, "restart-media {session}"),
        CallCommand::SetMediaTypes { types } => {
            writeln!(out, "media-types {session} {}", name_of(MEDIA_TYPES, types)?)
        }
        CallCommand::Mute { types } => writeln!(out, "mute {session} {}", name_of(MEDIA_TYPES, types)?),
        CallCommand::Digits { digits, duration, path } => {
            let (path, digits) = (name_of(PATHS, path)?, word(digits));
            writeln!(out, "digits {session} {path} {} {digits}", Seconds(*duration))
        }
        CallCommand::Info { info, package, content_type, body } => {
            let _ = write!(out, "info {session} {info} {}", word(content_type));
            if let Some(package) = package {
                let _ = write!(out, " {}", word(package));
            }
            write_bytes(out, body);
            return Some(());
        }
        CallCommand::AcceptTransfer { request } => writeln!(out, "accept-transfer {session} {request}"),
        CallCommand::RejectTransfer { request } => writeln!(out, "reject-transfer {session} {request}"),
        CallCommand::Transfer { target } => writeln!(out, "transfer {session} {}", word(target)),
        _ => return None,
    };
    Some(())
}

fn headers(out: &mut String, headers: &[(String, String)]) {
    for (name, value) in headers {
        let _ = write!(out, " {} {}", word(name), word(value));
    }
}
