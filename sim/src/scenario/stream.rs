//! Streams in a scenario: their framing, their faults, and the text of both.

use std::fmt;
use std::time::Duration;

use super::value::number;
use super::{Seconds, Way, parse_duration};

/// The framing of messages on a WebSocket. All variants are legal and must make no difference. In thousandths of the messages.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Streaming {
    /// Split into segments with pauses between them.
    pub split: u16,
    /// Coalesced with later messages.
    pub gather: u16,
    /// Sent in several frames (RFC 6455 §5.4).
    pub fragment: u16,
    /// Sent with a ping of the server before them or between their frames.
    pub ping: u16,
    /// Sent as binary messages.
    pub binary: u16,
}

/// A fault of the current stream of a phone, or of its next connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum StreamTrouble {
    /// The stream stalls. Other connections are not affected.
    Stalls {
        /// The direction.
        way: Way,
        /// The duration.
        lasting: Duration,
    },
    /// Bytes arrive one at a time.
    Trickles {
        /// The direction.
        way: Way,
        /// The duration.
        lasting: Duration,
    },
    /// The connection is reset after a number of bytes, usually in the middle of a message.
    Breaks {
        /// The direction of these bytes.
        way: Way,
        /// The number of bytes.
        after: u32,
    },
    /// One end closes without notice; the other end notices when it sends.
    HalfOpen {
        /// The closed end.
        lost: End,
    },
    /// The host of the exchange, or a proxy in front of it, closes the connection.
    Closed {
        /// The code of the close frame (RFC 6455 §7.4); `None` without a close frame.
        code: Option<u16>,
    },
    /// WebSocket upgrades are refused.
    Refused {
        /// The duration.
        lasting: Duration,
    },
}

/// An end of a connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The end of the phone.
    Near,
    /// The end of the exchange.
    Far,
}

impl Streaming {
    /// Applies a setting; `None` for an unknown key.
    pub(super) fn set(&mut self, key: &str, value: &str) -> Option<Result<(), String>> {
        let field = match key {
            "split" => &mut self.split,
            "gather" => &mut self.gather,
            "fragment" => &mut self.fragment,
            "ping" => &mut self.ping,
            "binary" => &mut self.binary,
            _ => return None,
        };
        Some(number(value).map(|value| *field = value))
    }
}

impl StreamTrouble {
    /// The duration.
    pub(super) fn lasting_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Self::Stalls { lasting, .. } | Self::Trickles { lasting, .. } | Self::Refused { lasting } => {
                Some(lasting)
            }
            Self::Breaks { .. } | Self::HalfOpen { .. } | Self::Closed { .. } => None,
        }
    }

    /// Simpler variants of the same length.
    pub(crate) fn plainer(self) -> Vec<Self> {
        match self {
            Self::Stalls { lasting, .. } => vec![Self::Stalls { way: Way::Both, lasting }],
            Self::Trickles { way, lasting } => vec![Self::Stalls { way, lasting }],
            Self::Breaks { way, after } => [1, 100, after / 100 * 100, after / 10 * 10]
                .into_iter()
                .filter(|&simple| 0 < simple && simple < after)
                .map(|after| Self::Breaks { way, after })
                .collect(),
            Self::Closed { code: Some(_) } => vec![Self::Closed { code: None }],
            Self::Closed { code: None } | Self::HalfOpen { .. } | Self::Refused { .. } => Vec::new(),
        }
    }

    /// Parses the words after the name of a phone; `None` if they are not a fault of a stream.
    pub(super) fn read(words: &[&str]) -> Option<Result<Self, String>> {
        Some(match words {
            ["is", "stalled", way @ .., "for", lasting] => {
                timed(way, lasting).map(|(way, lasting)| Self::Stalls { way, lasting })
            }
            ["trickles", way @ .., "for", lasting] => {
                timed(way, lasting).map(|(way, lasting)| Self::Trickles { way, lasting })
            }
            ["breaks", "off", "after", bytes, "bytes", way @ ..] => {
                Way::read(way).and_then(|way| Ok(Self::Breaks { way, after: number(bytes)? }))
            }
            ["loses", "its", "connection", "at", "this", "end"] => Ok(Self::HalfOpen { lost: End::Near }),
            ["loses", "its", "connection", "at", "the", "far", "end"] => {
                Ok(Self::HalfOpen { lost: End::Far })
            }
            ["is", "closed", "with", code] => number(code).map(|code| Self::Closed { code: Some(code) }),
            ["is", "closed", "without", "a", "word"] => Ok(Self::Closed { code: None }),
            ["is", "refused", "for", lasting] => {
                parse_duration(lasting).map(|lasting| Self::Refused { lasting })
            }
            _ => return None,
        })
    }
}

fn timed(way: &[&str], lasting: &str) -> Result<(Way, Duration), String> {
    Ok((Way::read(way)?, parse_duration(lasting)?))
}

/// The settings that differ from the default, each with a leading space.
impl fmt::Display for Streaming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { split, gather, fragment, ping, binary } = *self;
        let all = [
            ("split", split),
            ("gather", gather),
            ("fragment", fragment),
            ("ping", ping),
            ("binary", binary),
        ];
        all.into_iter()
            .filter(|&(_, value)| value != 0)
            .try_for_each(|(key, value)| write!(f, " {key}={value}"))
    }
}

/// The words after the name of the phone.
impl fmt::Display for StreamTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stalls { way, lasting } => write!(f, "is stalled {way} for {}", Seconds(*lasting)),
            Self::Trickles { way, lasting } => write!(f, "trickles {way} for {}", Seconds(*lasting)),
            Self::Breaks { way, after } => write!(f, "breaks off after {after} bytes {way}"),
            Self::HalfOpen { lost: End::Near } => f.write_str("loses its connection at this end"),
            Self::HalfOpen { lost: End::Far } => f.write_str("loses its connection at the far end"),
            Self::Closed { code: Some(code) } => write!(f, "is closed with {code}"),
            Self::Closed { code: None } => f.write_str("is closed without a word"),
            Self::Refused { lasting } => write!(f, "is refused for {}", Seconds(*lasting)),
        }
    }
}
