//! Keep-alives (RFC 5626 §4.4): one is sent in each interval, and once the server has answered one, a missing answer ends the
//! connection.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook::{AccountEvent, ConnectionId, ConnectionState, Event};
use offhook_wire::Instant;

use super::{Observation, Oracle, WorldView};
use crate::scenario::{Seconds, Transport};

/// The default of [`offhook::RegistrationPolicy::keep_alive`], and some slack.
const INTERVAL: Duration = Duration::from_millis(25_100);

/// The default of [`offhook::RegistrationPolicy::pong_timeout`], and some slack.
const ANSWER: Duration = Duration::from_millis(10_100);

#[derive(Default)]
pub(super) struct KeepAlives {
    connections: BTreeMap<(usize, ConnectionId), Connection>,
}

struct Connection {
    /// The time of the last keep-alive, or when the connection came up.
    sent: Instant,
    /// The time of the first unanswered keep-alive.
    unanswered: Option<Instant>,
    /// Whether a keep-alive was ever answered.
    answers: bool,
    /// Whether data was received since the phone was last polled.
    heard: bool,
}

impl Oracle for KeepAlives {
    fn name(&self) -> &'static str {
        "keep-alive"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Event {
                phone,
                event: Event::Account { event: AccountEvent::Connection { connection, state }, .. },
            } => {
                let now = view.local(phone);
                match state {
                    ConnectionState::Up => {
                        let new = Connection { sent: now, unanswered: None, answers: false, heard: false };
                        self.connections.insert((phone, *connection), new);
                    }
                    ConnectionState::Connecting | ConnectionState::Down(_) => {
                        self.connections.remove(&(phone, *connection));
                    }
                }
            }
            Observation::Sent { phone, connection, data, message: None }
                if data[..] == b"\r\n\r\n"[..] || data[..] == b"\r\n"[..] =>
            {
                let now = view.local(phone);
                let ping = view.phones[phone].setup.transport == Transport::Ws && data.len() == 4;
                if let Some(connection) = self.connections.get_mut(&(phone, connection)) {
                    connection.sent = now;
                    if ping && connection.answers {
                        connection.unanswered.get_or_insert(now);
                    }
                }
            }
            Observation::Received { phone, connection, data, .. } => {
                if let Some(connection) = self.connections.get_mut(&(phone, connection)) {
                    connection.heard = true;
                    connection.answers |= data[..] == b"\r\n"[..];
                }
            }
            // Corrupted data shows that the server is alive, too.
            Observation::Corrupted { phone, connection: Some(connection), .. } => {
                if let Some(connection) = self.connections.get_mut(&(phone, connection)) {
                    connection.heard = true;
                }
            }
            Observation::PhonePolled { phone, .. } => {
                let now = view.local(phone);
                let name = &view.phones[phone].setup.name;
                let connections = (phone, ConnectionId(0))..=(phone, ConnectionId(u32::MAX));
                for (_, connection) in self.connections.range_mut(connections) {
                    if std::mem::take(&mut connection.heard) {
                        connection.unanswered = None;
                    }
                    let silent = now.saturating_since(connection.sent);
                    if silent > INTERVAL {
                        return Err(format!("{name} sent no keep-alive for {}", Seconds(silent)));
                    }
                    if connection.unanswered.is_some_and(|since| now.saturating_since(since) > ANSWER) {
                        return Err(format!(
                            "{name} keeps a connection on which keep-alives are not answered"
                        ));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
