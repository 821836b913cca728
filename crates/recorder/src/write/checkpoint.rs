//! Writes a checkpoint: lines with fixed fields in a fixed order, and the configuration of each account: the commands change it.

use super::account;
use crate::check::Check;
use crate::names::{ACCOUNT_TIMERS, CAUSES, CHALLENGERS, TRANSPORTS, name_of};
use crate::text::{At, word, yes};
use offhook::{
    AccountCheckpoint, Checkpoint, ConnectionCheckpoint, Instant, RealmCheckpoint, RegistrationCheckpoint,
    RegistrationFailure, ResponderSnapshot,
};
use offhook_wire::digest::Algorithm;
use std::fmt::Write;

pub(super) fn write(out: &mut String, name: &str, check: &Check, at: &Checkpoint) -> Option<()> {
    let Checkpoint {
        now,
        drawn: [ids, auth, pace],
        traced: _,
        effects,
        connections,
        account_ids,
        calls,
        requests,
        serial,
        counters: [malformed, stray, backwards],
        recent_requests,
        refused_cancels,
        timers,
        accounts,
    } = at;
    let Check { outputs, output_hash, traced, trace_hash } = check;
    let _ = writeln!(
        out,
        "checkpoint {} {} {outputs} {output_hash:016x} {traced} {trace_hash:016x}",
        word(name),
        At(*now)
    );
    let _ = writeln!(out, "  drawn {ids} {auth} {pace}");
    let _ = writeln!(
        out,
        "  counted {effects} {connections} {account_ids} {calls} {requests} {serial} {malformed} {stray} {backwards}"
    );
    for (key, requests) in [("taken", recent_requests), ("refused", refused_cancels)] {
        let _ = write!(out, "  {key}");
        for (until, digest) in requests {
            let _ = write!(out, " {} {digest:032x}", At(*until));
        }
        out.push('\n');
    }
    let _ = write!(out, "  timers");
    for (due, account, kind) in timers {
        let _ = write!(out, " {} {} {}", At(*due), account.0, name_of(ACCOUNT_TIMERS, kind)?);
    }
    out.push('\n');
    accounts.iter().try_for_each(|one| account(out, one))
}

fn account(out: &mut String, account: &AccountCheckpoint) -> Option<()> {
    let AccountCheckpoint {
        id,
        config,
        drawn,
        contact,
        connection: state_of_connection,
        next_server,
        connection_failures,
        registration: state_of_registration,
        cseq,
        expires,
        failures,
        bound,
        spent,
        servers_refused,
        realms,
    } = account;
    let _ = writeln!(out, "  id {} {drawn}", id.0);
    account::write(out, config)?;
    let _ = writeln!(out, "  contact {}", word(contact));
    connection(out, state_of_connection, *next_server, *connection_failures)?;
    registration(out, state_of_registration)?;
    let _ = write!(out, "  registered {cseq} {expires} {failures} {servers_refused} {}", Maybe(*bound));
    for at in spent {
        let _ = write!(out, " {}", At(*at));
    }
    out.push('\n');
    realms.iter().try_for_each(|one| realm(out, one))
}

/// A realm and the last challenge of it, if it is remembered.
fn realm(out: &mut String, realm: &RealmCheckpoint) -> Option<()> {
    let RealmCheckpoint { realm, proxy, registers, algorithm, offered, challenge } = realm;
    let name = |algorithm: &Option<Algorithm>| algorithm.map_or("-", Algorithm::name);
    let (by, algorithm, offered) = (name_of(CHALLENGERS, proxy)?, name(algorithm), name(offered));
    let _ = write!(out, "  challenged {} {by} {} {algorithm} {offered}", word(realm), yes(*registers));
    if let Some(ResponderSnapshot { challenge, cnonce, count }) = challenge {
        let _ = write!(out, " {} {} {count}", word(challenge), word(cnonce));
    }
    out.push('\n');
    Some(())
}

fn connection(
    out: &mut String,
    connection: &ConnectionCheckpoint,
    next_server: u32,
    failures: u32,
) -> Option<()> {
    let _ = write!(out, "  connection {next_server} {failures} ");
    let _ = match connection {
        ConnectionCheckpoint::Off => writeln!(out, "off"),
        ConnectionCheckpoint::Waiting => writeln!(out, "waiting"),
        ConnectionCheckpoint::Connecting { connection, transport } => {
            writeln!(out, "connecting {} {}", connection.0, name_of(TRANSPORTS, transport)?)
        }
        ConnectionCheckpoint::Up { connection, transport, since, last_received, answers_keep_alives } => {
            let answers_keep_alives = yes(*answers_keep_alives);
            let transport = name_of(TRANSPORTS, transport)?;
            writeln!(
                out,
                "up {} {transport} {} {} {answers_keep_alives}",
                connection.0,
                At(*since),
                At(*last_received)
            )
        }
    };
    Some(())
}

fn registration(out: &mut String, state: &RegistrationCheckpoint) -> Option<()> {
    let mut failure = |word: &str, until: &str, why: &RegistrationFailure| {
        let RegistrationFailure { cause, code, attempts, .. } = why;
        let (cause, code) = (name_of(CAUSES, cause)?, code.unwrap_or(0));
        let _ = writeln!(out, "  registration {word}{until} {cause} {code} {attempts}");
        Some(())
    };
    match state {
        RegistrationCheckpoint::Waiting { until, why } => {
            failure("waiting", &format!(" {}", At(*until)), why)?
        }
        RegistrationCheckpoint::Failed(why) => failure("failed", "", why)?,
        RegistrationCheckpoint::Unregistered => out.push_str("  registration unregistered\n"),
        RegistrationCheckpoint::Registering => out.push_str("  registration registering\n"),
        RegistrationCheckpoint::Registered { until } => {
            let _ = writeln!(out, "  registration registered {}", At(*until));
        }
    }
    Some(())
}

/// A time, or `-`.
struct Maybe(Option<Instant>);

impl std::fmt::Display for Maybe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(at) => At(at).fmt(f),
            None => f.write_str("-"),
        }
    }
}
