//! How fast credentials may be guessed: what is beyond a rate is not judged.
//!
//! Only wrong credentials count. Whether those of a request are judged depends on
//!
//! - the remote address and port: a connection that failed has to wait,
//! - for a user at a source from which it has authenticated before (its home): what failed there for this user,
//! - else what failed at the source for whichever user, and what failed for the user at whichever source; a source that has not failed
//!   yet has a rate of its own, so that an owner at a new place is judged while others guess.
//!
//! A request that continues with the nonce of a success is always judged: whoever has that nonce knew the password.

mod bucket;
mod recent;

use std::net::SocketAddr;
use std::time::Duration;

use offhook_wire::Instant;
use sha2::{Digest, Sha256};

use crate::config;
use crate::flow::Prefix;
use bucket::Bucket;
use recent::Recent;

/// How long a source counts as a home of a user.
const HOME: Duration = Duration::from_secs(24 * 3600);

/// A hash of the name of a user. Strangers choose how long a name is.
type Name = [u8; 16];

/// Where credentials came from, and for which user.
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

/// Who has failed, and how often.
pub(crate) struct Guessing {
    rates: config::Guessing,
    remotes: Recent<SocketAddr, Bucket>,
    sources: Recent<Prefix, Bucket>,
    users: Recent<Name, Bucket>,
    homes: Recent<(Prefix, Name), Home>,
    fresh: Bucket,
}

struct Home {
    until: Instant,
    failures: Bucket,
}

impl Guessing {
    pub(crate) fn new(rates: config::Guessing) -> Self {
        let room = rates.remembered;
        Self {
            rates,
            remotes: Recent::new(room),
            sources: Recent::new(room),
            users: Recent::new(room),
            homes: Recent::new(room),
            fresh: Bucket::default(),
        }
    }

    /// How long the sender has to wait until its credentials are judged; none if they are judged now.
    pub(crate) fn wait(&mut self, now: Instant, attempt: Attempt) -> Option<Duration> {
        let rates = self.rates;
        if let Some(wait) = self.remotes.get(&attempt.remote).and_then(|it| it.wait(now, rates.per_remote)) {
            return Some(wait);
        }
        if let Some(home) = self.home(now, attempt) {
            return home.failures.wait(now, rates.per_home);
        }
        let source = attempt.source();
        let of_user = self.users.get(&attempt.user).and_then(|it| it.wait(now, rates.per_user));
        if let Some(failures) = self.sources.get(&source) {
            return failures.wait(now, rates.per_source).max(of_user);
        }
        let fresh = self.fresh.wait(now, rates.fresh_sources)?;
        Some(of_user?.min(fresh))
    }

    /// The credentials were judged and are wrong.
    pub(crate) fn failed(&mut self, now: Instant, attempt: Attempt) {
        let rates = self.rates;
        self.remotes.entry(attempt.remote).take(now, rates.per_remote);
        let source = attempt.source();
        if let Some(home) = self.home(now, attempt) {
            home.failures.take(now, rates.per_home);
            return;
        }
        let fresh = self.sources.get(&source).is_none();
        let of_user = self.users.entry(attempt.user);
        // What was judged by the rate of fresh sources does not count twice: it would make the user's wait longer and longer.
        if fresh && of_user.wait(now, rates.per_user).is_some() {
            self.fresh.take(now, rates.fresh_sources);
        } else {
            of_user.take(now, rates.per_user);
        }
        self.sources.entry(source).take(now, rates.per_source);
    }

    /// The credentials are right.
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

    /// How many of so many wrong attempts, one a millisecond, are judged.
    fn judged(guessing: &mut Guessing, attempts: u64, next: impl Fn(u64) -> Attempt) -> usize {
        let mut judged = 0;
        for index in 0..attempts {
            let attempt = next(index);
            if guessing.wait(at(index), attempt).is_none() {
                guessing.failed(at(index), attempt);
                judged += 1;
            }
        }
        judged
    }

    fn guessing() -> Guessing {
        Guessing::new(config::Guessing::default())
    }

    #[test]
    fn one_connection_is_judged_a_few_times_and_then_seldom() {
        assert_eq!(judged(&mut guessing(), 10_000, |_| attempt(1, 1, "alice")), 3 + 1);
    }

    #[test]
    fn many_connections_of_a_source_share_its_rate() {
        let ports = |index| attempt(1, index as u16, "alice");
        assert_eq!(judged(&mut guessing(), 10_000, ports), 32 + 9);
    }

    #[test]
    fn many_sources_share_the_rate_of_the_user_and_that_of_fresh_sources() {
        let sources = |index| attempt((index % 200) as u8, index as u16, "alice");
        let judged = judged(&mut guessing(), 10_000, sources);
        assert!(judged <= 32 + 9 + 32 + 49, "{judged}");
    }

    #[test]
    fn the_owner_is_judged_at_the_first_try_while_others_guess() {
        let owner = attempt(250, 5060, "alice");
        let guesses = [
            (|_| attempt(250, 1, "alice")) as fn(u64) -> Attempt,
            |index| attempt(1, index as u16, "alice"),
            |index| attempt((index % 20) as u8, index as u16, "alice"),
        ];
        for guess in guesses {
            let mut guessing = guessing();
            judged(&mut guessing, 10_000, guess);
            assert_eq!(guessing.wait(at(10_000), owner), None);
        }
    }

    #[test]
    fn the_owner_at_home_is_not_slowed_by_what_other_sources_try() {
        let mut guessing = guessing();
        guessing.succeeded(START, attempt(250, 1, "alice"));
        judged(&mut guessing, 10_000, |index| attempt((index % 200) as u8, index as u16, "alice"));
        judged(&mut guessing, 1000, |index| attempt(250, index as u16, "bob"));
        assert_eq!(guessing.wait(at(10_000), attempt(250, 9, "alice")), None);
        let tomorrow = START + HOME;
        judged(&mut guessing, 10_000, |index| attempt((index % 200) as u8, index as u16, "alice"));
        assert!(guessing.home(tomorrow, attempt(250, 9, "alice")).is_none());
    }

    #[test]
    fn a_success_ends_the_wait_of_its_connection() {
        let mut guessing = guessing();
        let owner = attempt(1, 1, "alice");
        judged(&mut guessing, 10, |_| attempt(1, 1, "alice"));
        let wait = guessing.wait(at(10), owner).expect("a wait");
        assert!(wait <= Duration::from_secs(5), "{wait:?}");
        guessing.succeeded(at(10), owner);
        assert_eq!(guessing.wait(at(10), owner), None);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut guessing = Guessing::new(config::Guessing { remembered: 8, ..config::Guessing::default() });
        judged(&mut guessing, 1000, |index| attempt((index % 200) as u8, index as u16, "alice"));
        let sizes =
            [guessing.remotes.len(), guessing.sources.len(), guessing.users.len(), guessing.homes.len()];
        assert!(sizes.iter().all(|size| *size <= 8), "{sizes:?}");
    }
}
