//! Rate limits for wrong credentials. Credentials beyond a rate are not verified.
//!
//! Only wrong credentials count, and each failure is charged to the lane on which it was verified:
//!
//! - home: the user has authenticated from this source before;
//! - ordinary: counts the failures at the source for any user, and those for the user at any source;
//! - fresh: the ordinary lane is exhausted, and this remote address and port has not failed yet. So the first attempt of an owner that
//!   registers during an attack is verified, unless the attacker opens a connection for each guess at the owner's own address: the two are
//!   then indistinguishable.
//!
//! In addition, each remote that failed has a rate of its own. Credentials with the nonce of an earlier success are always verified: only
//! a client that knew the password has that nonce.

mod bucket;
mod lru;

use std::net::SocketAddr;
use std::time::Duration;

use offhook_wire::Instant;
use sha2::{Digest, Sha256};

use crate::config;
use crate::flow::Prefix;
use bucket::Bucket;
use lru::LruMap;

/// How long a source counts as a home of a user.
const HOME: Duration = Duration::from_secs(24 * 3600);

/// A hash of the name of a user: the peer chooses the length of the name.
type Name = [u8; 16];

/// The source and the user of credentials.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Attempt {
    remote: SocketAddr,
    user: Name,
}

impl Attempt {
    pub(crate) fn new(remote: SocketAddr, user: &str) -> Self {
        let hash = Sha256::digest(user.as_bytes());
        let mut name = Name::default();
        name.copy_from_slice(&hash[..16]);
        Self { remote, user: name }
    }

    fn source(&self) -> Prefix {
        Prefix::of(self.remote.ip())
    }
}

/// The recent failures, by remote, source and user.
pub(crate) struct Guessing {
    rates: config::Guessing,
    remotes: LruMap<SocketAddr, Bucket>,
    sources: LruMap<Prefix, Buckets>,
    users: LruMap<Name, Buckets>,
    homes: LruMap<(Prefix, Name), Home>,
}

/// The failures on the ordinary and on the fresh lane.
#[derive(Default)]
struct Buckets {
    ordinary: Bucket,
    fresh: Bucket,
}

struct Home {
    until: Instant,
    failures: Bucket,
}

/// The rule by which credentials are verified. See the module documentation.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Lane {
    Home,
    Ordinary,
    Fresh,
}

impl Guessing {
    pub(crate) fn new(rates: config::Guessing) -> Self {
        let capacity = rates.remembered;
        Self {
            rates,
            remotes: LruMap::new(capacity),
            sources: LruMap::new(capacity),
            users: LruMap::new(capacity),
            homes: LruMap::new(capacity),
        }
    }

    /// The time until credentials of this sender are verified; none if they are verified now.
    pub(crate) fn wait(&mut self, now: Instant, attempt: Attempt) -> Option<Duration> {
        self.lane(now, attempt).err()
    }

    fn lane(&mut self, now: Instant, attempt: Attempt) -> Result<Lane, Duration> {
        let rates = self.rates;
        let failed = self.remotes.get(&attempt.remote);
        let is_fresh = failed.is_none();
        if let Some(wait) = failed.and_then(|it| it.wait(now, rates.per_remote)) {
            return Err(wait);
        }
        let (source, user) = (self.sources.get(&attempt.source()), self.users.get(&attempt.user));
        let longer = |of: fn(&Buckets) -> Bucket, per_source, per_user| {
            let source = source.as_deref().and_then(|it| of(it).wait(now, per_source));
            source.max(user.as_deref().and_then(|it| of(it).wait(now, per_user)))
        };
        let ordinary = longer(|it| it.ordinary, rates.per_source, rates.per_user);
        let fresh = longer(|it| it.fresh, rates.fresh_per_source, rates.fresh_per_user);
        if self.home(now, attempt).is_some_and(|home| home.failures.wait(now, rates.per_home).is_none()) {
            return Ok(Lane::Home);
        }
        match ordinary {
            None => Ok(Lane::Ordinary),
            Some(_) if is_fresh && fresh.is_none() => Ok(Lane::Fresh),
            Some(wait) => Err(wait),
        }
    }

    /// Records that the credentials are wrong.
    pub(crate) fn failed(&mut self, now: Instant, attempt: Attempt) {
        let rates = self.rates;
        let lane = self.lane(now, attempt);
        self.remotes.entry(attempt.remote).take(now, rates.per_remote);
        match lane {
            Ok(Lane::Home) => {
                if let Some(home) = self.home(now, attempt) {
                    home.failures.take(now, rates.per_home);
                }
            }
            Ok(Lane::Ordinary) => {
                self.sources.entry(attempt.source()).ordinary.take(now, rates.per_source);
                self.users.entry(attempt.user).ordinary.take(now, rates.per_user);
            }
            Ok(Lane::Fresh) => {
                self.sources.entry(attempt.source()).fresh.take(now, rates.fresh_per_source);
                self.users.entry(attempt.user).fresh.take(now, rates.fresh_per_user);
            }
            // Verified because of its nonce, beyond all rates.
            Err(_) => {}
        }
    }

    /// Records that the credentials are valid.
    pub(crate) fn succeeded(&mut self, now: Instant, attempt: Attempt) {
        self.remotes.remove(&attempt.remote);
        self.homes.entry((attempt.source(), attempt.user)).until = now + HOME;
    }

    fn home(&mut self, now: Instant, attempt: Attempt) -> Option<&mut Home> {
        let key = (attempt.source(), attempt.user);
        self.homes.get(&key).filter(|home| now < home.until)
    }
}

impl Default for Home {
    fn default() -> Self {
        Self { until: Instant::ZERO, failures: Bucket::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::ZERO;

    fn at(millis: u64) -> Instant {
        START + Duration::from_millis(millis)
    }

    fn attempt(host: u8, port: u16, user: &str) -> Attempt {
        Attempt::new(([192, 0, 2, host], port).into(), user)
    }

    /// How many of `attempts` wrong attempts, one each millisecond, are verified.
    fn verified(guessing: &mut Guessing, attempts: u64, next: impl Fn(u64) -> Attempt) -> usize {
        let mut verified = 0;
        for index in 0..attempts {
            let attempt = next(index);
            if guessing.wait(at(index), attempt).is_none() {
                guessing.failed(at(index), attempt);
                verified += 1;
            }
        }
        verified
    }

    fn guessing() -> Guessing {
        Guessing::new(config::Guessing::default())
    }

    #[test]
    fn one_connection_has_a_burst_and_then_its_rate() {
        assert_eq!(verified(&mut guessing(), 10_000, |_| attempt(1, 1, "alice")), 3 + 1);
    }

    #[test]
    fn many_connections_of_a_source_share_its_rates() {
        let ports = |index| attempt(1, index as u16, "alice");
        let verified = verified(&mut guessing(), 10_000, ports);
        assert!((32 + 9 + 64 + 100..=32 + 10 + 64 + 201).contains(&verified), "{verified}");
    }

    #[test]
    fn many_sources_share_the_rates_of_the_user() {
        let sources = |index| attempt((index % 250) as u8, index as u16, "alice");
        let verified = verified(&mut guessing(), 10_000, sources);
        // Less than a hundredth of the attempts at a rate of 10,000 a second.
        assert!(verified <= 32 + 10 + 128 + 401, "{verified}");
    }

    #[test]
    fn first_attempt_of_the_owner_is_verified_during_an_attack() {
        let guesses = [
            (|_| attempt(250, 1, "alice")) as fn(u64) -> Attempt,
            |index| attempt(250, (index % 32) as u16, "alice"),
            |index| attempt((index % 64) as u8 + 187, (index % 64) as u16, "alice"),
        ];
        for guess in guesses {
            let mut guessing = guessing();
            verified(&mut guessing, 10_000, guess);
            for owner in [attempt(250, 5060, "alice"), attempt(7, 5060, "alice")] {
                assert_eq!(guessing.wait(at(10_000), owner), None);
            }
        }
        let mut guessing = guessing();
        verified(&mut guessing, 10_000, |index| attempt(250, index as u16, "alice"));
        assert_eq!(guessing.wait(at(10_000), attempt(7, 5060, "alice")), None, "at another address");
    }

    #[test]
    fn owner_at_home_is_not_slowed_by_other_sources() {
        let mut guessing = guessing();
        guessing.succeeded(START, attempt(250, 1, "alice"));
        verified(&mut guessing, 10_000, |index| attempt((index % 200) as u8, index as u16, "alice"));
        verified(&mut guessing, 1000, |index| attempt(250, index as u16, "bob"));
        assert_eq!(guessing.wait(at(10_000), attempt(250, 9, "alice")), None);
        let tomorrow = START + HOME;
        verified(&mut guessing, 10_000, |index| attempt((index % 200) as u8, index as u16, "alice"));
        assert!(guessing.home(tomorrow, attempt(250, 9, "alice")).is_none());
    }

    #[test]
    fn success_ends_the_wait_of_its_connection() {
        let mut guessing = guessing();
        let owner = attempt(1, 1, "alice");
        verified(&mut guessing, 10, |_| attempt(1, 1, "alice"));
        let wait = guessing.wait(at(10), owner).expect("a wait");
        assert!(wait <= Duration::from_secs(5), "{wait:?}");
        guessing.succeeded(at(10), owner);
        assert_eq!(guessing.wait(at(10), owner), None);
    }

    #[test]
    fn memory_is_bounded() {
        let mut guessing = Guessing::new(config::Guessing { remembered: 8, ..config::Guessing::default() });
        verified(&mut guessing, 1000, |index| attempt((index % 200) as u8, index as u16, "alice"));
        let sizes =
            [guessing.remotes.len(), guessing.sources.len(), guessing.users.len(), guessing.homes.len()];
        assert!(sizes.iter().all(|size| *size <= 8), "{sizes:?}");
    }
}
