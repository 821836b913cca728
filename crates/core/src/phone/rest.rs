//! A phone that rests can be written down, and another one go on where it was.

use super::{Counters, Phone};
use crate::Config;
use crate::api::checkpoint::{Checkpoint, InvalidCheckpoint};
use crate::base::name::AccountTimer;
use crate::base::name::Timer;
use crate::base::timers::Timers;
use std::collections::BTreeMap;

/// More than any phone counts.
const MOST: u64 = 1 << 40;

impl Phone {
    /// What it has become, while it rests: without calls and transactions, and with nothing left to [`poll`](Phone::poll).
    pub fn checkpoint(&self) -> Option<Checkpoint> {
        if !(self.is_idle() && self.out.is_empty()) {
            return None;
        }
        let timers = self.timers.in_order().map(|(at, timer)| match timer {
            Timer::Line(account, kind) => Some((at, account, kind)),
            _ => None,
        });
        let (flows, effects) = self.out.named();
        let (serial, taken, refused) = self.txs.remembered()?;
        let Counters { malformed, stray, clock_backwards } = self.counters;
        Some(Checkpoint {
            now: self.now,
            drawn: self.entropy.drawn(),
            traced: self.trace.count(),
            effects,
            flows,
            calls: self.generation,
            serial,
            counters: [malformed, stray, clock_backwards],
            taken,
            refused,
            timers: timers.collect::<Option<_>>()?,
            lines: self.lines.iter().map(|line| line.checkpoint()).collect::<Option<_>>()?,
        })
    }

    /// A phone that goes on where one that was made from `config` and `seed` rested: what is put in from here on makes it do what
    /// that one did, to the last bit of what comes out.
    ///
    /// # Errors
    /// When no such phone can have rested like this.
    pub fn from_checkpoint(
        config: Config,
        seed: [u8; 32],
        at: &Checkpoint,
    ) -> Result<Self, InvalidCheckpoint> {
        let mut phone = Self::new(config, seed, at.now);
        if at.lines.len() != phone.lines.len() {
            return Err(InvalidCheckpoint("it has other accounts"));
        }
        let [malformed, stray, clock_backwards] = at.counters;
        let long =
            [at.drawn[0], at.drawn[1], at.drawn[2], at.traced, at.effects, malformed, stray, clock_backwards];
        let short = [u64::from(at.flows), u64::from(at.calls), u64::from(at.serial)];
        if long.iter().any(|count| *count >= MOST)
            || short.iter().any(|count| *count > u64::from(u32::MAX / 2))
        {
            return Err(InvalidCheckpoint("it counted further than there is time"));
        }
        phone.counters = Counters { malformed, stray, clock_backwards };
        phone.generation = at.calls;
        phone.entropy.resume(at.drawn);
        phone.trace.resume(at.traced);
        phone.out.resume(at.flows, at.effects);
        phone.txs.resume(at.serial, &at.taken, &at.refused)?;
        phone.timers = Timers::new();
        let mut set = BTreeMap::new();
        for &(due, account, kind) in &at.timers {
            let timer = phone.timers.set(due, Timer::Line(account, kind));
            let known = usize::from(account.0) < phone.lines.len();
            if !known || set.insert((account, kind as u8), timer).is_some() {
                return Err(InvalidCheckpoint("a timer belongs to nothing"));
            }
        }
        for (line, then) in phone.lines.iter_mut().zip(&at.lines) {
            let account = line.id();
            let timer = |kind: AccountTimer| set.get(&(account, kind as u8)).copied();
            line.resume(then, at.flows, timer)?;
        }
        Ok(phone)
    }
}
