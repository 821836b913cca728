//! Client transactions: RFC 3261 §17.1 and RFC 6026 §7.2.

use std::time::Duration;

use bytes::Bytes;
use offhook_wire::Instant;

use super::timers::{Backoff, T2, T4, TIMEOUT, earliest};

/// One client transaction, of an INVITE or of any other request.
pub(crate) struct Client {
    invite: bool,
    reliable: bool,
    /// The timeout was set by the owner, so a provisional response does not prolong it.
    fixed_timeout: bool,
    state: State,
}

enum State {
    /// Calling or Trying: no response has come (timers A and B, E and F).
    Calling { request: Bytes, retransmit: Option<Backoff>, until: Instant },
    /// A provisional response has come. `until` is timer C or F.
    Proceeding { request: Bytes, retransmit: Option<Backoff>, until: Instant },
    /// A final response has come; for a refused INVITE `ack` is sent for each retransmission of it (timers D and K).
    Completed { ack: Option<Bytes>, until: Instant },
    /// INVITE, at least one 2xx has come; each one is passed to the owner (timer M).
    Accepted { until: Instant },
    /// Terminated.
    Terminated,
}

/// The result of a response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum ResponseOutcome {
    /// A provisional response.
    Provisional,
    /// A final response of another class than 2xx to an INVITE, or the first final response to anything else.
    /// The ACK must be sent if there is one.
    Final { ack: Option<Bytes> },
    /// A 2xx to an INVITE: the first, or one more.
    Success {
        /// Whether it is the first final response.
        first: bool,
    },
    /// A retransmission. The ACK must be sent if there is one.
    Retransmission { ack: Option<Bytes> },
}

/// The result of a timer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TimerOutcome {
    /// Nothing was due, or the transaction terminated.
    Nothing,
    /// Retransmit this request.
    Retransmit(Bytes),
    /// No final response in time. The owner calls [`Client::terminate`] or continues to wait. After a provisional
    /// response this is timer C of an INVITE.
    TimedOut {
        /// Whether a provisional response came.
        provisional: bool,
    },
}

impl Client {
    /// A transaction whose request is sent now.
    pub(crate) fn new(now: Instant, invite: bool, reliable: bool, request: Bytes) -> Self {
        let mut client = Self { invite, reliable, fixed_timeout: false, state: State::Terminated };
        let retransmit = Backoff::start(now, reliable, client.longest());
        client.state = State::Calling { request, retransmit, until: now + TIMEOUT };
        client
    }

    /// The request as sent; none after a final response.
    pub(crate) fn pending(&self) -> Option<&Bytes> {
        match &self.state {
            State::Calling { request, .. } | State::Proceeding { request, .. } => Some(request),
            _ => None,
        }
    }

    /// The bytes of the messages kept.
    pub(crate) fn bytes(&self) -> usize {
        match &self.state {
            State::Calling { request, .. } | State::Proceeding { request, .. } => request.len(),
            State::Completed { ack, .. } => ack.as_ref().map_or(0, Bytes::len),
            State::Accepted { .. } | State::Terminated => 0,
        }
    }

    /// Whether a provisional and no final response has come.
    pub(crate) fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// Handles a response. `timer_c` is the timeout that a provisional response to an INVITE restarts (RFC 3261 §16.7 step
    /// 2); `ack` builds the ACK of a refused INVITE from the request as sent.
    pub(crate) fn on_response(
        &mut self,
        now: Instant,
        status: u16,
        timer_c: Duration,
        ack: impl FnOnce(&Bytes) -> Option<Bytes>,
    ) -> ResponseOutcome {
        let calling = matches!(self.state, State::Calling { .. });
        match std::mem::replace(&mut self.state, State::Terminated) {
            State::Calling { request, retransmit, until }
            | State::Proceeding { request, retransmit, until } => {
                match status {
                    ..=199 => {
                        // The first provisional response, even a 100, replaces timer B by timer C; after that only 101
                        // to 199 restart it. For other requests timer F runs on.
                        let restarted = self.invite && !self.fixed_timeout && (calling || status > 100);
                        let until = if restarted { now + timer_c } else { until };
                        // RFC 3261 §17.1.2.2: other requests are still retransmitted, from now on at intervals of T2.
                        let retransmit = retransmit.filter(|_| !self.invite).map(Backoff::at_t2);
                        self.state = State::Proceeding { request, retransmit, until };
                        ResponseOutcome::Provisional
                    }
                    200..=299 if self.invite => {
                        self.state = State::Accepted { until: now + TIMEOUT };
                        ResponseOutcome::Success { first: true }
                    }
                    _ => {
                        let ack = if self.invite { ack(&request) } else { None };
                        let absorb = match (self.reliable, self.invite) {
                            (true, _) => None,
                            (false, true) => Some(TIMEOUT),
                            (false, false) => Some(T4),
                        };
                        self.state = match absorb {
                            Some(absorb) => State::Completed { ack: ack.clone(), until: now + absorb },
                            None => State::Terminated,
                        };
                        ResponseOutcome::Final { ack }
                    }
                }
            }
            State::Accepted { until } => {
                self.state = State::Accepted { until };
                if (200..=299).contains(&status) {
                    ResponseOutcome::Success { first: false }
                } else {
                    ResponseOutcome::Retransmission { ack: None }
                }
            }
            State::Completed { ack, until } => {
                let again = if status >= 300 { ack.clone() } else { None };
                self.state = State::Completed { ack, until };
                ResponseOutcome::Retransmission { ack: again }
            }
            State::Terminated => ResponseOutcome::Retransmission { ack: None },
        }
    }

    /// A transaction without a request.
    pub(crate) fn terminated() -> Self {
        Self { invite: false, reliable: true, fixed_timeout: false, state: State::Terminated }
    }

    /// Restarts the timers after the callee has registered again, perhaps over another transport.
    pub(crate) fn restart_timers(&mut self, now: Instant, timer_c: Duration, reliable: bool) {
        self.fixed_timeout = false;
        self.reliable = reliable;
        let longest = self.longest();
        match &mut self.state {
            State::Calling { retransmit, until, .. } => {
                *retransmit = Backoff::start(now, reliable, longest);
                *until = now + TIMEOUT;
            }
            State::Proceeding { until, .. } => *until = now + if self.invite { timer_c } else { TIMEOUT },
            State::Completed { .. } | State::Accepted { .. } | State::Terminated => {}
        }
    }

    /// The longest retransmission interval: timer A has no bound, timer E is bounded by T2.
    fn longest(&self) -> Duration {
        if self.invite { Duration::MAX / 4 } else { T2 }
    }

    pub(crate) fn is_invite(&self) -> bool {
        self.invite
    }

    /// Sets the timeout to `at`: a cancelled or disconnected branch does not wait for timer C.
    pub(crate) fn set_timeout(&mut self, at: Instant) {
        if let State::Calling { until, .. } | State::Proceeding { until, .. } = &mut self.state {
            self.fixed_timeout = true;
            *until = at;
        }
    }

    /// Terminates the transaction without a final response.
    pub(crate) fn terminate(&mut self) {
        self.state = State::Terminated;
    }

    pub(crate) fn fire(&mut self, now: Instant) -> TimerOutcome {
        match &mut self.state {
            State::Calling { until, .. } if *until <= now => TimerOutcome::TimedOut { provisional: false },
            State::Proceeding { until, .. } if *until <= now => TimerOutcome::TimedOut { provisional: true },
            State::Completed { until, .. } | State::Accepted { until } if *until <= now => {
                self.state = State::Terminated;
                TimerOutcome::Nothing
            }
            State::Calling { request, retransmit: Some(backoff), .. }
            | State::Proceeding { request, retransmit: Some(backoff), .. } => {
                if backoff.fire(now) {
                    TimerOutcome::Retransmit(request.clone())
                } else {
                    TimerOutcome::Nothing
                }
            }
            _ => TimerOutcome::Nothing,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Calling { retransmit, until, .. } | State::Proceeding { retransmit, until, .. } => {
                Some(earliest(retransmit, *until))
            }
            State::Completed { until, .. } | State::Accepted { until } => Some(*until),
            State::Terminated => None,
        }
    }

    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self.state, State::Terminated)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant::ZERO;
    const TIMER_C: Duration = Duration::from_secs(181);

    fn at(millis: u64) -> Instant {
        START + Duration::from_millis(millis)
    }

    fn client(invite: bool, reliable: bool) -> Client {
        Client::new(START, invite, reliable, Bytes::from_static(b"request"))
    }

    fn respond(client: &mut Client, millis: u64, status: u16) -> ResponseOutcome {
        client.on_response(at(millis), status, TIMER_C, |_| Some(Bytes::from_static(b"ack")))
    }

    /// The times of the retransmissions, and the time-out.
    fn run(client: &mut Client) -> (Vec<u64>, Option<(u64, bool)>) {
        let mut times = Vec::new();
        while let Some(due) = client.deadline() {
            let millis = due.as_nanos() / 1_000_000;
            match client.fire(due) {
                TimerOutcome::Retransmit(_) => times.push(millis),
                TimerOutcome::TimedOut { provisional } => return (times, Some((millis, provisional))),
                TimerOutcome::Nothing => {}
            }
        }
        (times, None)
    }

    #[test]
    fn unanswered_invite_is_sent_seven_times_and_times_out() {
        let expected = vec![500, 1500, 3500, 7500, 15500, 31500];
        assert_eq!(run(&mut client(true, false)), (expected, Some((32_000, false))));
        assert_eq!(run(&mut client(true, true)), (vec![], Some((32_000, false))));
    }

    #[test]
    fn non_invite_is_retransmitted_at_most_every_four_seconds() {
        let expected = vec![500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500];
        assert_eq!(run(&mut client(false, false)), (expected, Some((32_000, false))));
    }

    #[test]
    fn provisional_response_stops_retransmission_of_an_invite_and_starts_timer_c() {
        let mut client = client(true, false);
        assert_eq!(respond(&mut client, 100, 100), ResponseOutcome::Provisional);
        assert_eq!(respond(&mut client, 1000, 100), ResponseOutcome::Provisional);
        assert_eq!(client.deadline(), Some(at(181_100)), "a second 100 does not restart timer C");
        assert_eq!(respond(&mut client, 2000, 180), ResponseOutcome::Provisional);
        assert_eq!(run(&mut client), (vec![], Some((183_000, true))));
    }

    #[test]
    fn provisional_response_does_not_prolong_a_set_timeout() {
        let mut client = client(true, true);
        respond(&mut client, 0, 180);
        client.set_timeout(at(32_000));
        respond(&mut client, 1000, 183);
        assert_eq!(client.deadline(), Some(at(32_000)));
    }

    #[test]
    fn each_retransmission_of_a_refusal_is_acknowledged() {
        let ack = Some(Bytes::from_static(b"ack"));
        let mut client = client(true, false);
        assert_eq!(respond(&mut client, 10, 486), ResponseOutcome::Final { ack: ack.clone() });
        assert_eq!(respond(&mut client, 600, 486), ResponseOutcome::Retransmission { ack });
        assert_eq!(respond(&mut client, 700, 180), ResponseOutcome::Retransmission { ack: None });
        assert_eq!(run(&mut client), (vec![], None));
        assert!(client.is_terminated());
    }

    #[test]
    fn every_2xx_to_an_invite_is_reported() {
        let mut client = client(true, true);
        assert_eq!(respond(&mut client, 10, 200), ResponseOutcome::Success { first: true });
        assert_eq!(respond(&mut client, 500, 200), ResponseOutcome::Success { first: false });
        assert_eq!(respond(&mut client, 501, 486), ResponseOutcome::Retransmission { ack: None });
        assert_eq!(client.deadline(), Some(at(32_010)));
    }

    #[test]
    fn non_invite_on_a_connection_terminates_with_its_final_response() {
        let mut client = client(false, true);
        assert_eq!(respond(&mut client, 10, 200), ResponseOutcome::Final { ack: None });
        assert!(client.is_terminated());
        assert_eq!(respond(&mut client, 20, 200), ResponseOutcome::Retransmission { ack: None });
    }
}
