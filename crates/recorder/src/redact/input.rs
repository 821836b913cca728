//! Redacts inputs: received messages, descriptions, and commands.

use super::account::{self, credentials};
use super::{body, message, uri};
use offhook::{
    AccountCommand, CallCommand, Command, Dial, EffectResult, Input, MediaEvent, Request, RequestKind,
};

/// An input without its secrets.
#[must_use]
pub fn input(input: &Input) -> Input {
    let mut input = input.clone();
    match &mut input {
        Input::Received { data, .. } => *data = message::message(data),
        Input::Done {
            result: EffectResult::Description(text) | EffectResult::Answered { answer: text, .. },
            ..
        } => *text = body::sdp(text),
        Input::Done { result: EffectResult::Credentials(Some(found)), .. } => credentials(found),
        Input::Media { event: MediaEvent::Digit { digit, .. }, .. } => *digit = body::dtmf_digit(*digit),
        Input::Command(request) => command(request),
        _ => {}
    }
    input
}

fn command(command: &mut Command) {
    match command {
        Command::Account { command, .. } => match command {
            AccountCommand::Add(config) | AccountCommand::Replace(config) => account::account(config),
            AccountCommand::SetCredentials(new) => credentials(new),
            _ => {}
        },
        Command::Dial { dial: Dial { to, headers, .. }, .. } => address(to, headers),
        Command::Call { command, .. } => match command {
            CallCommand::Digits { digits, .. } => *digits = digits.chars().map(body::dtmf_digit).collect(),
            CallCommand::Info { content_type, body: data, .. } => {
                *data = body::of_type(content_type.as_bytes(), data);
            }
            CallCommand::Transfer { target } => *target = uri::in_text(target),
            _ => {}
        },
        Command::Request { send: Request { to, headers, kind, .. }, .. } => {
            address(to, headers);
            if let RequestKind::Message { content_type, body: data } = kind {
                *data = body::of_type(content_type.as_bytes(), data);
            }
        }
        _ => {}
    }
}

/// The recipient of a request, and the header fields that the program adds.
fn address(to: &mut String, headers: &mut [(String, String)]) {
    *to = uri::in_text(to);
    for (name, value) in headers {
        *value = message::text_of_row(name, value);
    }
}
