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

pub(crate) use local::{AudioLine, Local, LocalLine, Written};
pub(crate) use remote::{Remote, RemoteLine};

use std::fmt;

use crate::codec::Codec;

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

    /// The format that the value of `a=rtpmap` behind the number names, if it is one of ours.
    fn from_rtpmap(value: &str) -> Option<Self> {
        let mut parts = value.trim().split('/');
        let (name, clock) = (parts.next()?, parts.next()?.parse().ok()?);
        let is = |ours: &str| name.eq_ignore_ascii_case(ours);
        let codecs = [Codec::Opus, Codec::Pcmu, Codec::Pcma];
        let audio = codecs.into_iter().find(|codec| is(codec.name()) && clock == codec.clock());
        let event = is("telephone-event") && matches!(clock, 8_000 | 48_000);
        audio.map(Self::Audio).or(event.then_some(Self::Event(clock)))
    }

    /// The format of a number that needs no `a=rtpmap` (RFC 3551 §6).
    fn assigned(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Audio(Codec::Pcmu)),
            8 => Some(Self::Audio(Codec::Pcma)),
            _ => None,
        }
    }
}

/// Who opens the DTLS handshake (RFC 4145 §4, RFC 5763 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Setup {
    Active,
    Passive,
    ActPass,
}

impl Setup {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Passive => "passive",
            Self::ActPass => "actpass",
        }
    }

    /// From the value of `a=setup`, if there is one.
    fn read(value: Option<&str>) -> Option<Self> {
        match value {
            // RFC 4145 §4: what an offer without it means.
            Some("active") | None => Some(Self::Active),
            Some("passive") => Some(Self::Passive),
            // "Nobody, now", says RFC 4145 of the second; whoever writes it with ICE means "either".
            Some("actpass" | "holdconn") => Some(Self::ActPass),
            Some(_) => None,
        }
    }
}

/// ICE and DTLS parameters of one end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    /// Hash function in lower case, and the value.
    pub(crate) fingerprint: (String, String),
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys({}, ***, {} {})", self.ufrag, self.fingerprint.0, self.fingerprint.1)
    }
}

#[cfg(test)]
mod tests;
