use super::branch::Branch;
use super::key::Key;
use super::own::parse_own;
use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::machine::{Table, named_enum};
use crate::base::marks::Mark;
use crate::base::name::{ClientTimer, ClientTx, Machine, Owner, Timer};
use crate::base::path::Path;
use crate::base::timers::TimerId;
use crate::planted::planted;
use crate::{ConnectionId, TransactionTimes};
use bytes::Bytes;
use offhook_wire::{Builder, HeaderName, Message, Method};
use std::num::NonZeroU32;
use std::time::Duration;

named_enum! {
    /// RFC 3261 figures 5 and 6, RFC 6026 figure 3.
    pub(super) enum Phase {
        Calling = "calling",
        Trying = "trying",
        Proceeding = "proceeding",
        Completed = "completed",
        Accepted = "accepted",
        Terminated = "terminated",
    }
}

named_enum! {
    pub(super) enum Trigger {
        Provisional = "1xx",
        Success = "2xx",
        Refusal = "300-699",
        Final = "200-699",
        A = "timer A",
        B = "timer B",
        D = "timer D",
        E = "timer E",
        F = "timer F",
        K = "timer K",
        M = "timer M",
        Cancelled = "64*T1 after CANCEL",
        ConnectionLost = "connection lost",
        Invite = "INVITE over",
    }
}

/// The INVITE client transaction.
pub(super) static INVITE_CLIENT: Table<Phase, Trigger> = {
    use Phase::{Accepted, Calling, Completed, Proceeding, Terminated};
    Table(&[
        (Calling, Trigger::A, Calling),
        (Calling, Trigger::Provisional, Proceeding),
        (Calling, Trigger::Success, Accepted),
        (Calling, Trigger::Refusal, Completed),
        (Calling, Trigger::B, Terminated),
        (Calling, Trigger::ConnectionLost, Terminated),
        (Proceeding, Trigger::Provisional, Proceeding),
        (Proceeding, Trigger::Success, Accepted),
        (Proceeding, Trigger::Refusal, Completed),
        (Proceeding, Trigger::Cancelled, Terminated),
        (Proceeding, Trigger::ConnectionLost, Terminated),
        (Accepted, Trigger::Success, Accepted),
        (Accepted, Trigger::M, Terminated),
        (Accepted, Trigger::ConnectionLost, Terminated),
        (Completed, Trigger::Refusal, Completed),
        (Completed, Trigger::D, Terminated),
        (Completed, Trigger::ConnectionLost, Terminated),
    ])
};

/// The client transaction of every other request.
pub(super) static CLIENT: Table<Phase, Trigger> = {
    use Phase::{Completed, Proceeding, Terminated, Trying};
    Table(&[
        (Trying, Trigger::E, Trying),
        (Trying, Trigger::Provisional, Proceeding),
        (Trying, Trigger::Final, Completed),
        (Trying, Trigger::F, Terminated),
        (Trying, Trigger::ConnectionLost, Terminated),
        (Trying, Trigger::Invite, Terminated),
        (Proceeding, Trigger::E, Proceeding),
        (Proceeding, Trigger::Provisional, Proceeding),
        (Proceeding, Trigger::Final, Completed),
        (Proceeding, Trigger::F, Terminated),
        (Proceeding, Trigger::ConnectionLost, Terminated),
        (Proceeding, Trigger::Invite, Terminated),
        (Completed, Trigger::K, Terminated),
        (Completed, Trigger::ConnectionLost, Terminated),
        (Completed, Trigger::Invite, Terminated),
    ])
};

/// A client transaction.
pub(super) struct Client {
    pub(super) connection: ConnectionId,
    pub(super) owner: Owner,
    /// For a CANCEL: the transaction of its INVITE.
    pub(super) branch: Branch,
    /// The transaction of the CANCEL for this INVITE.
    pub(super) cancelled_by: Option<ClientTx>,
    pub(super) method: Method<'static>,
    /// The forks whose 2xx to this INVITE was processed. Most INVITEs have one, and other requests none.
    forks: Option<Box<Forks>>,
    serial: NonZeroU32,
    reliable: bool,
    state: State,
}

/// What each state owns. The request is released as soon as it is not needed.
enum State {
    /// Not sent yet, or terminated.
    Idle,
    /// Calling and Trying.
    Sent {
        request: Bytes,
        retransmit: Retransmit,
        limit: TimerId,
        cancel: bool,
    },
    /// Proceeding of an INVITE, without a time-out. `limit` is the timer after a CANCEL.
    Ringing {
        request: Bytes,
        limit: Option<TimerId>,
    },
    /// Proceeding of another request.
    Working {
        retransmit: Retransmit,
        request: Bytes,
        limit: TimerId,
    },
    /// Completed. `ack` is empty except for an INVITE.
    Completed {
        ack: Bytes,
        limit: TimerId,
    },
    Accepted {
        limit: TimerId,
    },
}

/// The forks that accepted an INVITE.
struct Forks {
    first: Key,
    more: Vec<Key>,
}

/// Timer A or E over UDP, and how often it fired.
#[derive(Copy, Clone)]
struct Retransmit {
    timer: Option<TimerId>,
    times: u8,
}

impl Retransmit {
    /// The next interval: T1 doubled `times` times.
    fn interval(self, times: &TransactionTimes) -> Duration {
        times.t1.saturating_mul(1 << self.times.min(16))
    }
}

/// The outcome of a response.
#[derive(Default)]
pub(super) struct ResponseOutcome {
    /// Whether the owner gets it.
    pub(super) deliver: bool,
    /// Whether the transaction has terminated.
    pub(super) over: bool,
    /// A CANCEL to be sent now.
    pub(super) cancel: Option<Bytes>,
}

/// The outcome of a timer.
pub(super) enum Expired {
    Alive,
    Over,
    Failed,
}

impl Client {
    pub(super) fn new(path: &Path, branch: Branch, owner: Owner, method: Method<'static>) -> Self {
        Self {
            connection: path.connection,
            owner,
            serial: branch.tx().parts().1,
            branch,
            cancelled_by: None,
            method,
            forks: None,
            reliable: path.transport.is_reliable(),
            state: State::Idle,
        }
    }

    /// The CANCEL of this INVITE; it is sent to the same server with the same branch (RFC 3261 §9.1).
    pub(super) fn child(&self, method: Method<'static>, serial: NonZeroU32) -> Self {
        Self { owner: Owner::None, method, forks: None, serial, state: State::Idle, ..*self }
    }

    /// Records the fork of a 2xx. Returns whether it is new.
    pub(super) fn record_fork(&mut self, fork: Key) -> bool {
        match &mut self.forks {
            None => {
                self.forks = Some(Box::new(Forks { first: fork, more: Vec::new() }));
                true
            }
            Some(forks) => {
                let Forks { first, more } = &mut **forks;
                let new = more.len() + 1 < bounds::FORKS && *first != fork && !more.contains(&fork);
                if new {
                    more.push(fork);
                }
                new
            }
        }
    }

    pub(super) fn name(&self, index: usize) -> ClientTx {
        ClientTx::new(index, self.serial)
    }

    /// Sends the request (RFC 3261 §17.1.1.2, §17.1.2.2).
    pub(super) fn start(&mut self, cx: &mut Cx<'_>, times: &TransactionTimes, me: ClientTx, request: Bytes) {
        let (retransmit, limit) = if self.is_invite() {
            (ClientTimer::A, ClientTimer::B)
        } else {
            (ClientTimer::E, ClientTimer::F)
        };
        let timer = (!self.reliable).then(|| set(cx, times.t1, me, retransmit));
        let limit = set(cx, times.t1 * 64, me, limit);
        // Over a reliable transport only an INVITE is needed later, for its ACK or CANCEL.
        let keep = if self.is_invite() || !self.reliable { request.clone() } else { Bytes::new() };
        cx.out.transmit(self.connection, request);
        self.state =
            State::Sent { request: keep, retransmit: Retransmit { timer, times: 0 }, limit, cancel: false };
    }

    /// Instead of [`Client::start`]: sends nothing, and times out immediately.
    pub(super) fn refuse(&mut self, cx: &mut Cx<'_>, me: ClientTx) {
        let limit = if self.is_invite() { ClientTimer::B } else { ClientTimer::F };
        let limit = set(cx, Duration::ZERO, me, limit);
        let retransmit = Retransmit { timer: None, times: 0 };
        self.state = State::Sent { request: Bytes::new(), retransmit, limit, cancel: false };
    }

    /// Returns the CANCEL if it is to be sent now; else it waits for the first provisional response, or it is too late. Only an
    /// INVITE is cancelled.
    pub(super) fn cancel(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ClientTx,
    ) -> Option<Bytes> {
        match &mut self.state {
            State::Sent { cancel, .. } => {
                *cancel = true;
                None
            }
            State::Ringing { request, limit: limit @ None } => {
                *limit = Some(set(cx, times.t1 * 64, me, ClientTimer::Cancelled));
                cancel_request(request)
            }
            _ => None,
        }
    }

    pub(super) fn respond(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ClientTx,
        response: &Message,
    ) -> ResponseOutcome {
        let status = response.status().unwrap_or(0);
        match (self.is_invite(), status) {
            (true, 100..=199) => self.invite_provisional(cx, times, me, status),
            (true, 200..=299) => self.invite_success(cx, times, me),
            (true, 300..=699) => self.invite_refusal(cx, times, me, response),
            (false, 100..=199) => self.other_provisional(cx, me, status),
            (false, 200..=699) => self.other_final(cx, times, me),
            _ => ResponseOutcome::default(),
        }
    }

    fn invite_provisional(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ClientTx,
        status: u16,
    ) -> ResponseOutcome {
        let from = self.phase();
        let mut outcome = ResponseOutcome { deliver: status != 100, ..ResponseOutcome::default() };
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Sent { request, retransmit, limit, cancel } => {
                stop(cx, retransmit.timer);
                cx.timers.cancel(limit);
                self.state = State::Ringing { request, limit: None };
                if cancel {
                    cx.mark(Machine::from(me), Mark::CancelWaits);
                    outcome.cancel = self.cancel(cx, times, me);
                }
            }
            state @ State::Ringing { .. } => self.state = state,
            state => {
                self.state = state;
                return ResponseOutcome::default();
            }
        }
        self.transition(cx, me, from, Trigger::Provisional, Phase::Proceeding);
        outcome
    }

    /// RFC 6026 §7.2: each 2xx is passed to the owner, for 64·T1 after the first.
    fn invite_success(&mut self, cx: &mut Cx<'_>, times: &TransactionTimes, me: ClientTx) -> ResponseOutcome {
        let from = self.phase();
        match &self.state {
            State::Sent { retransmit, limit, .. } => {
                stop(cx, retransmit.timer);
                cx.timers.cancel(*limit);
            }
            State::Ringing { limit, .. } => stop(cx, *limit),
            State::Accepted { .. } => {
                self.transition(cx, me, from, Trigger::Success, Phase::Accepted);
                return ResponseOutcome { deliver: true, ..ResponseOutcome::default() };
            }
            _ => return ResponseOutcome::default(),
        }
        self.state = State::Accepted { limit: set(cx, times.t1 * 64, me, ClientTimer::M) };
        self.transition(cx, me, from, Trigger::Success, Phase::Accepted);
        ResponseOutcome { deliver: true, ..ResponseOutcome::default() }
    }

    /// RFC 3261 §17.1.1.2: the transaction sends the ACK for a final response 300–699, once for each retransmission of it.
    fn invite_refusal(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ClientTx,
        response: &Message,
    ) -> ResponseOutcome {
        let from = self.phase();
        let ack = match &self.state {
            State::Sent { request, retransmit, limit, .. } => {
                stop(cx, retransmit.timer);
                cx.timers.cancel(*limit);
                ack_request(request, response)
            }
            State::Ringing { request, limit } => {
                stop(cx, *limit);
                ack_request(request, response)
            }
            State::Completed { ack, .. } => {
                cx.out.transmit(self.connection, ack.clone());
                self.transition(cx, me, from, Trigger::Refusal, Phase::Completed);
                return ResponseOutcome::default();
            }
            _ => return ResponseOutcome::default(),
        };
        if let Some(ack) = &ack
            && !planted!(cx.config, RefusalNotAcknowledged)
        {
            cx.out.transmit(self.connection, ack.clone());
        }
        self.transition(cx, me, from, Trigger::Refusal, Phase::Completed);
        if self.reliable {
            self.state = State::Idle;
            self.transition(cx, me, Phase::Completed, Trigger::D, Phase::Terminated);
            return ResponseOutcome { deliver: true, over: true, ..ResponseOutcome::default() };
        }
        // §17.1.1.2: at least 32 s, because the server's T1 is not known.
        let wait = (times.t1 * 64).max(Duration::from_secs(32));
        self.state =
            State::Completed { ack: ack.unwrap_or_default(), limit: set(cx, wait, me, ClientTimer::D) };
        ResponseOutcome { deliver: true, ..ResponseOutcome::default() }
    }

    fn other_provisional(&mut self, cx: &mut Cx<'_>, me: ClientTx, status: u16) -> ResponseOutcome {
        let from = self.phase();
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Sent { request, retransmit, limit, .. } => {
                self.state = State::Working { retransmit, request, limit }
            }
            state @ State::Working { .. } => self.state = state,
            state => {
                self.state = state;
                return ResponseOutcome::default();
            }
        }
        self.transition(cx, me, from, Trigger::Provisional, Phase::Proceeding);
        ResponseOutcome { deliver: status != 100, ..ResponseOutcome::default() }
    }

    fn other_final(&mut self, cx: &mut Cx<'_>, times: &TransactionTimes, me: ClientTx) -> ResponseOutcome {
        let from = self.phase();
        let (State::Sent { retransmit, limit, .. } | State::Working { retransmit, limit, .. }) = &self.state
        else {
            return ResponseOutcome::default();
        };
        stop(cx, retransmit.timer);
        cx.timers.cancel(*limit);
        self.transition(cx, me, from, Trigger::Final, Phase::Completed);
        if self.reliable {
            self.state = State::Idle;
            self.transition(cx, me, Phase::Completed, Trigger::K, Phase::Terminated);
            return ResponseOutcome { deliver: true, over: true, ..ResponseOutcome::default() };
        }
        self.state = State::Completed { ack: Bytes::new(), limit: set(cx, times.t4, me, ClientTimer::K) };
        ResponseOutcome { deliver: true, ..ResponseOutcome::default() }
    }

    pub(super) fn expire(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ClientTx,
        timer: ClientTimer,
    ) -> Expired {
        let from = self.phase();
        let (trigger, failed) = match timer {
            ClientTimer::Cancelled if planted!(cx.config, CancelNeverEnds) => return Expired::Alive,
            ClientTimer::B | ClientTimer::F if planted!(cx.config, NoTimeout) => return Expired::Alive,
            ClientTimer::A => {
                return self.retransmit(cx, me, ClientTimer::A, Trigger::A, |r| r.interval(times));
            }
            ClientTimer::E if from == Phase::Proceeding => {
                return self.retransmit(cx, me, ClientTimer::E, Trigger::E, |_| times.t2);
            }
            ClientTimer::E => {
                return self
                    .retransmit(cx, me, ClientTimer::E, Trigger::E, |r| r.interval(times).min(times.t2));
            }
            ClientTimer::B => (Trigger::B, true),
            ClientTimer::F => (Trigger::F, true),
            ClientTimer::Cancelled => (Trigger::Cancelled, true),
            ClientTimer::D => (Trigger::D, false),
            ClientTimer::K => (Trigger::K, false),
            ClientTimer::M => (Trigger::M, false),
        };
        self.end(cx, me, trigger);
        if failed { Expired::Failed } else { Expired::Over }
    }

    fn retransmit(
        &mut self,
        cx: &mut Cx<'_>,
        me: ClientTx,
        timer: ClientTimer,
        trigger: Trigger,
        interval: impl FnOnce(Retransmit) -> Duration,
    ) -> Expired {
        let phase = self.phase();
        if let State::Sent { request, retransmit, .. } | State::Working { request, retransmit, .. } =
            &mut self.state
        {
            if !planted!(cx.config, NotRepeated) {
                cx.out.transmit(self.connection, request.clone());
            }
            if !planted!(cx.config, RepeatedInStep) {
                retransmit.times = retransmit.times.saturating_add(1);
            }
            retransmit.timer = Some(set(cx, interval(*retransmit), me, timer));
            self.transition(cx, me, phase, trigger, phase);
        }
        Expired::Alive
    }

    /// The connection went down. Returns whether the request had no final response yet.
    pub(super) fn on_connection_lost(&mut self, cx: &mut Cx<'_>, me: ClientTx) -> bool {
        let waiting =
            matches!(self.state, State::Sent { .. } | State::Ringing { .. } | State::Working { .. });
        self.end(cx, me, Trigger::ConnectionLost);
        waiting
    }

    /// The INVITE of this CANCEL has terminated.
    pub(super) fn terminate(&mut self, cx: &mut Cx<'_>, me: ClientTx) {
        self.end(cx, me, Trigger::Invite);
    }

    fn end(&mut self, cx: &mut Cx<'_>, me: ClientTx, trigger: Trigger) {
        let from = self.phase();
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => return,
            State::Sent { retransmit, limit, .. } | State::Working { retransmit, limit, .. } => {
                stop(cx, retransmit.timer);
                cx.timers.cancel(limit);
            }
            State::Ringing { limit, .. } => stop(cx, limit),
            State::Completed { limit, .. } | State::Accepted { limit } => cx.timers.cancel(limit),
        }
        self.transition(cx, me, from, trigger, Phase::Terminated);
    }

    fn is_invite(&self) -> bool {
        self.method == Method::Invite
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Idle => Phase::Terminated,
            State::Sent { .. } if self.is_invite() => Phase::Calling,
            State::Sent { .. } => Phase::Trying,
            State::Ringing { .. } | State::Working { .. } => Phase::Proceeding,
            State::Completed { .. } => Phase::Completed,
            State::Accepted { .. } => Phase::Accepted,
        }
    }

    fn transition(&self, cx: &mut Cx<'_>, me: ClientTx, from: Phase, trigger: Trigger, to: Phase) {
        let table = if self.is_invite() { &INVITE_CLIENT } else { &CLIENT };
        cx.trace.transition(cx.now, me.into(), table, from, trigger, to);
    }
}

fn set(cx: &mut Cx<'_>, after: Duration, me: ClientTx, timer: ClientTimer) -> TimerId {
    cx.timers.set(cx.now + after, Timer::Client(me, timer))
}

fn stop(cx: &mut Cx<'_>, timer: Option<TimerId>) {
    if let Some(timer) = timer {
        cx.timers.cancel(timer);
    }
}

/// RFC 3261 §9.1: the identifying header fields of the INVITE, and its Route.
fn cancel_request(invite: &Bytes) -> Option<Bytes> {
    let invite = parse_own(invite)?;
    follow(&invite, Method::Cancel, invite.header(HeaderName::To)?)
}

/// RFC 3261 §17.1.1.3: the identifying header fields of the INVITE, its Route, and the To of the response.
fn ack_request(invite: &Bytes, response: &Message) -> Option<Bytes> {
    follow(&parse_own(invite)?, Method::Ack, response.header(HeaderName::To)?)
}

fn follow(invite: &Message, method: Method<'_>, to: &[u8]) -> Option<Bytes> {
    let number = invite.header(HeaderName::CSeq)?.split(u8::is_ascii_whitespace).next()?;
    let mut request = Builder::request(method, invite.request_uri()?);
    request.header(HeaderName::Via, invite.header(HeaderName::Via)?);
    for route in invite.rows(HeaderName::Route) {
        request.header(HeaderName::Route, route);
    }
    request.header(HeaderName::MaxForwards, "70");
    request.header(HeaderName::From, invite.header(HeaderName::From)?);
    request.header(HeaderName::To, to);
    request.header(HeaderName::CallId, invite.header(HeaderName::CallId)?);
    request.parts(HeaderName::CSeq, &[number, b" ", method.as_bytes()]);
    Some(request.finish())
}
