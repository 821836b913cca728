/// The state of a connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Being opened.
    Connecting,
    /// Up.
    Up,
    /// Failed or lost.
    Down(ConnectionFailure),
}

/// A change of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConnectionChange {
    /// Connected. `local` is an address that the server can send to (`192.0.2.1:5060`). It is used in Via and Contact over
    /// UDP; a WebSocket uses a `.invalid` host name (RFC 7118 §5).
    Up {
        /// `host:port` of the local end, if it is known.
        local: Option<String>,
    },
    /// Not connected, or no longer.
    Down(ConnectionFailure),
}

/// Why a connection is down.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConnectionFailure {
    /// Refused, unreachable, or not found.
    Unreachable,
    /// The TLS handshake failed: a wrong name or an untrusted certificate.
    Untrusted,
    /// The WebSocket upgrade, or its `sip` subprotocol, was refused (RFC 7118 §4).
    Refused,
    /// Closed by the server, or lost.
    Closed,
    /// The connection attempt or a keep-alive timed out.
    TimedOut,
}
