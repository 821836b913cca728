//! Converts between the descriptions of SIP peers and the SDP that str0m accepts.
//!
//! str0m requires one exact form: `a=mid`, `a=group:BUNDLE`, one direction per line, `UDP/TLS/RTP/SAVPF`. So it never receives a
//! peer's description, and no peer receives its. A peer's description is parsed into a [`RemoteDescription`]; [`canonical`] writes it
//! in the form of str0m, with the audio line alone and always `sendrecv`; and [`LocalDescription`] is written with all lines of the
//! peer in its order. Direction, codecs and versions are decided here (RFC 3264), independently of str0m.

pub(crate) mod canonical;
mod local;
mod parameters;
mod remote;

pub(crate) use local::{AudioLine, DescriptionWriter, LocalDescription, LocalLine};
pub(crate) use parameters::{Credentials, Format, Payload, Setup};
pub(crate) use remote::{RemoteDescription, RemoteLine};

#[cfg(test)]
mod tests;
