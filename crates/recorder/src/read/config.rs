//! Reads the configuration of a phone. Every line is mandatory: a default may differ between versions.

use super::account;
use super::error::{Unreadable, excerpt};
use super::value::{number, value};
use crate::names::{REDIRECT_POLICIES, REFER_POLICIES, RENEGOTIATE_BY, value_of};
use crate::recording::PhoneRecording;
use crate::text::{duration, flag, instant};
use offhook::{Config, Instant, Limits, RegistrationPolicy};
use std::collections::BTreeSet;
use std::time::Duration;

/// The most accounts of one phone.
const MAX_ACCOUNTS: usize = 4096;

/// The mandatory lines of a phone.
const ONCE: [&str; 16] = [
    "start",
    "made",
    "seed",
    "user-agent",
    "call-limit",
    "no-answer",
    "media-timeout",
    "refer-policy",
    "reliable-provisional",
    "renegotiate-by",
    "media-legs",
    "redirect-policy",
    "times",
    "registration",
    "limits",
    "trace",
];

/// A phone whose configuration is being read.
pub(super) struct Draft {
    track: PhoneRecording,
    seen: BTreeSet<&'static str>,
    /// The account whose lines are being read.
    account: Option<account::Draft>,
}

impl Draft {
    pub(super) fn new(name: &str) -> Result<Self, Unreadable> {
        let mut config = Config::new(account::empty("")?);
        config.accounts.clear();
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
        Ok(Self { track, seen: BTreeSet::new(), account: None })
    }

    pub(super) fn line(&mut self, words: &[&str]) -> Result<(), Unreadable> {
        let [key, values @ ..] = words else { return Err("an empty line".into()) };
        if *key == "account" {
            self.require_all()?;
            self.close_account()?;
            self.account = Some(account::Draft::new(values)?);
            return Ok(());
        }
        if let Some(account) = &mut self.account {
            return account.line(words);
        }
        if let Some(known) = ONCE.iter().find(|known| *known == key)
            && !self.seen.insert(known)
        {
            return Err(format!("a second `{key}`").into());
        }
        self.setting(key, values)
            .ok_or_else(|| format!("invalid line: `{}`", excerpt(&words.join(" "))).into())
    }

    fn close_account(&mut self) -> Result<(), Unreadable> {
        let Some(account) = self.account.take() else { return Ok(()) };
        if self.track.config.accounts.len() == MAX_ACCOUNTS {
            return Err(Unreadable::TooLarge("the number of accounts"));
        }
        self.track.config.accounts.push(account.finish()?);
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
            ("reliable-provisional", [answer]) => config.reliable_provisional = flag(answer)?,
            ("renegotiate-by", [request]) => config.renegotiate_by = value_of(RENEGOTIATE_BY, request)?,
            ("media-legs", [count]) => config.media_legs = count.parse().ok()?,
            ("redirect-policy", [policy]) => config.redirect_policy = value_of(REDIRECT_POLICIES, policy)?,
            ("info-package", [package]) => config.info_packages.push((*package).to_owned()),
            ("times", [t1, t2, t4]) => {
                let times = &mut config.times;
                (times.t1, times.t2, times.t4) = (time("t1", t1)?, time("t2", t2)?, time("t4", t4)?);
            }
            ("registration", values) => policy(&mut config.registration, values)?,
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

    fn require_all(&self) -> Result<(), Unreadable> {
        match ONCE.iter().find(|key| !self.seen.contains(*key)) {
            Some(missing) => Err(format!("the phone above has no `{missing}`").into()),
            None => Ok(()),
        }
    }

    pub(super) fn finish(mut self) -> Result<PhoneRecording, Unreadable> {
        self.require_all()?;
        self.close_account()?;
        Ok(self.track)
    }
}

fn policy(policy: &mut RegistrationPolicy, values: &[&str]) -> Option<()> {
    let [first_wait, longest_wait, connect_timeout, keep_alive, pong_timeout, flood_budget] = values else {
        return None;
    };
    policy.first_wait = time("first-wait", first_wait)?;
    policy.longest_wait = time("longest-wait", longest_wait)?;
    policy.connect_timeout = time("connect-timeout", connect_timeout)?;
    policy.keep_alive = time("keep-alive", keep_alive)?;
    policy.pong_timeout = time("pong-timeout", pong_timeout)?;
    policy.flood_budget = number("flood-budget", flood_budget)?;
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

/// The time of a timer, at least 1 ms.
fn time(key: &str, word: &str) -> Option<Duration> {
    duration(value(key, word)?).filter(|time| *time >= Duration::from_millis(1))
}
