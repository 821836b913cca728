//! Writes the configuration of an account: a line for each field. It is part of that of a phone, of a checkpoint, and of the commands that
//! add or replace an account.

use crate::names::{TRANSPORTS, name_of};
use crate::text::{Seconds, word, yes};
use offhook::{Account, Credentials, Hop, Password, Server};
use std::fmt::{Display, Write};

pub(super) fn write(out: &mut String, account: &Account) -> Option<()> {
    let mut line = |key: &str, value: &dyn Display| {
        let _ = writeln!(out, "  {key} {value}");
    };
    line("account", &word(&account.aor));
    for (key, value) in [("display-name", &account.display_name), ("username", &account.username)] {
        if let Some(value) = value {
            line(key, &word(value));
        }
    }
    account.realms.iter().for_each(|realm| line("realm", &word(realm)));
    if let Some(shown) = &account.password {
        line("password", &password(shown));
    }
    line("ask-credentials", &yes(account.ask_credentials));
    for Server { hop: Hop { transport, host, port, path }, weight, .. } in &account.servers {
        let transport = name_of(TRANSPORTS, transport)?;
        let (host, path) = (format!("host={host}"), format!("path={path}"));
        line(
            "server",
            &format_args!("{transport} {} port={port} {} weight={weight}", word(&host), word(&path)),
        );
    }
    line("register", &yes(account.register));
    line("expires", &Seconds(account.expires));
    if let Some(attempts) = account.max_registration_attempts {
        line("attempts", &attempts);
    }
    Some(())
}

/// The kind of a password, without the password.
pub(super) fn password(password: &Password) -> String {
    match password {
        Password::Plain(_) => "plain".to_owned(),
        Password::Ha1 { algorithm, hex } => format!("ha1 {} {}", algorithm.name(), word(&hex.shape())),
    }
}

/// The kind of the password, and the user name if there is one.
pub(super) fn credentials(credentials: &Credentials) -> String {
    let kind = password(&credentials.password);
    match &credentials.username {
        Some(username) => format!("{kind} {}", word(username)),
        None => kind,
    }
}
