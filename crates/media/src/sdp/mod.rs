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
pub(crate) use remote::{Remote, RemoteLine};

use offhook_wire::sdp::RtpMap;

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

    /// The format that `a=rtpmap` names, if it is one of ours.
    fn from_rtpmap(map: RtpMap<'_>) -> Option<Self> {
        let ours = [Codec::Opus, Codec::Pcmu, Codec::Pcma];
        let audio = ours.into_iter().find(|codec| map.is(codec.name(), codec.clock())).map(Self::Audio);
        let event = || [8_000, 48_000].into_iter().find(|clock| map.is("telephone-event", *clock));
        audio.or_else(|| event().map(Self::Event))
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
