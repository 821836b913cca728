//! Writes our description.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use offhook_wire::sdp::Direction;
use sdp_types::{Attribute, Connection, Media, Origin, Session, Time, TransportProto};

use super::remote::RemoteLine;
use super::{Format, Keys, Payload, Setup};
use crate::codec::Codec;

/// One line of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LocalLine {
    /// The call's audio.
    Audio(AudioLine),
    /// A line of the peer's that we do not take (RFC 3264 §6): port 0, the same otherwise.
    Rejected(RemoteLine),
}

/// How the audio line is written: as the peer wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AudioLine {
    pub(crate) proto: String,
    pub(crate) mid: Option<String>,
    pub(crate) bundled: bool,
    /// An answer may only say it when the offer did (RFC 5761 §5.1.1).
    pub(crate) rtcp_mux: bool,
}

/// Everything that our description says.
#[derive(Clone, Debug)]
pub(crate) struct Local {
    pub(crate) lines: Vec<LocalLine>,
    pub(crate) direction: Direction,
    pub(crate) payloads: Vec<Payload>,
    pub(crate) keys: Keys,
    pub(crate) setup: Setup,
    /// `candidate:…` lines.
    pub(crate) candidates: Vec<String>,
    /// The default candidate (RFC 8839 §4.2.1.2).
    pub(crate) address: Option<SocketAddr>,
    pub(crate) ssrc: u32,
    pub(crate) cname: String,
}

/// What was written, to know whether the next one says anything else.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written {
    /// The session id of `o=`, the same for the whole call.
    id: u64,
    version: u64,
    body: String,
}

impl Written {
    pub(crate) fn new(id: u64) -> Self {
        // RFC 9429 §5.2.1: fits a signed 64-bit number, for readers that use one.
        Self { id: id >> 2, version: 0, body: String::new() }
    }

    /// The text, with a version one higher than the last if it says anything else (RFC 3264 §8).
    pub(crate) fn describe(&mut self, local: &Local) -> String {
        let body = text(&session(local, self.id, 0));
        if body != self.body {
            self.version += 1;
            self.body = body;
        }
        text(&session(local, self.id, self.version))
    }
}

fn text(session: &Session) -> String {
    String::from_utf8(offhook_wire::sdp::write(session)).expect("all parts are strings")
}

fn session(local: &Local, id: u64, version: u64) -> Session {
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
            LocalLine::Audio(line) => audio(local, address, line),
            LocalLine::Rejected(line) => rejected(line),
        });
    }
    session
}

fn audio(local: &Local, address: IpAddr, line: &AudioLine) -> Media {
    let numbers: Vec<String> = local.payloads.iter().map(|p| p.number.to_string()).collect();
    let port = local.address.map_or(9, |address| address.port());
    let mut media = media("audio", port, &line.proto, &numbers.join(" "));
    media.add_connection(Connection::from_ip_addr(address));
    let mut flag = |name: &str| media.attributes.push(Attribute::new(name));
    if line.rtcp_mux {
        flag("rtcp-mux");
    }
    flag(local.direction.name());
    let mut say = |name: &str, value: String| media.attributes.push(Attribute::with_value(name, value));
    if let Some(mid) = &line.mid {
        say("mid", mid.clone());
    }
    say("ice-ufrag", local.keys.ufrag.clone());
    say("ice-pwd", local.keys.pwd.clone());
    say("fingerprint", format!("{} {}", local.keys.fingerprint.0, local.keys.fingerprint.1));
    say("setup", local.setup.name().into());
    for candidate in &local.candidates {
        let value = candidate.strip_prefix("candidate:").unwrap_or(candidate);
        say("candidate", value.to_owned());
    }
    for Payload { number, format } in &local.payloads {
        say("rtpmap", format!("{number} {}", format.rtpmap()));
        match format {
            Format::Audio(Codec::Opus) => say("fmtp", format!("{number} minptime=10;useinbandfec=1")),
            Format::Event(_) => say("fmtp", format!("{number} 0-15")),
            Format::Audio(_) => {}
        }
    }
    say("ptime", "20".into());
    say("msid", format!("{} {}", local.cname, local.cname));
    say("ssrc", format!("{} cname:{}", local.ssrc, local.cname));
    media
}

fn rejected(line: &RemoteLine) -> Media {
    let mut media = media(&line.kind, 0, &line.proto, &line.formats);
    if let Some(mid) = &line.mid {
        media.add_attribute(Attribute::with_value("mid", mid));
    }
    media.add_attribute(Attribute::new("inactive"));
    media
}

fn media(kind: &str, port: u16, proto: &str, formats: &str) -> Media {
    // The constructor of sdp-types takes kinds it knows; a line that is refused may be of any.
    let mut media = Media::new(sdp_types::MediaType::Audio, port, TransportProto::UdpTlsRtpSavpf, formats);
    media.media = kind.to_owned();
    media.proto = proto.to_owned();
    media
}
