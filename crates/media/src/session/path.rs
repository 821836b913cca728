//! Whether there is a way to the peer, and for how long there may be none.

use std::time::Duration;

use offhook_wire::Instant;

use crate::io::FailureCause;

/// A path on which nothing at all came for so long is gone. Both ends check it every 1.5 s, so that is four checks
/// in a row; str0m alone would wait for 15 s.
const QUIET: Duration = Duration::from_secs(6);

/// A peer whose media comes from elsewhere, and of which nothing came from where it was for so long, moved: a translator gave
/// it another address. Longer than what a check of ours takes to be answered, and the next one to be sent.
const MOVED: Duration = Duration::from_secs(2);

/// What became of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Up,
    Away,
    Failed(FailureCause),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No two descriptions yet, or the call is over.
    Idle,
    Connecting {
        until: Instant,
    },
    Up,
    /// Up before, and lost or looked for anew.
    Away {
        until: Instant,
        cause: FailureCause,
    },
    Failed,
}

#[derive(Debug)]
pub(super) struct Path {
    connect: Duration,
    recovery: Duration,
    state: State,
    ice: bool,
    dtls: bool,
    /// When the peer's address was heard of last.
    heard: Instant,
    /// By RTCP, and by ICE.
    reported: Option<Duration>,
    measured: Option<Duration>,
}

impl Path {
    pub(super) fn new(connect: Duration, recovery: Duration) -> Self {
        Self {
            connect,
            recovery,
            state: State::Idle,
            ice: false,
            dtls: false,
            heard: Instant::ZERO,
            reported: None,
            measured: None,
        }
    }

    /// Both descriptions are there: the search begins, with another transport if `anew`.
    pub(super) fn start(&mut self, now: Instant, anew: bool) {
        if anew {
            self.dtls = false;
        }
        self.ice = false;
        self.heard = now;
        self.state = match self.state {
            State::Up | State::Away { .. } if !anew => {
                State::Away { until: now + self.connect, cause: FailureCause::Ice }
            }
            _ => State::Connecting { until: now + self.connect },
        };
    }

    pub(super) fn stop(&mut self) {
        self.state = State::Idle;
    }

    pub(super) fn up(&self) -> bool {
        self.state == State::Up
    }

    pub(super) fn failed(&self) -> bool {
        self.state == State::Failed
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Connecting { until } | State::Away { until, .. } => Some(until),
            State::Up => Some(self.heard + QUIET),
            State::Idle | State::Failed => None,
        }
    }

    /// Time passed.
    pub(super) fn pass(&mut self, now: Instant) -> Option<Change> {
        let due = self.deadline().is_some_and(|at| at <= now);
        match self.state {
            State::Connecting { .. } if due => {
                self.fail(if self.ice { FailureCause::Dtls } else { FailureCause::Ice })
            }
            State::Away { cause, .. } if due => self.fail(cause),
            State::Up if due => self.leave(now, FailureCause::Lost),
            _ => None,
        }
    }

    /// A datagram came from where the peer is.
    pub(super) fn heard(&mut self, now: Instant) -> Option<Change> {
        self.heard = now;
        let quiet = matches!(self.state, State::Away { cause: FailureCause::Lost, .. });
        if quiet { self.arrive(now) } else { None }
    }

    /// Authentic media came, but not from where the peer is. True when the peer is not there any more.
    pub(super) fn elsewhere(&mut self, now: Instant) -> bool {
        let known = matches!(self.state, State::Up | State::Away { cause: FailureCause::Lost, .. });
        let moved = known && now.saturating_since(self.heard) >= MOVED;
        if moved {
            self.heard = now;
        }
        moved
    }

    pub(super) fn ice_up(&mut self, now: Instant) -> Option<Change> {
        self.ice = true;
        self.arrive(now)
    }

    pub(super) fn dtls_up(&mut self, now: Instant) -> Option<Change> {
        self.dtls = true;
        // DTLS cannot come up without a path.
        self.ice = true;
        self.arrive(now)
    }

    fn arrive(&mut self, now: Instant) -> Option<Change> {
        let there = self.ice && self.dtls && !matches!(self.state, State::Up | State::Idle);
        there.then(|| {
            self.state = State::Up;
            // Another address may have answered: how long the one before was quiet does not count.
            self.heard = now;
            Change::Up
        })
    }

    pub(super) fn ice_down(&mut self, now: Instant) -> Option<Change> {
        self.ice = false;
        self.leave(now, FailureCause::Lost)
    }

    pub(super) fn closed(&mut self, now: Instant) -> Option<Change> {
        self.dtls = false;
        self.leave(now, FailureCause::Closed)
    }

    fn leave(&mut self, now: Instant, cause: FailureCause) -> Option<Change> {
        (self.state == State::Up).then(|| {
            self.state = State::Away { until: now + self.recovery, cause };
            Change::Away
        })
    }

    /// The transport is of no more use.
    pub(super) fn dead(&mut self) -> Option<Change> {
        match self.state {
            State::Connecting { .. } => self.fail(FailureCause::Dtls),
            State::Up => self.fail(FailureCause::Lost),
            // A peer that hangs up closes DTLS first and says so by SIP a moment later: let it.
            State::Away { .. } | State::Idle | State::Failed => None,
        }
    }

    fn fail(&mut self, cause: FailureCause) -> Option<Change> {
        self.state = State::Failed;
        Some(Change::Failed(cause))
    }

    pub(super) fn report(&mut self, round_trip: Option<Duration>) {
        self.reported = round_trip.or(self.reported);
    }

    pub(super) fn measured(&mut self, round_trip: Duration) {
        self.measured = Some(round_trip);
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.reported.or(self.measured)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(secs)
    }

    fn path() -> Path {
        let mut path = Path::new(Duration::from_secs(10), Duration::from_secs(15));
        path.start(at(0), true);
        path
    }

    #[test]
    fn each_way_to_fail_has_its_cause_and_its_bound() {
        let mut path = path();
        assert_eq!((path.pass(at(9)), path.deadline()), (None, Some(at(10))));
        assert_eq!(path.pass(at(10)), Some(Change::Failed(FailureCause::Ice)));
        assert_eq!((path.pass(at(11)), path.deadline()), (None, None), "said once");

        let mut path = self::path();
        assert_eq!(path.ice_up(at(1)), None, "not without DTLS");
        assert_eq!(path.pass(at(10)), Some(Change::Failed(FailureCause::Dtls)));

        let mut path = self::path();
        assert_eq!(path.dead(), Some(Change::Failed(FailureCause::Dtls)));
    }

    #[test]
    fn a_path_may_go_away_and_come_back() {
        let mut path = path();
        path.ice_up(at(1));
        assert_eq!(path.dtls_up(at(1)), Some(Change::Up));
        path.heard(at(10));
        assert_eq!((path.pass(at(15)), path.deadline()), (None, Some(at(16))));
        assert_eq!(path.pass(at(16)), Some(Change::Away));
        assert_eq!(path.heard(at(17)), Some(Change::Up));
        assert_eq!(path.ice_down(at(20)), Some(Change::Away));
        assert_eq!(path.heard(at(21)), None, "ICE knows better than one datagram");
        assert_eq!(path.ice_up(at(21)), Some(Change::Up));
        assert_eq!(path.ice_down(at(30)), Some(Change::Away));
        assert_eq!(path.pass(at(44)), None);
        assert_eq!(path.pass(at(45)), Some(Change::Failed(FailureCause::Lost)));
        path.start(at(50), false);
        assert_eq!(path.ice_up(at(50)), Some(Change::Up), "an ICE restart brings it back");
    }

    #[test]
    fn a_path_by_another_address_begins_anew() {
        let mut path = path();
        path.dtls_up(at(1));
        path.heard(at(5));
        assert_eq!(path.pass(at(11)), Some(Change::Away));
        assert_eq!(path.ice_up(at(18)), Some(Change::Up));
        assert_eq!((path.pass(at(18)), path.pass(at(23))), (None, None), "it is not quiet already");
        assert_eq!(path.pass(at(24)), Some(Change::Away));
    }

    #[test]
    fn a_peer_moved_when_only_elsewhere_is_heard_of_it() {
        let mut path = path();
        assert!(!path.elsewhere(at(9)), "there was no path yet");
        path.dtls_up(at(1));
        path.heard(at(5));
        assert!(!path.elsewhere(at(6)), "a packet that took another way");
        assert!(path.elsewhere(at(7)));
        assert!(!path.elsewhere(at(8)), "once is enough for a while");
        assert_eq!((path.pass(at(12)), path.pass(at(13))), (None, Some(Change::Away)));
        assert!(path.elsewhere(at(13)));
    }

    #[test]
    fn the_peers_goodbye_leaves_time_for_its_bye() {
        let mut path = path();
        path.dtls_up(at(1));
        assert_eq!(path.closed(at(20)), Some(Change::Away));
        assert_eq!(path.dead(), None);
        assert_eq!(path.pass(at(35)), Some(Change::Failed(FailureCause::Closed)));
    }
}
