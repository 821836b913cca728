use crate::{
    AccountId, Command, Effect, EffectId, EffectResult, Event, FlowChange, FlowId, MediaEvent, SessionId,
    Target,
};
use bytes::Bytes;
use std::fmt;

/// What goes into a phone. Its `Debug` shows how long a message is, not what stands in it: credentials do.
#[derive(Clone)]
pub enum Input {
    /// Time passed; sent at [`Phone::deadline`](crate::Phone::deadline). A spurious one is harmless.
    Wake,
    /// Bytes came in: one datagram, one WebSocket message.
    Received {
        /// The flow they came over. Bytes of an unknown or dead flow are ignored.
        flow: FlowId,
        /// The bytes.
        data: Bytes,
    },
    /// A connection came up or went down.
    Flow {
        /// Which one.
        flow: FlowId,
        /// What happened to it.
        change: FlowChange,
    },
    /// The media engine of a call has news.
    Media {
        /// The call.
        session: SessionId,
        /// The news.
        event: MediaEvent,
    },
    /// An effect is done. A stale or unknown id is ignored: a late answer is a fact of life.
    Done {
        /// Which one.
        effect: EffectId,
        /// How it ended.
        result: EffectResult,
    },
    /// The user, or the program that acts for one, wants something.
    Command(Command),
}

/// What comes out of a phone, in the order in which it is to be done. Its `Debug` shows how long a message is, not
/// what stands in it: credentials do.
#[derive(Clone)]
pub enum Output {
    /// Send this: one datagram, one WebSocket message.
    Transmit {
        /// On this flow. If it is gone, drop the bytes: its `Down` is on the way.
        flow: FlowId,
        /// The bytes.
        data: Bytes,
    },
    /// Connect, and answer with [`Input::Flow`].
    Open {
        /// The name of the new flow.
        flow: FlowId,
        /// The account that it is for.
        account: AccountId,
        /// Where to.
        target: Target,
    },
    /// Close the flow. No `Down` is expected.
    Close {
        /// Which one.
        flow: FlowId,
    },
    /// Do this, and answer with [`Input::Done`] where the effect says so.
    Effect {
        /// The name to answer with.
        id: EffectId,
        /// What to do.
        effect: Effect,
    },
    /// Tell the user.
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
