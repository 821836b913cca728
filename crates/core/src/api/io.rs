use crate::{
    AccountId, Command, Effect, EffectId, EffectResult, Event, FlowChange, FlowId, MediaEvent, SessionId,
    Target,
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
        /// Their flow. Bytes of an unknown or closed flow are ignored.
        flow: FlowId,
        /// The bytes.
        data: Bytes,
    },
    /// A connection came up or went down.
    Flow {
        /// Its identifier.
        flow: FlowId,
        /// The change.
        change: FlowChange,
    },
    /// An event of a call's media session.
    Media {
        /// The call.
        session: SessionId,
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
        /// The flow. If it is closed, drop the bytes; the input `Down` follows.
        flow: FlowId,
        /// The bytes.
        data: Bytes,
    },
    /// Open a flow, and report with [`Input::Flow`].
    Open {
        /// The identifier of the new flow.
        flow: FlowId,
        /// Its account.
        account: AccountId,
        /// The server.
        target: Target,
    },
    /// Close a flow. No `Down` is expected.
    Close {
        /// Its identifier.
        flow: FlowId,
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
            Input::Received { flow, data } => message(f, "Received", *flow, data),
            Input::Flow { flow, change } => {
                f.debug_struct("Flow").field("flow", flow).field("change", change).finish()
            }
            Input::Media { session, event } => {
                f.debug_struct("Media").field("session", session).field("event", event).finish()
            }
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
            Output::Transmit { flow, data } => message(f, "Transmit", *flow, data),
            Output::Open { flow, account, target } => f
                .debug_struct("Open")
                .field("flow", flow)
                .field("account", account)
                .field("target", target)
                .finish(),
            Output::Close { flow } => f.debug_struct("Close").field("flow", flow).finish(),
            Output::Effect { id, effect } => {
                f.debug_struct("Effect").field("id", id).field("effect", effect).finish()
            }
            Output::Event(event) => f.debug_tuple("Event").field(event).finish(),
        }
    }
}

fn message(f: &mut fmt::Formatter<'_>, name: &str, flow: FlowId, data: &Bytes) -> fmt::Result {
    f.debug_struct(name).field("flow", &flow).field("bytes", &data.len()).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_what_a_message_says() {
        let data = Bytes::from_static(b"Authorization: Digest response=\"5ec2e7\"");
        let flow = FlowId(3);
        let texts = [
            format!("{:?}", Input::Received { flow, data: data.clone() }),
            format!("{:?}", Output::Transmit { flow, data }),
        ];
        for text in texts {
            assert!(text.contains("bytes: 39") && !text.contains("5ec2e7"), "{text}");
        }
    }
}
