//! The connection of an account: opened, kept alive, and reopened to the next server when it is lost.
//!
//! "Connected" is not "registered": the account owns both machines.

mod snapshot;

use crate::base::cx::Cx;
use crate::base::entropy::Label;
use crate::base::machine::{Table, named_enum};
use crate::base::marks::Mark;
use crate::base::name::{AccountTimer, Machine, Timer};
use crate::base::path::Path;
use crate::base::timers::TimerId;
use crate::planted::planted;
use crate::{AccountEvent, AccountId, ConnectionFailure, ConnectionId, ConnectionState, Output, Transport};
use bytes::Bytes;
use offhook_wire::{Instant, KeepAlive};
use std::time::Duration;

/// RFC 5626 §3.5.1.
const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";

named_enum! {
    /// The states of one connection.
    enum Phase { Connecting = "connecting", Up = "up", Down = "down" }
}

named_enum! {
    enum Trigger {
        Connected = "connected",
        Refused = "not connected",
        Overdue = "connect timeout",
        Lost = "lost",
        Silent = "no answer",
        Left = "next server",
        Stopped = "stopped",
    }
}

/// One connection; the next one has another identifier.
static CONNECTION: Table<Phase, Trigger> = {
    use Phase::{Connecting, Down, Up};
    Table(&[
        (Connecting, Trigger::Connected, Up),
        (Connecting, Trigger::Refused, Down),
        (Connecting, Trigger::Overdue, Down),
        (Connecting, Trigger::Stopped, Down),
        (Up, Trigger::Lost, Down),
        (Up, Trigger::Silent, Down),
        (Up, Trigger::Left, Down),
        (Up, Trigger::Stopped, Down),
    ])
};

/// The table of the machine, for its diagram.
#[cfg(any(test, feature = "marks"))]
pub(crate) fn table() -> &'static dyn crate::base::machine::Edges {
    &CONNECTION
}

/// The connection of one account, over all its connections.
pub(crate) struct Connection {
    account: AccountId,
    state: State,
    /// The index of the next server by weight, not reduced modulo the number of servers.
    next_server: usize,
    /// Consecutive connections that failed, or were lost as soon as they were up.
    failures: u32,
}

enum State {
    /// Not needed.
    Off,
    Connecting {
        connection: ConnectionId,
        transport: Transport,
        limit: TimerId,
    },
    Up(Up),
    /// Down until the next attempt.
    Waiting {
        timer: TimerId,
    },
}

struct Up {
    path: Path,
    since: Instant,
    /// When bytes were last received.
    last_received: Instant,
    keep_alive: TimerId,
    /// Pending while the answer to a keep-alive is expected.
    pong: Option<TimerId>,
    /// Whether the server has ever answered a keep-alive. Before that a missing answer means nothing: many servers never answer.
    answers_keep_alives: bool,
}

/// What has gone down.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Down {
    /// A connection attempt.
    Attempt,
    /// A connection that was up.
    Connection(ConnectionId),
}

impl Connection {
    pub(crate) fn new(account: AccountId) -> Self {
        Self { account, state: State::Off, next_server: 0, failures: 0 }
    }

    /// The connection, if it is up.
    pub(crate) fn path(&self) -> Option<&Path> {
        match &self.state {
            State::Up(up) => Some(&up.path),
            _ => None,
        }
    }

    /// Whether this is the connection that is up or being opened.
    pub(crate) fn owns(&self, connection: ConnectionId) -> bool {
        match &self.state {
            State::Connecting { connection: own, .. } => *own == connection,
            State::Up(up) => up.path.connection == connection,
            State::Off | State::Waiting { .. } => false,
        }
    }

    /// Whether nothing was received since then.
    pub(crate) fn silent_since(&self, then: Instant) -> bool {
        matches!(&self.state, State::Up(up) if up.last_received <= then)
    }

    /// Connects now, unless the connection is up or being opened.
    pub(crate) fn connect(&mut self, cx: &mut Cx<'_>) {
        match self.state {
            State::Off => {}
            State::Waiting { timer } => cx.timers.cancel(timer),
            State::Connecting { .. } | State::Up(_) => return,
        }
        self.state = State::Off;
        // By weight, one after another.
        let mut servers: Vec<_> = cx.config.accounts[usize::from(self.account.0)].servers.iter().collect();
        servers.sort_by_key(|server| std::cmp::Reverse(server.weight));
        let Some(index) = self.next_server.checked_rem(servers.len()) else { return };
        let hop = servers[index].hop.clone();
        let transport = hop.transport;
        let connection = cx.out.new_connection();
        if index > 0 {
            cx.mark(Machine::Connection(connection), Mark::ServerChanged);
        }
        cx.out.push(Output::Open { connection, account: self.account, hop });
        let limit = self.set(cx, cx.config.registration.connect_timeout, AccountTimer::Connect);
        self.state = State::Connecting { connection, transport, limit };
        self.report(cx, connection, ConnectionState::Connecting);
    }

    /// The transport of the connection that is being opened; `None` for another connection.
    pub(crate) fn connecting(&self, connection: ConnectionId) -> Option<Transport> {
        match self.state {
            State::Connecting { connection: own, transport, .. } if own == connection => Some(transport),
            _ => None,
        }
    }

    /// The connection that was being opened is up; `sent_by` is for its Via.
    pub(crate) fn up(&mut self, cx: &mut Cx<'_>, sent_by: Bytes) {
        let State::Connecting { connection, transport, limit } = self.state else { return };
        cx.timers.cancel(limit);
        let keep_alive = self.set_keep_alive(cx);
        let path = Path { connection, transport, sent_by };
        self.state = State::Up(Up {
            path,
            since: cx.now,
            last_received: cx.now,
            keep_alive,
            pong: None,
            answers_keep_alives: false,
        });
        self.transition(cx, connection, Phase::Connecting, Trigger::Connected, Phase::Up);
        self.report(cx, connection, ConnectionState::Up);
    }

    /// The host reports that a connection went down. `None`: it is not the current one.
    pub(crate) fn down(
        &mut self,
        cx: &mut Cx<'_>,
        connection: ConnectionId,
        why: ConnectionFailure,
    ) -> Option<Down> {
        if !self.owns(connection) {
            return None;
        }
        let trigger = if self.path().is_some() { Trigger::Lost } else { Trigger::Refused };
        self.close(cx, trigger, why)
    }

    /// The connection attempt or the answer to a keep-alive timed out.
    pub(crate) fn timed_out(&mut self, cx: &mut Cx<'_>) -> Option<Down> {
        let (connection, trigger) = match &self.state {
            State::Connecting { connection, .. } => (*connection, Trigger::Overdue),
            State::Up(up) => {
                cx.mark(Machine::Connection(up.path.connection), Mark::PongMissed);
                (up.path.connection, Trigger::Silent)
            }
            State::Off | State::Waiting { .. } => return None,
        };
        cx.out.push(Output::Close { connection });
        self.close(cx, trigger, ConnectionFailure::TimedOut)
    }

    /// Closes the connection that is up, to move to the next server.
    pub(crate) fn leave(&mut self, cx: &mut Cx<'_>) -> Option<Down> {
        let connection = self.path()?.connection;
        cx.out.push(Output::Close { connection });
        self.close(cx, Trigger::Left, ConnectionFailure::Closed)
    }

    /// Moves to the next server. The caller decides when to connect.
    fn close(&mut self, cx: &mut Cx<'_>, trigger: Trigger, why: ConnectionFailure) -> Option<Down> {
        let (connection, from, down) = match std::mem::replace(&mut self.state, State::Off) {
            State::Connecting { connection, limit, .. } => {
                cx.timers.cancel(limit);
                self.failures = self.failures.saturating_add(1);
                (connection, Phase::Connecting, Down::Attempt)
            }
            State::Up(up) => {
                cx.timers.cancel(up.keep_alive);
                if let Some(pong) = up.pong {
                    cx.timers.cancel(pong);
                }
                // A server that accepts and closes immediately is treated as one that does not accept.
                let lived = cx.now.saturating_since(up.since) >= cx.config.registration.first_wait;
                self.failures = if lived { 0 } else { self.failures.saturating_add(1) };
                (up.path.connection, Phase::Up, Down::Connection(up.path.connection))
            }
            state => {
                self.state = state;
                return None;
            }
        };
        if !planted!(cx.config, OneServerOnly) {
            self.next_server += 1;
        }
        self.transition(cx, connection, from, trigger, Phase::Down);
        self.report(cx, connection, ConnectionState::Down(why));
        Some(down)
    }

    /// Closes it, without a further attempt. Returns the connection that was up.
    pub(crate) fn stop(&mut self, cx: &mut Cx<'_>) -> Option<ConnectionId> {
        let open = match &self.state {
            State::Connecting { connection, .. } => *connection,
            State::Up(up) => up.path.connection,
            State::Waiting { timer } => {
                cx.timers.cancel(*timer);
                self.state = State::Off;
                return None;
            }
            State::Off => return None,
        };
        cx.out.push(Output::Close { connection: open });
        match self.close(cx, Trigger::Stopped, ConnectionFailure::Closed) {
            Some(Down::Connection(connection)) => Some(connection),
            Some(Down::Attempt) | None => None,
        }
    }

    /// If no connection is up or being opened: connects immediately if the last connection was up for a while, else after the back-off.
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

    /// Sends a keep-alive: RFC 5626 §3.5.1 over connections; over UDP a CRLF, which keeps the NAT binding.
    pub(crate) fn keep_alive(&mut self, cx: &mut Cx<'_>) {
        let next = self.set_keep_alive(cx);
        let account = self.account;
        let State::Up(up) = &mut self.state else { return cx.timers.cancel(next) };
        up.keep_alive = next;
        if planted!(cx.config, KeepAliveOnce) {
            cx.timers.cancel(next);
        }
        let reliable = up.path.transport.is_reliable();
        cx.out.transmit(up.path.connection, Bytes::from_static(if reliable { PING } else { PONG }));
        if up.answers_keep_alives && up.pong.is_none() && !planted!(cx.config, PongNotAwaited) {
            let limit = cx.now + cx.config.registration.pong_timeout;
            up.pong = Some(cx.timers.set(limit, Timer::Account(account, AccountTimer::Pong)));
        }
    }

    /// A keep-alive was received: a ping is answered; after a first pong, missing ones count.
    pub(crate) fn keep_alive_received(&mut self, cx: &mut Cx<'_>, kind: KeepAlive) {
        let State::Up(up) = &mut self.state else { return };
        if !up.path.transport.is_reliable() {
            return;
        }
        match kind {
            KeepAlive::Ping => cx.out.transmit(up.path.connection, Bytes::from_static(PONG)),
            KeepAlive::Pong => {
                cx.mark(Machine::Connection(up.path.connection), Mark::PongLearnt);
                up.answers_keep_alives = true;
            }
        }
    }

    /// Bytes were received: the connection is alive.
    pub(crate) fn on_traffic(&mut self, cx: &mut Cx<'_>) {
        if let State::Up(up) = &mut self.state {
            up.last_received = cx.now;
            if let Some(pong) = up.pong.take() {
                cx.timers.cancel(pong);
            }
        }
    }

    /// RFC 5626 §4.4.1: 80–100 % of the interval, so that phones do not ping simultaneously.
    fn set_keep_alive(&self, cx: &mut Cx<'_>) -> TimerId {
        let interval = cx.config.registration.keep_alive;
        let after = cx.entropy.between(Label::Jitter, interval * 4 / 5, interval);
        self.set(cx, after, AccountTimer::KeepAlive)
    }

    fn set(&self, cx: &mut Cx<'_>, after: Duration, timer: AccountTimer) -> TimerId {
        cx.timers.set(cx.now + after, Timer::Account(self.account, timer))
    }

    fn transition(
        &self,
        cx: &mut Cx<'_>,
        connection: ConnectionId,
        from: Phase,
        trigger: Trigger,
        to: Phase,
    ) {
        cx.trace.transition(cx.now, Machine::Connection(connection), &CONNECTION, from, trigger, to);
    }

    fn report(&self, cx: &mut Cx<'_>, connection: ConnectionId, state: ConnectionState) {
        cx.out.account_event(self.account, AccountEvent::Connection { connection, state });
    }
}

/// The wait after `failures` consecutive failures: doubled each time up to a maximum, and drawn from its upper half, so that
/// the phones of a restarted server do not return simultaneously (RFC 5626 §4.5).
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
