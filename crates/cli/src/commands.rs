//! Commands on standard input, one per line.

use offhook::{DtmfPath, Request, Secret};
use std::io::BufRead;
use std::str::FromStr;
use tokio::sync::mpsc;

/// A line of standard input.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Line {
    /// A command for the call.
    Call(Command),
    /// A request outside of the call.
    Send(Request),
    /// The answer to the event `credentials`.
    Password(Secret),
    Quit,
}

/// A command for a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    EarlyMedia,
    Answer,
    Reject,
    Hold,
    Resume,
    Restart,
    Mute(bool),
    Tone(f32),
    Digits(String, DtmfPath),
    Info {
        package: Option<String>,
        content_type: String,
        text: String,
    },
    Transfer(String),
    /// The decision on a transfer that the peer requested.
    DecideTransfer {
        request: u32,
        accept: bool,
    },
    HangUp,
}

/// The text of the error of an unknown command.
const COMMANDS: &str = "commands: hold, resume, restart, dtmf 12#, dtmf-info 42, dtmf-rtp 42, info text/plain TEXT, \
                        info PACKAGE text/plain TEXT, transfer TARGET, accept-transfer 2, reject-transfer 2, early-media, \
                        answer, reject, mute, unmute, tone 440, hangup, message TO TEXT, options TO, password TEXT, quit";

impl FromStr for Line {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        match (word, rest) {
            ("message", _) => match rest.split_once(char::is_whitespace) {
                Some((to, text)) => Ok(Line::Send(Request::message(to, text.trim()))),
                None => {
                    Err("message needs a recipient and a text, for example: message bob hello".to_owned())
                }
            },
            ("options", "") => Err("options needs an address, for example: options bob".to_owned()),
            ("options", to) => Ok(Line::Send(Request::options(to))),
            ("password", "") => Err("password needs the password, for example: password secret".to_owned()),
            // As typed: a password may end in a space.
            ("password", _) => Ok(Line::Password(Secret::new(after_word(line)))),
            ("quit", "") => Ok(Line::Quit),
            _ => line.parse().map(Line::Call),
        }
    }
}

/// What follows the first word of a line and one space.
fn after_word(line: &str) -> &str {
    line.trim_start().split_once(char::is_whitespace).map_or("", |(_, rest)| rest)
}

impl FromStr for Command {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        let digits = |path| Ok(Command::Digits(rest.to_owned(), path));
        match (word, rest) {
            ("dtmf" | "dtmf-info" | "dtmf-rtp", "") => {
                Err(format!("{word} needs digits, for example: {word} 12#"))
            }
            ("transfer", "") => {
                Err("transfer needs a target, for example: transfer sip:carol@example.com".to_owned())
            }
            ("dtmf", _) => digits(DtmfPath::Auto),
            ("dtmf-info", _) => digits(DtmfPath::Info),
            ("dtmf-rtp", _) => digits(DtmfPath::Rtp),
            ("transfer", target) => Ok(Command::Transfer(target.to_owned())),
            ("tone", hz) => hz
                .parse()
                .map(Command::Tone)
                .map_err(|_| "tone needs a frequency in Hz, for example: tone 440".to_owned()),
            ("accept-transfer" | "reject-transfer", number) => {
                let request = number
                    .parse()
                    .map_err(|_| format!("{word} needs the number of the request, for example: {word} 2"))?;
                Ok(Command::DecideTransfer { request, accept: word == "accept-transfer" })
            }
            ("early-media", "") => Ok(Command::EarlyMedia),
            ("answer", "") => Ok(Command::Answer),
            ("reject", "") => Ok(Command::Reject),
            ("hold", "") => Ok(Command::Hold),
            ("resume", "") => Ok(Command::Resume),
            ("restart", "") => Ok(Command::Restart),
            ("mute", "") => Ok(Command::Mute(true)),
            ("unmute", "") => Ok(Command::Mute(false)),
            ("hangup", "") => Ok(Command::HangUp),
            ("info", _) => info(rest),
            _ => Err(COMMANDS.to_owned()),
        }
    }
}

/// `[PACKAGE] CONTENT-TYPE TEXT`. Only a content type has a slash.
fn info(rest: &str) -> Result<Command, String> {
    let example = || {
        "info needs a content type and a text, for example: info text/plain hello, or with an Info Package: \
                      info weather text/plain hello"
            .to_owned()
    };
    let (first, others) = rest.split_once(char::is_whitespace).ok_or_else(example)?;
    let (package, content_type, text) = if first.contains('/') {
        (None, first, others)
    } else {
        let (content_type, text) = others.trim().split_once(char::is_whitespace).ok_or_else(example)?;
        (Some(first.to_owned()), content_type, text)
    };
    if !content_type.contains('/') {
        return Err(example());
    }
    Ok(Command::Info { package, content_type: content_type.to_owned(), text: text.trim().to_owned() })
}

/// The lines of standard input, read in a separate thread: a read cannot be interrupted, and must not prevent the exit.
pub(crate) struct Lines {
    receiver: mpsc::Receiver<String>,
    ended: bool,
}

impl Lines {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(16);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if !line.trim().is_empty() && sender.blocking_send(line).is_err() {
                    return;
                }
            }
        });
        Self { receiver, ended: false }
    }

    /// The next line that is not blank; `None` once, at the end of the input. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<String> {
        if self.ended {
            std::future::pending().await
        }
        let line = self.receiver.recv().await;
        self.ended = line.is_none();
        line
    }

    /// Whether the input has ended.
    pub(crate) fn have_ended(&self) -> bool {
        self.ended
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(package: Option<&str>, text: &str) -> Line {
        let (content_type, text) = ("a/b".to_owned(), text.to_owned());
        Line::Call(Command::Info { package: package.map(str::to_owned), content_type, text })
    }

    #[test]
    fn commands_are_parsed() {
        for (line, command) in [
            ("hold", Line::Call(Command::Hold)),
            ("  resume ", Line::Call(Command::Resume)),
            ("restart", Line::Call(Command::Restart)),
            ("early-media", Line::Call(Command::EarlyMedia)),
            ("dtmf 12#", Line::Call(Command::Digits("12#".to_owned(), DtmfPath::Auto))),
            ("dtmf-info 42", Line::Call(Command::Digits("42".to_owned(), DtmfPath::Info))),
            ("transfer sip:x", Line::Call(Command::Transfer("sip:x".to_owned()))),
            ("accept-transfer 2", Line::Call(Command::DecideTransfer { request: 2, accept: true })),
            ("reject-transfer 7", Line::Call(Command::DecideTransfer { request: 7, accept: false })),
            ("tone 440", Line::Call(Command::Tone(440.0))),
            ("hangup", Line::Call(Command::HangUp)),
            ("message bob hello,  bob", Line::Send(Request::message("bob", "hello,  bob"))),
            ("options sip:x", Line::Send(Request::options("sip:x"))),
            ("password a b", Line::Password(Secret::new("a b"))),
            (" password  a ", Line::Password(Secret::new(" a "))),
            ("info a/b  x y", info(None, "x y")),
            ("info pack a/b x", info(Some("pack"), "x")),
            ("quit", Line::Quit),
        ] {
            assert_eq!(line.parse(), Ok(command), "{line}");
        }
    }

    #[test]
    fn invalid_commands_are_errors() {
        for line in [
            "dtmf",
            "transfer",
            "message bob",
            "options",
            "info",
            "info a/b",
            "info pack text hello",
            "password",
            "password ",
            "accept-transfer",
            "accept-transfer x",
            "tone high",
            "hold it",
            "early-media now",
            "jump",
        ] {
            assert!(line.parse::<Line>().is_err(), "{line}");
        }
    }
}
