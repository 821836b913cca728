/// The state of a connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum FlowState {
    /// On its way.
    Connecting,
    /// Bytes can flow.
    Up,
    /// It failed, or was lost.
    Down(FlowFailure),
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
