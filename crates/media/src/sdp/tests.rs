//! Descriptions of real peers, generated descriptions, and garbage.

use offhook_wire::sdp::Direction;
use proptest::prelude::*;

use super::*;
use crate::codec::Codec;
use crate::error::{MediaError, Unsupported};

const OPUS: Format = Format::Audio(Codec::Opus);
const PCMU: Format = Format::Audio(Codec::Pcmu);
const PCMA: Format = Format::Audio(Codec::Pcma);
const EVENT_8: Format = Format::Event(8_000);
const EVENT_48: Format = Format::Event(48_000);

macro_rules! sample {
    ($name:literal) => {
        ($name, include_str!(concat!("../../tests/samples/", $name, ".sdp")))
    };
}

/// Written by Chromium for JsSIP and SIP.js, and by Asterisk, PJSIP and baresip.
const SAMPLES: [(&str, &str); 9] = [
    sample!("jssip-offer"),
    sample!("jssip-hold-offer"),
    sample!("jssip-answer"),
    sample!("sipjs-hold-offer"),
    sample!("sipjs-answer"),
    sample!("asterisk-answer"),
    sample!("pjsip-answer"),
    sample!("baresip-answer"),
    sample!("baresip-hold-answer"),
];

fn sampled(name: &str) -> &'static str {
    SAMPLES.iter().find(|(known, _)| *known == name).expect("a sample").1
}

fn numbers(remote: &RemoteDescription) -> Vec<(u8, Format)> {
    remote.payloads.iter().map(|p| (p.number, p.format)).collect()
}

#[test]
fn descriptions_of_real_peers_are_parsed() {
    let browser = [(111, OPUS), (0, PCMU), (8, PCMA), (110, EVENT_48), (126, EVENT_8)];
    let server = [(0, PCMU), (8, PCMA), (111, OPUS), (126, EVENT_8), (110, EVENT_48)];
    let baresip = [(111, OPUS), (0, PCMU), (8, PCMA), (126, EVENT_8)];
    for (name, text) in SAMPLES {
        let remote =
            RemoteDescription::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let known: &[_] = match name {
            "asterisk-answer" | "pjsip-answer" => &server,
            "baresip-answer" | "baresip-hold-answer" => &baresip,
            _ => &browser,
        };
        assert_eq!(numbers(&remote), known, "{name}");
        let direction = match name {
            "jssip-hold-offer" | "sipjs-hold-offer" => Direction::SendOnly,
            "baresip-hold-answer" => Direction::RecvOnly,
            _ => Direction::SendRecv,
        };
        assert_eq!(remote.direction, direction, "{name}");
        let setup = if name.ends_with("offer") { Setup::ActPass } else { Setup::Active };
        assert_eq!(remote.setup, setup, "{name}");
        let with_mid = !name.starts_with("baresip");
        assert_eq!((remote.bundled, remote.lines[0].mid.is_some()), (with_mid, with_mid), "{name}");
        let reachable = remote.candidates.iter().all(|c| c.proto() == str0m::net::Protocol::Udp);
        assert!(reachable && !remote.candidates.is_empty() || name == "sipjs-answer", "{name}");
        assert_eq!(remote.credentials.fingerprint.0, "sha-256", "{name}");
    }
}

#[test]
fn udp_candidates_are_parsed() {
    let addresses = |name| {
        let remote = RemoteDescription::parse(sampled(name).as_bytes()).unwrap();
        remote.candidates.iter().map(|c| c.addr().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(addresses("baresip-answer"), ["192.0.2.2:21112", "[fd00::2]:21112"]);
    assert_eq!(addresses("jssip-offer"), ["127.0.0.1:44630", "[::1]:53051"], "TCP is skipped");
    assert_eq!(addresses("asterisk-answer"), ["127.0.0.1:20324"], "upper-case UDP is UDP");
}

/// A peer's audio line, and the ways to write it.
#[derive(Clone, Debug)]
struct Peer {
    profile: &'static str,
    direction: Option<Direction>,
    direction_at_session: bool,
    keys_at_session: bool,
    mid: bool,
    bundle: bool,
    static_rtpmap: bool,
    line_feed: bool,
    setup: Option<&'static str>,
    hash: &'static str,
    /// Lines before and after the audio.
    before: Vec<&'static str>,
    after: Vec<&'static str>,
    noise: Vec<&'static str>,
}

const OTHERS: [&str; 4] = [
    "m=video 5000 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:v\r\na=rtpmap:96 VP8/90000",
    "m=image 5002 udptl t38\r\na=T38FaxVersion:0",
    "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000",
    "m=audio 0 RTP/AVP 0",
];
const NOISE: [&str; 6] = [
    "a=ptime:20",
    "a=rtcp:9 IN IP4 0.0.0.0",
    "a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "a=rtcp-fb:* transport-cc",
    "a=candidate:1 1 udp 2122260223 4f6a5c3e-1111-2222-3333-444455556666.local 5000 typ host",
    "a=x-unknown",
];

impl Peer {
    fn text(&self) -> String {
        let credentials = format!(
            "a=ice-ufrag:abcd\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\na=fingerprint:{} {}",
            self.hash,
            ["ab"; 32].join(":")
        );
        let setup = self.setup.map(|setup| format!("a=setup:{setup}"));
        let direction = self.direction.map(|direction| format!("a={}", direction.name()));
        let mut lines = vec!["v=0".to_owned(), "o=peer 7 8 IN IP4 192.0.2.9".into(), "s=call".into()];
        lines.push("c=IN IP4 192.0.2.9".into());
        lines.push("t=0 0".into());
        if self.bundle && self.mid {
            lines.push("a=group:BUNDLE first".into());
        }
        let mut media = vec![format!("m=audio 5004 {} 96 0 8 101 102", self.profile)];
        let at = |session, line: Option<String>, lines: &mut Vec<String>, media: &mut Vec<String>| {
            if session { lines.extend(line) } else { media.extend(line) }
        };
        at(self.keys_at_session, Some(credentials), &mut lines, &mut media);
        at(self.keys_at_session, setup, &mut lines, &mut media);
        at(self.direction_at_session, direction, &mut lines, &mut media);
        if self.mid {
            media.push("a=mid:first".into());
        }
        media.push("a=rtpmap:96 OPUS/48000/2".into());
        if self.static_rtpmap {
            media.push("a=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000/1".into());
        }
        media.push("a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16".into());
        media.push("a=rtpmap:102 AMR/8000\r\na=rtcp-mux".into());
        media.push("a=candidate:1 1 UDP 2122260223 192.0.2.9 5004 typ host".into());
        media.extend(self.noise.iter().map(|s| (*s).to_owned()));
        lines.extend(self.before.iter().map(|s| (*s).to_owned()));
        lines.extend(media);
        lines.extend(self.after.iter().map(|s| (*s).to_owned()));
        let text = lines.join("\r\n") + "\r\n";
        if self.line_feed { text.replace("\r\n", "\n") } else { text }
    }
}

fn peer() -> impl Strategy<Value = Peer> {
    let profile = prop::sample::select(vec![
        "UDP/TLS/RTP/SAVPF",
        "UDP/TLS/RTP/SAVP",
        "RTP/SAVPF",
        "RTP/SAVP",
        "rtp/savpf",
    ]);
    let direction = prop::option::of(prop::sample::select(vec![
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ]));
    let setup = prop::option::of(prop::sample::select(vec!["active", "passive", "actpass"]));
    let others = || prop::collection::vec(prop::sample::select(OTHERS.to_vec()), 0..3);
    let noise = prop::collection::vec(prop::sample::select(NOISE.to_vec()), 0..6);
    let hash = prop::sample::select(vec!["sha-256", "SHA-256"]);
    let flags = prop::array::uniform7(any::<bool>());
    (profile, direction, setup, others(), others(), noise, hash, flags).prop_map(
        |(profile, direction, setup, before, after, noise, hash, flags)| Peer {
            profile,
            direction,
            direction_at_session: flags[0],
            keys_at_session: flags[1],
            mid: flags[2],
            bundle: flags[3],
            static_rtpmap: flags[4],
            line_feed: flags[5],
            setup,
            hash,
            before,
            after,
            noise,
        },
    )
}

proptest! {
    #[test]
    fn equivalent_descriptions_parse_alike(peer in peer()) {
        let remote = RemoteDescription::parse(peer.text().as_bytes()).unwrap();
        prop_assert_eq!(remote.audio, peer.before.len());
        prop_assert_eq!(remote.lines.len(), peer.before.len() + 1 + peer.after.len());
        prop_assert_eq!(&remote.lines[remote.audio].proto, peer.profile);
        prop_assert_eq!(remote.direction, peer.direction.unwrap_or_default());
        prop_assert_eq!(numbers(&remote), [(96, OPUS), (0, PCMU), (8, PCMA), (101, EVENT_8)]);
        prop_assert_eq!(remote.bundled, peer.bundle && peer.mid);
        prop_assert_eq!(&remote.credentials.ufrag, "abcd");
        prop_assert_eq!(&remote.credentials.fingerprint.0, "sha-256");
        prop_assert_eq!(remote.candidates.len(), 1);
        let setup = match peer.setup {
            Some("passive") => Setup::Passive,
            Some("actpass") => Setup::ActPass,
            _ => Setup::Active,
        };
        prop_assert_eq!(remote.setup, setup);
    }

    #[test]
    fn str0m_accepts_canonical_descriptions(peer in peer()) {
        let remote = RemoteDescription::parse(peer.text().as_bytes()).unwrap();
        let text = canonical::write("audio", &remote.credentials, remote.setup, remote.ice_lite, &remote.payloads);
        prop_assert!(str0m::change::SdpOffer::from_sdp_string(&text).is_ok(), "{}", text);
        // Our own parser reads it too: nothing relevant is lost.
        let again = RemoteDescription::parse(text.as_bytes()).unwrap();
        prop_assert_eq!((again.credentials, again.setup, again.payloads), (remote.credentials, remote.setup, remote.payloads));
    }

    #[test]
    fn local_descriptions_round_trip(
        lines in prop::collection::vec(any::<bool>(), 0..3),
        sends: bool,
        receives: bool,
        mid: bool,
        active: bool,
    ) {
        let rejected = RemoteLine {
            kind: "video".into(),
            proto: "UDP/TLS/RTP/SAVPF".into(),
            formats: "96 97".into(),
            mid: Some("v".into()),
        };
        let audio = LocalLine::Audio(AudioLine {
            proto: "UDP/TLS/RTP/SAVPF".into(),
            mid: mid.then(|| "a".into()),
            bundled: mid,
            rtcp_mux: mid,
        });
        let before = lines.len();
        let mut all: Vec<_> = lines.iter().map(|_| LocalLine::Rejected(rejected.clone())).collect();
        all.push(audio);
        let local = LocalDescription {
            lines: all,
            direction: Direction::new(sends, receives),
            payloads: vec![
                Payload { number: 111, format: OPUS },
                Payload { number: 0, format: PCMU },
                Payload { number: 126, format: EVENT_8 },
            ],
            credentials: Credentials {
                ufrag: "user".into(),
                pwd: "p".repeat(22),
                fingerprint: ("sha-256".into(), ["AB"; 32].join(":")),
            },
            setup: if active { Setup::Active } else { Setup::ActPass },
            candidates: vec!["candidate:1 1 udp 2122260223 192.0.2.1 4000 typ host".into()],
            address: Some("192.0.2.1:4000".parse().unwrap()),
            ssrc: 1234,
            cname: "name".into(),
        };
        let text = DescriptionWriter::new(u64::MAX).write(&local);
        let read = RemoteDescription::parse(text.as_bytes()).unwrap();
        prop_assert_eq!((read.audio, read.lines.len()), (before, before + 1));
        prop_assert_eq!((read.direction, read.setup), (local.direction, local.setup));
        prop_assert_eq!((read.bundled, read.rtcp_mux), (mid, mid));
        prop_assert_eq!((read.credentials, read.payloads), (local.credentials, local.payloads));
        prop_assert_eq!(read.candidates.len(), 1);
        prop_assert_eq!(text.matches("\r\nm=video 0 UDP/TLS/RTP/SAVPF 96 97\r\n").count(), before);
    }

    #[test]
    fn garbage_is_an_error(text in "\\PC*", which in 0..SAMPLES.len(), at: prop::sample::Index, with in "\\PC{0,4}") {
        let _ = RemoteDescription::parse(text.as_bytes());
        let mut sample: Vec<char> = SAMPLES[which].1.chars().collect();
        let at = at.index(sample.len());
        sample.splice(at..(at + 3).min(sample.len()), with.chars());
        let sample: String = sample.into_iter().collect();
        if let Ok(remote) = RemoteDescription::parse(sample.as_bytes()) {
            let text = canonical::write("audio", &remote.credentials, remote.setup, remote.ice_lite, &remote.payloads);
            let read = str0m::change::SdpOffer::from_sdp_string(&text);
            prop_assert!(read.is_ok() || remote.payloads.is_empty(), "{}", text);
        }
    }
}

fn basic() -> Peer {
    Peer {
        profile: "UDP/TLS/RTP/SAVPF",
        direction: None,
        direction_at_session: false,
        keys_at_session: false,
        mid: true,
        bundle: true,
        static_rtpmap: true,
        line_feed: false,
        setup: Some("actpass"),
        hash: "sha-256",
        before: Vec::new(),
        after: Vec::new(),
        noise: Vec::new(),
    }
}

#[test]
fn unsupported_media_has_a_specific_error() {
    let text = basic().text();
    let error_of = |text: &str| RemoteDescription::parse(text.as_bytes()).map(|_| ()).expect_err("an error");
    let plain = text.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP");
    assert_eq!(error_of(&plain), MediaError::NoCommonTransport(Unsupported::PlainRtp));
    let without = |name: &str| {
        let lines = text.lines().filter(|line| !line.starts_with(name));
        lines.map(|line| format!("{line}\r\n")).collect::<String>()
    };
    let sdes = without("a=fingerprint").replace("UDP/TLS/RTP/SAVPF", "RTP/SAVP");
    assert_eq!(error_of(&sdes), MediaError::NoCommonTransport(Unsupported::Sdes));
    assert_eq!(error_of(&without("a=ice-")), MediaError::NoCommonTransport(Unsupported::NoIce));
    assert_eq!(error_of(&without("a=fingerprint")), MediaError::Malformed("no fingerprint"));
    let strange = text.replace("sha-256", "md5");
    assert_eq!(error_of(&strange), MediaError::NoCommonTransport(Unsupported::Fingerprint));
    let video = text.replace("m=audio", "m=video");
    assert_eq!(error_of(&video), MediaError::NoCommonMedia);
    let rejected = text.replace("m=audio 5004", "m=audio 0");
    assert_eq!(error_of(&rejected), MediaError::NoCommonMedia);
    assert_eq!(error_of(""), MediaError::Malformed("not SDP"));
    assert_eq!(error_of(&"a".repeat(70_000)), MediaError::Malformed("not SDP"));
}

#[test]
fn address_0_0_0_0_is_a_hold_unless_the_port_is_9() {
    let read = |text: &str| {
        let remote = RemoteDescription::parse(text.as_bytes()).unwrap();
        (remote.holds, remote.direction)
    };
    assert_eq!(read(&basic().text()), (false, Direction::SendRecv));
    let held = basic().text().replace("c=IN IP4 192.0.2.9", "c=IN IP4 0.0.0.0");
    assert_eq!(read(&held), (true, Direction::SendRecv), "media follows ICE and the direction");
    // RFC 8840 §4.1.1: with trickle ICE it means that candidates follow.
    assert_eq!(read(&held.replace("m=audio 5004", "m=audio 9")), (false, Direction::SendRecv));
    let own = |address: &str, text: &str| {
        text.replace("a=rtpmap:96", &format!("c=IN IP4 {address}\r\na=rtpmap:96"))
    };
    assert!(!read(&own("192.0.2.9", &held)).0, "the address of the line counts");
    assert!(read(&own("0.0.0.0", &basic().text())).0);
    for (direction, holds) in [
        (Direction::SendOnly, true),
        (Direction::Inactive, true),
        (Direction::RecvOnly, false),
        (Direction::SendRecv, false),
    ] {
        let text = Peer { direction: Some(direction), ..basic() }.text();
        assert_eq!(read(&text), (holds, direction));
    }
}

#[test]
fn first_usable_audio_line_is_taken() {
    let plain = "m=audio 6000 RTP/AVP 0";
    let text = Peer { before: vec![plain, OTHERS[0]], ..basic() }.text();
    assert_eq!(RemoteDescription::parse(text.as_bytes()).unwrap().audio, 2);
}

#[test]
fn invalid_and_duplicate_payload_types_are_skipped() {
    let text = basic().text().replace(" 96 0 8 101 102", " 96 0 8 101 102 96 72 200 0 xyz");
    let remote = RemoteDescription::parse(text.as_bytes()).unwrap();
    assert_eq!(numbers(&remote), [(96, OPUS), (0, PCMU), (8, PCMA), (101, EVENT_8)]);
    // `a=rtpmap` overrides the static assignment.
    let renamed = basic().text().replace("a=rtpmap:0 PCMU/8000", "a=rtpmap:0 telephone-event/48000");
    assert_eq!(numbers(&RemoteDescription::parse(renamed.as_bytes()).unwrap())[1], (0, EVENT_48));
}
