//! Reads a checkpoint. [`Phone::from_checkpoint`](offhook::Phone::from_checkpoint) validates it.

use super::account_state;
use super::error::{Unreadable, excerpt};
use super::value::account_id;
use crate::names::{ACCOUNT_TIMERS, value_of};
use crate::text::instant;
use offhook::{Checkpoint, Instant};
use std::str::FromStr;

/// A checkpoint of which lines are being read.
pub(super) struct Draft {
    checkpoint: Checkpoint,
    /// The number of lines read of the phone.
    count: usize,
    /// The account whose lines are being read.
    account: Option<account_state::Draft>,
}

/// The lines of the phone, in their order.
const LINES: [&str; 5] = ["drawn", "counted", "taken", "refused", "timers"];

impl Draft {
    pub(super) fn new(now: Instant, traced: u64) -> Self {
        let checkpoint = Checkpoint {
            now,
            drawn: [0; 3],
            traced,
            effects: 0,
            connections: 0,
            account_ids: 0,
            calls: 0,
            requests: 0,
            serial: 0,
            counters: [0; 3],
            recent_requests: Vec::new(),
            refused_cancels: Vec::new(),
            timers: Vec::new(),
            accounts: Vec::new(),
        };
        Self { checkpoint, count: 0, account: None }
    }

    pub(super) fn line(&mut self, words: &[&str]) -> Result<(), Unreadable> {
        let [key, values @ ..] = words else { return Err("an empty line".into()) };
        let expected = LINES.get(self.count).copied().unwrap_or("id");
        let read = match &mut self.account {
            Some(account) if *key != "id" => return account.line(words),
            _ if *key != expected => None,
            _ if *key == "id" => {
                self.close_account()?;
                self.account = account_state::Draft::new(values);
                self.account.is_some().then_some(())
            }
            _ => {
                self.count += 1;
                self.read_line(key, values)
            }
        };
        read.ok_or_else(|| {
            format!("expected `{expected} …` in a checkpoint: `{}`", excerpt(&words.join(" "))).into()
        })
    }

    fn close_account(&mut self) -> Result<(), Unreadable> {
        if let Some(account) = self.account.take() {
            self.checkpoint.accounts.push(account.finish()?);
        }
        Ok(())
    }

    /// The checkpoint, if it is complete.
    pub(super) fn finish(mut self) -> Result<Checkpoint, Unreadable> {
        self.close_account()?;
        match self.count == LINES.len() {
            true => Ok(self.checkpoint),
            false => Err("the checkpoint above is incomplete".into()),
        }
    }

    fn read_line(&mut self, key: &str, values: &[&str]) -> Option<()> {
        let at = &mut self.checkpoint;
        match (key, values) {
            ("drawn", _) => at.drawn = numbers(values)?,
            ("counted", [effects, connections, account_ids, calls, requests, serial, counters @ ..]) => {
                at.effects = effects.parse().ok()?;
                (at.connections, at.calls) = (connections.parse().ok()?, calls.parse().ok()?);
                at.account_ids = account_ids.parse().ok()?;
                (at.requests, at.serial) = (requests.parse().ok()?, serial.parse().ok()?);
                at.counters = numbers(counters)?;
            }
            ("taken", _) => at.recent_requests = requests(values)?,
            ("refused", _) => at.refused_cancels = requests(values)?,
            ("timers", _) => {
                let (timers, rest) = values.as_chunks::<3>();
                let timer = |[due, account, kind]: &[&str; 3]| {
                    Some((instant(due)?, account_id(account)?, value_of(ACCOUNT_TIMERS, kind)?))
                };
                at.timers = timers.iter().map(timer).collect::<Option<_>>().filter(|_| rest.is_empty())?;
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
