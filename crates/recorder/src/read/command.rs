//! Reads commands.

use super::account::credentials;
use super::pending::{Pending, bytes};
use super::value::{account_id, request_id, session_id};
use crate::names::{MEDIA_TYPES, PATHS, value_of};
use crate::text::duration;
use offhook::{Account, AccountCommand, AccountId, CallCommand, Command, Dial, Input, Request, RequestKind};

pub(super) fn read(words: &[&str]) -> Option<Pending> {
    let command = match words {
        ["add-account", account] => return followed(account, AccountCommand::Add),
        ["replace-account", account] => return followed(account, AccountCommand::Replace),
        ["message", request, account, to, content_type, headers @ .., length] => {
            let (request, account) = (request_id(request)?, account_id(account)?);
            let (to, content_type) = ((*to).to_owned(), (*content_type).to_owned());
            let headers = pairs(headers)?;
            return bytes(length, move |body| {
                let kind = RequestKind::Message { content_type, body };
                Input::Command(Command::Request { request, send: request_of(account, to, headers, kind) })
            });
        }
        ["options", request, account, to, headers @ ..] => {
            let (to, headers) = ((*to).to_owned(), pairs(headers)?);
            let send = request_of(account_id(account)?, to, headers, RequestKind::Options);
            Command::Request { request: request_id(request)?, send }
        }
        ["info", session, info, content_type, package @ .., length] => {
            let (session, info) = (session_id(session)?, info.parse().ok()?);
            let content_type = (*content_type).to_owned();
            let package = match package {
                [] => None,
                [package] => Some((*package).to_owned()),
                _ => return None,
            };
            return bytes(length, move |body| {
                let command = CallCommand::Info { info, package, content_type, body };
                Input::Command(Command::Call { session, command })
            });
        }
        ["dial", session, account, to, headers @ ..] => {
            let mut dial = Dial::to(*to).with_account(account_id(account)?);
            // The types of media stand alone; a header field has a name and a value.
            let headers = match headers {
                [types, headers @ ..] if headers.len().is_multiple_of(2) => {
                    dial.types = value_of(MEDIA_TYPES, types)?;
                    headers
                }
                headers => headers,
            };
            dial.headers = pairs(headers)?;
            Command::Dial { session: session_id(session)?, dial }
        }
        [verb, subject, rest @ ..] => match account_command(verb, rest) {
            Some(command) => Command::Account { account: account_id(subject)?, command },
            None => Command::Call { session: session_id(subject)?, command: call_command(verb, rest)? },
        },
        _ => return None,
    };
    Some(Pending::Whole(Input::Command(command)))
}

/// A command that is followed by the lines of an account.
fn followed(account: &str, command: fn(Box<Account>) -> AccountCommand) -> Option<Pending> {
    let account = account_id(account)?;
    let input = move |config| Input::Command(Command::Account { account, command: command(config) });
    Some(Pending::Account(Box::new(input)))
}

fn account_command(verb: &str, words: &[&str]) -> Option<AccountCommand> {
    Some(match (verb, words) {
        ("remove-account", []) => AccountCommand::Remove,
        ("register", []) => AccountCommand::Register,
        ("unregister", []) => AccountCommand::Unregister,
        ("set-credentials", words) => AccountCommand::SetCredentials(credentials(words)?),
        _ => return None,
    })
}

fn call_command(verb: &str, words: &[&str]) -> Option<CallCommand> {
    Some(match (verb, words) {
        ("answer", []) => CallCommand::Answer,
        ("early-media", []) => CallCommand::EarlyMedia,
        ("reject", [code]) => CallCommand::Reject { code: code.parse().ok()? },
        ("hang-up", []) => CallCommand::HangUp,
        ("hold", []) => CallCommand::Hold,
        ("resume", []) => CallCommand::Resume,
        ("restart-media", []) => CallCommand::RestartMedia,
        ("media-types", [types]) => CallCommand::SetMediaTypes { types: value_of(MEDIA_TYPES, types)? },
        ("mute", [types]) => CallCommand::Mute { types: value_of(MEDIA_TYPES, types)? },
        ("digits", [path, time, digits]) => CallCommand::Digits {
            digits: (*digits).to_owned(),
            duration: duration(time)?,
            path: value_of(PATHS, path)?,
        },
        ("accept-transfer", [request]) => CallCommand::AcceptTransfer { request: request.parse().ok()? },
        ("reject-transfer", [request]) => CallCommand::RejectTransfer { request: request.parse().ok()? },
        ("transfer", [target]) => CallCommand::Transfer { target: (*target).to_owned() },
        _ => return None,
    })
}

fn request_of(account: AccountId, to: String, headers: Vec<(String, String)>, kind: RequestKind) -> Request {
    let mut request = Request::new(to, kind).with_account(account);
    request.headers = headers;
    request
}

/// The names and values of header fields.
fn pairs(words: &[&str]) -> Option<Vec<(String, String)>> {
    let (pairs, rest) = words.as_chunks::<2>();
    let headers = pairs.iter().map(|[name, value]| ((*name).to_owned(), (*value).to_owned()));
    rest.is_empty().then(|| headers.collect())
}
