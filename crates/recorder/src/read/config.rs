//! Reads the configuration of a phone. Every line is mandatory: a default may differ between versions.

use super::error::{Unreadable, excerpt};
use crate::names::{REFER_POLICIES, TRANSPORTS, value_of};
use crate::recording::PhoneRecording;
use crate::text::{duration, flag, instant};
use offhook::{
    Account, Config, Instant, Limits, Password, RegistrationPolicy, Secret, Server, Target, TransactionTimes,
};
use offhook_wire::digest::Algorithm;
use std::collections::BTreeSet;
use std::str::FromStr;
use std::time::Duration;

/// The most accounts of one phone.
const MAX_ACCOUNTS: usize = 4096;

/// The mandatory lines of a phone.
const ONCE: [&str; 12] = [
    "start",
    "made",
    "seed",
    "user-agent",
    "call-limit",
    "no-answer",
    "media-timeout",
    "refer-policy",
    "times",
    "registration",
    "limits",
    "trace",
];
/// The mandatory lines of an account.
const ONCE_EACH: [&str; 2] = ["register", "expires"];

/// A phone whose configuration is being read.
pub(super) struct Draft {
    track: PhoneRecording,
    seen: BTreeSet<&'static str>,
}

impl Draft {
    pub(super) fn new(name: &str) -> Self {
        let config = Config {
            accounts: Vec::new(),
            ..Config::new(Account {
                aor: String::new(),
                display_name: None,
                username: None,
                password: None,
                realm: None,
                servers: Vec::new(),
                register: false,
                expires: Duration::ZERO,
                max_registration_attempts: None,
            })
        };
        let track = PhoneRecording {
            name: name.to_owned(),
            config,
            seed: [0; 32],
            start: Instant::ZERO,
            made: Duration::ZERO,
            entries: Vec::new(),
            forgotten: 0,
            lost: None,
        };
        Self { track, seen: BTreeSet::new() }
    }

    pub(super) fn line(&mut self, words: &[&str]) -> Result<(), Unreadable> {
        let [key, values @ ..] = words else { return Err("an empty line".into()) };
        if let Some(known) = ONCE.iter().chain(&ONCE_EACH).find(|known| *known == key)
            && !self.seen.insert(known)
        {
            return Err(format!("a second `{key}`").into());
        }
        let read = match self.track.config.accounts.last_mut() {
            _ if *key == "account" => return self.account(values),
            None => self.setting(key, values),
            Some(account) => account_setting(account, key, values),
        };
        read.ok_or_else(|| format!("invalid line: `{}`", excerpt(&words.join(" "))).into())
    }

    fn account(&mut self, values: &[&str]) -> Result<(), Unreadable> {
        self.require(&ONCE)?;
        self.require_whole_account()?;
        let [aor] = values else { return Err("expected an address of record".into()) };
        if self.track.config.accounts.len() == MAX_ACCOUNTS {
            return Err(Unreadable::TooLarge("the number of accounts"));
        }
        ONCE_EACH.iter().for_each(|key| {
            self.seen.remove(key);
        });
        self.track.config.accounts.push(Account {
            aor: (*aor).to_owned(),
            display_name: None,
            username: None,
            password: None,
            realm: None,
            servers: Vec::new(),
            register: false,
            expires: Duration::ZERO,
            max_registration_attempts: None,
        });
        Ok(())
    }

    fn setting(&mut self, key: &str, values: &[&str]) -> Option<()> {
        let PhoneRecording { config, seed, start, made, .. } = &mut self.track;
        match (key, values) {
            ("start", [at]) => *start = instant(at)?,
            ("made", [time]) => *made = duration(time)?,
            ("seed", [hex]) => *seed = seed_of(hex)?,
            ("user-agent", [text]) => config.user_agent = (*text).to_owned(),
            ("call-limit", [count]) => config.call_limit = count.parse().ok()?,
            ("no-answer", [time]) => config.no_answer = duration(time)?,
            ("media-timeout", [time]) => config.media_timeout = duration(time)?,
            ("refer-policy", [policy]) => config.refer_policy = value_of(REFER_POLICIES, policy)?,
            ("times", [t1, t2, t4]) => {
                config.times =
                    TransactionTimes { t1: time("t1", t1)?, t2: time("t2", t2)?, t4: time("t4", t4)? };
            }
            (
                "registration",
                [first_wait, longest_wait, connect_timeout, keep_alive, pong_timeout, flood_budget],
            ) => {
                config.registration = RegistrationPolicy {
                    first_wait: time("first-wait", first_wait)?,
                    longest_wait: time("longest-wait", longest_wait)?,
                    connect_timeout: time("connect-timeout", connect_timeout)?,
                    keep_alive: time("keep-alive", keep_alive)?,
                    pong_timeout: time("pong-timeout", pong_timeout)?,
                    flood_budget: number("flood-budget", flood_budget)?,
                };
            }
            ("limits", [message, head, headers]) => {
                config.limits = Limits {
                    message: number("message", message)?,
                    head: number("head", head)?,
                    headers: number("headers", headers)?,
                };
            }
            ("trace", [count]) => config.trace = count.parse().ok()?,
            _ => return None,
        }
        Some(())
    }

    fn require_whole_account(&self) -> Result<(), Unreadable> {
        if self.track.config.accounts.is_empty() { Ok(()) } else { self.require(&ONCE_EACH) }
    }

    fn require(&self, keys: &[&'static str]) -> Result<(), Unreadable> {
        match keys.iter().find(|key| !self.seen.contains(*key)) {
            Some(missing) => Err(format!("the phone above has no `{missing}`").into()),
            None => Ok(()),
        }
    }

    pub(super) fn finish(self) -> Result<PhoneRecording, Unreadable> {
        self.require(&ONCE)?;
        self.require_whole_account()?;
        Ok(self.track)
    }
}

fn account_setting(account: &mut Account, key: &str, values: &[&str]) -> Option<()> {
    match (key, values) {
        ("display-name", [text]) => account.display_name = Some((*text).to_owned()),
        ("username", [text]) => account.username = Some((*text).to_owned()),
        ("realm", [text]) => account.realm = Some((*text).to_owned()),
        ("password", ["plain"]) => account.password = Some(Password::plain("redacted")),
        ("password", ["ha1", algorithm, shape]) => {
            let algorithm = Algorithm::from_bytes(algorithm.as_bytes())?;
            account.password = Some(Password::Ha1 { algorithm, hex: Secret::new(*shape) });
        }
        ("server", [transport, host, port, path, weight]) => {
            let target = Target {
                transport: value_of(TRANSPORTS, transport)?,
                host: value("host", host)?.to_owned(),
                port: number("port", port)?,
                path: value("path", path)?.to_owned(),
            };
            account.servers.push(Server { target, weight: number("weight", weight)? });
        }
        ("register", [answer]) => account.register = flag(answer)?,
        ("expires", [time]) => account.expires = duration(time)?,
        ("attempts", [count]) => account.max_registration_attempts = Some(count.parse().ok()?),
        _ => return None,
    }
    Some(())
}

fn seed_of(hex: &str) -> Option<[u8; 32]> {
    let mut seed = [0; 32];
    let digits = hex.as_bytes();
    if digits.len() != 64 || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    for (byte, at) in seed.iter_mut().zip((0..).step_by(2)) {
        *byte = u8::from_str_radix(&hex[at..at + 2], 16).ok()?;
    }
    Some(seed)
}

fn value<'a>(key: &str, word: &'a str) -> Option<&'a str> {
    word.strip_prefix(key)?.strip_prefix('=')
}

fn number<T: FromStr>(key: &str, word: &str) -> Option<T> {
    value(key, word)?.parse().ok()
}

/// The time of a timer, at least 1 ms.
fn time(key: &str, word: &str) -> Option<Duration> {
    duration(value(key, word)?).filter(|time| *time >= Duration::from_millis(1))
}
