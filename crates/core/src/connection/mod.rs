//! The connection of an account: opened, kept alive, opened again on the next server when it is lost.
//!
//! "Connected" is not "registered": the two machines meet in the account that owns both.

mod snapshot;

use crate::base::cx::Cx;
use crate::base::entropy::Label;
use crate::base::machine::{Table, named_enum};
use crate::base::marks::Mark;
use crate::base::name::{AccountTimer, Machine, Timer};
use crate::base::path::Path;
use crate::base::timers::TimerId;
use crate::planted::planted;
use crate::{AccountId, Event, FlowFailure, FlowId, FlowState, Output, Transport};
use bytes::Bytes;
use offhook_wire::{Instant, KeepAlive};
use std::time::Duration;

/// RFC 5626 §3.5.1.
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";

named_enum! {
    /// The states of one flow.
    enum Phase { Connecting = "connecting", Up = "up", Down = "down" }
}

named_enum! {
    enum Trigger {
        Connected = "connected",
        Refused = "not connected",
        Overdue = "connect timeout",
        Lost = "lost",
        Silent = "no answer",
    }
}

/// One flow; the next one has a new name.
static FLOW: Table<Phase, Trigger> = {
    use Phase::{Connecting, Down, Up};
    Table(&[
        (Connecting, Trigger::Connected, Up),
        (Connecting, Trigger::Refused, Down),
        (Connecting, Trigger::Overdue, Down),
        (Up, Trigger::Lost, Down),
        (Up, Trigger::Silent, Down),
    ])
};

/// The table of the machine, for its diagram.
#[cfg(any(test, feature = "marks"))]
pub(crate) fn table() -> &'static dyn crate::base::machine::Edges {
    &FLOW
}

/// The connection of one account, over all its flows.
pub(crate) struct Flow {
    account: AccountId,
    state: State,
    /// Which server is next, counted from the first and best without wrapping.
    next_server: usize,
    /// Connections in a row that failed, or were lost as soon as they were up.
    failures: u32,
}

enum State {
    /// Not wanted.
    Off,
    Connecting {
        flow: FlowId,
        transport: Transport,
        limit: TimerId,
    },
    Up(Up),
    /// Until the next attempt.
    Waiting {
        timer: TimerId,
    },
}

struct Up {
    path: Path,
    since: Instant,
    /// When something last came in.
    last_received: Instant,
    keep_alive: TimerId,
    /// Runs while the answer to a keep-alive is awaited.
    pong: Option<TimerId>,
    /// The peer answered a keep-alive once. Before that a missing answer means nothing: many never answer.
    answers_keep_alives: bool,
}

/// What went down.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// A connection attempt.
    Attempt,
    /// A flow that was up.
    Flow(FlowId),
}

impl Flow {
    pub(crate) fn new(account: AccountId) -> Self {
        Self { account, state: State::Off, next_server: 0, failures: 0 }
    }

    /// The flow, if it is up.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.state {
            State::Up(up) => Some(&up.path),
            _ => None,
        }
    }

    /// Whether this is the name of the flow that is up or coming up.
    pub(crate) fn owns(&self, flow: FlowId) -> bool {
        match &self.state {
            State::Connecting { flow: own, .. } => *own == flow,
            State::Up(up) => up.path.flow == flow,
            State::Off | State::Waiting { .. } => false,
        }
    }

    /// Whether nothing came in since then.
    pub(crate) fn silent_since(&self, then: Instant) -> bool {
        matches!(&self.state, State::Up(up) if up.last_received <= then)
    }

    /// Connects now, unless it is up or on the way.
    pub(crate) fn connect(&mut self, cx: &mut Cx<'_>) {
        match self.state {
            State::Off => {}
            State::Waiting { timer } => cx.timers.cancel(timer),
            State::Connecting { .. } | State::Up(_) => return,
        }
        self.state = State::Off;
        // The heaviest first, and each in its next_server.
        let mut servers: Vec<_> = cx.config.accounts[usize::from(self.account.0)].servers.iter().collect();
        servers.sort_by_key(|server| std::cmp::Reverse(server.weight));
        let Some(index) = self.next_server.checked_rem(servers.len()) else { return };
        let target = servers[index].target.clone();
        let transport = target.transport;
        let flow = cx.out.new_flow();
        if index > 0 {
            cx.mark(Machine::Flow(flow), Mark::ServerChanged);
        }
        cx.out.push(Output::Open { flow, account: self.account, target });
        let limit = self.set(cx, cx.config.registration.connect_timeout, AccountTimer::Connect);
        self.state = State::Connecting { flow, transport, limit };
        self.report(cx, flow, FlowState::Connecting);
    }

    /// The transport that connects now; `None` when that flow is not the one that is connecting.
    pub(crate) fn connecting(&self, flow: FlowId) -> Option<Transport> {
        match self.state {
            State::Connecting { flow: own, transport, .. } if own == flow => Some(transport),
            _ => None,
        }
    }

    /// The connecting flow is up, and known to others as `sent_by`.
    pub(crate) fn up(&mut self, cx: &mut Cx<'_>, sent_by: Bytes) {
        let State::Connecting { flow, transport, limit } = self.state else { return };
        cx.timers.cancel(limit);
        let keep_alive = self.set_keep_alive(cx);
        let path = Path { flow, transport, sent_by };
        self.state = State::Up(Up {
            path,
            since: cx.now,
            last_received: cx.now,
            keep_alive,
            pong: None,
            answers_keep_alives: false,
        });
        self.transition(cx, flow, Phase::Connecting, Trigger::Connected, Phase::Up);
        self.report(cx, flow, FlowState::Up);
    }

    /// A flow went down, as its host says. `None`: it was not ours any more.
    pub(crate) fn down(&mut self, cx: &mut Cx<'_>, flow: FlowId, why: FlowFailure) -> Option<Down> {
        if !self.owns(flow) {
            return None;
        }
        let trigger = if self.path().is_some() { Trigger::Lost } else { Trigger::Refused };
        self.close(cx, trigger, why)
    }

    /// A timer said that the flow is dead: the connection attempt, or the answer to a keep-alive, takes too long.
    pub(crate) fn timed_out(&mut self, cx: &mut Cx<'_>) -> Option<Down> {
        let (flow, trigger) = match &self.state {
            State::Connecting { flow, .. } => (*flow, Trigger::Overdue),
            State::Up(up) => {
                cx.mark(Machine::Flow(up.path.flow), Mark::PongMissed);
                (up.path.flow, Trigger::Silent)
            }
            State::Off | State::Waiting { .. } => return None,
        };
        cx.out.push(Output::Close { flow });
        self.close(cx, trigger, FlowFailure::TimedOut)
    }

    /// The next server's next_server has come. What follows is up to the caller.
    fn close(&mut self, cx: &mut Cx<'_>, trigger: Trigger, why: FlowFailure) -> Option<Down> {
        let (flow, from, down) = match std::mem::replace(&mut self.state, State::Off) {
            State::Connecting { flow, limit, .. } => {
                cx.timers.cancel(limit);
                self.failures = self.failures.saturating_add(1);
                (flow, Phase::Connecting, Down::Attempt)
            }
            State::Up(up) => {
                cx.timers.cancel(up.keep_alive);
                if let Some(pong) = up.pong {
                    cx.timers.cancel(pong);
                }
                // A server that accepts and closes at once is no better than one that does not accept.
                let lived = cx.now.saturating_since(up.since) >= cx.config.registration.first_wait;
                self.failures = if lived { 0 } else { self.failures.saturating_add(1) };
                (up.path.flow, Phase::Up, Down::Flow(up.path.flow))
            }
            state => {
                self.state = state;
                return None;
            }
        };
        if !planted!(cx.config, OneServerOnly) {
            self.next_server += 1;
        }
        self.transition(cx, flow, from, trigger, Phase::Down);
        self.report(cx, flow, FlowState::Down(why));
        Some(down)
    }

    /// When nothing is up or on the way: connects at once if the last flow served a while, else after the back-off.
    pub(crate) fn reconnect(&mut self, cx: &mut Cx<'_>) {
        if self.failures == 0 {
            return self.connect(cx);
        }
        if let State::Off = self.state {
            if planted!(cx.config, ReconnectForgotten) {
                return;
            }
            let after = back_off(cx, self.failures);
            self.state = State::Waiting { timer: self.set(cx, after, AccountTimer::Reconnect) };
        }
    }

    /// Sends a keep-alive. RFC 5626 §3.5.1 over connections; over UDP a CRLF keeps the translation of addresses.
    pub(crate) fn keep_alive(&mut self, cx: &mut Cx<'_>) {
        let next = self.set_keep_alive(cx);
        let account = self.account;
        let State::Up(up) = &mut self.state else { return cx.timers.cancel(next) };
        up.keep_alive = next;
        if planted!(cx.config, KeepAliveOnce) {
            cx.timers.cancel(next);
        }
        let reliable = up.path.transport.is_reliable();
        cx.out.transmit(up.path.flow, Bytes::from_static(if reliable { PING } else { PONG }));
        if up.answers_keep_alives && up.pong.is_none() && !planted!(cx.config, PongNotAwaited) {
            let limit = cx.now + cx.config.registration.pong_timeout;
            up.pong = Some(cx.timers.set(limit, Timer::Account(account, AccountTimer::Pong)));
        }
    }

    /// A keep-alive came in: a ping is answered, a pong shows that missing ones will mean something.
    pub(crate) fn keep_alive_received(&mut self, cx: &mut Cx<'_>, kind: KeepAlive) {
        let State::Up(up) = &mut self.state else { return };
        if !up.path.transport.is_reliable() {
            return;
        }
        match kind {
            KeepAlive::Ping => cx.out.transmit(up.path.flow, Bytes::from_static(PONG)),
            KeepAlive::Pong => {
                cx.mark(Machine::Flow(up.path.flow), Mark::PongLearnt);
                up.answers_keep_alives = true;
            }
        }
    }

    /// Something came in: whatever it is, the flow lives.
    pub(crate) fn on_traffic(&mut self, cx: &mut Cx<'_>) {
        if let State::Up(up) = &mut self.state {
            up.last_received = cx.now;
            if let Some(pong) = up.pong.take() {
                cx.timers.cancel(pong);
            }
        }
    }

    /// RFC 5626 §4.4.1: between 80 and 100 percent of the interval, so that phones do not ping in step.
    fn set_keep_alive(&self, cx: &mut Cx<'_>) -> TimerId {
        let interval = cx.config.registration.keep_alive;
        let after = cx.entropy.between(Label::Jitter, interval * 4 / 5, interval);
        self.set(cx, after, AccountTimer::KeepAlive)
    }

    fn set(&self, cx: &mut Cx<'_>, after: Duration, timer: AccountTimer) -> TimerId {
        cx.timers.set(cx.now + after, Timer::Account(self.account, timer))
    }

    fn transition(&self, cx: &mut Cx<'_>, flow: FlowId, from: Phase, trigger: Trigger, to: Phase) {
        cx.trace.transition(cx.now, Machine::Flow(flow), &FLOW, from, trigger, to);
    }

    fn report(&self, cx: &mut Cx<'_>, flow: FlowId, state: FlowState) {
        cx.out.event(Event::Flow { account: self.account, flow, state });
    }
}

/// The wait after the `failures`th failure in a row: doubled each time up to a cap, and the upper half of it random, so
/// that the phones of a server that restarts do not come back in one moment (RFC 5626 §4.5).
pub(crate) fn back_off(cx: &mut Cx<'_>, failures: u32) -> Duration {
    if planted!(cx.config, NoBackOff) {
        return Duration::ZERO;
    }
    let policy = &cx.config.registration;
    let doubled = policy.first_wait.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let full = doubled.min(policy.longest_wait);
    if doubled > full {
        cx.mark(None, Mark::BackOffCapped);
    }
    cx.entropy.between(Label::Jitter, full / 2, full)
}
