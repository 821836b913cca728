//! Client transactions: RFC 3261 §17.1 and RFC 6026 §7.2.

use std::time::Duration;

use bytes::Bytes;
use offhook_wire::Instant;

use super::{Backoff, T2, T4, TIMEOUT, earliest};

/// One client transaction, of an INVITE or of any other request.
pub(crate) struct Client {
    invite: bool,
    reliable: bool,
    /// The end of the wait was set, so news does not prolong it.
    fixed: bool,
    state: State,
}

enum State {
    /// Calling or Trying: nothing was heard (timers A and B, E and F).
    Calling { request: Bytes, resend: Option<Backoff>, until: Instant },
    /// Something provisional was heard. `until` is timer C or F.
    Proceeding { request: Bytes, resend: Option<Backoff>, until: Instant },
    /// A final response was heard; for a refused INVITE `ack` answers its repetitions (timers D and K).
    Completed { ack: Option<Bytes>, until: Instant },
    /// INVITE, at least one 2xx was heard; each one goes to the proxy (timer M).
    Accepted { until: Instant },
    /// Terminated.
    Over,
}

/// What a response means to the owner.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// A provisional response.
    Provisional,
    /// A final response of another class than 2xx to an INVITE, or the first final response to anything else.
    /// The ACK must be sent if there is one.
    Final { ack: Option<Bytes> },
    /// A 2xx to an INVITE: the first, or one more.
    Success {
        /// Whether it ended the waiting.
        first: bool,
    },
    /// A repetition, to be answered with the ACK if there is one, and nothing more.
    Repeated { ack: Option<Bytes> },
}

/// What a timer means to the owner.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fired {
    /// Nothing was due, or only the machine's own end.
    Nothing,
    /// Send this again.
    Resend(Bytes),
    /// No final response in time. The owner decides: [`Client::abandon`], or wait on. `heard` says whether a provisional one came: then it was timer C for an INVITE.
    TimedOut {
        /// Whether a provisional response came.
        heard: bool,
    },
}

impl Client {
    /// A transaction whose request is being sent now.
    pub(crate) fn new(now: Instant, invite: bool, reliable: bool, request: Bytes) -> Self {
        let mut client = Self { invite, reliable, fixed: false, state: State::Over };
        let resend = Backoff::start(now, reliable, client.longest());
        client.state = State::Calling { request, resend, until: now + TIMEOUT };
        client
    }

    /// The request as sent, while the transaction waits for a final response.
    pub(crate) fn pending(&self) -> Option<&Bytes> {
        match &self.state {
            State::Calling { request, .. } | State::Proceeding { request, .. } => Some(request),
            _ => None,
        }
    }

    /// How many bytes of messages this keeps.
    pub(crate) fn bytes(&self) -> usize {
        match &self.state {
            State::Calling { request, .. } | State::Proceeding { request, .. } => request.len(),
            State::Completed { ack, .. } => ack.as_ref().map_or(0, Bytes::len),
            State::Accepted { .. } | State::Over => 0,
        }
    }

    /// Whether a provisional and no final response was heard.
    pub(crate) fn is_proceeding(&self) -> bool {
        matches!(self.state, State::Proceeding { .. })
    }

    /// A response came. `timer_c` is the wait that a provisional response to an INVITE renews (RFC 3261 §16.7 step
    /// 2); `ack` builds the ACK of a refused INVITE from the request as sent.
    pub(crate) fn hear(
        &mut self,
        now: Instant,
        status: u16,
        timer_c: Duration,
        ack: impl FnOnce(&Bytes) -> Option<Bytes>,
    ) -> Heard {
        let calling = matches!(self.state, State::Calling { .. });
        match std::mem::replace(&mut self.state, State::Over) {
            State::Calling { request, resend, until } | State::Proceeding { request, resend, until } => {
                match status {
                    ..=199 => {
                        // The first provisional response, even a 100, puts timer C in the place of timer B; after that
                        // only 101 to 199 renew it. For other requests timer F runs on.
                        let renewed = self.invite && !self.fixed && (calling || status > 100);
                        let until = if renewed { now + timer_c } else { until };
                        // RFC 3261 §17.1.2.2: other requests are still repeated, from now on at intervals of T2.
                        let resend =
                            resend.filter(|_| !self.invite).map(|backoff| Backoff { pause: T2, ..backoff });
                        self.state = State::Proceeding { request, resend, until };
                        Heard::Provisional
                    }
                    200..=299 if self.invite => {
                        self.state = State::Accepted { until: now + TIMEOUT };
                        Heard::Success { first: true }
                    }
                    _ => {
                        let ack = if self.invite { ack(&request) } else { None };
                        let linger = match (self.reliable, self.invite) {
                            (true, _) => None,
                            (false, true) => Some(TIMEOUT),
                            (false, false) => Some(T4),
                        };
                        self.state = match linger {
                            Some(linger) => State::Completed { ack: ack.clone(), until: now + linger },
                            None => State::Over,
                        };
                        Heard::Final { ack }
                    }
                }
            }
            State::Accepted { until } => {
                self.state = State::Accepted { until };
                if (200..=299).contains(&status) {
                    Heard::Success { first: false }
                } else {
                    Heard::Repeated { ack: None }
                }
            }
            State::Completed { ack, until } => {
                let again = if status >= 300 { ack.clone() } else { None };
                self.state = State::Completed { ack, until };
                Heard::Repeated { ack: again }
            }
            State::Over => Heard::Repeated { ack: None },
        }
    }

    /// A transaction that never began.
    pub(crate) fn over() -> Self {
        Self { invite: false, reliable: true, fixed: false, state: State::Over }
    }

    /// Begins the wait anew after the way to the callee was mended, perhaps over another transport.
    pub(crate) fn renew(&mut self, now: Instant, timer_c: Duration, reliable: bool) {
        self.fixed = false;
        self.reliable = reliable;
        let longest = self.longest();
        match &mut self.state {
            State::Calling { resend, until, .. } => {
                *resend = Backoff::start(now, reliable, longest);
                *until = now + TIMEOUT;
            }
            State::Proceeding { until, .. } => *until = now + if self.invite { timer_c } else { TIMEOUT },
            State::Completed { .. } | State::Accepted { .. } | State::Over => {}
        }
    }

    /// Timer A doubles for ever, timer E up to T2.
    fn longest(&self) -> Duration {
        if self.invite { Duration::MAX / 4 } else { T2 }
    }

    pub(crate) fn is_invite(&self) -> bool {
        self.invite
    }

    /// Waits until `at` and no longer: a cancelled or cut off branch does not wait for timer C.
    pub(crate) fn wait_until(&mut self, at: Instant) {
        if let State::Calling { until, .. } | State::Proceeding { until, .. } = &mut self.state {
            self.fixed = true;
            *until = at;
        }
    }

    /// Gives up.
    pub(crate) fn abandon(&mut self) {
        self.state = State::Over;
    }

    pub(crate) fn fire(&mut self, now: Instant) -> Fired {
        match &mut self.state {
            State::Calling { until, .. } if *until <= now => Fired::TimedOut { heard: false },
            State::Proceeding { until, .. } if *until <= now => Fired::TimedOut { heard: true },
            State::Completed { until, .. } | State::Accepted { until } if *until <= now => {
                self.state = State::Over;
                Fired::Nothing
            }
            State::Calling { request, resend: Some(backoff), .. }
            | State::Proceeding { request, resend: Some(backoff), .. } => {
                if backoff.fire(now) {
                    Fired::Resend(request.clone())
                } else {
                    Fired::Nothing
                }
            }
            _ => Fired::Nothing,
        }
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.state {
            State::Calling { resend, until, .. } | State::Proceeding { resend, until, .. } => {
                Some(earliest(resend, *until))
            }
            State::Completed { until, .. } | State::Accepted { until } => Some(*until),
            State::Over => None,
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
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

    fn hear(client: &mut Client, millis: u64, status: u16) -> Heard {
        client.hear(at(millis), status, TIMER_C, |_| Some(Bytes::from_static(b"ack")))
    }

    /// When the machine repeats itself, and how it ends.
    fn run(client: &mut Client) -> (Vec<u64>, Option<(u64, bool)>) {
        let mut times = Vec::new();
        while let Some(due) = client.deadline() {
            let millis = due.as_nanos() / 1_000_000;
            match client.fire(due) {
                Fired::Resend(_) => times.push(millis),
                Fired::TimedOut { heard } => return (times, Some((millis, heard))),
                Fired::Nothing => {}
            }
        }
        (times, None)
    }

    #[test]
    fn an_invite_nobody_answers_is_sent_seven_times_and_times_out() {
        let expected = vec![500, 1500, 3500, 7500, 15500, 31500];
        assert_eq!(run(&mut client(true, false)), (expected, Some((32_000, false))));
        assert_eq!(run(&mut client(true, true)), (vec![], Some((32_000, false))));
    }

    #[test]
    fn another_request_is_repeated_at_most_every_four_seconds() {
        let expected = vec![500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500];
        assert_eq!(run(&mut client(false, false)), (expected, Some((32_000, false))));
    }

    #[test]
    fn a_provisional_response_stops_the_repetition_of_an_invite_and_starts_timer_c() {
        let mut client = client(true, false);
        assert_eq!(hear(&mut client, 100, 100), Heard::Provisional);
        assert_eq!(hear(&mut client, 1000, 100), Heard::Provisional);
        assert_eq!(client.deadline(), Some(at(181_100)), "a second 100 does not renew timer C");
        assert_eq!(hear(&mut client, 2000, 180), Heard::Provisional);
        assert_eq!(run(&mut client), (vec![], Some((183_000, true))));
    }

    #[test]
    fn news_does_not_prolong_a_wait_that_was_set() {
        let mut client = client(true, true);
        hear(&mut client, 0, 180);
        client.wait_until(at(32_000));
        hear(&mut client, 1000, 183);
        assert_eq!(client.deadline(), Some(at(32_000)));
    }

    #[test]
    fn a_refusal_is_acknowledged_each_time_it_comes() {
        let ack = Some(Bytes::from_static(b"ack"));
        let mut client = client(true, false);
        assert_eq!(hear(&mut client, 10, 486), Heard::Final { ack: ack.clone() });
        assert_eq!(hear(&mut client, 600, 486), Heard::Repeated { ack });
        assert_eq!(hear(&mut client, 700, 180), Heard::Repeated { ack: None });
        assert_eq!(run(&mut client), (vec![], None));
        assert!(client.is_over());
    }

    #[test]
    fn every_success_of_an_invite_is_told() {
        let mut client = client(true, true);
        assert_eq!(hear(&mut client, 10, 200), Heard::Success { first: true });
        assert_eq!(hear(&mut client, 500, 200), Heard::Success { first: false });
        assert_eq!(hear(&mut client, 501, 486), Heard::Repeated { ack: None });
        assert_eq!(client.deadline(), Some(at(32_010)));
    }

    #[test]
    fn on_a_connection_other_requests_end_with_their_final_response() {
        let mut client = client(false, true);
        assert_eq!(hear(&mut client, 10, 200), Heard::Final { ack: None });
        assert!(client.is_over());
        assert_eq!(hear(&mut client, 20, 200), Heard::Repeated { ack: None });
    }
}
