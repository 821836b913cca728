//! The transports that a flow can use.

/// The transport of a flow.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Datagrams to and from one remote address.
    Udp,
    /// A byte stream.
    Tcp,
    /// A byte stream over TLS.
    Tls,
    /// A WebSocket (RFC 7118); every `Received` is one whole WebSocket message.
    Ws,
    /// A WebSocket over TLS; every `Received` is one whole WebSocket message.
    Wss,
}

impl Transport {
    /// The name in Via (RFC 3261 §20.42, RFC 7118 §5.2).
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Transport::Udp => b"UDP",
            Transport::Tcp => b"TCP",
            Transport::Tls => b"TLS",
            Transport::Ws => b"WS",
            Transport::Wss => b"WSS",
        }
    }

    /// Whether the transport is reliable (RFC 3261 §17: timers A, D, E, G, I, J and K depend on it).
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    /// Whether `Received` carries an arbitrary part of a byte stream.
    pub fn is_stream(self) -> bool {
        matches!(self, Transport::Tcp | Transport::Tls)
    }
}
