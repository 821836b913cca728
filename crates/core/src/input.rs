use crate::{
    AccountId, Command, Effect, EffectId, EffectResult, Event, FlowId, MediaEvent, SessionId, Target,
};
use bytes::Bytes;

/// What goes into a phone.
#[derive(Clone, Debug)]
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

/// What comes out of a phone, in the order in which it is to be done.
#[derive(Clone, Debug)]
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

/// A change of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowChange {
    /// Connected. `local` is the address that peers can answer to (`192.0.2.1:5060`); used in Via and Contact over
    /// UDP, where a `.invalid` name would not do.
    Up {
        /// `host:port` of the local end, if the host knows.
        local: Option<String>,
    },
    /// Not connected, or no longer.
    Down(FlowFailure),
}

/// Why a flow is down.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FlowFailure {
    /// Refused, unreachable, or not found.
    Unreachable,
    /// TLS said no: a wrong name or an untrusted certificate.
    Untrusted,
    /// The WebSocket upgrade, or its `sip` subprotocol, was refused (RFC 7118 §4).
    Refused,
    /// Closed by the other end, or lost.
    Closed,
    /// No answer in time: to the connection attempt, or to a keep-alive.
    TimedOut,
}
