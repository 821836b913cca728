//! Streams in a scenario: how they carry messages, what goes wrong with them, and both in words.

use std::fmt;
use std::time::Duration;

use super::value::number;
use super::{Seconds, Way, parse_duration};

/// How a stream carries messages: all of it is allowed, and nobody may notice. Of a thousand messages each.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Streaming {
    /// Arrive in pieces, with pauses between them.
    pub split: u16,
    /// Wait for others, and are read with them in one go.
    pub gather: u16,
    /// Are sent in several frames (RFC 6455 §5.4).
    pub fragment: u16,
    /// Have a ping of the exchange's host before them or between their frames.
    pub ping: u16,
    /// Are sent as binary ones.
    pub binary: u16,
}

/// What goes wrong with the stream that a phone uses, or would use.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum StreamTrouble {
    /// Nothing arrives, and then all at once. Other connections are not touched.
    Stalls {
        /// What does not arrive.
        way: Way,
        /// For how long.
        lasting: Duration,
    },
    /// Bytes arrive one by one.
    Trickles {
        /// Which way.
        way: Way,
        /// For how long.
        lasting: Duration,
    },
    /// The connection is reset when so many more bytes have arrived: in the middle of a message, as a rule.
    Breaks {
        /// On the way of these bytes.
        way: Way,
        /// So many.
        after: u32,
    },
    /// One end is gone, and the other one does not know until it sends something.
    HalfOpen {
        /// Which end.
        lost: End,
    },
    /// The host of the exchange, or a proxy before it, closes the connection.
    Closed {
        /// With this code in a close frame (RFC 6455 §7.4); without one, with no word at all.
        code: Option<u16>,
    },
    /// Upgrades to WebSocket are refused.
    Refused {
        /// For how long.
        lasting: Duration,
    },
}

/// An end of a connection.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The phone's.
    Near,
    /// The exchange's.
    Far,
}

impl Streaming {
    /// Takes a setting; `None` when it is none of these.
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
    /// How long it lasts.
    pub(super) fn lasting_mut(&mut self) -> Option<&mut Duration> {
        match self {
            Self::Stalls { lasting, .. } | Self::Trickles { lasting, .. } | Self::Refused { lasting } => {
                Some(lasting)
            }
            Self::Breaks { .. } | Self::HalfOpen { .. } | Self::Closed { .. } => None,
        }
    }

    /// The same trouble in simpler forms, apart from shorter ones.
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

    /// Reads what is said of a phone; `None` when it is nothing of this kind.
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

/// Only what differs from the default, each with a space before it.
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

/// What is said of the phone.
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
