//! Server transactions: RFC 3261 §17.2 and RFC 6026 §7.1.

use bytes::Bytes;
use offhook_wire::Instant;

use super::timers::{Backoff, T2, T4, TIMEOUT, earliest};

/// One server transaction, of an INVITE or of any other request.
pub(crate) struct Server {
    invite: bool,
    reliable: bool,
    state: State,
}

enum State {
    /// Trying or Proceeding: `last` is the response to retransmissions of the request.
    Proceeding { last: Option<Bytes> },
    /// INVITE, Completed: a non-2xx final response was sent and no ACK has come (timers G and H).
    InviteCompleted { response: Bytes, retransmit: Option<Backoff>, until: Instant },
    /// INVITE, Confirmed: absorbs late ACKs (timer I).
    Confirmed { until: Instant },
    /// INVITE, a 2xx was sent: absorbs late INVITEs (timer L).
    Accepted { until: Instant },
    /// Not INVITE, Completed (timer J).
    Completed { response: Bytes, until: Instant },
    /// Terminated.
    Terminated,
}

impl Server {
    pub(crate) fn new(invite: bool, reliable: bool) -> Self {
        Self { invite, reliable, state: State::Proceeding { last: None } }
    }

    /// The bytes of the messages kept.
    pub(crate) fn bytes(&self) -> usize {
        match &self.state {
            State::Proceeding { last } => last.as_ref().map_or(0, Bytes::len),
            State::InviteCompleted { response, .. } | State::Completed { response, .. } => response.len(),
            State::Confirmed { .. } | State::Accepted { .. } | State::Terminated => 0,
        }
    }

    /// Whether no final response was sent.
    pub(crate) fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// Records that a provisional response is sent. False if it is too late for one.
    pub(crate) fn set_provisional(&mut self, response: &Bytes) -> bool {
        match &mut self.state {
            State::Proceeding { last } => {
                *last = Some(response.clone());
                true
            }
            _ => false,
        }
    }

    /// Records that a final response is sent. False if one was sent before.
    pub(crate) fn set_final(&mut self, now: Instant, status: u16, response: &Bytes) -> bool {
        if !self.is_proceeding() {
            return false;
        }
        let response = response.clone();
        self.state = match (self.invite, status) {
            // RFC 6026 §7.1: the callee retransmits the 2xx and the proxy forwards it.
            (true, 200..=299) => State::Accepted { until: now + TIMEOUT },
            (true, _) => {
                let retransmit = Backoff::start(now, self.reliable, T2);
                State::InviteCompleted { response, retransmit, until: now + TIMEOUT }
            }
            (false, _) if self.reliable => State::Terminated,
            (false, _) => State::Completed { response, until: now + TIMEOUT },
        };
        true
    }

    /// The response to a retransmission of the request, if any.
    pub(crate) fn on_retransmission(&self) -> Option<Bytes> {
        match &self.state {
            State::Proceeding { last } => last.clone(),
            State::InviteCompleted { response, .. } | State::Completed { response, .. } => {
                Some(response.clone())
            }
            State::Confirmed { .. } | State::Accepted { .. } | State::Terminated => None,
        }
    }

    /// Handles an ACK with the branch of the INVITE (RFC 3261 §17.2.1). False if a 2xx was sent: then the ACK is for the callee (RFC 6026
    /// §7.1).
    pub(crate) fn on_ack(&mut self, now: Instant) -> bool {
        if matches!(self.state, State::InviteCompleted { .. }) {
            self.state = if self.reliable { State::Terminated } else { State::Confirmed { until: now + T4 } };
        }
        !matches!(self.state, State::Accepted { .. })
    }

    /// Terminates the transaction without a final response.
    pub(crate) fn terminate(&mut self) {
        self.state = State::Terminated;
    }

    /// The response that timer G retransmits; the other timers terminate the transaction.
    pub(crate) fn fire(&mut self, now: Instant) -> Option<Bytes> {
        match &mut self.state {
            State::InviteCompleted { until, .. }
            | State::Confirmed { until }
            | State::Accepted { until }
            | State::Completed { until, .. }
                if *until <= now =>
            {
                self.state = State::Terminated;
                None
            }
            State::InviteCompleted { response, retransmit: Some(backoff), .. } => {
                backoff.fire(now).then(|| response.clone())
            }
            _ => None,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Proceeding { .. } | State::Terminated => None,
            State::InviteCompleted { retransmit, until, .. } => Some(earliest(retransmit, *until)),
            State::Confirmed { until } | State::Accepted { until } | State::Completed { until, .. } => {
                Some(*until)
            }
        }
    }

    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
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

    /// The times of the retransmissions.
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
    fn refusal_of_an_invite_is_retransmitted_on_udp_until_timer_h() {
        let mut server = Server::new(true, false);
        assert!(server.set_final(START, 486, &Bytes::from_static(b"busy")));
        let times = sends(&mut server);
        assert_eq!(times, [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500]);
        assert!(server.is_terminated());
    }

    #[test]
    fn ack_stops_retransmission_and_timer_i_terminates() {
        let mut server = Server::new(true, false);
        server.set_final(START, 486, &Bytes::from_static(b"busy"));
        assert!(server.on_ack(at(100)));
        assert!(server.on_retransmission().is_none());
        assert_eq!(server.deadline(), Some(at(5100)));
        assert!(sends(&mut server).is_empty());
        assert!(server.is_terminated());
    }

    #[test]
    fn nothing_is_retransmitted_on_a_connection() {
        let mut server = Server::new(true, true);
        server.set_final(START, 486, &Bytes::from_static(b"busy"));
        assert!(sends(&mut server).is_empty());
        let mut server = Server::new(false, true);
        server.set_final(START, 200, &Bytes::from_static(b"ok"));
        assert!(server.is_terminated());
    }

    #[test]
    fn retransmitted_request_gets_the_last_response() {
        let mut server = Server::new(false, false);
        assert!(server.on_retransmission().is_none());
        assert!(server.set_provisional(&Bytes::from_static(b"trying")));
        assert_eq!(server.on_retransmission().as_deref(), Some(&b"trying"[..]));
        assert!(server.set_final(START, 200, &Bytes::from_static(b"ok")));
        assert_eq!(server.on_retransmission().as_deref(), Some(&b"ok"[..]));
        assert!(!server.set_final(START, 500, &Bytes::from_static(b"no")), "only one final response");
        assert!(!server.set_provisional(&Bytes::from_static(b"ringing")), "nothing provisional after it");
        assert_eq!(server.deadline(), Some(START + TIMEOUT));
    }

    #[test]
    fn accepted_invite_absorbs_retransmissions_until_timer_l() {
        let mut server = Server::new(true, false);
        server.set_final(START, 200, &Bytes::from_static(b"ok"));
        assert!(server.on_retransmission().is_none());
        assert!(!server.on_ack(at(10)), "the ACK is for the callee");
        assert_eq!(server.deadline(), Some(START + TIMEOUT));
    }
}
