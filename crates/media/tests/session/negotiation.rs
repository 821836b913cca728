//! Offers and answers as peers see them.

use std::time::Duration;

use crate::common::{A, B, End, Pair, config, epoch};
use offhook_media::{
    Certificate, Codec, Direction, MediaConfig, MediaError, MediaEvent, MediaSession, Source, Unsupported,
};
use offhook_wire::Instant;

const JSSIP_OFFER: &str = include_str!("../samples/jssip-offer.sdp");
const JSSIP_HOLD: &str = include_str!("../samples/jssip-hold-offer.sdp");
const SENDRECV: Direction = Direction::SendRecv;

fn session(config: MediaConfig) -> MediaSession {
    let mut session = MediaSession::new(config, [7; 32], epoch(), Instant::ZERO);
    session.add_local("192.0.2.1:40000".parse().unwrap());
    session
}

fn answer(offer: &str) -> Result<String, MediaError> {
    session(config()).answer(Instant::ZERO, offer, SENDRECV)
}

/// The value behind a prefix, all of them.
fn values<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(prefix)).collect()
}

/// Id and version of `o=`.
fn origin(text: &str) -> (u64, u64) {
    let fields: Vec<&str> = values(text, "o=")[0].split(' ').collect();
    (fields[1].parse().unwrap(), fields[2].parse().unwrap())
}

#[test]
fn our_offer_has_everything_a_browser_wants() {
    let offer = session(config()).offer(Instant::ZERO, SENDRECV, false).unwrap();
    assert_eq!(values(&offer, "m="), ["audio 40000 UDP/TLS/RTP/SAVPF 111 0 8 110 126"]);
    let maps = values(&offer, "a=rtpmap:");
    let wanted = [
        "111 opus/48000/2",
        "0 PCMU/8000",
        "8 PCMA/8000",
        "110 telephone-event/48000",
        "126 telephone-event/8000",
    ];
    assert_eq!(maps, wanted);
    for line in ["a=rtcp-mux", "a=sendrecv", "a=setup:actpass", "a=mid:0", "a=group:BUNDLE 0"] {
        assert_eq!(offer.lines().filter(|l| *l == line).count(), 1, "{line} in {offer}");
    }
    assert!(values(&offer, "a=candidate:")[0].contains("192.0.2.1 40000 typ host"), "{offer}");
    assert!(values(&offer, "a=ssrc:")[0].contains(" cname:"), "{offer}");
    assert!(values(&offer, "a=fingerprint:")[0].starts_with("sha-256 "), "{offer}");
    assert!(offer.lines().all(|line| line.is_ascii()) && offer.ends_with("\r\n"));
}

#[test]
fn every_address_is_a_candidate_with_its_own_priority() {
    let mut alice = session(config());
    for address in ["198.51.100.1:40001", "[2001:db8::1]:40002", "0.0.0.0:40003", "224.0.0.1:40004"] {
        alice.add_local(address.parse().unwrap());
    }
    let offer = alice.offer(Instant::ZERO, SENDRECV, false).unwrap();
    let candidates: Vec<Vec<&str>> =
        values(&offer, "a=candidate:").iter().map(|line| line.split(' ').collect()).collect();
    let addresses: Vec<String> = candidates.iter().map(|c| format!("{} {}", c[4], c[5])).collect();
    assert_eq!(addresses, ["192.0.2.1 40000", "198.51.100.1 40001", "2001:db8::1 40002"]);
    let priorities: std::collections::BTreeSet<&str> = candidates.iter().map(|c| c[3]).collect();
    assert_eq!(priorities.len(), 3, "{offer}");
    assert!(candidates.iter().all(|c| c.len() == 8), "nothing after the type: {offer}");
    alice.rollback();
    alice.remove_local("192.0.2.1:40000".parse().unwrap());
    let offer = alice.offer(Instant::ZERO, SENDRECV, false).unwrap();
    assert_eq!(values(&offer, "a=candidate:").len(), 2);
    assert!(
        offer.contains("\r\nm=audio 40001 ") && offer.contains("\r\nc=IN IP4 198.51.100.1\r\n"),
        "{offer}"
    );
}

#[test]
fn a_browsers_offer_gets_a_fitting_answer() {
    let answer = answer(JSSIP_OFFER).unwrap();
    assert_eq!(values(&answer, "m="), ["audio 40000 UDP/TLS/RTP/SAVPF 111 0 8 110 126"]);
    assert_eq!(values(&answer, "a=setup:"), ["active"]);
    assert_eq!((values(&answer, "a=mid:"), values(&answer, "a=group:")), (vec!["0"], vec!["BUNDLE 0"]));
}

#[test]
fn the_answer_is_in_the_words_of_the_offer() {
    let offer = JSSIP_OFFER
        .replace("UDP/TLS/RTP/SAVPF", "RTP/SAVPF")
        .replace("a=mid:0\r\n", "")
        .replace("a=rtcp-mux\r\n", "")
        .replace("a=group:BUNDLE 0\r\n", "")
        .replace("a=setup:actpass", "a=setup:active");
    let answer = answer(&offer).unwrap();
    assert_eq!(values(&answer, "m="), ["audio 40000 RTP/SAVPF 111 0 8 110 126"]);
    assert!(
        ["a=mid", "a=group", "a=rtcp-mux"].iter().all(|name| values(&answer, name).is_empty()),
        "{answer}"
    );
    assert_eq!(values(&answer, "a=setup:"), ["passive"]);
}

#[test]
fn other_lines_are_refused_where_they_stood() {
    let (head, audio) = JSSIP_OFFER.split_once("m=audio").unwrap();
    let image = "m=image 5000 udptl t38\r\n";
    let video = "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n";
    let offer = format!("{head}{image}m=audio{audio}{video}");
    let mut bob = session(config());
    let answer = bob.answer(Instant::ZERO, &offer, SENDRECV).unwrap();
    let lines = values(&answer, "m=");
    assert_eq!(
        lines,
        [
            "image 0 udptl t38",
            "audio 40000 UDP/TLS/RTP/SAVPF 111 0 8 110 126",
            "video 0 UDP/TLS/RTP/SAVPF 96 97"
        ]
    );
    assert_eq!(values(&answer, "a=group:"), ["BUNDLE 0"]);
    assert_eq!(values(&answer, "a=mid:"), ["0", "1"]);
    // Lines stay, in offers of ours too (RFC 3264 §8).
    let ours = bob.offer(Instant::ZERO, Direction::SendOnly, false).unwrap();
    assert_eq!(values(&ours, "m="), lines);
    assert_eq!(values(&ours, "a=mid:"), ["0", "1"]);
}

#[test]
fn nothing_in_common_is_488() {
    let foreign = "m=audio 5000 UDP/TLS/RTP/SAVPF 9 3";
    let (before, after) = JSSIP_OFFER.split_once("m=audio").unwrap();
    let offer = format!("{before}{foreign}{}", &after[after.find("\r\n").unwrap()..]);
    assert_eq!(answer(&offer), Err(MediaError::NoCommonCodec));
    assert_eq!(MediaError::NoCommonCodec.status(), 488);
    let plain = answer(&JSSIP_OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"));
    assert_eq!(plain, Err(MediaError::NotSupported(Unsupported::PlainRtp)));
    assert_eq!(plain.unwrap_err().status(), 488);
    let only_opus = MediaConfig { codecs: vec![Codec::Opus], ..config() };
    let answer = session(only_opus).answer(Instant::ZERO, &offer, SENDRECV);
    assert_eq!(answer, Err(MediaError::NoCommonCodec));
    let events_only = MediaConfig { codecs: Vec::new(), ..config() };
    assert_eq!(session(events_only).offer(Instant::ZERO, SENDRECV, false), Err(MediaError::NoCommonCodec));
}

#[test]
fn an_offer_that_cannot_be_taken_changes_nothing() {
    let mut pair = Pair::connected(config(), config());
    let now = pair.now;
    for bad in ["", "v=0\r\n", &JSSIP_OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")] {
        assert!(pair.ends[A].session.answer(now, bad, SENDRECV).is_err());
    }
    assert!(pair.ends[A].session.apply(now, "v=0\r\n").is_err());
    pair.run(Duration::from_secs(1));
    pair.hears(A, Some(880.0));
    pair.hears(B, Some(440.0));
}

#[test]
fn our_wish_decides_the_codec_of_an_answer() {
    let pcma_first = MediaConfig { codecs: vec![Codec::Pcma, Codec::Opus], ..config() };
    let mut bob = session(pcma_first);
    let answer = bob.answer(Instant::ZERO, JSSIP_OFFER, SENDRECV).unwrap();
    assert_eq!(values(&answer, "m="), ["audio 40000 UDP/TLS/RTP/SAVPF 8 111 110 126"]);
    assert_eq!(bob.statistics().codec, Some(Codec::Pcma));
}

#[test]
fn real_answers_fit_our_offer() {
    for (name, text, codec, direction) in [
        ("asterisk", include_str!("../samples/asterisk-answer.sdp"), Codec::Pcmu, SENDRECV),
        ("pjsip", include_str!("../samples/pjsip-answer.sdp"), Codec::Pcmu, SENDRECV),
        ("baresip", include_str!("../samples/baresip-answer.sdp"), Codec::Opus, SENDRECV),
        ("baresip", include_str!("../samples/baresip-hold-answer.sdp"), Codec::Opus, Direction::SendOnly),
        ("jssip", include_str!("../samples/jssip-answer.sdp"), Codec::Opus, SENDRECV),
        ("sipjs", include_str!("../samples/sipjs-answer.sdp"), Codec::Opus, SENDRECV),
    ] {
        let mut alice = session(config());
        alice.offer(Instant::ZERO, SENDRECV, false).unwrap();
        alice.apply(Instant::ZERO, text).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(alice.statistics().codec, Some(codec), "{name}");
        assert_eq!(alice.direction(), Some(direction), "{name}");
        assert_eq!(alice.takes_digits(), Some(true), "{name}");
    }
}

#[test]
fn ids_stay_and_versions_rise_only_with_changes() {
    let mut bob = session(config());
    let first = bob.answer(Instant::ZERO, JSSIP_OFFER, SENDRECV).unwrap();
    let again = bob.answer(Instant::ZERO, JSSIP_OFFER, SENDRECV).unwrap();
    assert_eq!(first, again, "a refresh");
    let held = bob.answer(Instant::ZERO, JSSIP_HOLD, SENDRECV).unwrap();
    assert_eq!(values(&held, "a=recvonly").len(), 1);
    let (id, version) = origin(&first);
    assert_eq!(origin(&held), (id, version + 1));
    // Another credential of ICE is a restart: ours change too, the rest stays.
    let restarted = JSSIP_OFFER.replace("a=ice-ufrag:sS7p", "a=ice-ufrag:other");
    assert_ne!(restarted, JSSIP_OFFER);
    let restart = bob.answer(Instant::ZERO, &restarted, SENDRECV).unwrap();
    assert_eq!(origin(&restart), (id, version + 2));
    assert_ne!(values(&restart, "a=ice-ufrag:"), values(&first, "a=ice-ufrag:"));
    for same in ["a=fingerprint:", "a=ssrc:", "a=setup:", "m=", "a=mid:"] {
        assert_eq!(values(&restart, same), values(&first, same));
    }
    let offer = bob.offer(Instant::ZERO, SENDRECV, false).unwrap();
    assert_eq!(origin(&offer), (id, version + 3), "actpass instead of active");
    assert_eq!(values(&offer, "a=ice-ufrag:"), values(&restart, "a=ice-ufrag:"));
}

#[test]
fn one_offer_at_a_time_and_a_refused_one_leaves_no_trace() {
    // Music on hold shows that the path of the held end works.
    let mut pair = Pair::connected(config(), MediaConfig { music_on_hold: true, ..config() });
    let now = pair.now;
    let wrong = Err(MediaError::WrongState("an offer is pending"));
    pair.ends[A].session.offer(now, Direction::SendOnly, true).unwrap();
    assert_eq!(pair.ends[A].session.offer(now, SENDRECV, false), wrong);
    assert_eq!(pair.ends[A].session.answer(now, JSSIP_OFFER, SENDRECV), wrong);
    pair.ends[A].session.rollback();
    assert_eq!(pair.ends[A].session.direction(), Some(SENDRECV));
    pair.run(Duration::from_secs(1));
    pair.hears(A, Some(880.0));
    pair.hears(B, Some(440.0));
    pair.negotiate(B, Direction::SendOnly, SENDRECV, true);
    pair.run(Duration::from_secs(2));
    pair.hears(A, Some(880.0));
    pair.hears(B, None);
    let mut alone = session(config());
    assert_eq!(alone.apply(now, JSSIP_OFFER), Err(MediaError::WrongState("no offer was made")));
    alone.offer(now, SENDRECV, false).unwrap();
    alone.rollback();
    assert!(alone.answer(now, JSSIP_OFFER, SENDRECV).is_ok(), "the other role after a rollback");
    let mut homeless = MediaSession::new(config(), [7; 32], epoch(), now);
    assert_eq!(homeless.offer(now, SENDRECV, false), Err(MediaError::NoLocalAddress));
    assert_eq!(homeless.answer(now, JSSIP_OFFER, SENDRECV), Err(MediaError::NoLocalAddress));
}

#[test]
fn the_answer_may_come_twice() {
    let mut pair = Pair::new(config(), config());
    let [_, answer] = pair.negotiate(A, SENDRECV, SENDRECV, false);
    pair.run(Duration::from_secs(1));
    pair.ends[A].session.apply(pair.now, &answer).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.ends[A].count(&MediaEvent::Connected), 1);
    assert_eq!(pair.ends[A].count(&MediaEvent::Disconnected), 0);
}

/// Put another party, with a certificate of its own, in the place of B.
fn replace_b(pair: &mut Pair) {
    let own = MediaConfig { certificate: Certificate::generate(), ..config() };
    pair.ends[B] = End::new(own, 3, 50_003, pair.now);
    pair.ends[B].session.play(Source::tone(660.0));
    pair.ends[A].events.clear();
}

#[test]
fn another_end_may_take_over_by_an_offer() {
    let mut pair = Pair::connected(config(), config());
    replace_b(&mut pair);
    pair.negotiate(B, SENDRECV, SENDRECV, false);
    pair.run(Duration::from_secs(2));
    pair.hears(A, Some(660.0));
    pair.hears(B, Some(440.0));
    assert_eq!(pair.ends[A].count(&MediaEvent::Connected), 1, "{:?}", pair.ends[A].events);
}

#[test]
fn another_end_may_take_over_by_an_answer() {
    let mut pair = Pair::connected(config(), config());
    // As after an INVITE without an offer that a server sends to move a call.
    replace_b(&mut pair);
    let [offer, _] = pair.negotiate(A, SENDRECV, SENDRECV, false);
    pair.run(Duration::from_secs(2));
    pair.hears(A, Some(660.0));
    pair.hears(B, Some(440.0));
    // What was announced is what is sent: the next offer says the same.
    let again = pair.ends[A].session.offer(pair.now, SENDRECV, false).unwrap();
    assert_eq!(values(&offer, "a=ssrc:"), values(&again, "a=ssrc:"));
    assert_eq!(values(&offer, "a=ice-ufrag:"), values(&again, "a=ice-ufrag:"));
}

#[test]
fn of_two_branches_the_last_to_answer_is_heard() {
    let mut pair = Pair::new(config(), config());
    pair.ends[A].session.play(Source::tone(440.0));
    let offer = pair.ends[A].session.offer(pair.now, SENDRECV, false).unwrap();
    for (port, hz) in [(50_004, 700.0), (50_005, 900.0)] {
        let own = MediaConfig { certificate: Certificate::generate(), ..config() };
        pair.ends[B] = End::new(own, 4, port, pair.now);
        pair.ends[B].session.play(Source::tone(hz));
        let answer = pair.ends[B].session.answer(pair.now, &offer, SENDRECV).unwrap();
        pair.ends[A].session.apply(pair.now, &answer).unwrap();
        pair.run(Duration::from_secs(2));
        pair.hears(A, Some(hz));
        pair.hears(B, Some(440.0));
    }
}

#[test]
fn codecs_can_change_during_a_call_and_come_back() {
    let mut pair = Pair::connected(config(), config());
    let now = pair.now;
    for (numbers, codec) in [("0 126", Codec::Pcmu), ("8 126", Codec::Pcma), ("111 0 8 110 126", Codec::Opus)]
    {
        let offer = pair.ends[A].session.offer(now, SENDRECV, false).unwrap();
        let narrowed = offer.replace("SAVPF 111 0 8 110 126", &format!("SAVPF {numbers}"));
        let answer = pair.ends[B].session.answer(now, &narrowed, SENDRECV).unwrap();
        pair.ends[A].session.apply(now, &answer).unwrap();
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.ends[A].session.statistics().codec, Some(codec));
        pair.hears(A, Some(880.0));
        pair.hears(B, Some(440.0));
        pair.ends[A].session.send_digit(pair.now, '8', Duration::from_millis(100)).unwrap();
        pair.run(Duration::from_secs(1));
    }
    assert_eq!(pair.ends[B].digits(), "888");
}

#[test]
fn a_peer_that_announces_no_source_is_heard() {
    let mut pair = Pair::new(config(), config());
    let now = pair.now;
    let strip = |text: &str| {
        let lines = text.lines().filter(|line| !line.starts_with("a=ssrc") && !line.starts_with("a=msid"));
        lines.map(|line| format!("{line}\r\n")).collect::<String>()
    };
    pair.ends[A].session.play(Source::tone(440.0));
    pair.ends[B].session.play(Source::tone(880.0));
    let offer = strip(&pair.ends[A].session.offer(now, SENDRECV, false).unwrap());
    let answer = strip(&pair.ends[B].session.answer(now, &offer, SENDRECV).unwrap());
    pair.ends[A].session.apply(now, &answer).unwrap();
    pair.run(Duration::from_secs(1));
    pair.hears(A, Some(880.0));
    pair.hears(B, Some(440.0));
}

#[test]
fn an_offer_that_the_peer_takes_back_after_our_answer_leaves_what_flowed() {
    let mut pair = Pair::connected(config(), config());
    let now = pair.now;
    let hold = pair.ends[B].session.offer(now, Direction::SendOnly, false).unwrap();
    pair.ends[A].session.answer(now, hold, SENDRECV).unwrap();
    assert_eq!(pair.ends[A].session.direction(), Some(Direction::RecvOnly));
    pair.ends[A].session.rollback();
    pair.ends[B].session.rollback();
    assert_eq!(pair.ends[A].session.direction(), Some(SENDRECV));
    pair.run(Duration::from_secs(1));
    pair.hears(A, Some(880.0));
    pair.hears(B, Some(440.0));
}
