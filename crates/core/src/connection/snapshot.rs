//! Snapshots of a connection.

use super::{Connection, State, Up};
use crate::api::checkpoint::{AccountCheckpoint, ConnectionCheckpoint, InvalidCheckpoint};
use crate::base::name::AccountTimer;
use crate::base::path::Path;
use crate::base::timers::TimerId;
use crate::{AccountId, ConnectionId};
use bytes::Bytes;

impl Connection {
    /// The state, the index of the next server, and the number of consecutive failures.
    pub(crate) fn checkpoint(&self) -> (ConnectionCheckpoint, u32, u32) {
        let state = match &self.state {
            State::Off => ConnectionCheckpoint::Off,
            State::Waiting { .. } => ConnectionCheckpoint::Waiting,
            State::Connecting { connection, transport, .. } => {
                ConnectionCheckpoint::Connecting { connection: *connection, transport: *transport }
            }
            State::Up(Up {
                path: Path { connection, transport, .. },
                since,
                last_received,
                answers_keep_alives,
                ..
            }) => ConnectionCheckpoint::Up {
                connection: *connection,
                transport: *transport,
                since: *since,
                last_received: *last_received,
                answers_keep_alives: *answers_keep_alives,
            },
        };
        (state, u32::try_from(self.next_server).unwrap_or(u32::MAX), self.failures)
    }

    /// A connection from a snapshot. `connections`: how many connection identifiers were used.
    pub(crate) fn restore(
        account: AccountId,
        at: &AccountCheckpoint,
        sent_by: Bytes,
        connections: u32,
        timer: impl Fn(AccountTimer) -> Option<TimerId>,
    ) -> Result<Self, InvalidCheckpoint> {
        let set = |kind| timer(kind).ok_or(InvalidCheckpoint("a timer of the connection is missing"));
        let named = |connection: ConnectionId| match (1..=connections).contains(&connection.0) {
            true => Ok(connection),
            false => Err(InvalidCheckpoint("the identifier of the connection was never used")),
        };
        let state = match at.connection {
            ConnectionCheckpoint::Off => State::Off,
            ConnectionCheckpoint::Waiting => State::Waiting { timer: set(AccountTimer::Reconnect)? },
            ConnectionCheckpoint::Connecting { connection, transport } => State::Connecting {
                connection: named(connection)?,
                transport,
                limit: set(AccountTimer::Connect)?,
            },
            ConnectionCheckpoint::Up { connection, transport, since, last_received, answers_keep_alives } => {
                State::Up(Up {
                    path: Path { connection: named(connection)?, transport, sent_by },
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
        Ok(Self { account, state, next_server: at.next_server as usize, failures: at.connection_failures })
    }
}
