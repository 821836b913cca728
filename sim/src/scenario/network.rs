//! Networks and codecs of a scenario.

use std::time::Duration;

/// The transport of a phone.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    /// WebSocket: ordered and reliable while the connection is up.
    Ws,
    /// UDP: datagrams may be lost, duplicated and reordered.
    Udp,
}

/// The conditions of a network. Shares are in thousandths.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Weather {
    /// The minimum one-way delay.
    pub delay: Duration,
    /// The mean of the exponentially distributed additional delay.
    pub jitter: Duration,
    /// Lost datagrams.
    pub loss: u16,
    /// Duplicated datagrams.
    pub duplicate: u16,
    /// Reordered datagrams: they arrive after later ones.
    pub late: u16,
    /// Messages with a heavy-tailed additional delay.
    pub tail: u16,
    /// The share of time in bursts, in which nearly all datagrams are lost.
    pub bursts: u16,
}

impl Weather {
    /// A constant delay of 10 ms, and no faults.
    pub const CLEAR: Self = Self {
        delay: Duration::from_millis(10),
        jitter: Duration::ZERO,
        loss: 0,
        duplicate: 0,
        late: 0,
        tail: 0,
        bursts: 0,
    };

    /// The same network without faults, as after the phase of faults.
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
    /// All codecs, in order of preference.
    pub const ALL: [Self; 3] = [Self::Opus, Self::Pcmu, Self::Pcma];
}
