//! Server transactions: RFC 3261 §17.2 and RFC 6026 §7.1.

use bytes::Bytes;
use offhook_wire::Instant;

use super::{Backoff, T2, T4, TIMEOUT, earliest};

/// One server transaction, of an INVITE or of any other request.
pub(crate) struct Server {
    invite: bool,
    reliable: bool,
    state: State,
}

enum State {
    /// Proceeding, and Trying while nothing was sent: `last` is what a retransmitted request is answered with.
    Open { last: Option<Bytes> },
    /// INVITE, a non-2xx final response was sent and no ACK has come (timers G and H).
    Unacknowledged { response: Bytes, resend: Option<Backoff>, until: Instant },
    /// INVITE, Confirmed: absorbs late ACKs (timer I).
    Confirmed { until: Instant },
    /// INVITE, a 2xx was sent: absorbs late INVITEs (timer L).
    Accepted { until: Instant },
    /// Not INVITE, Completed (timer J).
    Completed { response: Bytes, until: Instant },
    /// Terminated.
    Over,
}

impl Server {
    pub(crate) fn new(invite: bool, reliable: bool) -> Self {
        Self { invite, reliable, state: State::Open { last: None } }
    }

    /// How many bytes of messages this keeps.
    pub(crate) fn bytes(&self) -> usize {
        match &self.state {
            State::Open { last } => last.as_ref().map_or(0, Bytes::len),
            State::Unacknowledged { response, .. } | State::Completed { response, .. } => response.len(),
            State::Confirmed { .. } | State::Accepted { .. } | State::Over => 0,
        }
    }

    /// Whether a final response can still be chosen.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// Remembers a provisional response that is being sent. False if it is too late for one.
    pub(crate) fn provisional(&mut self, response: &Bytes) -> bool {
        match &mut self.state {
            State::Open { last } => {
                *last = Some(response.clone());
                true
            }
            _ => false,
        }
    }

    /// Moves on because a final response is being sent. False if one has been sent before.
    pub(crate) fn finish(&mut self, now: Instant, status: u16, response: &Bytes) -> bool {
        if !self.is_open() {
            return false;
        }
        let response = response.clone();
        self.state = match (self.invite, status) {
            // RFC 6026 §7.1: the 2xx is retransmitted by the callee itself and passed on, not repeated from here.
            (true, 200..=299) => State::Accepted { until: now + TIMEOUT },
            (true, _) => {
                let resend = Backoff::start(now, self.reliable, T2);
                State::Unacknowledged { response, resend, until: now + TIMEOUT }
            }
            (false, _) if self.reliable => State::Over,
            (false, _) => State::Completed { response, until: now + TIMEOUT },
        };
        true
    }

    /// The request came again: what to answer, if anything.
    pub(crate) fn repeated(&self) -> Option<Bytes> {
        match &self.state {
            State::Open { last } => last.clone(),
            State::Unacknowledged { response, .. } | State::Completed { response, .. } => {
                Some(response.clone())
            }
            State::Confirmed { .. } | State::Accepted { .. } | State::Over => None,
        }
    }

    /// An ACK with the INVITE's branch came: the end of a non-2xx exchange (RFC 3261 §17.2.1). False if a 2xx was sent:
    /// then the ACK is the callee's (RFC 6026 §7.1).
    pub(crate) fn acknowledged(&mut self, now: Instant) -> bool {
        if matches!(self.state, State::Unacknowledged { .. }) {
            self.state = if self.reliable { State::Over } else { State::Confirmed { until: now + T4 } };
        }
        !matches!(self.state, State::Accepted { .. })
    }

    /// Ends without a final response.
    pub(crate) fn abandon(&mut self) {
        self.state = State::Over;
    }

    /// What timer G sends again; the other timers end the machine.
    pub(crate) fn fire(&mut self, now: Instant) -> Option<Bytes> {
        match &mut self.state {
            State::Unacknowledged { until, .. }
            | State::Confirmed { until }
            | State::Accepted { until }
            | State::Completed { until, .. }
                if *until <= now =>
            {
                self.state = State::Over;
                None
            }
            State::Unacknowledged { response, resend: Some(backoff), .. } => {
                backoff.fire(now).then(|| response.clone())
            }
            _ => None,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Open { .. } | State::Over => None,
            State::Unacknowledged { resend, until, .. } => Some(earliest(resend, *until)),
            State::Confirmed { until } | State::Accepted { until } | State::Completed { until, .. } => {
                Some(*until)
            }
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const START: Instant = Instant::ZERO;

    fn at(millis: u64) -> Instant {
        START + Duration::from_millis(millis)
    }

    /// The times at which the machine sends something by itself.
    fn sends(server: &mut Server) -> Vec<u64> {
        let mut times = Vec::new();
        while let Some(due) = server.deadline() {
            if server.fire(due).is_some() {
                times.push(due.as_nanos() / 1_000_000);
            }
        }
        times
    }

    #[test]
    fn a_refused_invite_is_repeated_on_udp_until_timer_h() {
        let mut server = Server::new(true, false);
        assert!(server.finish(START, 486, &Bytes::from_static(b"busy")));
        let times = sends(&mut server);
        assert_eq!(times, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
        assert!(server.is_over());
    }

    #[test]
    fn an_ack_silences_a_refused_invite_and_timer_i_ends_it() {
        let mut server = Server::new(true, false);
        server.finish(START, 486, &Bytes::from_static(b"busy"));
        assert!(server.acknowledged(at(100)));
        assert!(server.repeated().is_none());
        assert_eq!(server.deadline(), Some(at(5100)));
        assert!(sends(&mut server).is_empty());
        assert!(server.is_over());
    }

    #[test]
    fn on_a_connection_nothing_is_repeated() {
        let mut server = Server::new(true, true);
        server.finish(START, 486, &Bytes::from_static(b"busy"));
        assert!(sends(&mut server).is_empty());
        let mut server = Server::new(false, true);
        server.finish(START, 200, &Bytes::from_static(b"ok"));
        assert!(server.is_over());
    }

    #[test]
    fn a_repeated_request_hears_the_last_response() {
        let mut server = Server::new(false, false);
        assert!(server.repeated().is_none());
        assert!(server.provisional(&Bytes::from_static(b"trying")));
        assert_eq!(server.repeated().as_deref(), Some(&b"trying"[..]));
        assert!(server.finish(START, 200, &Bytes::from_static(b"ok")));
        assert_eq!(server.repeated().as_deref(), Some(&b"ok"[..]));
        assert!(!server.finish(START, 500, &Bytes::from_static(b"no")), "only one final response");
        assert!(!server.provisional(&Bytes::from_static(b"ringing")), "nothing provisional after it");
        assert_eq!(server.deadline(), Some(START + TIMEOUT));
    }

    #[test]
    fn an_accepted_invite_absorbs_and_ends_by_timer_l() {
        let mut server = Server::new(true, false);
        server.finish(START, 200, &Bytes::from_static(b"ok"));
        assert!(server.repeated().is_none());
        assert!(!server.acknowledged(at(10)), "the ACK is for the callee");
        assert_eq!(server.deadline(), Some(START + TIMEOUT));
    }
}
