//! Networks and codecs of a scenario.

use std::time::Duration;

/// What a connection is made of.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// A WebSocket: messages in order, none lost while the connection lives.
    Ws,
    /// Datagrams, which may be lost, doubled and overtaken.
    Udp,
}

/// What a network does to messages.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// The shortest way through.
    pub delay: Duration,
    /// What may be added to it, exponentially distributed in the mean.
    pub jitter: Duration,
    /// Datagrams lost, of a thousand.
    pub loss: u16,
    /// Datagrams that arrive twice, of a thousand.
    pub duplicate: u16,
    /// Datagrams that arrive so late that others overtake them, of a thousand.
    pub late: u16,
    /// Messages that take much longer, some of them very much, of a thousand.
    pub tail: u16,
    /// How much of the time nearly all datagrams are lost, of a thousand.
    pub bursts: u16,
}

impl Weather {
    /// 10 ms, always.
    pub const CLEAR: Self = Self {
        delay: Duration::from_millis(10),
        jitter: Duration::ZERO,
        loss: 0,
        duplicate: 0,
        late: 0,
        tail: 0,
        bursts: 0,
    };

    /// The same way without the faults: what is left of it when the storm is over.
    #[must_use]
    pub fn healed(self) -> Self {
        Self { delay: self.delay, jitter: self.jitter.min(Duration::from_millis(20)), ..Self::CLEAR }
    }
}

/// A codec of a phone's media.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Codec {
    /// `opus/48000/2`
    Opus,
    /// `PCMU/8000`
    Pcmu,
    /// `PCMA/8000`
    Pcma,
}

impl Codec {
    /// All of them, best first.
    pub const ALL: [Self; 3] = [Self::Opus, Self::Pcmu, Self::Pcma];
}
