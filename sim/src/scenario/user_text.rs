//! The text of user actions.

use std::fmt;

use offhook::{DtmfPath, MediaTypes};

use super::value::number;
use super::{Behaviour, GivenPassword, Replacement, Seconds, UserAction, parse_duration};

impl fmt::Display for UserAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UserAction::Dial(to) => write!(f, "dials {to}"),
            UserAction::Answer => write!(f, "answers"),
            UserAction::Reject(code) => write!(f, "rejects {code}"),
            UserAction::HangUp => write!(f, "hangs up"),
            UserAction::Hold => write!(f, "holds"),
            UserAction::Resume => write!(f, "resumes"),
            UserAction::RestartMedia => write!(f, "restarts media"),
            UserAction::SetMediaTypes(types) => write!(f, "sets media to {types}"),
            UserAction::Mute(types) => write!(f, "mutes {types}"),
            UserAction::EarlyMedia => write!(f, "sends early media"),
            UserAction::Digits { digits, path, tone } => {
                let path = match path {
                    DtmfPath::Auto => "auto",
                    DtmfPath::Rtp => "rtp",
                    DtmfPath::Info => "info",
                };
                write!(f, "sends {digits} by {path} for {}", Seconds(*tone))
            }
            UserAction::DecideTransfer { accept: true } => write!(f, "accepts the transfer"),
            UserAction::DecideTransfer { accept: false } => write!(f, "rejects the transfer"),
            UserAction::Transfer(to) => write!(f, "transfers to {to}"),
            UserAction::Message(to) => write!(f, "messages {to}"),
            UserAction::LongMessage(to) => write!(f, "messages {to} at length"),
            UserAction::AskCapabilities(to) => write!(f, "asks {to} for its capabilities"),
            UserAction::Info { package: None } => write!(f, "sends an info"),
            UserAction::Info { package: Some(package) } => write!(f, "sends an info of {package}"),
            UserAction::GivePassword(GivenPassword::Right) => write!(f, "gives the right password"),
            UserAction::GivePassword(GivenPassword::Wrong) => write!(f, "gives a wrong password"),
            UserAction::GivePassword(GivenPassword::Nothing) => write!(f, "gives no password"),
            UserAction::AddAccount => write!(f, "adds an account"),
            UserAction::ReplaceAccount(Replacement::Same) => write!(f, "replaces its account"),
            UserAction::ReplaceAccount(Replacement::ServersReversed) => {
                write!(f, "replaces its account by one with reversed servers")
            }
            UserAction::ReplaceAccount(Replacement::OtherUser) => {
                write!(f, "replaces its account by one of another user")
            }
            UserAction::ReplaceAccount(Replacement::WithoutPassword) => {
                write!(f, "replaces its account by one without a password")
            }
            UserAction::RemoveAccount => write!(f, "removes its account"),
            UserAction::Register => write!(f, "registers"),
            UserAction::Unregister => write!(f, "unregisters"),
            UserAction::Behaviour(Behaviour::Answer { after }) => {
                write!(f, "will answer after {}", Seconds(*after))
            }
            UserAction::Behaviour(Behaviour::Reject { code, after }) => {
                write!(f, "will reject {code} after {}", Seconds(*after))
            }
            UserAction::Behaviour(Behaviour::Ignore) => write!(f, "will ignore"),
        }
    }
}

/// Parses an action of a user.
pub(super) fn read_user_action(words: &[&str]) -> Result<UserAction, String> {
    Ok(match words {
        ["dials", to] => UserAction::Dial((*to).to_owned()),
        ["answers"] => UserAction::Answer,
        ["rejects", code] => UserAction::Reject(number(code)?),
        ["hangs", "up"] => UserAction::HangUp,
        ["holds"] => UserAction::Hold,
        ["resumes"] => UserAction::Resume,
        ["restarts", "media"] => UserAction::RestartMedia,
        ["sets", "media", "to", types @ ..] => UserAction::SetMediaTypes(read_types(types)?),
        ["mutes", types @ ..] => UserAction::Mute(read_types(types)?),
        ["sends", "early", "media"] => UserAction::EarlyMedia,
        ["sends", digits, "by", path, "for", tone] => {
            let path = match *path {
                "auto" => DtmfPath::Auto,
                "rtp" => DtmfPath::Rtp,
                "info" => DtmfPath::Info,
                _ => return Err(format!("unknown path `{path}` for digits")),
            };
            UserAction::Digits { digits: (*digits).to_owned(), path, tone: parse_duration(tone)? }
        }
        ["accepts", "the", "transfer"] => UserAction::DecideTransfer { accept: true },
        ["rejects", "the", "transfer"] => UserAction::DecideTransfer { accept: false },
        ["transfers", "to", to] => UserAction::Transfer((*to).to_owned()),
        ["messages", to] => UserAction::Message((*to).to_owned()),
        ["messages", to, "at", "length"] => UserAction::LongMessage((*to).to_owned()),
        ["asks", to, "for", "its", "capabilities"] => UserAction::AskCapabilities((*to).to_owned()),
        ["sends", "an", "info"] => UserAction::Info { package: None },
        ["sends", "an", "info", "of", package] => UserAction::Info { package: Some((*package).to_owned()) },
        ["gives", "the", "right", "password"] => UserAction::GivePassword(GivenPassword::Right),
        ["gives", "a", "wrong", "password"] => UserAction::GivePassword(GivenPassword::Wrong),
        ["gives", "no", "password"] => UserAction::GivePassword(GivenPassword::Nothing),
        ["adds", "an", "account"] => UserAction::AddAccount,
        ["replaces", "its", "account", by @ ..] => UserAction::ReplaceAccount(match by {
            [] => Replacement::Same,
            ["by", "one", "with", "reversed", "servers"] => Replacement::ServersReversed,
            ["by", "one", "of", "another", "user"] => Replacement::OtherUser,
            ["by", "one", "without", "a", "password"] => Replacement::WithoutPassword,
            _ => return Err(unknown_step(words)),
        }),
        ["removes", "its", "account"] => UserAction::RemoveAccount,
        ["registers"] => UserAction::Register,
        ["unregisters"] => UserAction::Unregister,
        ["will", "answer", "after", after] => {
            UserAction::Behaviour(Behaviour::Answer { after: parse_duration(after)? })
        }
        ["will", "reject", code, "after", after] => {
            UserAction::Behaviour(Behaviour::Reject { code: number(code)?, after: parse_duration(after)? })
        }
        ["will", "ignore"] => UserAction::Behaviour(Behaviour::Ignore),
        _ => return Err(unknown_step(words)),
    })
}

/// Types of media, as [`MediaTypes`] prints them.
fn read_types(words: &[&str]) -> Result<MediaTypes, String> {
    let text = words.join(" ");
    let known = [MediaTypes::NONE, MediaTypes::AUDIO, MediaTypes::VIDEO, MediaTypes::AUDIO_VIDEO];
    known
        .into_iter()
        .find(|types| types.to_string() == text)
        .ok_or(format!("unknown types of media `{text}`"))
}

/// The error of an unknown step, with a suggestion if only the verb lacks its `s`.
fn unknown_step(words: &[&str]) -> String {
    let step = words.join(" ");
    let Some((verb, rest)) = words.split_first().filter(|(verb, _)| !verb.ends_with('s')) else {
        return format!("unknown step `{step}`");
    };
    let verb = format!("{verb}s");
    let other = [&[verb.as_str()], rest].concat();
    match read_user_action(&other) {
        Ok(_) => format!("unknown step `{step}`; did you mean `{}`?", other.join(" ")),
        Err(_) => format!("unknown step `{step}`"),
    }
}
