//! A connection: connecting, up, down; one server after another, with back-off, and kept alive.

use super::LineTimer;
use super::identity::Identity;
use crate::cx::Cx;
use crate::entropy::Label;
use crate::machine::{Table, words};
use crate::path::Path;
use crate::timer::{Timer, TimerId};
use crate::trace::Machine;
use crate::{Account, AccountId, Event, FlowFailure, FlowId, FlowState, Output, Target};
use bytes::Bytes;
use offhook_wire::{Instant, KeepAlive};
use std::time::Duration;

pub(super) struct Flow {
    account: AccountId,
    /// The places of the servers in the configuration, best first.
    order: Box<[u16]>,
    /// Which of them is next.
    next: usize,
    /// Attempts that failed since one lasted.
    failures: u32,
    state: State,
}

enum State {
    Down,
    /// Down, and the next attempt is set.
    Waiting {
        timer: TimerId,
    },
    Connecting {
        flow: FlowId,
        target: Target,
        limit: TimerId,
    },
    Up {
        path: Path,
        since: Instant,
        keep_alive: TimerId,
        pong: Pong,
    },
}

/// Answers to keep-alives are expected where one was ever seen: peers differ, and a silent one is not dead.
enum Pong {
    NeverSeen,
    Seen,
    Awaited(TimerId),
}

/// What a bad turn did.
pub(super) enum Change {
    /// It was not about the connection that there is.
    None,
    /// An attempt failed.
    Failed,
    /// A connection was lost; `short` when it had not lasted.
    Lost { flow: FlowId, short: bool },
}

words! {
    enum Phase { Down = "down", Waiting = "waiting", Connecting = "connecting", Up = "up" }
}

words! {
    enum Step { Open = "open", Connected = "connected", Failed = "failed", Lost = "lost", Silent = "silent", BackOff = "back off" }
}

static EDGES: Table<Phase, Step> = Table(&[
    (Phase::Down, Step::Open, Phase::Connecting),
    (Phase::Down, Step::BackOff, Phase::Waiting),
    (Phase::Waiting, Step::Open, Phase::Connecting),
    (Phase::Connecting, Step::Connected, Phase::Up),
    (Phase::Connecting, Step::Failed, Phase::Down),
    (Phase::Connecting, Step::Silent, Phase::Down),
    (Phase::Up, Step::Lost, Phase::Down),
    (Phase::Up, Step::Silent, Phase::Down),
]);

impl Flow {
    pub(super) fn new(account: AccountId, config: &Account) -> Self {
        let mut order: Vec<u16> = (0..config.servers.len() as u16).collect();
        order.sort_by_key(|place| std::cmp::Reverse(config.servers[usize::from(*place)].weight));
        Self { account, order: order.into(), next: 0, failures: 0, state: State::Down }
    }

    pub(super) fn path(&self) -> Option<&Path> {
        match &self.state {
            State::Up { path, .. } => Some(path),
            _ => None,
        }
    }

    pub(super) fn id(&self) -> Option<FlowId> {
        match &self.state {
            State::Connecting { flow, .. } => Some(*flow),
            State::Up { path, .. } => Some(path.flow),
            State::Down | State::Waiting { .. } => None,
        }
    }

    /// Down, with or without a next attempt set.
    pub(super) fn is_down(&self) -> bool {
        self.id().is_none()
    }

    /// Connects to the next server, unless a connection is there or on its way.
    pub(super) fn open(&mut self, cx: &mut Cx<'_>) {
        let servers = &cx.config.accounts[usize::from(self.account.0)].servers;
        let Some(place) = self.order.get(self.next) else { return };
        let from = self.phase();
        match self.state {
            State::Down => {}
            State::Waiting { timer } => cx.timers.cancel(timer),
            State::Connecting { .. } | State::Up { .. } => return,
        }
        let target = servers[usize::from(*place)].target.clone();
        let limit = self.timer(cx, cx.config.registration.connect_timeout, LineTimer::Connect);
        let flow = cx.out.new_flow();
        cx.out.push(Output::Open { flow, account: self.account, target: target.clone() });
        self.advance(cx, flow, from, Step::Open, State::Connecting { flow, target, limit });
        self.event(cx, flow, FlowState::Connecting);
    }

    /// Connects after a while: at once after a connection that had lasted, else longer after each failure.
    pub(super) fn open_later(&mut self, cx: &mut Cx<'_>, short: bool) {
        if !short {
            return self.open(cx);
        }
        let wait = back_off(cx, self.failures);
        let timer = self.timer(cx, wait, LineTimer::Reconnect);
        self.state = State::Waiting { timer };
    }

    /// Returns whether that is news.
    pub(super) fn came_up(&mut self, cx: &mut Cx<'_>, identity: &mut Identity, local: Option<&str>) -> bool {
        let State::Connecting { flow, target, limit } = &self.state else { return false };
        let (flow, transport, limit) = (*flow, target.transport, *limit);
        cx.timers.cancel(limit);
        identity.connected(transport, local);
        let path = Path { flow, transport, sent_by: identity.sent_by.clone() };
        let keep_alive = self.timer(cx, cx.config.registration.keep_alive, LineTimer::KeepAlive);
        let up = State::Up { path, since: cx.now, keep_alive, pong: Pong::NeverSeen };
        self.advance(cx, flow, Phase::Connecting, Step::Connected, up);
        self.event(cx, flow, FlowState::Up);
        true
    }

    pub(super) fn went_down(&mut self, cx: &mut Cx<'_>, why: FlowFailure) -> Change {
        self.leave(cx, why, Step::Lost, Step::Failed)
    }

    /// The attempt, or the answer to a keep-alive, took too long: we close it ourselves.
    pub(super) fn timed_out(&mut self, cx: &mut Cx<'_>) -> Change {
        if let Some(flow) = self.id() {
            cx.out.push(Output::Close { flow });
        }
        self.leave(cx, FlowFailure::TimedOut, Step::Silent, Step::Silent)
    }

    fn leave(&mut self, cx: &mut Cx<'_>, why: FlowFailure, lost: Step, failed: Step) -> Change {
        let (flow, step, change) = match &self.state {
            State::Down | State::Waiting { .. } => return Change::None,
            State::Connecting { flow, limit, .. } => {
                cx.timers.cancel(*limit);
                (*flow, failed, Change::Failed)
            }
            State::Up { path, since, keep_alive, pong } => {
                cx.timers.cancel(*keep_alive);
                if let Pong::Awaited(timer) = pong {
                    cx.timers.cancel(*timer);
                }
                // One that breaks at once would be a storm if it were opened again at once.
                let short = cx.now.saturating_since(*since) < cx.config.registration.first_wait;
                (path.flow, lost, Change::Lost { flow: path.flow, short })
            }
        };
        self.failures = match change {
            Change::Lost { short: false, .. } => 0,
            _ => self.failures.saturating_add(1),
        };
        self.next = (self.next + 1) % self.order.len().max(1);
        let from = self.phase();
        self.advance(cx, flow, from, step, State::Down);
        self.event(cx, flow, FlowState::Down(why));
        change
    }

    pub(super) fn traffic(&mut self, cx: &mut Cx<'_>) {
        if let State::Up { pong: pong @ Pong::Awaited(_), .. } = &mut self.state
            && let Pong::Awaited(timer) = std::mem::replace(pong, Pong::Seen)
        {
            cx.timers.cancel(timer);
        }
    }

    /// RFC 5626 §4.4.1: a double CRLF is answered with a single one.
    pub(super) fn keep_alive(&mut self, cx: &mut Cx<'_>, kind: KeepAlive) {
        let State::Up { path, pong, .. } = &mut self.state else { return };
        match kind {
            KeepAlive::Ping => cx.out.transmit(path.flow, Bytes::from_static(b"\r\n")),
            KeepAlive::Pong => {
                if let Pong::NeverSeen = pong {
                    *pong = Pong::Seen;
                }
            }
        }
    }

    pub(super) fn send_keep_alive(&mut self, cx: &mut Cx<'_>) {
        let policy = cx.config.registration;
        let next = self.timer(cx, policy.keep_alive, LineTimer::KeepAlive);
        let limit = Timer::Line(self.account, LineTimer::Pong);
        let State::Up { path, keep_alive, pong, .. } = &mut self.state else { return cx.timers.cancel(next) };
        *keep_alive = next;
        cx.out.transmit(path.flow, Bytes::from_static(b"\r\n\r\n"));
        if let (Pong::Seen, true) = (&*pong, path.transport.is_reliable()) {
            *pong = Pong::Awaited(cx.timers.set(cx.now + policy.pong_timeout, limit));
        }
    }

    fn timer(&self, cx: &mut Cx<'_>, after: Duration, timer: LineTimer) -> TimerId {
        cx.timers.set(cx.now + after, Timer::Line(self.account, timer))
    }

    fn event(&self, cx: &mut Cx<'_>, flow: FlowId, state: FlowState) {
        cx.out.event(Event::Flow { account: self.account, flow, state });
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Down => Phase::Down,
            State::Waiting { .. } => Phase::Waiting,
            State::Connecting { .. } => Phase::Connecting,
            State::Up { .. } => Phase::Up,
        }
    }

    fn advance(&mut self, cx: &mut Cx<'_>, flow: FlowId, from: Phase, step: Step, state: State) {
        self.state = state;
        cx.trace.step(cx.now, Machine::Flow(flow), &EDGES, from, step, self.phase());
    }
}

/// The wait before the next attempt: doubled for each failure, capped, and drawn from its upper half so that the phones
/// of a server that comes back do not all come back with it.
pub(super) fn back_off(cx: &mut Cx<'_>, failures: u32) -> Duration {
    let policy = cx.config.registration;
    let doubled = policy.first_wait.saturating_mul(1 << failures.saturating_sub(1).min(16));
    let most = doubled.min(policy.longest_wait);
    cx.entropy.between(Label::Pace, most / 2, most)
}
