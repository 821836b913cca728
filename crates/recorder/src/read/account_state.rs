//! Reads the state of an account in a checkpoint: its identifier, its configuration, and its machines.

use super::account;
use super::error::{Unreadable, excerpt};
use super::value::account_id;
use crate::names::{CAUSES, CHALLENGERS, TRANSPORTS, value_of};
use crate::text::{flag, instant};
use offhook::{
    AccountCheckpoint, AccountId, ConnectionCheckpoint, ConnectionId, Instant, RealmCheckpoint,
    RegistrationCheckpoint, RegistrationFailure, ResponderSnapshot,
};
use offhook_wire::digest::Algorithm;

/// An account of which lines are being read. Each line is read once, apart from those of realms.
pub(super) struct Draft {
    id: AccountId,
    drawn: u64,
    config: Option<account::Draft>,
    contact: Option<String>,
    connection: Option<(ConnectionCheckpoint, u32, u32)>,
    registration: Option<RegistrationCheckpoint>,
    counts: Option<Counts>,
    realms: Vec<RealmCheckpoint>,
}

/// CSeq, lifetime, failures, servers that refused, binding, budget.
type Counts = (u32, u32, u32, u32, Option<Instant>, Vec<Instant>);

impl Draft {
    /// An account of which the values of its first line were read.
    pub(super) fn new(values: &[&str]) -> Option<Self> {
        let [id, drawn] = values else { return None };
        Some(Self {
            id: account_id(id)?,
            drawn: drawn.parse().ok()?,
            config: None,
            contact: None,
            connection: None,
            registration: None,
            counts: None,
            realms: Vec::new(),
        })
    }

    pub(super) fn line(&mut self, words: &[&str]) -> Result<(), Unreadable> {
        let [key, values @ ..] = words else { return Err("an empty line".into()) };
        let read = match *key {
            "account" => once(&mut self.config, Some(account::Draft::new(values)?)),
            "contact" => once(&mut self.contact, contact(values)),
            "connection" => once(&mut self.connection, connection(values)),
            "registration" => once(&mut self.registration, registration(values)),
            "registered" => once(&mut self.counts, counts(values)),
            "challenged" => realm(values).map(|realm| self.realms.push(realm)),
            _ => return self.config.as_mut().ok_or("expected `account ADDRESS`")?.line(words),
        };
        read.ok_or_else(|| format!("invalid line: `{}`", excerpt(&words.join(" "))).into())
    }

    /// The account, if it is complete.
    pub(super) fn finish(self) -> Result<AccountCheckpoint, Unreadable> {
        let incomplete = "the account above is incomplete";
        let config = self.config.ok_or(incomplete)?.finish()?;
        let (connection, next_server, connection_failures) = self.connection.ok_or(incomplete)?;
        let (cseq, expires, failures, servers_refused, bound, spent) = self.counts.ok_or(incomplete)?;
        Ok(AccountCheckpoint {
            id: self.id,
            config,
            drawn: self.drawn,
            contact: self.contact.ok_or(incomplete)?,
            connection,
            next_server,
            connection_failures,
            registration: self.registration.ok_or(incomplete)?,
            cseq,
            expires,
            failures,
            bound,
            spent,
            servers_refused,
            realms: self.realms,
        })
    }
}

/// Sets a field that is not set yet.
fn once<T>(field: &mut Option<T>, value: Option<T>) -> Option<()> {
    if field.is_some() {
        return None;
    }
    *field = Some(value?);
    Some(())
}

fn contact(values: &[&str]) -> Option<String> {
    let [contact] = values else { return None };
    Some((*contact).to_owned())
}

/// The state of the connection, the index of the next server, and the failures.
fn connection(values: &[&str]) -> Option<(ConnectionCheckpoint, u32, u32)> {
    let [next_server, failures, state @ ..] = values else { return None };
    let named = |connection: &str| connection.parse().ok().map(ConnectionId);
    let state = match state {
        ["off"] => ConnectionCheckpoint::Off,
        ["waiting"] => ConnectionCheckpoint::Waiting,
        ["connecting", connection, transport] => ConnectionCheckpoint::Connecting {
            connection: named(connection)?,
            transport: value_of(TRANSPORTS, transport)?,
        },
        ["up", connection, transport, since, last_received, answers_keep_alives] => {
            ConnectionCheckpoint::Up {
                connection: named(connection)?,
                transport: value_of(TRANSPORTS, transport)?,
                since: instant(since)?,
                last_received: instant(last_received)?,
                answers_keep_alives: flag(answers_keep_alives)?,
            }
        }
        _ => return None,
    };
    Some((state, next_server.parse().ok()?, failures.parse().ok()?))
}

fn registration(values: &[&str]) -> Option<RegistrationCheckpoint> {
    let failure = |cause: &str, code: &str, attempts: &str| {
        let code: u16 = code.parse().ok()?;
        let (cause, attempts) = (value_of(CAUSES, cause)?, attempts.parse().ok()?);
        Some(RegistrationFailure::new(cause, (code > 0).then_some(code), attempts))
    };
    Some(match values {
        ["unregistered"] => RegistrationCheckpoint::Unregistered,
        ["registering"] => RegistrationCheckpoint::Registering,
        ["registered", until] => RegistrationCheckpoint::Registered { until: instant(until)? },
        ["waiting", until, cause, code, attempts] => {
            RegistrationCheckpoint::Waiting { until: instant(until)?, why: failure(cause, code, attempts)? }
        }
        ["failed", cause, code, attempts] => RegistrationCheckpoint::Failed(failure(cause, code, attempts)?),
        _ => return None,
    })
}

fn counts(values: &[&str]) -> Option<Counts> {
    let [cseq, expires, failures, servers_refused, bound, spent @ ..] = values else { return None };
    let bound = if *bound == "-" { None } else { Some(instant(bound)?) };
    let spent = spent.iter().map(|at| instant(at)).collect::<Option<_>>()?;
    let (failures, servers_refused) = (failures.parse().ok()?, servers_refused.parse().ok()?);
    Some((cseq.parse().ok()?, expires.parse().ok()?, failures, servers_refused, bound, spent))
}

/// A realm that challenged the account: by whom, whether it challenged a REGISTER, its algorithms, and the last challenge.
fn realm(values: &[&str]) -> Option<RealmCheckpoint> {
    let [realm, by, registers, algorithm, offered, challenge @ ..] = values else { return None };
    Some(RealmCheckpoint {
        realm: (*realm).to_owned(),
        proxy: value_of(CHALLENGERS, by)?,
        registers: flag(registers)?,
        algorithm: known(algorithm)?,
        offered: known(offered)?,
        challenge: match challenge {
            [] => None,
            [challenge, cnonce, count] => Some(ResponderSnapshot {
                challenge: (*challenge).to_owned(),
                cnonce: (*cnonce).to_owned(),
                count: count.parse().ok()?,
            }),
            _ => return None,
        },
    })
}

/// An algorithm, or `-`.
fn known(word: &str) -> Option<Option<Algorithm>> {
    if word == "-" { Some(None) } else { Algorithm::from_bytes(word.as_bytes()).map(Some) }
}
