//! Reads the configuration of an account. Every line that is always written is mandatory: a default may differ between versions.

use super::error::{Unreadable, excerpt};
use super::value::{number, value};
use crate::names::{TRANSPORTS, value_of};
use crate::text::{duration, flag};
use offhook::{Account, Credentials, Hop, Password, Secret, Server};
use offhook_wire::digest::Algorithm;
use std::collections::BTreeSet;

/// The mandatory lines.
const ONCE: [&str; 3] = ["ask-credentials", "register", "expires"];

/// An account whose lines are being read.
pub(super) struct Draft {
    account: Account,
    seen: BTreeSet<&'static str>,
}

impl Draft {
    /// An account of which the values of its first line were read.
    pub(super) fn new(values: &[&str]) -> Result<Self, Unreadable> {
        let [aor] = values else { return Err("expected an address of record".into()) };
        Ok(Self { account: empty(aor)?, seen: BTreeSet::new() })
    }

    pub(super) fn line(&mut self, words: &[&str]) -> Result<(), Unreadable> {
        let [key, values @ ..] = words else { return Err("an empty line".into()) };
        if let Some(known) = ONCE.iter().find(|known| *known == key)
            && !self.seen.insert(known)
        {
            return Err(format!("a second `{key}`").into());
        }
        setting(&mut self.account, key, values)
            .ok_or_else(|| format!("invalid line: `{}`", excerpt(&words.join(" "))).into())
    }

    pub(super) fn finish(self) -> Result<Account, Unreadable> {
        match ONCE.iter().find(|key| !self.seen.contains(*key)) {
            Some(missing) => Err(format!("the account above has no `{missing}`").into()),
            None => Ok(self.account),
        }
    }
}

/// An account without a server.
pub(super) fn empty(aor: &str) -> Result<Account, Unreadable> {
    let mut account = Account::new(aor, None, "udp://server").map_err(|why| why.to_string())?;
    account.servers.clear();
    Ok(account)
}

fn setting(account: &mut Account, key: &str, values: &[&str]) -> Option<()> {
    match (key, values) {
        ("display-name", [text]) => account.display_name = Some((*text).to_owned()),
        ("username", [text]) => account.username = Some((*text).to_owned()),
        ("realm", [text]) => account.realms.push((*text).to_owned()),
        ("password", kind) => account.password = Some(password(kind)?),
        ("ask-credentials", [answer]) => account.ask_credentials = flag(answer)?,
        ("server", [transport, host, port, path, weight]) => {
            let hop = Hop {
                transport: value_of(TRANSPORTS, transport)?,
                host: value("host", host)?.to_owned(),
                port: number("port", port)?,
                path: value("path", path)?.to_owned(),
            };
            account.servers.push(Server::new(hop).with_weight(number("weight", weight)?));
        }
        ("register", [answer]) => account.register = flag(answer)?,
        ("expires", [time]) => account.expires = duration(time)?,
        ("attempts", [count]) => account.max_registration_attempts = Some(count.parse().ok()?),
        _ => return None,
    }
    Some(())
}

/// A replacement for a password of this kind.
pub(super) fn password(kind: &[&str]) -> Option<Password> {
    match kind {
        ["plain"] => Some(Password::plain("redacted")),
        ["ha1", algorithm, shape] => {
            let algorithm = Algorithm::from_bytes(algorithm.as_bytes())?;
            Some(Password::Ha1 { algorithm, hex: Secret::new(*shape) })
        }
        _ => None,
    }
}

/// The kind of a password, and possibly a user name.
pub(super) fn credentials(words: &[&str]) -> Option<Credentials> {
    let kind = if words.first() == Some(&"ha1") { 3 } else { 1 };
    let (kind, username) = words.split_at_checked(kind)?;
    let credentials = Credentials::new(password(kind)?);
    match username {
        [] => Some(credentials),
        [username] => Some(credentials.with_username(*username)),
        _ => None,
    }
}
