//! Secrets are taken out such that the phone does the same without them.
//!
//! Every replacement is as long as what it replaces and does not depend on it, so redacting twice is redacting once. The
//! core reads none of what is replaced, or only whether it is well formed, which it stays. So a phone that is fed with
//! redacted inputs takes the same transitions and puts out what the first one did, but for what is redacted in both:
//! that is what [`Check`](crate::Check) compares.

mod body;
mod message;
mod uri;

pub(crate) use body::{dtmf_digit, of_type, sdp};
pub(crate) use message::message;

use bytes::Bytes;
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
        account.password = account.password.as_ref().map(stand_in);
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
        Input::Received { flow, data } => Input::Received { flow: *flow, data: message(data) },
        Input::Done { effect, result: EffectResult::Description(text) } => {
            Input::Done { effect: *effect, result: EffectResult::Description(sdp(text)) }
        }
        Input::Media { session, event: MediaEvent::Digit { digit, duration } } => Input::Media {
            session: *session,
            event: MediaEvent::Digit { digit: dtmf_digit(*digit), duration: *duration },
        },
        Input::Command(wish) => Input::Command(command(wish)),
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

/// A phone at rest without its secrets: of the challenges that it remembers, what an `Authorization` would not show either.
#[must_use]
pub fn checkpoint(at: &Checkpoint) -> Checkpoint {
    let mut at = at.clone();
    for line in &mut at.accounts {
        for ResponderSnapshot { challenge, cnonce, .. } in line.user.iter_mut().chain(&mut line.proxy) {
            *challenge = message::text_of_row("WWW-Authenticate", challenge);
            *cnonce = hidden(cnonce);
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

/// A server without what may be a token in its address.
pub(crate) fn target(target: &Target) -> Target {
    let mut target = target.clone();
    if let Some((path, query)) = target.path.split_once('?') {
        target.path = format!("{path}?{}", hidden(query));
    }
    target
}

/// A password that answers the same challenges.
fn stand_in(password: &Password) -> Password {
    match password {
        Password::Plain(_) => Password::plain("redacted"),
        Password::Ha1 { algorithm, hex } => {
            Password::Ha1 { algorithm: *algorithm, hex: Secret::new(hex.shape()) }
        }
    }
}

/// Hides what could be a secret and leaves what gives a text its shape: space, line ends, and the separators of
/// headers.
fn hide(bytes: &mut [u8]) {
    for byte in bytes {
        if !matches!(*byte, 0..=b' ' | 0x7f) && !b"\"<>,;=:()[]{}@\\".contains(byte) {
            *byte = b'x';
        }
    }
}

fn hidden(text: &str) -> String {
    let mut bytes = text.as_bytes().to_vec();
    hide(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Applies a change that keeps the length, and copies only if there is one.
fn changed(data: &Bytes, change: impl FnOnce(&mut [u8])) -> Bytes {
    let mut copy = data.to_vec();
    change(&mut copy);
    if copy == *data { data.clone() } else { copy.into() }
}
