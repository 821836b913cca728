//! The state of the path to the peer, and its timeouts.

use std::time::Duration;

use offhook_wire::Instant;

use crate::io::FailureCause;

/// The path is lost when no datagram was received on it for this long. Both ends check it every 1.5 s, so four checks in a row were
/// lost; str0m by itself would wait for 15 s.
const INACTIVITY_TIMEOUT: Duration = Duration::from_secs(6);

/// The peer's NAT has rebound it when its media arrives from another address, and nothing was received from its known address for this
/// long. Longer than the round trip of a check plus the interval of checks.
const REBINDING_TIMEOUT: Duration = Duration::from_secs(2);

/// A change of the path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathEvent {
    Connected,
    Disconnected,
    Failed(FailureCause),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Before both descriptions are known, and after the call.
    Idle,
    Connecting {
        deadline: Instant,
    },
    Connected,
    /// Connected before; lost, or restarted.
    Disconnected {
        deadline: Instant,
        cause: FailureCause,
    },
    Failed,
}

#[derive(Debug)]
pub(super) struct Path {
    connect_timeout: Duration,
    recovery_timeout: Duration,
    state: State,
    ice_ready: bool,
    dtls_ready: bool,
    /// When a datagram from the peer's address was last received.
    last_datagram: Instant,
    /// Round-trip times by RTCP and by ICE.
    rtcp_round_trip: Option<Duration>,
    ice_round_trip: Option<Duration>,
}

impl Path {
    pub(super) fn new(connect_timeout: Duration, recovery_timeout: Duration) -> Self {
        Self {
            connect_timeout,
            recovery_timeout,
            state: State::Idle,
            ice_ready: false,
            dtls_ready: false,
            last_datagram: Instant::ZERO,
            rtcp_round_trip: None,
            ice_round_trip: None,
        }
    }

    /// Both descriptions are known: ICE starts, with another transport if `new_association`.
    pub(super) fn start(&mut self, now: Instant, new_association: bool) {
        if new_association {
            self.dtls_ready = false;
        }
        self.ice_ready = false;
        self.last_datagram = now;
        self.state = match self.state {
            State::Connected | State::Disconnected { .. } if !new_association => {
                State::Disconnected { deadline: now + self.connect_timeout, cause: FailureCause::Ice }
            }
            _ => State::Connecting { deadline: now + self.connect_timeout },
        };
    }

    pub(super) fn stop(&mut self) {
        self.state = State::Idle;
    }

    pub(super) fn is_connected(&self) -> bool {
        self.state == State::Connected
    }

    pub(super) fn has_failed(&self) -> bool {
        self.state == State::Failed
    }

    pub(super) fn deadline(&self) -> Option<Instant> {
        match self.state {
            State::Connecting { deadline } | State::Disconnected { deadline, .. } => Some(deadline),
            State::Connected => Some(self.last_datagram + INACTIVITY_TIMEOUT),
            State::Idle | State::Failed => None,
        }
    }

    /// Expires the deadline if it has passed.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> Option<PathEvent> {
        let due = self.deadline().is_some_and(|at| at <= now);
        match self.state {
            State::Connecting { .. } if due => {
                self.fail(if self.ice_ready { FailureCause::Dtls } else { FailureCause::Ice })
            }
            State::Disconnected { cause, .. } if due => self.fail(cause),
            State::Connected if due => self.disconnect(now, FailureCause::Lost),
            _ => None,
        }
    }

    /// A datagram was received from the peer's address.
    pub(super) fn on_datagram(&mut self, now: Instant) -> Option<PathEvent> {
        self.last_datagram = now;
        let lost = matches!(self.state, State::Disconnected { cause: FailureCause::Lost, .. });
        if lost { self.connect_if_ready(now) } else { None }
    }

    /// Authentic media was received from another address than the peer's. True when the peer's NAT has rebound it.
    pub(super) fn detect_rebinding(&mut self, now: Instant) -> bool {
        let may_move =
            matches!(self.state, State::Connected | State::Disconnected { cause: FailureCause::Lost, .. });
        let moved = may_move && now.saturating_since(self.last_datagram) >= REBINDING_TIMEOUT;
        if moved {
            self.last_datagram = now;
        }
        moved
    }

    pub(super) fn ice_connected(&mut self, now: Instant) -> Option<PathEvent> {
        self.ice_ready = true;
        self.connect_if_ready(now)
    }

    pub(super) fn dtls_connected(&mut self, now: Instant) -> Option<PathEvent> {
        self.dtls_ready = true;
        // DTLS needs a path.
        self.ice_ready = true;
        self.connect_if_ready(now)
    }

    fn connect_if_ready(&mut self, now: Instant) -> Option<PathEvent> {
        let ready =
            self.ice_ready && self.dtls_ready && !matches!(self.state, State::Connected | State::Idle);
        ready.then(|| {
            self.state = State::Connected;
            // Another address may have answered: inactivity of the previous one does not count.
            self.last_datagram = now;
            PathEvent::Connected
        })
    }

    pub(super) fn ice_disconnected(&mut self, now: Instant) -> Option<PathEvent> {
        self.ice_ready = false;
        self.disconnect(now, FailureCause::Lost)
    }

    pub(super) fn closed_by_peer(&mut self, now: Instant) -> Option<PathEvent> {
        self.dtls_ready = false;
        self.disconnect(now, FailureCause::Closed)
    }

    fn disconnect(&mut self, now: Instant, cause: FailureCause) -> Option<PathEvent> {
        (self.state == State::Connected).then(|| {
            self.state = State::Disconnected { deadline: now + self.recovery_timeout, cause };
            PathEvent::Disconnected
        })
    }

    /// The transport failed, or was closed.
    pub(super) fn transport_failed(&mut self) -> Option<PathEvent> {
        match self.state {
            State::Connecting { .. } => self.fail(FailureCause::Dtls),
            State::Connected => self.fail(FailureCause::Lost),
            // A peer that hangs up closes DTLS first, and its BYE follows a moment later.
            State::Disconnected { .. } | State::Idle | State::Failed => None,
        }
    }

    fn fail(&mut self, cause: FailureCause) -> Option<PathEvent> {
        self.state = State::Failed;
        Some(PathEvent::Failed(cause))
    }

    pub(super) fn on_rtcp_report(&mut self, round_trip: Option<Duration>) {
        self.rtcp_round_trip = round_trip.or(self.rtcp_round_trip);
    }

    pub(super) fn on_ice_round_trip(&mut self, round_trip: Duration) {
        self.ice_round_trip = Some(round_trip);
    }

    pub(super) fn round_trip(&self) -> Option<Duration> {
        self.rtcp_round_trip.or(self.ice_round_trip)
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
    fn each_failure_has_its_cause_and_timeout() {
        let mut path = path();
        assert_eq!((path.handle_timeout(at(9)), path.deadline()), (None, Some(at(10))));
        assert_eq!(path.handle_timeout(at(10)), Some(PathEvent::Failed(FailureCause::Ice)));
        assert_eq!((path.handle_timeout(at(11)), path.deadline()), (None, None), "reported once");

        let mut path = self::path();
        assert_eq!(path.ice_connected(at(1)), None, "not without DTLS");
        assert_eq!(path.handle_timeout(at(10)), Some(PathEvent::Failed(FailureCause::Dtls)));

        let mut path = self::path();
        assert_eq!(path.transport_failed(), Some(PathEvent::Failed(FailureCause::Dtls)));
    }

    #[test]
    fn path_may_be_lost_and_recovered() {
        let mut path = path();
        path.ice_connected(at(1));
        assert_eq!(path.dtls_connected(at(1)), Some(PathEvent::Connected));
        path.on_datagram(at(10));
        assert_eq!((path.handle_timeout(at(15)), path.deadline()), (None, Some(at(16))));
        assert_eq!(path.handle_timeout(at(16)), Some(PathEvent::Disconnected));
        assert_eq!(path.on_datagram(at(17)), Some(PathEvent::Connected));
        assert_eq!(path.ice_disconnected(at(20)), Some(PathEvent::Disconnected));
        assert_eq!(path.on_datagram(at(21)), None, "one datagram does not override ICE");
        assert_eq!(path.ice_connected(at(21)), Some(PathEvent::Connected));
        assert_eq!(path.ice_disconnected(at(30)), Some(PathEvent::Disconnected));
        assert_eq!(path.handle_timeout(at(44)), None);
        assert_eq!(path.handle_timeout(at(45)), Some(PathEvent::Failed(FailureCause::Lost)));
        path.start(at(50), false);
        assert_eq!(path.ice_connected(at(50)), Some(PathEvent::Connected), "an ICE restart recovers it");
    }

    #[test]
    fn inactivity_restarts_with_another_address() {
        let mut path = path();
        path.dtls_connected(at(1));
        path.on_datagram(at(5));
        assert_eq!(path.handle_timeout(at(11)), Some(PathEvent::Disconnected));
        assert_eq!(path.ice_connected(at(18)), Some(PathEvent::Connected));
        assert_eq!(
            (path.handle_timeout(at(18)), path.handle_timeout(at(23))),
            (None, None),
            "inactivity starts again"
        );
        assert_eq!(path.handle_timeout(at(24)), Some(PathEvent::Disconnected));
    }

    #[test]
    fn rebinding_is_detected_by_media_from_another_address_alone() {
        let mut path = path();
        assert!(!path.detect_rebinding(at(9)), "there was no path yet");
        path.dtls_connected(at(1));
        path.on_datagram(at(5));
        assert!(!path.detect_rebinding(at(6)), "a packet on another path");
        assert!(path.detect_rebinding(at(7)));
        assert!(!path.detect_rebinding(at(8)), "not repeated immediately");
        assert_eq!(
            (path.handle_timeout(at(12)), path.handle_timeout(at(13))),
            (None, Some(PathEvent::Disconnected))
        );
        assert!(path.detect_rebinding(at(13)));
    }

    #[test]
    fn close_by_the_peer_leaves_time_for_its_bye() {
        let mut path = path();
        path.dtls_connected(at(1));
        assert_eq!(path.closed_by_peer(at(20)), Some(PathEvent::Disconnected));
        assert_eq!(path.transport_failed(), None);
        assert_eq!(path.handle_timeout(at(35)), Some(PathEvent::Failed(FailureCause::Closed)));
    }
}
