use super::branch::Branch;
use super::key::Key;
use super::own::own_message;
use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::machine::{Table, words};
use crate::base::marks::Mark;
use crate::base::name::{ClientTimer, ClientTx, Machine, Owner, Timer};
use crate::base::path::Path;
use crate::base::timers::TimerId;
use crate::planted::planted;
use crate::{FlowId, TransactionTimes};
use bytes::Bytes;
use offhook_wire::{Builder, HeaderName, Message, Method};
use std::num::NonZeroU32;
use std::time::Duration;

words! {
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

words! {
    pub(super) enum Cause {
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
        FlowLost = "flow lost",
        Invite = "INVITE over",
    }
}

/// The INVITE client transaction.
pub(super) static INVITE_CLIENT: Table<Phase, Cause> = {
    use Phase::{Accepted, Calling, Completed, Proceeding, Terminated};
    Table(&[
        (Calling, Cause::A, Calling),
        (Calling, Cause::Provisional, Proceeding),
        (Calling, Cause::Success, Accepted),
        (Calling, Cause::Refusal, Completed),
        (Calling, Cause::B, Terminated),
        (Calling, Cause::FlowLost, Terminated),
        (Proceeding, Cause::Provisional, Proceeding),
        (Proceeding, Cause::Success, Accepted),
        (Proceeding, Cause::Refusal, Completed),
        (Proceeding, Cause::Cancelled, Terminated),
        (Proceeding, Cause::FlowLost, Terminated),
        (Accepted, Cause::Success, Accepted),
        (Accepted, Cause::M, Terminated),
        (Accepted, Cause::FlowLost, Terminated),
        (Completed, Cause::Refusal, Completed),
        (Completed, Cause::D, Terminated),
        (Completed, Cause::FlowLost, Terminated),
    ])
};

/// The client transaction of every other request.
pub(super) static CLIENT: Table<Phase, Cause> = {
    use Phase::{Completed, Proceeding, Terminated, Trying};
    Table(&[
        (Trying, Cause::E, Trying),
        (Trying, Cause::Provisional, Proceeding),
        (Trying, Cause::Final, Completed),
        (Trying, Cause::F, Terminated),
        (Trying, Cause::FlowLost, Terminated),
        (Trying, Cause::Invite, Terminated),
        (Proceeding, Cause::E, Proceeding),
        (Proceeding, Cause::Provisional, Proceeding),
        (Proceeding, Cause::Final, Completed),
        (Proceeding, Cause::F, Terminated),
        (Proceeding, Cause::FlowLost, Terminated),
        (Proceeding, Cause::Invite, Terminated),
        (Completed, Cause::K, Terminated),
        (Completed, Cause::FlowLost, Terminated),
        (Completed, Cause::Invite, Terminated),
    ])
};

/// A request of ours.
pub(super) struct Client {
    pub(super) flow: FlowId,
    pub(super) owner: Owner,
    /// For a CANCEL: that of its INVITE.
    pub(super) branch: Branch,
    /// The CANCEL that followed this INVITE.
    pub(super) cancelled_by: Option<ClientTx>,
    pub(super) method: Method<'static>,
    /// Those who accepted this INVITE, as far as their 2xx was seen to. Most INVITEs have one, and other requests none.
    forks: Option<Box<Forks>>,
    serial: NonZeroU32,
    reliable: bool,
    state: State,
}

/// What each state owns. The request is let go as soon as nothing needs it.
enum State {
    /// Not sent yet, or over.
    Idle,
    /// Calling and Trying.
    Sent {
        request: Bytes,
        repeat: Repeat,
        limit: TimerId,
        cancel: bool,
    },
    /// Proceeding of an INVITE: waits as long as it rings. `limit` is the one after a CANCEL.
    Ringing {
        request: Bytes,
        limit: Option<TimerId>,
    },
    /// Proceeding of another request.
    Working {
        repeat: Repeat,
        request: Bytes,
        limit: TimerId,
    },
    /// `ack` is empty but for an INVITE.
    Completed {
        ack: Bytes,
        limit: TimerId,
    },
    Accepted {
        limit: TimerId,
    },
}

/// Those who accepted an INVITE.
struct Forks {
    first: Key,
    more: Vec<Key>,
}

/// Timer A or E, where there is one, and how often it fired.
#[derive(Copy, Clone)]
struct Repeat {
    timer: Option<TimerId>,
    times: u8,
}

impl Repeat {
    /// The interval after this one: T1 doubled `times` over.
    fn interval(self, times: &TransactionTimes) -> Duration {
        times.t1.saturating_mul(1 << self.times.min(16))
    }
}

/// What a response did.
#[derive(Default)]
pub(super) struct Heard {
    /// The owner is to see it.
    pub(super) deliver: bool,
    /// The transaction is to be forgotten.
    pub(super) over: bool,
    /// A CANCEL that is to be sent now.
    pub(super) cancel: Option<Bytes>,
}

/// What a timer did.
pub(super) enum Expired {
    Alive,
    Over,
    Failed,
}

impl Client {
    pub(super) fn new(path: &Path, branch: Branch, owner: Owner, method: Method<'static>) -> Self {
        Self {
            flow: path.flow,
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

    /// The CANCEL of this INVITE; it goes where the INVITE went and shares its branch (RFC 3261 §9.1).
    pub(super) fn child(&self, method: Method<'static>, serial: NonZeroU32) -> Self {
        Self { owner: Owner::Nobody, method, forks: None, serial, state: State::Idle, ..*self }
    }

    /// Whether the 2xx of a fork is the first of it to be seen to.
    pub(super) fn meet(&mut self, fork: Key) -> bool {
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

    pub(super) fn name(&self, place: usize) -> ClientTx {
        ClientTx::new(place, self.serial)
    }

    /// Sends the request (RFC 3261 §17.1.1.2, §17.1.2.2).
    pub(super) fn start(&mut self, cx: &mut Cx<'_>, times: &TransactionTimes, me: ClientTx, request: Bytes) {
        let (repeat, limit) = if self.is_invite() {
            (ClientTimer::A, ClientTimer::B)
        } else {
            (ClientTimer::E, ClientTimer::F)
        };
        let timer = (!self.reliable).then(|| set(cx, times.t1, me, repeat));
        let limit = set(cx, times.t1 * 64, me, limit);
        // Over a reliable transport only an INVITE is needed again: for its ACK or CANCEL.
        let keep = if self.is_invite() || !self.reliable { request.clone() } else { Bytes::new() };
        cx.out.transmit(self.flow, request);
        self.state = State::Sent { request: keep, repeat: Repeat { timer, times: 0 }, limit, cancel: false };
    }

    /// Instead of [`Client::start`]: nothing is sent, and the time-out comes at the next opportunity.
    pub(super) fn refuse(&mut self, cx: &mut Cx<'_>, me: ClientTx) {
        let limit = if self.is_invite() { ClientTimer::B } else { ClientTimer::F };
        let limit = set(cx, Duration::ZERO, me, limit);
        let repeat = Repeat { timer: None, times: 0 };
        self.state = State::Sent { request: Bytes::new(), repeat, limit, cancel: false };
    }

    /// Returns the CANCEL if it is to be sent now; else it waits for the first provisional response, or it is too
    /// late for one. No other request than an INVITE is ever cancelled.
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
    ) -> Heard {
        let status = response.status().unwrap_or(0);
        match (self.is_invite(), status) {
            (true, 100..=199) => self.invite_provisional(cx, times, me, status),
            (true, 200..=299) => self.invite_success(cx, times, me),
            (true, 300..=699) => self.invite_refusal(cx, times, me, response),
            (false, 100..=199) => self.other_provisional(cx, me, status),
            (false, 200..=699) => self.other_final(cx, times, me),
            _ => Heard::default(),
        }
    }

    fn invite_provisional(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ClientTx,
        status: u16,
    ) -> Heard {
        let from = self.phase();
        let mut heard = Heard { deliver: status != 100, ..Heard::default() };
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Sent { request, repeat, limit, cancel } => {
                stop(cx, repeat.timer);
                cx.timers.cancel(limit);
                self.state = State::Ringing { request, limit: None };
                if cancel {
                    cx.mark(Machine::from(me), Mark::CancelWaits);
                    heard.cancel = self.cancel(cx, times, me);
                }
            }
            state @ State::Ringing { .. } => self.state = state,
            state => {
                self.state = state;
                return Heard::default();
            }
        }
        self.step(cx, me, from, Cause::Provisional, Phase::Proceeding);
        heard
    }

    /// RFC 6026 §7.2: each 2xx goes up, for 64·T1 after the first.
    fn invite_success(&mut self, cx: &mut Cx<'_>, times: &TransactionTimes, me: ClientTx) -> Heard {
        let from = self.phase();
        match &self.state {
            State::Sent { repeat, limit, .. } => {
                stop(cx, repeat.timer);
                cx.timers.cancel(*limit);
            }
            State::Ringing { limit, .. } => stop(cx, *limit),
            State::Accepted { .. } => {
                self.step(cx, me, from, Cause::Success, Phase::Accepted);
                return Heard { deliver: true, ..Heard::default() };
            }
            _ => return Heard::default(),
        }
        self.state = State::Accepted { limit: set(cx, times.t1 * 64, me, ClientTimer::M) };
        self.step(cx, me, from, Cause::Success, Phase::Accepted);
        Heard { deliver: true, ..Heard::default() }
    }

    /// RFC 3261 §17.1.1.2: the ACK is ours, once for each time that the refusal comes.
    fn invite_refusal(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ClientTx,
        response: &Message,
    ) -> Heard {
        let from = self.phase();
        let ack = match &self.state {
            State::Sent { request, repeat, limit, .. } => {
                stop(cx, repeat.timer);
                cx.timers.cancel(*limit);
                ack_request(request, response)
            }
            State::Ringing { request, limit } => {
                stop(cx, *limit);
                ack_request(request, response)
            }
            State::Completed { ack, .. } => {
                cx.out.transmit(self.flow, ack.clone());
                self.step(cx, me, from, Cause::Refusal, Phase::Completed);
                return Heard::default();
            }
            _ => return Heard::default(),
        };
        if let Some(ack) = &ack
            && !planted!(cx.config, RefusalNotAcknowledged)
        {
            cx.out.transmit(self.flow, ack.clone());
        }
        self.step(cx, me, from, Cause::Refusal, Phase::Completed);
        if self.reliable {
            self.state = State::Idle;
            self.step(cx, me, Phase::Completed, Cause::D, Phase::Terminated);
            return Heard { deliver: true, over: true, ..Heard::default() };
        }
        // §17.1.1.2: at least 32 s, because the server's T1 is not known.
        let wait = (times.t1 * 64).max(Duration::from_secs(32));
        self.state =
            State::Completed { ack: ack.unwrap_or_default(), limit: set(cx, wait, me, ClientTimer::D) };
        Heard { deliver: true, ..Heard::default() }
    }

    fn other_provisional(&mut self, cx: &mut Cx<'_>, me: ClientTx, status: u16) -> Heard {
        let from = self.phase();
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Sent { request, repeat, limit, .. } => {
                self.state = State::Working { repeat, request, limit }
            }
            state @ State::Working { .. } => self.state = state,
            state => {
                self.state = state;
                return Heard::default();
            }
        }
        self.step(cx, me, from, Cause::Provisional, Phase::Proceeding);
        Heard { deliver: status != 100, ..Heard::default() }
    }

    fn other_final(&mut self, cx: &mut Cx<'_>, times: &TransactionTimes, me: ClientTx) -> Heard {
        let from = self.phase();
        let (State::Sent { repeat, limit, .. } | State::Working { repeat, limit, .. }) = &self.state else {
            return Heard::default();
        };
        stop(cx, repeat.timer);
        cx.timers.cancel(*limit);
        self.step(cx, me, from, Cause::Final, Phase::Completed);
        if self.reliable {
            self.state = State::Idle;
            self.step(cx, me, Phase::Completed, Cause::K, Phase::Terminated);
            return Heard { deliver: true, over: true, ..Heard::default() };
        }
        self.state = State::Completed { ack: Bytes::new(), limit: set(cx, times.t4, me, ClientTimer::K) };
        Heard { deliver: true, ..Heard::default() }
    }

    pub(super) fn expire(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ClientTx,
        timer: ClientTimer,
    ) -> Expired {
        let from = self.phase();
        let (cause, failed) = match timer {
            ClientTimer::Cancelled if planted!(cx.config, CancelNeverEnds) => return Expired::Alive,
            ClientTimer::B | ClientTimer::F if planted!(cx.config, NoTimeout) => return Expired::Alive,
            ClientTimer::A => return self.repeat(cx, me, ClientTimer::A, Cause::A, |r| r.interval(times)),
            ClientTimer::E if from == Phase::Proceeding => {
                return self.repeat(cx, me, ClientTimer::E, Cause::E, |_| times.t2);
            }
            ClientTimer::E => {
                return self.repeat(cx, me, ClientTimer::E, Cause::E, |r| r.interval(times).min(times.t2));
            }
            ClientTimer::B => (Cause::B, true),
            ClientTimer::F => (Cause::F, true),
            ClientTimer::Cancelled => (Cause::Cancelled, true),
            ClientTimer::D => (Cause::D, false),
            ClientTimer::K => (Cause::K, false),
            ClientTimer::M => (Cause::M, false),
        };
        self.end(cx, me, cause);
        if failed { Expired::Failed } else { Expired::Over }
    }

    fn repeat(
        &mut self,
        cx: &mut Cx<'_>,
        me: ClientTx,
        timer: ClientTimer,
        cause: Cause,
        interval: impl FnOnce(Repeat) -> Duration,
    ) -> Expired {
        let phase = self.phase();
        if let State::Sent { request, repeat, .. } | State::Working { request, repeat, .. } = &mut self.state
        {
            if !planted!(cx.config, NotRepeated) {
                cx.out.transmit(self.flow, request.clone());
            }
            if !planted!(cx.config, RepeatedInStep) {
                repeat.times = repeat.times.saturating_add(1);
            }
            repeat.timer = Some(set(cx, interval(*repeat), me, timer));
            self.step(cx, me, phase, cause, phase);
        }
        Expired::Alive
    }

    /// The flow is lost. Returns whether a final response was still waited for.
    pub(super) fn lose_flow(&mut self, cx: &mut Cx<'_>, me: ClientTx) -> bool {
        let waiting =
            matches!(self.state, State::Sent { .. } | State::Ringing { .. } | State::Working { .. });
        self.end(cx, me, Cause::FlowLost);
        waiting
    }

    /// The INVITE of this CANCEL is over.
    pub(super) fn abandon(&mut self, cx: &mut Cx<'_>, me: ClientTx) {
        self.end(cx, me, Cause::Invite);
    }

    fn end(&mut self, cx: &mut Cx<'_>, me: ClientTx, cause: Cause) {
        let from = self.phase();
        match std::mem::replace(&mut self.state, State::Idle) {
            State::Idle => return,
            State::Sent { repeat, limit, .. } | State::Working { repeat, limit, .. } => {
                stop(cx, repeat.timer);
                cx.timers.cancel(limit);
            }
            State::Ringing { limit, .. } => stop(cx, limit),
            State::Completed { limit, .. } | State::Accepted { limit } => cx.timers.cancel(limit),
        }
        self.step(cx, me, from, cause, Phase::Terminated);
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

    fn step(&self, cx: &mut Cx<'_>, me: ClientTx, from: Phase, cause: Cause, to: Phase) {
        let table = if self.is_invite() { &INVITE_CLIENT } else { &CLIENT };
        cx.trace.step(cx.now, me.into(), table, from, cause, to);
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

/// RFC 3261 §9.1: what identifies the INVITE, and its Route.
fn cancel_request(invite: &Bytes) -> Option<Bytes> {
    let invite = own_message(invite)?;
    follow(&invite, Method::Cancel, invite.header(HeaderName::To)?)
}

/// RFC 3261 §17.1.1.3: what identifies the INVITE, its Route, and the To of the response.
fn ack_request(invite: &Bytes, response: &Message) -> Option<Bytes> {
    follow(&own_message(invite)?, Method::Ack, response.header(HeaderName::To)?)
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
