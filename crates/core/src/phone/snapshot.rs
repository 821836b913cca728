//! Checkpoints of an idle phone.

use super::{Counters, Phone};
use crate::api::checkpoint::{Checkpoint, InvalidCheckpoint};
use crate::base::name::AccountTimer;
use crate::base::name::Timer;
use crate::base::timers::Timers;
use crate::{Account, Config};
use std::collections::BTreeMap;

/// A limit of all counters.
const MOST: u64 = 1 << 40;

impl Phone {
    /// Its state while it is idle: without calls and transactions, and with no output to [`poll`](Phone::poll). Otherwise `None`.
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        if !(self.is_idle() && self.out.is_empty()) {
            return None;
        }
        let timers = self.timers.in_order().map(|(at, timer)| match timer {
            Timer::Account(account, kind) => Some((at, account, kind)),
            _ => None,
        });
        let (connections, effects) = self.out.named();
        let (serial, recent_requests, refused_cancels) = self.txs.snapshot()?;
        let Counters { malformed, stray, clock_backwards } = self.counters;
        Some(Checkpoint {
            now: self.now,
            drawn: self.entropy.drawn(),
            traced: self.trace.count(),
            effects,
            connections,
            account_ids: u32::from(self.next_account().0),
            calls: self.generation,
            requests: self.requests.count,
            serial,
            counters: [malformed, stray, clock_backwards],
            recent_requests,
            refused_cancels,
            timers: timers.collect::<Option<_>>()?,
            accounts: (self.accounts.iter().flatten())
                .map(|account| account.checkpoint(&self.config.accounts[usize::from(account.id().0)]))
                .collect::<Option<_>>()?,
        })
    }

    /// A phone that continues from a checkpoint of one with the same `config` and `seed`: the same inputs give exactly the same
    /// outputs.
    ///
    /// # Errors
    /// If the checkpoint is not one of such a phone.
    pub fn from_checkpoint(
        config: Config,
        seed: [u8; 32],
        at: &Checkpoint,
    ) -> Result<Self, InvalidCheckpoint> {
        let mut phone = Self::without_accounts(config, seed, at.now);
        phone.restore_accounts(at)?;
        let [malformed, stray, clock_backwards] = at.counters;
        let long =
            [at.drawn[0], at.drawn[1], at.drawn[2], at.traced, at.effects, malformed, stray, clock_backwards];
        let short =
            [u64::from(at.connections), u64::from(at.calls), u64::from(at.requests), u64::from(at.serial)];
        if long.iter().any(|count| *count >= MOST)
            || short.iter().any(|count| *count > u64::from(u32::MAX / 2))
        {
            return Err(InvalidCheckpoint("it counted further than there is time"));
        }
        phone.counters = Counters { malformed, stray, clock_backwards };
        phone.generation = at.calls;
        phone.requests.count = at.requests;
        phone.entropy.restore(at.drawn);
        phone.trace.restore(at.traced);
        phone.out.restore(at.connections, at.effects);
        phone.txs.restore(at.serial, &at.recent_requests, &at.refused_cancels)?;
        phone.timers = Timers::new();
        let mut set = BTreeMap::new();
        for &(due, account, kind) in &at.timers {
            let timer = phone.timers.set(due, Timer::Account(account, kind));
            let known = phone.active(account).is_some();
            if !known || set.insert((account, kind as u8), timer).is_some() {
                return Err(InvalidCheckpoint("a timer has no machine"));
            }
        }
        for (account, saved) in phone.accounts.iter_mut().flatten().zip(&at.accounts) {
            let id = account.id();
            let timer = |kind: AccountTimer| set.get(&(id, kind as u8)).copied();
            account.restore(saved, at.connections, timer)?;
        }
        Ok(phone)
    }

    /// Makes the accounts of a checkpoint active, with their configurations and identifiers.
    fn restore_accounts(&mut self, at: &Checkpoint) -> Result<(), InvalidCheckpoint> {
        let ids = usize::try_from(at.account_ids).unwrap_or(usize::MAX);
        let in_order = at.accounts.windows(2).all(|two| two[0].id < two[1].id);
        let known = at.accounts.last().is_none_or(|last| usize::from(last.id.0) < ids);
        if ids > usize::from(u16::MAX) || !in_order || !known {
            return Err(InvalidCheckpoint("the identifiers of the accounts are not in order"));
        }
        self.config.accounts = vec![Account::removed(); ids];
        for saved in &at.accounts {
            if saved.drawn >= MOST {
                return Err(InvalidCheckpoint("it counted further than there is time"));
            }
            self.config.accounts[usize::from(saved.id.0)] = saved.config.clone();
            self.entropy.seek_ids(saved.drawn);
            self.activate(saved.id);
        }
        self.accounts.resize_with(ids, || None);
        Ok(())
    }
}
