//! Writes our description.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use offhook_wire::sdp::Direction;
use sdp_types::{Attribute, Connection, Media, Origin, Session, Time, TransportProto};

use super::parameters::{Credentials, Format, Payload, Setup};
use super::remote::RemoteLine;
use crate::codec::Codec;

/// One `m=` line of our description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LocalLine {
    /// The call's audio.
    Audio(AudioLine),
    /// A rejected line of the peer (RFC 3264 §6): port 0, the same otherwise.
    Rejected(RemoteLine),
}

/// The parameters of the audio line, as in the peer's description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AudioLine {
    pub(crate) proto: String,
    pub(crate) mid: Option<String>,
    pub(crate) bundled: bool,
    /// An answer may contain it only when the offer did (RFC 5761 §5.1.1).
    pub(crate) rtcp_mux: bool,
}

/// The contents of our description.
#[derive(Clone, Debug)]
pub(crate) struct LocalDescription {
    pub(crate) lines: Vec<LocalLine>,
    pub(crate) direction: Direction,
    pub(crate) payloads: Vec<Payload>,
    pub(crate) credentials: Credentials,
    pub(crate) setup: Setup,
    /// `candidate:…` lines.
    pub(crate) candidates: Vec<String>,
    /// The default candidate (RFC 8839 §4.2.1.2).
    pub(crate) address: Option<SocketAddr>,
    pub(crate) ssrc: u32,
    pub(crate) cname: String,
}

/// Writes descriptions, and compares each with the one before, to number its version.
#[derive(Clone, Debug, Default)]
pub(crate) struct DescriptionWriter {
    /// The session id of `o=`, the same for the whole call.
    id: u64,
    version: u64,
    body: String,
}

impl DescriptionWriter {
    pub(crate) fn new(id: u64) -> Self {
        // RFC 9429 §5.2.1: fits a signed 64-bit number, for readers that use one.
        Self { id: id >> 2, version: 0, body: String::new() }
    }

    /// The text of a description, with the version incremented if it differs from the last one (RFC 3264 §8).
    pub(crate) fn write(&mut self, local: &LocalDescription) -> String {
        let body = text(&session(local, self.id, 0));
        if body != self.body {
            self.version += 1;
            self.body = body;
        }
        text(&session(local, self.id, self.version))
    }
}

fn text(session: &Session) -> String {
    String::from_utf8(offhook_wire::sdp::write(session)).expect("the parts are UTF-8")
}

fn session(local: &LocalDescription, id: u64, version: u64) -> Session {
    let address = local.address.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |address| address.ip());
    let mut session = Session::new(Origin::with_ip_addr(id, version, address), "-");
    session.add_time(Time::new(0, 0));
    let bundle: Vec<&str> = local
        .lines
        .iter()
        .filter_map(|line| match line {
            LocalLine::Audio(audio) if audio.bundled => audio.mid.as_deref(),
            _ => None,
        })
        .collect();
    if !bundle.is_empty() {
        session.add_attribute(Attribute::with_value("group", format!("BUNDLE {}", bundle.join(" "))));
    }
    for line in &local.lines {
        session.add_media(match line {
            LocalLine::Audio(line) => audio_line(local, address, line),
            LocalLine::Rejected(line) => rejected_line(line),
        });
    }
    session
}

fn audio_line(local: &LocalDescription, address: IpAddr, line: &AudioLine) -> Media {
    let numbers: Vec<String> = local.payloads.iter().map(|p| p.number.to_string()).collect();
    let port = local.address.map_or(9, |address| address.port());
    let mut media = media_line("audio", port, &line.proto, &numbers.join(" "));
    media.add_connection(Connection::from_ip_addr(address));
    let mut flag = |name: &str| media.attributes.push(Attribute::new(name));
    if line.rtcp_mux {
        flag("rtcp-mux");
    }
    flag(local.direction.name());
    let mut attribute = |name: &str, value: String| media.attributes.push(Attribute::with_value(name, value));
    if let Some(mid) = &line.mid {
        attribute("mid", mid.clone());
    }
    attribute("ice-ufrag", local.credentials.ufrag.clone());
    attribute("ice-pwd", local.credentials.pwd.clone());
    attribute(
        "fingerprint",
        format!("{} {}", local.credentials.fingerprint.0, local.credentials.fingerprint.1),
    );
    attribute("setup", local.setup.name().into());
    for candidate in &local.candidates {
        let value = candidate.strip_prefix("candidate:").unwrap_or(candidate);
        attribute("candidate", value.to_owned());
    }
    for Payload { number, format } in &local.payloads {
        attribute("rtpmap", format!("{number} {}", format.rtpmap()));
        match format {
            Format::Audio(Codec::Opus) => attribute("fmtp", format!("{number} minptime=10;useinbandfec=1")),
            Format::Event(_) => attribute("fmtp", format!("{number} 0-15")),
            Format::Audio(_) => {}
        }
    }
    attribute("ptime", "20".into());
    attribute("msid", format!("{} {}", local.cname, local.cname));
    attribute("ssrc", format!("{} cname:{}", local.ssrc, local.cname));
    media
}

fn rejected_line(line: &RemoteLine) -> Media {
    let mut media = media_line(&line.kind, 0, &line.proto, &line.formats);
    if let Some(mid) = &line.mid {
        media.add_attribute(Attribute::with_value("mid", mid));
    }
    media.add_attribute(Attribute::new("inactive"));
    media
}

fn media_line(kind: &str, port: u16, proto: &str, formats: &str) -> Media {
    // The constructor of sdp-types takes known media types only; a rejected line may be of any.
    let mut media = Media::new(sdp_types::MediaType::Audio, port, TransportProto::UdpTlsRtpSavpf, formats);
    media.media = kind.to_owned();
    media.proto = proto.to_owned();
    media
}
