use super::key::Key;
use super::own::parse_own;
use crate::base::cx::Cx;
use crate::base::machine::{Table, named_enum};
use crate::base::name::{ServerRef, ServerTimer, Timer};
use crate::base::path::Path;
use crate::base::timers::TimerId;
use crate::planted::{patched, planted};
use crate::{ConnectionId, SessionId, TransactionTimes};
use bytes::Bytes;
use std::num::NonZeroU32;
use std::time::Duration;

/// A token to send the one final response of a request. Not `Clone`: `finish` consumes it.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct ServerTx(ServerRef);

impl ServerTx {
    pub(super) fn new(id: ServerRef) -> Self {
        Self(id)
    }

    pub(crate) fn id(&self) -> ServerRef {
        self.0
    }
}

named_enum! {
    /// RFC 3261 figures 7 and 8, RFC 6026 figure 5.
    pub(super) enum Phase {
        Trying = "trying",
        Proceeding = "proceeding",
        Completed = "completed",
        Confirmed = "confirmed",
        Accepted = "accepted",
        Terminated = "terminated",
    }
}

named_enum! {
    pub(super) enum Trigger {
        Retransmission = "request again",
        Provisional = "1xx sent",
        Success = "2xx sent",
        Refusal = "300-699 sent",
        Final = "200-699 sent",
        Ack = "ACK",
        G = "timer G",
        H = "timer H",
        I = "timer I",
        J = "timer J",
        L = "timer L",
        ConnectionLost = "connection lost",
    }
}

/// The INVITE server transaction.
pub(super) static INVITE_SERVER: Table<Phase, Trigger> = {
    use Phase::{Accepted, Completed, Confirmed, Proceeding, Terminated};
    Table(&[
        (Proceeding, Trigger::Provisional, Proceeding),
        (Proceeding, Trigger::Retransmission, Proceeding),
        (Proceeding, Trigger::Success, Accepted),
        (Proceeding, Trigger::Refusal, Completed),
        (Proceeding, Trigger::ConnectionLost, Terminated),
        (Accepted, Trigger::Retransmission, Accepted),
        (Accepted, Trigger::L, Terminated),
        (Accepted, Trigger::ConnectionLost, Terminated),
        (Completed, Trigger::Retransmission, Completed),
        (Completed, Trigger::G, Completed),
        (Completed, Trigger::Ack, Confirmed),
        (Completed, Trigger::H, Terminated),
        (Completed, Trigger::ConnectionLost, Terminated),
        (Confirmed, Trigger::Retransmission, Confirmed),
        (Confirmed, Trigger::Ack, Confirmed),
        (Confirmed, Trigger::I, Terminated),
        (Confirmed, Trigger::ConnectionLost, Terminated),
    ])
};

/// The server transaction of every other request.
pub(super) static SERVER: Table<Phase, Trigger> = {
    use Phase::{Completed, Proceeding, Terminated, Trying};
    Table(&[
        (Trying, Trigger::Retransmission, Trying),
        (Trying, Trigger::Provisional, Proceeding),
        (Trying, Trigger::Final, Completed),
        (Trying, Trigger::ConnectionLost, Terminated),
        (Proceeding, Trigger::Retransmission, Proceeding),
        (Proceeding, Trigger::Provisional, Proceeding),
        (Proceeding, Trigger::Final, Completed),
        (Proceeding, Trigger::ConnectionLost, Terminated),
        (Completed, Trigger::Retransmission, Completed),
        (Completed, Trigger::J, Terminated),
        (Completed, Trigger::ConnectionLost, Terminated),
    ])
};

/// A server transaction.
pub(super) struct Server {
    pub(super) connection: ConnectionId,
    pub(super) key: Key,
    pub(super) origin: Option<Key>,
    /// The call of an INVITE.
    pub(super) owner: Option<SessionId>,
    serial: NonZeroU32,
    reliable: bool,
    invite: bool,
    state: State,
}

/// What each state owns.
enum State {
    Terminated,
    /// Trying, and Proceeding when `last` holds a response.
    Waiting {
        last: Bytes,
    },
    /// Completed of an INVITE.
    Refused {
        response: Bytes,
        retransmit: Option<TimerId>,
        times: u8,
        limit: TimerId,
    },
    /// Completed of another request.
    Done {
        response: Bytes,
        limit: TimerId,
    },
    Confirmed {
        limit: TimerId,
    },
    Accepted {
        limit: TimerId,
    },
}

/// The outcome of an ACK.
pub(super) enum Acknowledged {
    /// It is for a 2xx: the call gets it.
    NotOurs,
    Alive,
    Over,
}

impl Server {
    pub(super) fn new(path: &Path, serial: NonZeroU32, invite: bool, key: Key, origin: Option<Key>) -> Self {
        let reliable = path.transport.is_reliable();
        Self {
            connection: path.connection,
            key,
            origin,
            owner: None,
            serial,
            reliable,
            invite,
            state: State::Waiting { last: Bytes::new() },
        }
    }

    pub(super) fn name(&self, index: usize) -> ServerRef {
        ServerRef::new(index, self.serial)
    }

    /// Whether it has no final response yet.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Waiting { .. })
    }

    /// The To tag of our last response, if it had one.
    pub(super) fn to_tag(&self) -> Option<Vec<u8>> {
        let (State::Waiting { last: response } | State::Refused { response, .. }) = &self.state else {
            return None;
        };
        Some(parse_own(response)?.to().ok()?.tag()?.to_vec())
    }

    pub(super) fn provisional(&mut self, cx: &mut Cx<'_>, me: ServerRef, response: Bytes) {
        let from = self.phase();
        if let State::Waiting { last } = &mut self.state {
            cx.out.transmit(self.connection, response.clone());
            *last = response;
            self.transition(cx, me, from, Trigger::Provisional, Phase::Proceeding);
        }
    }

    pub(super) fn is_invite(&self) -> bool {
        self.invite
    }

    /// Sends the final response. Returns whether the transaction has terminated.
    pub(super) fn finish(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ServerRef,
        status: u16,
        response: Bytes,
    ) -> bool {
        let from = self.phase();
        if !self.is_waiting() {
            return false;
        }
        let (trigger, to, then) = match (self.invite, status) {
            (true, ..=299) => {
                cx.out.transmit(self.connection, response);
                // RFC 6026 §7.1. Over a reliable transport no INVITE is retransmitted, and the call has its own state.
                self.accept(cx, times, me);
                (Trigger::Success, Phase::Accepted, Trigger::L)
            }
            (true, _) => {
                cx.out.transmit(self.connection, response.clone());
                let retransmit = (!self.reliable).then(|| set(cx, times.t1, me, ServerTimer::G));
                let limit = set(cx, times.t1 * 64, me, ServerTimer::H);
                self.state = State::Refused { response, retransmit, times: 0, limit };
                self.transition(cx, me, from, Trigger::Refusal, Phase::Completed);
                return false;
            }
            (false, _) => {
                self.complete(cx, times, me, response);
                (Trigger::Final, Phase::Completed, Trigger::J)
            }
        };
        self.transition(cx, me, from, trigger, to);
        if self.reliable {
            self.transition(cx, me, to, then, Phase::Terminated);
        }
        self.reliable
    }

    fn accept(&mut self, cx: &mut Cx<'_>, times: &TransactionTimes, me: ServerRef) {
        self.state = if self.reliable {
            State::Terminated
        } else {
            State::Accepted { limit: set(cx, times.t1 * 64, me, ServerTimer::L) }
        };
    }

    fn complete(&mut self, cx: &mut Cx<'_>, times: &TransactionTimes, me: ServerRef, response: Bytes) {
        self.state = if self.reliable {
            cx.out.transmit(self.connection, response);
            State::Terminated
        } else {
            cx.out.transmit(self.connection, response.clone());
            State::Done { response, limit: set(cx, times.t1 * 64, me, ServerTimer::J) }
        };
    }

    /// The request was retransmitted: so is our last response (RFC 3261 §17.2.1, §17.2.2), except for a 2xx to an INVITE, which the
    /// call retransmits (RFC 6026 §7.1).
    pub(super) fn retransmit(&mut self, cx: &mut Cx<'_>, me: ServerRef) {
        let phase = self.phase();
        if let State::Waiting { last: response }
        | State::Refused { response, .. }
        | State::Done { response, .. } = &self.state
            && !response.is_empty()
        {
            cx.out.transmit(self.connection, response.clone());
        }
        self.transition(cx, me, phase, Trigger::Retransmission, phase);
    }

    pub(super) fn acknowledge(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ServerRef,
    ) -> Acknowledged {
        match &self.state {
            State::Refused { retransmit, limit, .. } => {
                if let Some(retransmit) = retransmit {
                    cx.timers.cancel(*retransmit);
                }
                cx.timers.cancel(*limit);
                self.transition(cx, me, Phase::Completed, Trigger::Ack, Phase::Confirmed);
                if self.reliable {
                    self.state = State::Terminated;
                    self.transition(cx, me, Phase::Confirmed, Trigger::I, Phase::Terminated);
                    return Acknowledged::Over;
                }
                self.state = State::Confirmed { limit: set(cx, times.t4, me, ServerTimer::I) };
                Acknowledged::Alive
            }
            State::Confirmed { .. } => {
                self.transition(cx, me, Phase::Confirmed, Trigger::Ack, Phase::Confirmed);
                Acknowledged::Alive
            }
            State::Accepted { .. } => Acknowledged::NotOurs,
            // An ACK before the final response has no meaning.
            State::Waiting { .. } | State::Done { .. } | State::Terminated => Acknowledged::Alive,
        }
    }

    /// A timer fired. Returns whether the transaction has terminated.
    pub(super) fn expire(
        &mut self,
        cx: &mut Cx<'_>,
        times: &TransactionTimes,
        me: ServerRef,
        timer: ServerTimer,
    ) -> bool {
        let trigger = match timer {
            ServerTimer::G => {
                self.retransmit_refusal(cx, times, me);
                return false;
            }
            ServerTimer::H if planted!(cx.config, RefusalForEver) => return false,
            ServerTimer::H => Trigger::H,
            ServerTimer::I => Trigger::I,
            ServerTimer::J => Trigger::J,
            ServerTimer::L => Trigger::L,
        };
        self.end(cx, me, trigger);
        true
    }

    /// RFC 3261 §17.2.1: intervals T1, 2·T1, … up to T2.
    fn retransmit_refusal(&mut self, cx: &mut Cx<'_>, base: &TransactionTimes, me: ServerRef) {
        if let State::Refused { response, retransmit, times, .. } = &mut self.state {
            if !planted!(cx.config, RefusalNotRepeated) {
                let again = patched!(cx.config, FinalDoubled, response.clone(), with_code_500(response));
                cx.out.transmit(self.connection, again);
            }
            *times = times.saturating_add(1);
            let interval = base.t1.saturating_mul(1 << (*times).min(16)).min(base.t2);
            *retransmit = Some(set(cx, interval, me, ServerTimer::G));
            self.transition(cx, me, Phase::Completed, Trigger::G, Phase::Completed);
        }
    }

    pub(super) fn on_connection_lost(&mut self, cx: &mut Cx<'_>, me: ServerRef) {
        self.end(cx, me, Trigger::ConnectionLost);
    }

    fn end(&mut self, cx: &mut Cx<'_>, me: ServerRef, trigger: Trigger) {
        let from = self.phase();
        match std::mem::replace(&mut self.state, State::Terminated) {
            State::Terminated => return,
            State::Waiting { .. } => {}
            State::Refused { retransmit, limit, .. } => {
                if let Some(retransmit) = retransmit {
                    cx.timers.cancel(retransmit);
                }
                cx.timers.cancel(limit);
            }
            State::Done { limit, .. } | State::Confirmed { limit } | State::Accepted { limit } => {
                cx.timers.cancel(limit);
            }
        }
        self.transition(cx, me, from, trigger, Phase::Terminated);
    }

    fn phase(&self) -> Phase {
        match &self.state {
            State::Terminated => Phase::Terminated,
            State::Waiting { last } if last.is_empty() && !self.invite => Phase::Trying,
            State::Waiting { .. } => Phase::Proceeding,
            State::Refused { .. } | State::Done { .. } => Phase::Completed,
            State::Confirmed { .. } => Phase::Confirmed,
            State::Accepted { .. } => Phase::Accepted,
        }
    }

    fn transition(&self, cx: &mut Cx<'_>, me: ServerRef, from: Phase, trigger: Trigger, to: Phase) {
        let table = if self.invite { &INVITE_SERVER } else { &SERVER };
        cx.trace.transition(cx.now, me.into(), table, from, trigger, to);
    }
}

/// Our response with another code: a planted bug.
#[cfg(feature = "planted")]
fn with_code_500(response: &Bytes) -> Bytes {
    let reply = |message| offhook_wire::Builder::reply(&message, 500, "Server Internal Error", None).finish();
    parse_own(response).map_or_else(|| response.clone(), reply)
}

fn set(cx: &mut Cx<'_>, after: Duration, me: ServerRef, timer: ServerTimer) -> TimerId {
    cx.timers.set(cx.now + after, Timer::Server(me, timer))
}
