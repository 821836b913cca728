//! Session descriptions: samples of real peers, the algebra of reading and writing, and hostile input.

use offhook_wire::sdp::types::{Attribute, Media, Session};
use offhook_wire::sdp::{
    Direction, MAX_LINES, MAX_MEDIA, MAX_TEXT, MediaOutline, Outline, SdpError, SdpFault, direction, parse,
    write,
};
use proptest::prelude::*;

const CHROME_OFFER: &[u8] = include_bytes!("samples/chrome-jssip-offer.sdp");
const CHROME_HOLD: &[u8] = include_bytes!("samples/chrome-jssip-hold.sdp");
const CHROME_ANSWER: &[u8] = include_bytes!("samples/chrome-sipjs-answer.sdp");
const ASTERISK_ANSWER: &[u8] = include_bytes!("samples/asterisk-answer.sdp");
const BARESIP_ANSWER: &[u8] = include_bytes!("samples/baresip-answer.sdp");
const BARESIP_HOLD: &[u8] = include_bytes!("samples/baresip-hold-answer.sdp");
const EVERY_LINE: &[u8] = include_bytes!("samples/every-line.sdp");

const SAMPLES: [&[u8]; 7] =
    [CHROME_OFFER, CHROME_HOLD, CHROME_ANSWER, ASTERISK_ANSWER, BARESIP_ANSWER, BARESIP_HOLD, EVERY_LINE];

fn text(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    String::from_utf8_lossy(bytes)
}

/// The writer of sdp-types, which ours must equal.
fn reference(session: &Session) -> Vec<u8> {
    let mut bytes = Vec::new();
    session.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn samples_round_trip() {
    for sample in SAMPLES {
        let session = parse(sample).unwrap();
        assert_eq!(text(&write(&session)), text(sample));
    }
}

#[test]
fn outlines_of_samples() {
    let audio = |sample| Outline::parse(sample).unwrap().audio().unwrap().unwrap();
    let offer = audio(CHROME_OFFER);
    assert_eq!(
        offer,
        MediaOutline {
            kind: b"audio",
            port: 59742,
            proto: b"UDP/TLS/RTP/SAVPF",
            formats: b"111 63 9 0 8 13 110 126",
            direction: Direction::SendRecv,
            held_by_address: false,
            telephone_event: Some(110),
        }
    );
    assert_eq!(audio(CHROME_HOLD).direction, Direction::SendOnly);
    // A browser with trickle ICE has no address yet, which is no hold.
    assert!(!audio(CHROME_ANSWER).held_by_address);
    assert_eq!(audio(ASTERISK_ANSWER).telephone_event, Some(126));
    assert_eq!(audio(BARESIP_HOLD).direction, Direction::RecvOnly);
    assert_eq!(Outline::parse(BARESIP_ANSWER).unwrap().version(), Some(1_062_223_958));
    assert_eq!(Outline::parse(BARESIP_HOLD).unwrap().version(), Some(1_062_223_959));
}

#[test]
fn each_stream_has_an_outline() {
    let outline = Outline::parse(EVERY_LINE).unwrap();
    let media: Vec<_> = outline.media().map(Result::unwrap).collect();
    let kinds: Vec<_> = media.iter().map(|media| text(media.kind)).collect();
    assert_eq!(kinds, ["audio", "audio", "video", "image"]);
    let directions: Vec<_> = media.iter().map(|media| media.direction).collect();
    let (send, receive) = (Direction::SendOnly, Direction::RecvOnly);
    assert_eq!(directions, [send, receive, send, send], "the session's, where a stream has none");
    let held: Vec<_> = media.iter().map(|media| media.held_by_address).collect();
    assert_eq!(held, [false, true, false, false]);
    assert_eq!(media[1].effective_direction(), Direction::Inactive);
    assert_eq!(media[1].port, 49180);
    let refused: Vec<_> = media.iter().map(MediaOutline::is_refused).collect();
    assert_eq!(refused, [false, false, false, true]);
    assert_eq!(media[0].telephone_event, Some(101));
}

#[test]
fn rfc_2543_hold_is_read_at_both_levels() {
    let held = |session: &str, stream: &str| {
        let text = format!(
            "v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=-\r\n{session}t=0 0\r\nm=audio 9 RTP/AVP 0\r\n{stream}"
        );
        let media = Outline::parse(text.as_bytes()).unwrap().audio().unwrap().unwrap();
        assert_eq!(media.effective_direction().receives(), !media.held_by_address);
        media.held_by_address
    };
    let (nowhere, somewhere) = ("c=IN IP4 0.0.0.0\r\n", "c=IN IP4 10.0.0.0\r\n");
    assert!(
        held(nowhere, "") && held("", nowhere) && held(somewhere, nowhere) && held("", "c=IN IP4 0.0.0.0 ")
    );
    assert!(!held(nowhere, somewhere) && !held("", "") && !held(somewhere, ""));
    assert!(!held("a=ice-ufrag:x\r\n", nowhere) && !held(nowhere, "a=ice-ufrag:x\r\n"));
}

#[test]
fn audio_is_the_first_accepted_stream() {
    let audio = |media: &str| {
        let text = format!("v=0\n{media}");
        Outline::parse(text.as_bytes()).unwrap().audio().map(|media| media.map(|media| media.port))
    };
    assert_eq!(audio("m=video 5 RTP/AVP 0\nm=audio 0 RTP/AVP 0\nm=audio 7 RTP/AVP 0\n"), Ok(Some(7)));
    assert_eq!(audio("m=audio 0 RTP/AVP 0\n"), Ok(Some(0)));
    assert_eq!(audio("m=video 5 RTP/AVP 0\n"), Ok(None));
    assert_eq!(
        audio("m=audio 5 RTP/AVP 0\nm=x\n"),
        Err(SdpError { kind: SdpFault::Field("media"), line: 3 })
    );
}

#[test]
fn telephone_event_must_be_a_format_of_the_stream() {
    let digits = |lines: &str| {
        let text = format!("v=0\nm=audio 9 RTP/AVP 0 101\n{lines}");
        Outline::parse(text.as_bytes()).unwrap().audio().unwrap().unwrap().telephone_event
    };
    assert_eq!(digits("a=rtpmap:101 TELEPHONE-EVENT/8000\n"), Some(101));
    assert_eq!(digits("a=rtpmap:10 telephone-event/8000\n"), None);
    assert_eq!(digits("a=rtpmap:96 telephone-event/8000\na=rtpmap:101 telephone-event/8000\n"), Some(101));
    assert_eq!(digits("a=rtpmap:101 telephone-events/8000\n"), None);
    assert_eq!(digits("a=rtpmap:101\na=rtpmap:\na=rtpmap: \n"), None);
}

#[test]
fn common_deviations_are_accepted() {
    // No final line end, LF only, lines out of order, unknown lines, no `s=` and no `t=`.
    let session =
        parse(b"v=0\n\na=tool:x\no=- 1 2 IN IP4 1.2.3.4\nq=?\nm=audio 9 RTP/AVP 0\na=sendonly").unwrap();
    assert_eq!(direction(&session, &session.medias[0]), Direction::SendOnly);
    let written =
        "v=0\r\no=- 1 2 IN IP4 1.2.3.4\r\ns=-\r\nt=0 0\r\na=tool:x\r\nm=audio 9 RTP/AVP 0\r\na=sendonly\r\n";
    assert_eq!(text(&write(&session)), written);
    // Latin-1 in one line, UTF-8 in another.
    let session =
        parse(b"v=0\r\no=- 1 1 IN IP4 1.2.3.4\r\ns=M\xfcller\r\ni=M\xc3\xbcller\r\nt=0 0\r\n").unwrap();
    assert_eq!(session.session_name, "M\u{fc}ller");
    assert_eq!(session.session_description.as_deref(), Some("M\u{fc}ller"));
}

#[test]
fn errors_have_the_line_and_no_text() {
    let fault = |text: &str| {
        let fault = parse(text.as_bytes()).unwrap_err();
        assert!(!fault.to_string().contains("secret"), "{fault}");
        (fault.line, fault.kind)
    };
    assert_eq!(fault(""), (1, SdpFault::Version));
    assert_eq!(fault("v=secret"), (1, SdpFault::Version));
    assert_eq!(fault("v=0\nsecret"), (2, SdpFault::Line));
    assert_eq!(fault("v=0\na=sec\rret"), (2, SdpFault::Line));
    assert_eq!(fault("v=0\n\nm=secret 1 x"), (3, SdpFault::Field("media")));
    assert_eq!(fault("v=0\nm=audio +9 RTP/AVP 0"), (2, SdpFault::Field("media")));
    assert_eq!(fault("v=0\nm=audio 65536 RTP/AVP 0"), (2, SdpFault::Field("media")));
    assert_eq!(fault("v=0\nc=secret"), (2, SdpFault::Field("Connection addrtype")));
    assert_eq!(fault("v=0\ns=a\ns=secret"), (3, SdpFault::Repeated("session name")));
    assert_eq!(
        SdpError { line: 3, kind: SdpFault::Line }.to_string(),
        "line 3 of the session description is not of the form letter=text"
    );
}

#[test]
fn limits_are_enforced() {
    let fault = |text: String| parse(text.as_bytes()).unwrap_err().kind;
    assert_eq!(fault(format!("v=0\n{}", "a=x\n".repeat(MAX_LINES))), SdpFault::TooLong);
    assert_eq!(fault(format!("v=0\ns={}", "x".repeat(MAX_TEXT))), SdpFault::TooLong);
    let media = |count| format!("v=0\n{}", "m=audio 9 RTP/AVP 0\n".repeat(count));
    assert_eq!(parse(media(MAX_MEDIA).as_bytes()).unwrap().medias.len(), MAX_MEDIA);
    assert_eq!(fault(media(MAX_MEDIA + 1)), SdpFault::TooLong);
}

#[test]
fn values_cannot_add_a_line() {
    let mut session = parse(CHROME_OFFER).unwrap();
    session.session_name = "a\r\nm=video 9 RTP/AVP 0".into();
    session.medias[0].attributes.push(Attribute { attribute: "x\n".into(), value: Some("\0y\r".into()) });
    let bytes = write(&session);
    assert_eq!(bytes, reference(&session));
    let again = parse(&bytes).unwrap();
    assert_eq!(again.session_name, "am=video 9 RTP/AVP 0");
    assert_eq!(again.medias.len(), 1);
    // A tab is a low octet too, and stays.
    session.session_name = "a\tb".into();
    assert!(text(&write(&session)).contains("s=a\tb\r\n"));
}

/// Arbitrary values: with separators, control characters and non-ASCII text.
fn value() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9 :;=/.,\r\n\t\0\u{e9}-]{0,24}"
}

fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("v=0".to_owned()),
        "o=[-a-z]{1,3} [0-9]{1,4} [0-9]{1,4} IN IP[46] [0-9.]{1,9}",
        "s=[ -~\u{e9}]{0,9}",
        "i=[ -~]{0,9}",
        "[uep]=[a-z:@. ]{0,9}",
        "c=IN IP4 (0\\.0\\.0\\.0|[0-9.]{1,9}) ?",
        "b=[A-Z]{2}:[0-9]{1,20}",
        "t=[0-9]{1,10} [0-9]{1,10}",
        "r=[0-9]{1,4}[dhms]? [0-9]{1,4} [0-9]{1,3}h?",
        "z=[0-9]{1,5} -?[0-9]{1,3}h?",
        "k=[a-z]{1,6}(:[a-z]{0,4})?",
        "a=(sendrecv|sendonly|recvonly|inactive|ice-ufrag:x|ice-ufrag|mid:0|ptime|sendonly:)",
        "a=rtpmap:[0-9]{1,3} {1,2}(telephone-event|opus|Telephone-Event)/[0-9]{1,5}",
        "a=[a-z:]{0,6}",
        "m=(audio|video|) [0-9+]{1,5}(/[0-9]{1,2})? RTP/AVP [0-9 ]{0,9}",
        "[ -~]{0,6}",
    ];
    (prop::collection::vec(line, 0..24), prop_oneof![Just("\n"), Just("\r\n")], any::<bool>()).prop_map(
        |(lines, end, version)| {
            let head = if version { format!("v=0{end}") } else { String::new() };
            head + &lines.join(end)
        },
    )
}

/// The expected outline of a fully parsed stream.
fn expected(session: &Session, media: &Media) -> (Direction, bool, Option<u8>) {
    let ice = session.attributes.iter().chain(&media.attributes);
    let mut ice = ice.filter(|attribute| attribute.attribute == "ice-ufrag" && attribute.value.is_some());
    let connection = media.connections.last().or(session.connection.as_ref());
    let held = connection.is_some_and(|connection| connection.connection_address == "0.0.0.0");
    let formats: Vec<_> = media.fmt.split(' ').collect();
    let maps = media.attributes.iter().filter(|attribute| attribute.attribute == "rtpmap");
    let digits =
        maps.filter_map(|map| map.value.as_deref()?.split_once(' ')).find_map(|(payload_type, encoding)| {
            let encoding =
                encoding.trim_start_matches(|c: char| c.is_ascii_whitespace()).to_ascii_lowercase();
            let known = encoding.starts_with("telephone-event/") && formats.contains(&payload_type);
            known.then(|| payload_type.parse().ok()).flatten()
        });
    (direction(session, media), held && ice.next().is_none(), digits)
}

fn agree(text: &[u8]) {
    let Ok(session) = parse(text) else { return };
    let outline = Outline::parse(text).expect("what is read in full has an outline");
    if let Some(version) = outline.version() {
        assert_eq!(version, session.origin.sess_version);
    }
    let media: Vec<_> = outline.media().map(|media| media.expect("readable")).collect();
    assert_eq!(media.len(), session.medias.len());
    for (outline, media) in media.iter().zip(&session.medias) {
        assert_eq!(outline.port, media.port);
        // An outline has the original octets, the parsed description has UTF-8.
        if std::str::from_utf8(text).is_ok() {
            assert_eq!(outline.kind, media.media.as_bytes());
            assert_eq!(outline.proto, media.proto.as_bytes());
            assert_eq!(outline.formats, media.fmt.as_bytes());
        }
        let said = (outline.direction, outline.held_by_address, outline.telephone_event);
        assert_eq!(said, expected(&session, media));
    }
    // Writing what was read, and reading that, changes nothing more.
    let written = write(&session);
    let again = parse(&written).expect("a written description is readable");
    assert_eq!(write(&again), written);
    // Only an empty session name is written differently by sdp-types.
    if !session.session_name.is_empty() {
        assert_eq!(written, reference(&session));
    }
}

#[test]
fn samples_and_outlines_agree() {
    SAMPLES.into_iter().for_each(agree);
}

proptest! {
    #[test]
    fn outlines_agree_with_parsed_descriptions(text in lines()) {
        agree(text.as_bytes());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        agree(&bytes);
        agree(&[b"v=0\n", &bytes[..]].concat());
    }

    #[test]
    fn broken_samples_never_panic(
        sample in 0..SAMPLES.len(),
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
    ) {
        let sample = SAMPLES[sample];
        let mut bytes = sample[..cut.index(sample.len()) + 1].to_vec();
        for (at, octet) in edits {
            let at = at.index(bytes.len());
            bytes[at] = octet;
        }
        agree(&bytes);
    }

    #[test]
    fn hostile_values_stay_in_their_line(name in value(), attribute in value(), body in value(), title in value()) {
        let mut session = parse(ASTERISK_ANSWER).unwrap();
        session.session_name = format!("x{name}");
        session.medias[0].media_title = Some(title);
        session.attributes.push(Attribute { attribute, value: Some(body) });
        let written = write(&session);
        prop_assert_eq!(&written, &reference(&session));
        let again = parse(&written).unwrap();
        prop_assert_eq!(again.attributes.len(), session.attributes.len());
        prop_assert_eq!(again.medias.len(), 1);
        prop_assert_eq!(again.medias[0].attributes.len(), session.medias[0].attributes.len());
    }
}
