//! What is agreed on, before and after an offer is answered, and why an offer is refused.

use proptest::prelude::*;

use crate::common::{A, B, Pair, config, epoch};
use offhook_media::{Agreed, Codec, Direction, MediaConfig, MediaError, MediaSession, Unsupported, check};
use offhook_wire::Instant;

const SENDRECV: Direction = Direction::SendRecv;

/// Descriptions of real peers. The answers serve as offers too.
const SAMPLES: [&str; 9] = [
    include_str!("../samples/jssip-offer.sdp"),
    include_str!("../samples/jssip-hold-offer.sdp"),
    include_str!("../samples/jssip-answer.sdp"),
    include_str!("../samples/sipjs-hold-offer.sdp"),
    include_str!("../samples/sipjs-answer.sdp"),
    include_str!("../samples/asterisk-answer.sdp"),
    include_str!("../samples/pjsip-answer.sdp"),
    include_str!("../samples/baresip-answer.sdp"),
    include_str!("../samples/baresip-hold-answer.sdp"),
];

/// A desk phone with plain RTP.
const PLAIN: &str = "v=0\r\no=- 20518 20518 IN IP4 192.0.2.44\r\ns=SDP data\r\nc=IN IP4 192.0.2.44\r\nt=0 0\r\n\
    m=audio 11780 RTP/AVP 0 8 18 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:18 G729/8000\r\n\
    a=fmtp:18 annexb=no\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=sendrecv\r\n";

/// A trunk with SRTP whose keys are in the description (RFC 4568).
const SDES: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.45\r\ns=call\r\nc=IN IP4 192.0.2.45\r\nt=0 0\r\n\
    m=audio 20004 RTP/SAVP 8 0 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n\
    a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20|1:4\r\na=sendrecv\r\n";

/// A gateway with DTLS-SRTP and a fixed address, without ICE.
const NO_ICE: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.46\r\ns=-\r\nc=IN IP4 192.0.2.46\r\nt=0 0\r\n\
    m=audio 30000 UDP/TLS/RTP/SAVPF 0 8\r\na=setup:actpass\r\na=rtcp-mux\r\na=sendrecv\r\n\
    a=fingerprint:sha-256 1D:5C:44:A9:92:77:0B:E0:13:4F:A1:C3:5E:68:0F:D2:81:99:3B:6D:04:EE:C7:52:BA:36:70:18:8D:F3:2A:61\r\n";

/// A camera.
const VIDEO: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.47\r\ns=-\r\nc=IN IP4 192.0.2.47\r\nt=0 0\r\n\
    m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=rtpmap:96 H264/90000\r\na=ice-ufrag:vid0\r\na=ice-pwd:0123456789abcdefghijkl\r\n\
    a=setup:actpass\r\na=mid:0\r\na=rtcp-mux\r\na=sendonly\r\n";

fn answerer(config: &MediaConfig) -> MediaSession {
    let mut session = MediaSession::new(config.clone(), [7; 32], epoch(), Instant::ZERO);
    session.add_local("192.0.2.1:40000".parse().unwrap());
    session
}

/// Checks an offer, and asserts that a new session agrees on the same when it answers.
fn checked(config: &MediaConfig, offer: &str) -> Result<(Direction, bool, bool), MediaError> {
    let mut session = answerer(config);
    let answered = session.answer(Instant::ZERO, offer, SENDRECV);
    let checked = check(config, offer);
    match answered {
        Ok(_) => assert_eq!(checked.ok(), session.agreed(), "{offer}"),
        Err(error) => {
            assert_eq!((checked, session.agreed()), (Err(error), None), "{offer}");
        }
    }
    checked.map(|Agreed { direction, held, telephone_event, .. }| (direction, held, telephone_event))
}

/// A browser's offer with these payload types alone.
fn browser(formats: &str) -> String {
    SAMPLES[0].replace("SAVPF 111 63 9 0 8 13 110 126", &format!("SAVPF {formats}"))
}

#[test]
fn each_refusal_has_its_kind_and_status() {
    let transport = |why| (MediaError::NoCommonTransport(why), 488);
    let g729 = browser("18").replace("a=rtpmap:111 opus/48000/2", "a=rtpmap:18 G729/8000");
    let tcp = PLAIN.replace("RTP/AVP", "TCP/RTP/AVP");
    let md5 = SAMPLES[0].replace("a=fingerprint:sha-256", "a=fingerprint:md5");
    for (offer, (error, status)) in [
        (PLAIN, transport(Unsupported::PlainRtp)),
        (&PLAIN.replace("RTP/AVP", "RTP/AVPF"), transport(Unsupported::PlainRtp)),
        (SDES, transport(Unsupported::Sdes)),
        (NO_ICE, transport(Unsupported::NoIce)),
        (&md5, transport(Unsupported::Fingerprint)),
        (&tcp, transport(Unsupported::Protocol)),
        (VIDEO, (MediaError::NoCommonMedia, 488)),
        (&PLAIN.replace("audio 11780", "audio 0"), (MediaError::NoCommonMedia, 488)),
        (PLAIN.split_once("m=").unwrap().0, (MediaError::NoCommonMedia, 488)),
        (&g729, (MediaError::NoCommonCodec, 488)),
        (&browser("110 126"), (MediaError::NoCommonCodec, 488)),
        ("\u{1}\u{2} this is not SDP \u{ff}", (MediaError::Malformed("not SDP"), 400)),
        ("", (MediaError::Malformed("not SDP"), 400)),
    ] {
        assert_eq!(checked(&config(), offer), Err(error), "{offer}");
        assert_eq!(error.status(), status);
    }
    assert_eq!(check(&config(), b"\xff\xfe\x00"), Err(MediaError::Malformed("not SDP")));
}

#[test]
fn check_agrees_on_what_an_answer_would() {
    for (n, sample) in SAMPLES.into_iter().enumerate() {
        let agreed = match n {
            1 | 3 => (Direction::RecvOnly, true, true),
            8 => (Direction::SendOnly, false, true),
            // Of them the answer of SIP.js has the address 0.0.0.0 with port 9: candidates follow.
            _ => (SENDRECV, false, true),
        };
        assert_eq!(checked(&config(), sample), Ok(agreed), "{n}");
    }
    assert_eq!(checked(&config(), &browser("111 0")), Ok((SENDRECV, false, false)));
    let inactive = SAMPLES[0].replace("a=sendrecv", "a=inactive");
    assert_eq!(checked(&config(), &inactive), Ok((Direction::Inactive, true, true)));
    let old_hold = SAMPLES[0].replace("c=IN IP4 127.0.0.1", "c=IN IP4 0.0.0.0");
    assert_eq!(checked(&config(), &old_hold), Ok((SENDRECV, true, true)));
    let without_events = MediaConfig { telephone_event: false, ..config() };
    assert_eq!(checked(&without_events, SAMPLES[0]), Ok((SENDRECV, false, false)));
    let pcma = MediaConfig { codecs: vec![Codec::Pcma], ..config() };
    assert_eq!(checked(&pcma, &browser("0 126")), Err(MediaError::NoCommonCodec));
    let nothing = MediaConfig { codecs: Vec::new(), ..config() };
    assert_eq!(checked(&nothing, SAMPLES[0]), Err(MediaError::NoCommonCodec));
}

/// What an offer may contain in the wrong place.
const PARTS: [&str; 14] = [
    "a=sendonly\r\n",
    "a=setup:passive\r\n",
    "a=setup:none\r\n",
    "a=ice-ufrag:abcd\r\n",
    "a=ice-pwd:abcdefghijklmnopqrstuv\r\n",
    "a=ice-lite\r\n",
    "a=mid:0\r\n",
    "a=group:BUNDLE 0 1\r\n",
    "a=rtpmap:111 opus/48000/2\r\n",
    "a=rtpmap:126 PCMA/8000\r\n",
    "a=candidate:1 1 udp 1 192.0.2.9 5000 typ relay\r\n",
    "c=IN IP4 0.0.0.0\r\n",
    "m=audio 5000 RTP/SAVPF 0\r\n",
    "m=video 5002 UDP/TLS/RTP/SAVPF 96\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn check_and_answer_never_differ(
        which in 0..SAMPLES.len(),
        part in prop::option::of(prop::sample::select(PARTS.to_vec())),
        line: prop::sample::Index,
        removed in 0..3_usize,
        at: prop::sample::Index,
        with in "[ -~]{0,3}",
        codecs in prop::sample::subsequence(vec![Codec::Opus, Codec::Pcmu, Codec::Pcma], 0..=3),
        telephone_event: bool,
    ) {
        let mut lines: Vec<&str> = SAMPLES[which].split_inclusive('\n').collect();
        let line = line.index(lines.len());
        let end = (line + removed).min(lines.len());
        lines.splice(line..end, part);
        let mut text = lines.concat();
        let at = at.index(text.len());
        if text.is_ascii() && !with.is_empty() {
            text.replace_range(at..(at + with.len()).min(text.len()), &with);
        }
        let _ = checked(&MediaConfig { codecs, telephone_event, ..config() }, &text);
    }
}

#[test]
fn both_ends_report_what_they_agreed_on() {
    let mut pair = Pair::new(config(), config());
    assert_eq!(pair.ends[A].session.agreed(), None);
    let agreed = |pair: &Pair, end: usize| {
        let agreed = pair.ends[end].session.agreed().expect("an agreement");
        assert_eq!(Some(agreed.direction), pair.ends[end].session.direction());
        assert_eq!(Some(agreed.telephone_event), pair.ends[end].session.supports_telephone_events());
        (agreed.direction, agreed.held)
    };
    for (offered, answered, a, b) in [
        (SENDRECV, SENDRECV, (SENDRECV, false), (SENDRECV, false)),
        (Direction::SendOnly, SENDRECV, (Direction::SendOnly, false), (Direction::RecvOnly, true)),
        (SENDRECV, Direction::SendOnly, (Direction::RecvOnly, true), (Direction::SendOnly, false)),
        (Direction::Inactive, SENDRECV, (Direction::Inactive, true), (Direction::Inactive, true)),
    ] {
        pair.negotiate(A, offered, answered, false);
        assert_eq!((agreed(&pair, A), agreed(&pair, B)), (a, b), "{offered:?} {answered:?}");
    }
    // A pending offer does not count, and a rollback restores the agreement before the answer.
    pair.negotiate(A, SENDRECV, SENDRECV, false);
    let hold = pair.ends[B].session.offer(pair.now, Direction::SendOnly, false).unwrap();
    assert_eq!(agreed(&pair, B), (SENDRECV, false));
    pair.ends[A].session.answer(pair.now, hold, SENDRECV).unwrap();
    assert_eq!(agreed(&pair, A), (Direction::RecvOnly, true));
    pair.ends[A].session.rollback();
    assert_eq!(agreed(&pair, A), (SENDRECV, false));
}
