//! Commands on standard input, one per line.

use offhook::DtmfPath;
use std::io::BufRead;
use std::str::FromStr;
use tokio::sync::mpsc;

/// A command for a call.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Command {
    Answer,
    Reject,
    Hold,
    Resume,
    Mute(bool),
    Tone(f32),
    Digits(String, DtmfPath),
    Transfer(String),
    /// The decision on a transfer that the peer requested.
    DecideTransfer {
        request: u32,
        accept: bool,
    },
    HangUp,
    Quit,
}

impl FromStr for Command {
    type Err = String;

    fn from_str(line: &str) -> Result<Self, String> {
        let (word, rest) = line.trim().split_once(char::is_whitespace).unwrap_or((line.trim(), ""));
        let rest = rest.trim();
        let digits = |path| Ok(Command::Digits(rest.to_owned(), path));
        match (word, rest) {
            ("dtmf" | "dtmf-info" | "dtmf-rtp", "") => Err(format!("{word} needs digits, for example: {word} 12#")),
            ("transfer", "") => Err("transfer needs a target, for example: transfer sip:carol@example.com".to_owned()),
            ("dtmf", _) => digits(DtmfPath::Auto),
            ("dtmf-info", _) => digits(DtmfPath::Info),
            ("dtmf-rtp", _) => digits(DtmfPath::Rtp),
            ("transfer", target) => Ok(Command::Transfer(target.to_owned())),
            ("tone", hz) => hz.parse().map(Command::Tone).map_err(|_| "tone needs a frequency in Hz, for example: tone 440".to_owned()),
            ("accept-transfer" | "reject-transfer", number) => {
                let request = number.parse().map_err(|_| format!("{word} needs the number of the request, for example: {word} 2"))?;
                Ok(Command::DecideTransfer { request, accept: word == "accept-transfer" })
            }
            ("answer", "") => Ok(Command::Answer),
            ("reject", "") => Ok(Command::Reject),
            ("hold", "") => Ok(Command::Hold),
            ("resume", "") => Ok(Command::Resume),
            ("mute", "") => Ok(Command::Mute(true)),
            ("unmute", "") => Ok(Command::Mute(false)),
            ("hangup", "") => Ok(Command::HangUp),
            ("quit", "") => Ok(Command::Quit),
            _ => Err("commands: hold, resume, dtmf 12#, dtmf-info 42, transfer TARGET, accept-transfer 2, reject-transfer 2, answer, reject, mute, unmute, \
                      tone 440, hangup, quit"
                .to_owned()),
        }
    }
}

/// The commands on standard input, read in a separate thread: a read cannot be interrupted, and must not prevent the exit. After the end of
/// input there are no more.
pub(crate) struct Commands(mpsc::Receiver<Result<Command, String>>);

impl Commands {
    pub(crate) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(16);
        std::thread::spawn(move || {
            for line in std::io::stdin().lock().lines() {
                let Ok(line) = line else { return };
                if !line.trim().is_empty() && sender.blocking_send(line.parse()).is_err() {
                    return;
                }
            }
        });
        Self(receiver)
    }

    /// The next command, or the error of an invalid line. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Result<Command, String> {
        match self.0.recv().await {
            Some(command) => command,
            None => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_parsed() {
        for (line, command) in [
            ("hold", Command::Hold),
            ("  resume ", Command::Resume),
            ("dtmf 12#", Command::Digits("12#".to_owned(), DtmfPath::Auto)),
            ("dtmf-info 42", Command::Digits("42".to_owned(), DtmfPath::Info)),
            ("transfer sip:x", Command::Transfer("sip:x".to_owned())),
            ("accept-transfer 2", Command::DecideTransfer { request: 2, accept: true }),
            ("reject-transfer 7", Command::DecideTransfer { request: 7, accept: false }),
            ("tone 440", Command::Tone(440.0)),
            ("hangup", Command::HangUp),
            ("quit", Command::Quit),
        ] {
            assert_eq!(line.parse(), Ok(command), "{line}");
        }
    }

    #[test]
    fn invalid_commands_are_errors() {
        for line in
            ["dtmf", "transfer", "accept-transfer", "accept-transfer x", "tone high", "hold it", "jump"]
        {
            assert!(line.parse::<Command>().is_err(), "{line}");
        }
    }
}
