use crate::{
    AccountId, Command, ConnectionChange, ConnectionId, Effect, EffectId, EffectResult, Event, Hop, LegId,
    MediaEvent, SessionId,
};
use bytes::Bytes;
use std::fmt;

/// An input of a phone. Its `Debug` shows the length of a message, not its content, which may have credentials.
#[derive(Clone)]
pub enum Input {
    /// The time of [`Phone::deadline`](crate::Phone::deadline) has come. A spurious one is harmless.
    Wake,
    /// Bytes were received: one datagram, or one WebSocket message.
    Received {
        /// Their connection. Bytes of an unknown or closed connection are ignored.
        connection: ConnectionId,
        /// The bytes.
        data: Bytes,
    },
    /// A connection came up or went down.
    Connection {
        /// Its identifier.
        connection: ConnectionId,
        /// The change.
        change: ConnectionChange,
    },
    /// An event of a media session of a call.
    Media {
        /// The call.
        session: SessionId,
        /// Its leg.
        leg: LegId,
        /// The event.
        event: MediaEvent,
    },
    /// An effect is done. An unknown id, or that of a call which has ended, is ignored.
    Done {
        /// Its identifier.
        effect: EffectId,
        /// Its result.
        result: EffectResult,
    },
    /// A command of the user, or of the program.
    Command(Command),
}

/// An output of a phone, to be carried out in order. Its `Debug` shows the length of a message, not its content, which may have
/// credentials.
#[derive(Clone)]
pub enum Output {
    /// Send bytes: one datagram, or one WebSocket message.
    Transmit {
        /// The connection. If it is closed, drop the bytes; the input `Down` follows.
        connection: ConnectionId,
        /// The bytes.
        data: Bytes,
    },
    /// Open a connection, and report with [`Input::Connection`].
    Open {
        /// The identifier of the new connection.
        connection: ConnectionId,
        /// Its account.
        account: AccountId,
        /// The next hop.
        hop: Hop,
    },
    /// Close a connection. No `Down` is expected.
    Close {
        /// Its identifier.
        connection: ConnectionId,
    },
    /// Carry out an effect, and report with [`Input::Done`] if it has a result.
    Effect {
        /// The identifier for the result.
        id: EffectId,
        /// The effect.
        effect: Effect,
    },
    /// An event for the user.
    Event(Event),
}

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Wake => f.write_str("Wake"),
            Input::Received { connection, data } => message(f, "Received", *connection, data),
            Input::Connection { connection, change } => {
                f.debug_struct("Connection").field("connection", connection).field("change", change).finish()
            }
            Input::Media { session, leg, event } => f
                .debug_struct("Media")
                .field("session", session)
                .field("leg", leg)
                .field("event", event)
                .finish(),
            Input::Done { effect, result } => {
                f.debug_struct("Done").field("effect", effect).field("result", result).finish()
            }
            Input::Command(command) => f.debug_tuple("Command").field(command).finish(),
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Output::Transmit { connection, data } => message(f, "Transmit", *connection, data),
            Output::Open { connection, account, hop } => f
                .debug_struct("Open")
                .field("connection", connection)
                .field("account", account)
                .field("hop", hop)
                .finish(),
            Output::Close { connection } => f.debug_struct("Close").field("connection", connection).finish(),
            Output::Effect { id, effect } => {
                f.debug_struct("Effect").field("id", id).field("effect", effect).finish()
            }
            Output::Event(event) => f.debug_tuple("Event").field(event).finish(),
        }
    }
}

fn message(f: &mut fmt::Formatter<'_>, name: &str, connection: ConnectionId, data: &Bytes) -> fmt::Result {
    f.debug_struct(name).field("connection", &connection).field("bytes", &data.len()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_what_a_message_says() {
        let data = Bytes::from_static(b"Authorization: Digest response=\"5ec2e7\"");
        let connection = ConnectionId(3);
        let texts = [
            format!("{:?}", Input::Received { connection, data: data.clone() }),
            format!("{:?}", Output::Transmit { connection, data }),
        ];
        for text in texts {
            assert!(text.contains("bytes: 39") && !text.contains("5ec2e7"), "{text}");
        }
    }
}
