//! Parses a peer's description.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use offhook_wire::sdp::{self, Direction};
use sdp_types::{Media, Session};
use str0m::Candidate;

use super::parameters::{Credentials, Format, Payload, Setup};
use crate::error::{MediaError, Unsupported};

/// The most candidates that are used of one description.
const MAX_CANDIDATES: usize = 64;

/// What an answer repeats of an `m=` line of the offer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteLine {
    pub(crate) kind: String,
    pub(crate) proto: String,
    pub(crate) formats: String,
    pub(crate) mid: Option<String>,
}

/// A parsed description of a peer.
#[derive(Clone, Debug)]
pub(crate) struct RemoteDescription {
    pub(crate) lines: Vec<RemoteLine>,
    /// The index of the audio line of the call.
    pub(crate) audio: usize,
    /// Whether the audio line is in a BUNDLE group.
    pub(crate) bundled: bool,
    /// Whether RTP and RTCP share a port (RFC 5761).
    pub(crate) rtcp_mux: bool,
    /// From the peer's point of view.
    pub(crate) direction: Direction,
    /// The peer holds this end (RFC 3264 §8.4): it does not receive, by its direction or by the address 0.0.0.0.
    pub(crate) holds: bool,
    pub(crate) credentials: Credentials,
    pub(crate) setup: Setup,
    pub(crate) ice_lite: bool,
    pub(crate) candidates: Vec<Candidate>,
    /// The supported payload types, in the peer's order.
    pub(crate) payloads: Vec<Payload>,
}

impl RemoteDescription {
    pub(crate) fn parse(text: &[u8]) -> Result<Self, MediaError> {
        let session = sdp::parse(text).map_err(|_| MediaError::Malformed("not SDP"))?;
        let lines = session.medias.iter().map(line).collect();
        // The first usable line; if there is none, the error of the first audio line.
        let mut first_error = None;
        for (audio, media) in session.medias.iter().enumerate() {
            if !media.media.eq_ignore_ascii_case("audio") || media.port == 0 {
                continue;
            }
            match parse_audio(&session, media) {
                Ok(parsed) => return Ok(Self { lines, audio, ..parsed }),
                Err(error) => first_error = first_error.or(Some(error)),
            }
        }
        Err(first_error.unwrap_or(MediaError::NoCommonMedia))
    }

    /// The peer's payload types for the formats that both ends support, in the order of `preferred`.
    pub(crate) fn common_payloads(&self, preferred: &[Format]) -> Vec<Payload> {
        let find = |format: &Format| self.payloads.iter().find(|p| p.format == *format).copied();
        preferred.iter().filter_map(find).collect()
    }
}

fn line(media: &Media) -> RemoteLine {
    RemoteLine {
        kind: media.media.clone(),
        proto: media.proto.clone(),
        formats: media.fmt.clone(),
        mid: value(media, "mid").filter(|mid| is_printable(mid)).map(str::to_owned),
    }
}

/// Whether a value may be written into our description.
fn is_printable(value: &str) -> bool {
    !value.is_empty() && value.len() <= 64 && value.bytes().all(|b| b.is_ascii_graphic())
}

fn values<'a>(media: &'a Media, name: &str) -> impl Iterator<Item = &'a str> {
    media.attributes.iter().filter(move |a| a.attribute == name).filter_map(|a| a.value.as_deref())
}

fn value<'a>(media: &'a Media, name: &str) -> Option<&'a str> {
    values(media, name).next().map(str::trim)
}

/// An attribute of the line, or of the session (RFC 8839 §5.4, RFC 8122 §5).
fn line_or_session<'a>(session: &'a Session, media: &'a Media, name: &str) -> Option<&'a str> {
    let session_level = || {
        session
            .attributes
            .iter()
            .find(|a| a.attribute == name)
            .and_then(|a| a.value.as_deref())
            .map(str::trim)
    };
    value(media, name).or_else(session_level)
}

fn parse_audio(session: &Session, media: &Media) -> Result<RemoteDescription, MediaError> {
    let proto = media.proto.to_ascii_uppercase();
    let fingerprint = fingerprint(session, media);
    match proto.as_str() {
        "UDP/TLS/RTP/SAVPF" | "UDP/TLS/RTP/SAVP" => {}
        // Written by peers that do not implement RFC 5764 §9; the attributes show that they use DTLS-SRTP.
        "RTP/SAVPF" | "RTP/SAVP" if fingerprint.is_some() => {}
        "RTP/SAVPF" | "RTP/SAVP" => return Err(MediaError::NoCommonTransport(Unsupported::Sdes)),
        "RTP/AVP" | "RTP/AVPF" => return Err(MediaError::NoCommonTransport(Unsupported::PlainRtp)),
        _ => return Err(MediaError::NoCommonTransport(Unsupported::Protocol)),
    }
    let fingerprint = fingerprint.ok_or(MediaError::Malformed("no fingerprint"))?;
    let fingerprint = fingerprint.ok_or(MediaError::NoCommonTransport(Unsupported::Fingerprint))?;
    let (ufrag, pwd) = line_or_session(session, media, "ice-ufrag")
        .zip(line_or_session(session, media, "ice-pwd"))
        .ok_or(MediaError::NoCommonTransport(Unsupported::NoIce))?;
    // RFC 8839 §5.4: 4 to 256, and 22 to 256, of a small alphabet.
    let ice =
        |value: &str, least: usize| (least..=256).contains(&value.len()) && value.bytes().all(is_ice_char);
    if !ice(ufrag, 4) || !ice(pwd, 22) {
        return Err(MediaError::Malformed("ICE credentials"));
    }
    let mid = value(media, "mid");
    let bundled = session
        .attributes
        .iter()
        .filter(|a| a.attribute == "group")
        .filter_map(|a| a.value.as_deref())
        .filter_map(|group| group.trim().strip_prefix("BUNDLE"))
        .any(|mids| mid.is_some_and(|mid| mids.split_ascii_whitespace().any(|m| m == mid)));
    let setup =
        Setup::parse(line_or_session(session, media, "setup")).ok_or(MediaError::Malformed("setup"))?;
    let direction = sdp::direction(session, media);
    Ok(RemoteDescription {
        lines: Vec::new(),
        audio: 0,
        bundled,
        rtcp_mux: media.attributes.iter().any(|a| a.attribute == "rtcp-mux"),
        direction,
        holds: !direction.receives() || has_hold_address(session, media),
        credentials: Credentials { ufrag: ufrag.into(), pwd: pwd.into(), fingerprint },
        setup,
        ice_lite: session.attributes.iter().any(|a| a.attribute == "ice-lite"),
        candidates: candidates(media),
        payloads: payloads(media),
    })
}

/// Whether the address is 0.0.0.0, as RFC 2543 wrote a hold (RFC 3264 §8.4). With port 9 it means that the candidates follow or have names
/// only (RFC 8840 §4.1.1, RFC 8839 §4.2.1.2).
fn has_hold_address(session: &Session, media: &Media) -> bool {
    let connection = media.connections.first().or(session.connection.as_ref());
    let address = connection.and_then(|connection| connection.connection_address.trim().parse().ok());
    address == Some(Ipv4Addr::UNSPECIFIED) && media.port != 9
}

fn is_ice_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/'
}

/// The strongest fingerprint that str0m can verify. Inner `None`: only others are present.
#[allow(clippy::option_option, reason = "absent and unusable are different errors")]
fn fingerprint(session: &Session, media: &Media) -> Option<Option<(String, String)>> {
    let of = |attributes: &[sdp_types::Attribute]| {
        let mut all = attributes.iter().filter(|a| a.attribute == "fingerprint").peekable();
        all.peek()?;
        let usable = all.filter_map(|a| {
            let (hash, value) = a.value.as_deref()?.trim().split_once(' ')?;
            let (hash, value) = (hash.to_ascii_lowercase(), value.trim().to_ascii_uppercase());
            let length = match hash.as_str() {
                "sha-256" => 32,
                "sha-1" => 20,
                _ => return None,
            };
            let hex = |byte: &str| byte.len() == 2 && byte.bytes().all(|b| b.is_ascii_hexdigit());
            let valid = value.split(':').count() == length && value.split(':').all(hex);
            valid.then_some((hash, value))
        });
        // "sha-256" sorts after "sha-1".
        Some(usable.max_by(|a, b| a.0.cmp(&b.0)))
    };
    of(&media.attributes).or_else(|| of(&session.attributes))
}

/// The candidates with an address for UDP; host names (`.local`) and TCP are skipped.
fn candidates(media: &Media) -> Vec<Candidate> {
    values(media, "candidate")
        .take(MAX_CANDIDATES)
        .filter_map(|value| {
            let mut fields = value.split_ascii_whitespace();
            let (component, transport) = (fields.nth(1)?, fields.next()?);
            let usable = component == "1" && transport.eq_ignore_ascii_case("udp");
            // Some peers write `UDP`; str0m accepts lower case only.
            let text = format!("candidate:{}", value.trim().replacen(transport, "udp", 1));
            usable.then(|| Candidate::from_sdp_string(&text).ok()).flatten()
        })
        .filter(|candidate| is_usable(candidate.addr()))
        .collect()
}

fn is_usable(address: SocketAddr) -> bool {
    let ip = match address.ip() {
        IpAddr::V4(ip) => !ip.is_unspecified() && !ip.is_multicast() && !ip.is_broadcast(),
        IpAddr::V6(ip) => !ip.is_unspecified() && !ip.is_multicast(),
    };
    ip && address.port() != 0
}

fn payloads(media: &Media) -> Vec<Payload> {
    let mut payloads: Vec<Payload> = Vec::new();
    for number in media.fmt.split_ascii_whitespace().filter_map(|number| number.parse::<u8>().ok()) {
        let maps = values(media, "rtpmap").filter_map(|value| value.trim().split_once(' '));
        let mapped = maps.filter(|(own, _)| own.parse() == Ok(number)).map(|(_, map)| map).next();
        let Some(format) = mapped.map_or_else(|| Format::static_format(number), Format::from_rtpmap) else {
            continue;
        };
        // RFC 3550 §5.1: seven bits. RFC 5761 §4: 64 to 95 conflict with RTCP.
        let usable = number < 128 && !(64..=95).contains(&number);
        if usable && !payloads.iter().any(|p| p.number == number || p.format == format) {
            payloads.push(Payload { number, format });
        }
    }
    payloads
}
