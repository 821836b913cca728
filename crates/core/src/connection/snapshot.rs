//! Snapshots of a connection.

use super::{Flow, State, Up};
use crate::api::checkpoint::{AccountCheckpoint, FlowCheckpoint, InvalidCheckpoint};
use crate::base::name::AccountTimer;
use crate::base::path::Path;
use crate::base::timers::TimerId;
use crate::{AccountId, FlowId};
use bytes::Bytes;

impl Flow {
    /// The state, the index of the next server, and the number of consecutive failures.
    pub(crate) fn checkpoint(&self) -> (FlowCheckpoint, u32, u32) {
        let state = match &self.state {
            State::Off => FlowCheckpoint::Off,
            State::Waiting { .. } => FlowCheckpoint::Waiting,
            State::Connecting { flow, transport, .. } => {
                FlowCheckpoint::Connecting { flow: *flow, transport: *transport }
            }
            State::Up(Up {
                path: Path { flow, transport, .. },
                since,
                last_received,
                answers_keep_alives,
                ..
            }) => FlowCheckpoint::Up {
                flow: *flow,
                transport: *transport,
                since: *since,
                last_received: *last_received,
                answers_keep_alives: *answers_keep_alives,
            },
        };
        (state, u32::try_from(self.next_server).unwrap_or(u32::MAX), self.failures)
    }

    /// A connection from a snapshot. `flows`: how many flow identifiers were used.
    pub(crate) fn restore(
        account: AccountId,
        at: &AccountCheckpoint,
        sent_by: Bytes,
        flows: u32,
        timer: impl Fn(AccountTimer) -> Option<TimerId>,
    ) -> Result<Self, InvalidCheckpoint> {
        let set = |kind| timer(kind).ok_or(InvalidCheckpoint("a timer of the connection is missing"));
        let named = |flow: FlowId| match (1..=flows).contains(&flow.0) {
            true => Ok(flow),
            false => Err(InvalidCheckpoint("the identifier of the connection was never used")),
        };
        let state = match at.flow {
            FlowCheckpoint::Off => State::Off,
            FlowCheckpoint::Waiting => State::Waiting { timer: set(AccountTimer::Reconnect)? },
            FlowCheckpoint::Connecting { flow, transport } => {
                State::Connecting { flow: named(flow)?, transport, limit: set(AccountTimer::Connect)? }
            }
            FlowCheckpoint::Up { flow, transport, since, last_received, answers_keep_alives } => {
                State::Up(Up {
                    path: Path { flow: named(flow)?, transport, sent_by },
                    since,
                    last_received,
                    keep_alive: set(AccountTimer::KeepAlive)?,
                    pong: timer(AccountTimer::Pong),
                    answers_keep_alives,
                })
            }
        };
        if at.next_server > u32::MAX / 2 {
            return Err(InvalidCheckpoint("the index of the next server is too large"));
        }
        Ok(Self { account, state, next_server: at.next_server as usize, failures: at.flow_failures })
    }
}
