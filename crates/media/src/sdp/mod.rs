//! The shim between what SIP peers write and what str0m accepts.
//!
//! str0m wants one exact dialect: `a=mid`, `a=group:BUNDLE`, one direction per line, `UDP/TLS/RTP/SAVPF`. So
//! it never sees a peer's description, and no peer sees its. A peer's description is read into a
//! [`Remote`], which knows everything that matters and nothing else; [`canonical`] writes that down in
//! str0m's dialect, with the audio line alone and always `sendrecv`; and [`Local`] writes ours, with all
//! lines of the peer in its order. Direction, codecs and versions are decided here, by RFC 3264, and
//! do not depend on what str0m makes of them.

pub(crate) mod canonical;
mod local;
mod remote;

pub(crate) use local::{Local, LocalLine, Written};
pub(crate) use remote::{Remote, RemoteLine, Setup};

use crate::codec::Codec;

/// Who may send (RFC 3264 §5.1), seen from the one who says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    /// Both.
    #[default]
    SendRecv,
    /// Only who says it: the other one is on hold.
    SendOnly,
    /// Only the other one.
    RecvOnly,
    /// Nobody.
    Inactive,
}

impl Direction {
    /// From what each may do.
    pub const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// Whoever says it sends.
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whoever says it receives.
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// The same, seen from the other end.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self::new(self.receives(), self.sends())
    }

    /// What is left when both have to agree.
    #[must_use]
    pub const fn meet(self, other: Self) -> Self {
        Self::new(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// The name of the attribute.
    pub const fn attribute(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn from_attribute(name: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|d| d.attribute() == name)
    }
}

/// What a payload type stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Audio(Codec),
    /// telephone-event at this clock.
    Event(u32),
}

/// A payload type and its format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Payload {
    pub(crate) number: u8,
    pub(crate) format: Format,
}

impl Format {
    pub(crate) fn clock(self) -> u32 {
        match self {
            Self::Audio(codec) => codec.clock(),
            Self::Event(clock) => clock,
        }
    }

    /// The value of `a=rtpmap` behind the payload type.
    fn rtpmap(self) -> String {
        match self {
            Self::Audio(Codec::Opus) => "opus/48000/2".into(),
            Self::Audio(codec) => format!("{}/{}", codec.name(), codec.clock()),
            Self::Event(clock) => format!("telephone-event/{clock}"),
        }
    }

    /// The format that `a=rtpmap` names, if it is one of ours.
    fn from_rtpmap(value: &str) -> Option<Self> {
        let mut parts = value.trim().split('/');
        let (name, clock) = (parts.next()?, parts.next()?.trim().parse().ok()?);
        let is = |ours: &str| name.eq_ignore_ascii_case(ours);
        match clock {
            48_000 if is("opus") => Some(Self::Audio(Codec::Opus)),
            8_000 if is("PCMU") => Some(Self::Audio(Codec::Pcmu)),
            8_000 if is("PCMA") => Some(Self::Audio(Codec::Pcma)),
            8_000 | 48_000 if is("telephone-event") => Some(Self::Event(clock)),
            _ => None,
        }
    }

    /// The format of a static payload type (RFC 3551 §6), for peers that leave its `a=rtpmap` out.
    fn from_static(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Audio(Codec::Pcmu)),
            8 => Some(Self::Audio(Codec::Pcma)),
            _ => None,
        }
    }
}

/// ICE and DTLS parameters of one end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    /// Hash function in lower case, and the value.
    pub(crate) fingerprint: (String, String),
}

#[cfg(test)]
mod tests;
