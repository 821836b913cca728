//! Redacts secrets without changing what a phone does.
//!
//! Every replacement has the length of the original and does not depend on it, so redaction is idempotent. The core does not read the
//! replaced parts, or only whether they are well formed, which does not change. So a phone with redacted inputs takes the same
//! transitions and has the same outputs, except for their redacted parts: [`Check`](crate::Check) compares redacted outputs.

mod body;
mod mask;
mod message;
mod uri;

pub(crate) use body::{dtmf_digit, of_type, sdp};
pub(crate) use message::message;

use mask::masked;
use offhook::{
    Checkpoint, Command, Config, Dial, Effect, EffectResult, Event, Incoming, Input, MediaEvent, Password,
    ResponderSnapshot, Secret, Target,
};

/// A configuration without its secrets: passwords, those in URIs, and the queries of servers' paths, which may be
/// tokens.
#[must_use]
pub fn config(config: &Config) -> Config {
    let mut config = config.clone();
    for account in &mut config.accounts {
        account.aor = uri::in_text(&account.aor);
        account.password = account.password.as_ref().map(replacement);
        for server in &mut account.servers {
            server.target = target(&server.target);
        }
    }
    config
}

/// An input without its secrets.
#[must_use]
pub fn input(input: &Input) -> Input {
    match input {
        Input::Received { connection, data } => Input::Received { connection: *connection, data: message(data) },
        Input::Done { effect, result: EffectResult::Description(text) } => {
            Input::Done { effect: *effect, result: EffectResult::Description(sdp(text)) }
        }
        Input::Media { session, event: MediaEvent::Digit { digit, duration } } => Input::Media {
            session: *session,
            event: MediaEvent::Digit { digit: dtmf_digit(*digit), duration: *duration },
        },
        Input::Command(request) => Input::Command(command(request)),
        other => other.clone(),
    }
}

fn command(command: &Command) -> Command {
    match command.clone() {
        Command::Digits { session, digits, duration, path } => {
            let digits = digits.chars().map(dtmf_digit).collect();
            Command::Digits { session, digits, duration, path }
        }
        Command::Transfer { session, target } => Command::Transfer { session, target: uri::in_text(&target) },
        Command::Dial { session, dial: Dial { account, to, headers } } => {
            let headers = headers.into_iter().map(|(name, value)| {
                let value = message::text_of_row(&name, &value);
                (name, value)
            });
            Command::Dial {
                session,
                dial: Dial { account, to: uri::in_text(&to), headers: headers.collect() },
            }
        }
        other => other,
    }
}

/// A checkpoint without its secrets: the parts of remembered challenges that an `Authorization` header does not show.
#[must_use]
pub fn checkpoint(at: &Checkpoint) -> Checkpoint {
    let mut at = at.clone();
    for line in &mut at.accounts {
        for ResponderSnapshot { challenge, cnonce, .. } in line.user.iter_mut().chain(&mut line.proxy) {
            *challenge = message::text_of_row("WWW-Authenticate", challenge);
            *cnonce = masked(cnonce);
        }
    }
    at
}

/// An effect without its secrets.
pub(crate) fn effect(effect: &Effect) -> Effect {
    match effect.clone() {
        Effect::Answer { session, offer, direction } => {
            Effect::Answer { session, offer: sdp(&offer), direction }
        }
        Effect::Apply { session, answer } => Effect::Apply { session, answer: sdp(&answer) },
        Effect::Digit { session, digit, duration } => {
            Effect::Digit { session, digit: dtmf_digit(digit), duration }
        }
        other => other,
    }
}

/// An event without its secrets.
pub(crate) fn event(event: &Event) -> Event {
    match event.clone() {
        Event::Incoming(Incoming { session, account, from, display_name, to }) => Event::Incoming(Incoming {
            session,
            account,
            from: uri::in_text(&from),
            display_name: display_name.map(|name| uri::in_text(&name)),
            to: uri::in_text(&to),
        }),
        Event::TransferRequested { session, request, target, referred_by } => Event::TransferRequested {
            session,
            request,
            target: uri::in_text(&target),
            referred_by: referred_by.map(|value| uri::in_text(&value)),
        },
        Event::Referred { session, by, target } => {
            Event::Referred { session, by, target: uri::in_text(&target) }
        }
        Event::Digit { session, digit, duration, path } => {
            Event::Digit { session, digit: dtmf_digit(digit), duration, path }
        }
        Event::DigitSent { session, digit, path } => {
            Event::DigitSent { session, digit: dtmf_digit(digit), path }
        }
        Event::DigitFailed { session, digit, why } => {
            Event::DigitFailed { session, digit: dtmf_digit(digit), why }
        }
        Event::Message { account, from, content_type, body } => {
            let body = of_type(content_type.as_bytes(), &body);
            let (from, content_type) = (uri::in_text(&from), uri::in_text(&content_type));
            Event::Message { account, from, content_type, body }
        }
        Event::Info { session, content_type, body } => {
            let body = of_type(content_type.as_bytes(), &body);
            Event::Info { session, content_type: uri::in_text(&content_type), body }
        }
        Event::Ended { session, mut why } => {
            why.text = uri::in_text(&why.text);
            Event::Ended { session, why }
        }
        other => other,
    }
}

/// A server without the query of its path, which may be a token.
pub(crate) fn target(target: &Target) -> Target {
    let mut target = target.clone();
    if let Some((path, query)) = target.path.split_once('?') {
        target.path = format!("{path}?{}", masked(query));
    }
    target
}

/// A replacement that serves the same challenges.
fn replacement(password: &Password) -> Password {
    match password {
        Password::Plain(_) => Password::plain("redacted"),
        Password::Ha1 { algorithm, hex } => {
            Password::Ha1 { algorithm: *algorithm, hex: Secret::new(hex.shape()) }
        }
    }
}
