//! What descriptions of both ends consist of: formats, DTLS roles and credentials.

use std::fmt;

use crate::codec::Codec;

/// The format of a payload type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Audio(Codec),
    /// telephone-event at this clock rate, in Hz.
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

    /// The value of `a=rtpmap` after the payload type.
    pub(super) fn rtpmap(self) -> String {
        match self {
            Self::Audio(Codec::Opus) => "opus/48000/2".into(),
            Self::Audio(codec) => format!("{}/{}", codec.name(), codec.clock()),
            Self::Event(clock) => format!("telephone-event/{clock}"),
        }
    }

    /// The supported format that the value of `a=rtpmap` after the payload type names.
    pub(super) fn from_rtpmap(value: &str) -> Option<Self> {
        let mut parts = value.trim().split('/');
        let (name, clock) = (parts.next()?, parts.next()?.parse().ok()?);
        let is = |ours: &str| name.eq_ignore_ascii_case(ours);
        let codecs = [Codec::Opus, Codec::Pcmu, Codec::Pcma];
        let audio = codecs.into_iter().find(|codec| is(codec.name()) && clock == codec.clock());
        let event = is("telephone-event") && matches!(clock, 8_000 | 48_000);
        audio.map(Self::Audio).or(event.then_some(Self::Event(clock)))
    }

    /// The format of a static payload type, which needs no `a=rtpmap` (RFC 3551 §6).
    pub(super) fn static_format(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Audio(Codec::Pcmu)),
            8 => Some(Self::Audio(Codec::Pcma)),
            _ => None,
        }
    }
}

/// The DTLS role: the active end starts the handshake (RFC 4145 §4, RFC 5763 §5).
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

    /// From the value of `a=setup`, if present.
    pub(super) fn parse(value: Option<&str>) -> Option<Self> {
        match value {
            // RFC 4145 §4: the default.
            Some("active") | None => Some(Self::Active),
            Some("passive") => Some(Self::Passive),
            // In RFC 4145 `holdconn` establishes no connection for the time being; peers that write it with ICE mean `actpass`.
            Some("actpass" | "holdconn") => Some(Self::ActPass),
            Some(_) => None,
        }
    }
}

/// The ICE credentials and the DTLS fingerprint of one end.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials {
    pub(crate) ufrag: String,
    pub(crate) pwd: String,
    /// The hash function in lower case, and the value.
    pub(crate) fingerprint: (String, String),
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({}, ***, {} {})", self.ufrag, self.fingerprint.0, self.fingerprint.1)
    }
}
