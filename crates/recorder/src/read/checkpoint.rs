//! Reads a checkpoint. [`Phone::from_checkpoint`](offhook::Phone::from_checkpoint) validates it.

use super::error::{Unreadable, excerpt};
use crate::names::{ACCOUNT_TIMERS, CAUSES, TRANSPORTS, value_of};
use crate::text::{flag, instant};
use offhook::{
    AccountCheckpoint, AccountId, Checkpoint, ConnectionCheckpoint, ConnectionId, Instant,
    RegistrationCheckpoint, RegistrationFailure, ResponderSnapshot,
};
use std::str::FromStr;

/// A checkpoint of which lines are being read.
pub(super) struct Draft {
    checkpoint: Checkpoint,
    /// The number of lines read.
    count: usize,
    /// The contact of the account whose lines are being read.
    contact: String,
    connection: Option<(ConnectionCheckpoint, u32, u32)>,
    registration: Option<RegistrationCheckpoint>,
    counts: Option<Counts>,
    user: Option<ResponderSnapshot>,
}

/// CSeq, lifetime, failures, binding, budget.
type Counts = (u32, u32, u32, Option<Instant>, Vec<Instant>);

/// The lines of the phone.
const ONCE: [&str; 5] = ["drawn", "counted", "taken", "refused", "timers"];
/// The lines of each account.
const EACH: [&str; 6] = ["contact", "connection", "registration", "registered", "user", "proxy"];

impl Draft {
    pub(super) fn new(now: Instant, traced: u64) -> Self {
        let checkpoint = Checkpoint {
            now,
            drawn: [0; 3],
            traced,
            effects: 0,
            connections: 0,
            calls: 0,
            serial: 0,
            counters: [0; 3],
            recent_requests: Vec::new(),
            refused_cancels: Vec::new(),
            timers: Vec::new(),
            accounts: Vec::new(),
        };
        let (contact, connection, registration) = (String::new(), None, None);
        Self { checkpoint, count: 0, contact, connection, registration, counts: None, user: None }
    }

    pub(super) fn line(&mut self, words: &[&str]) -> Result<(), Unreadable> {
        let expected = match self.count.checked_sub(ONCE.len()) {
            None => ONCE[self.count],
            Some(more) => EACH[more % EACH.len()],
        };
        self.count += 1;
        match words {
            [key, values @ ..] if *key == expected => self.read_line(key, values),
            _ => None,
        }
        .ok_or_else(|| {
            format!("expected `{expected} …` in a checkpoint: `{}`", excerpt(&words.join(" "))).into()
        })
    }

    /// The checkpoint, if it is complete.
    pub(super) fn finish(self) -> Result<Checkpoint, Unreadable> {
        match self.count.checked_sub(ONCE.len()) {
            Some(more) if more % EACH.len() == 0 => Ok(self.checkpoint),
            _ => Err("the checkpoint above is incomplete".into()),
        }
    }

    fn read_line(&mut self, key: &str, values: &[&str]) -> Option<()> {
        let at = &mut self.checkpoint;
        match (key, values) {
            ("drawn", _) => at.drawn = numbers(values)?,
            ("counted", [effects, connections, calls, serial, counters @ ..]) => {
                at.effects = effects.parse().ok()?;
                (at.connections, at.calls) = (connections.parse().ok()?, calls.parse().ok()?);
                at.serial = serial.parse().ok()?;
                at.counters = numbers(counters)?;
            }
            ("taken", _) => at.recent_requests = requests(values)?,
            ("refused", _) => at.refused_cancels = requests(values)?,
            ("timers", _) => {
                let (timers, rest) = values.as_chunks::<3>();
                let timer = |[due, account, kind]: &[&str; 3]| {
                    Some((instant(due)?, AccountId(account.parse().ok()?), value_of(ACCOUNT_TIMERS, kind)?))
                };
                at.timers = timers.iter().map(timer).collect::<Option<_>>().filter(|_| rest.is_empty())?;
            }
            ("contact", [contact]) => self.contact = (*contact).to_owned(),
            ("connection", [next_server, failures, state @ ..]) => {
                self.connection =
                    Some((connection(state)?, next_server.parse().ok()?, failures.parse().ok()?));
            }
            ("registration", _) => self.registration = Some(registration(values)?),
            ("registered", [cseq, expires, failures, bound, spent @ ..]) => {
                let bound = if *bound == "-" { None } else { Some(instant(bound)?) };
                let spent = spent.iter().map(|at| instant(at)).collect::<Option<_>>()?;
                self.counts =
                    Some((cseq.parse().ok()?, expires.parse().ok()?, failures.parse().ok()?, bound, spent));
            }
            ("user", _) => self.user = challenge(values)?,
            ("proxy", _) => {
                let (connection, next_server, connection_failures) = self.connection.take()?;
                let (cseq, expires, failures, bound, spent) = self.counts.take()?;
                at.accounts.push(AccountCheckpoint {
                    contact: std::mem::take(&mut self.contact),
                    connection,
                    next_server,
                    connection_failures,
                    registration: self.registration.take()?,
                    cseq,
                    expires,
                    failures,
                    bound,
                    spent,
                    user: self.user.take(),
                    proxy: challenge(values)?,
                });
            }
            _ => return None,
        }
        Some(())
    }
}

fn numbers<T: FromStr, const N: usize>(words: &[&str]) -> Option<[T; N]> {
    words.iter().map(|word| word.parse().ok()).collect::<Option<Vec<T>>>()?.try_into().ok()
}

fn requests(words: &[&str]) -> Option<Vec<(Instant, u128)>> {
    let (requests, rest) = words.as_chunks::<2>();
    let request = |[until, digest]: &[&str; 2]| {
        let digits = digest.len() == 32 && digest.bytes().all(|digit| digit.is_ascii_hexdigit());
        Some((instant(until)?, u128::from_str_radix(digest, 16).ok().filter(|_| digits)?))
    };
    requests.iter().map(request).collect::<Option<_>>().filter(|_| rest.is_empty())
}

fn connection(words: &[&str]) -> Option<ConnectionCheckpoint> {
    let named = |connection: &str| connection.parse().ok().map(ConnectionId);
    Some(match words {
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
    })
}

fn registration(words: &[&str]) -> Option<RegistrationCheckpoint> {
    let failure = |cause: &str, code: &str, attempts: &str| {
        let code: u16 = code.parse().ok()?;
        let (cause, attempts) = (value_of(CAUSES, cause)?, attempts.parse().ok()?);
        Some(RegistrationFailure::new(cause, (code > 0).then_some(code), attempts))
    };
    Some(match words {
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

/// A remembered challenge, if any.
fn challenge(words: &[&str]) -> Option<Option<ResponderSnapshot>> {
    match words {
        [] => Some(None),
        [challenge, cnonce, count] => {
            let (challenge, cnonce) = ((*challenge).to_owned(), (*cnonce).to_owned());
            Some(Some(ResponderSnapshot { challenge, cnonce, count: count.parse().ok()? }))
        }
        _ => None,
    }
}
