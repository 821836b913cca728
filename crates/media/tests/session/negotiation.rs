//! Offers and answers.

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

/// All values after a prefix.
fn values<'a>(text: &'a str, prefix: &str) -> Vec<&'a str> {
    text.lines().filter_map(|line| line.strip_prefix(prefix)).collect()
}

/// Id and version of `o=`.
fn origin(text: &str) -> (u64, u64) {
    let fields: Vec<&str> = values(text, "o=")[0].split(' ').collect();
    (fields[1].parse().unwrap(), fields[2].parse().unwrap())
}

#[test]
fn first_offer_suits_browsers() {
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
fn each_address_is_a_candidate_with_unique_priority() {
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
fn offer_of_a_browser_is_answered() {
    let answer = answer(JSSIP_OFFER).unwrap();
    assert_eq!(values(&answer, "m="), ["audio 40000 UDP/TLS/RTP/SAVPF 111 0 8 110 126"]);
    assert_eq!(values(&answer, "a=setup:"), ["active"]);
    assert_eq!((values(&answer, "a=mid:"), values(&answer, "a=group:")), (vec!["0"], vec!["BUNDLE 0"]));
}

#[test]
fn answer_mirrors_the_offer() {
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
fn other_lines_are_rejected_in_place() {
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
    // Lines are never removed, in our offers neither (RFC 3264 §8).
    let ours = bob.offer(Instant::ZERO, Direction::SendOnly, false).unwrap();
    assert_eq!(values(&ours, "m="), lines);
    assert_eq!(values(&ours, "a=mid:"), ["0", "1"]);
}

#[test]
fn no_common_codec_is_488() {
    let foreign = "m=audio 5000 UDP/TLS/RTP/SAVPF 9 3";
    let (before, after) = JSSIP_OFFER.split_once("m=audio").unwrap();
    let offer = format!("{before}{foreign}{}", &after[after.find("\r\n").unwrap()..]);
    assert_eq!(answer(&offer), Err(MediaError::NoCommonCodec));
    assert_eq!(MediaError::NoCommonCodec.status(), 488);
    let plain = answer(&JSSIP_OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"));
    assert_eq!(plain, Err(MediaError::NoCommonTransport(Unsupported::PlainRtp)));
    assert_eq!(plain.unwrap_err().status(), 488);
    let only_opus = MediaConfig { codecs: vec![Codec::Opus], ..config() };
    let answer = session(only_opus).answer(Instant::ZERO, &offer, SENDRECV);
    assert_eq!(answer, Err(MediaError::NoCommonCodec));
    let events_only = MediaConfig { codecs: Vec::new(), ..config() };
    assert_eq!(session(events_only).offer(Instant::ZERO, SENDRECV, false), Err(MediaError::NoCommonCodec));
}

#[test]
fn refused_offer_changes_nothing() {
    let mut pair = Pair::connected(config(), config());
    let now = pair.now;
    for bad in ["", "v=0\r\n", &JSSIP_OFFER.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP")] {
        assert!(pair.ends[A].session.answer(now, bad, SENDRECV).is_err());
    }
    assert!(pair.ends[A].session.apply(now, "v=0\r\n").is_err());
    pair.run(Duration::from_secs(1));
    pair.assert_receives(A, Some(880.0));
    pair.assert_receives(B, Some(440.0));
}

#[test]
fn answerer_preference_selects_the_codec() {
    let pcma_first = MediaConfig { codecs: vec![Codec::Pcma, Codec::Opus], ..config() };
    let mut bob = session(pcma_first);
    let answer = bob.answer(Instant::ZERO, JSSIP_OFFER, SENDRECV).unwrap();
    assert_eq!(values(&answer, "m="), ["audio 40000 UDP/TLS/RTP/SAVPF 8 111 110 126"]);
    assert_eq!(bob.statistics().codec, Some(Codec::Pcma));
}

#[test]
fn answers_of_real_peers_are_applied() {
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
        assert_eq!(alice.supports_telephone_events(), Some(true), "{name}");
    }
}

#[test]
fn origin_version_increments_only_with_changes() {
    let mut bob = session(config());
    let first = bob.answer(Instant::ZERO, JSSIP_OFFER, SENDRECV).unwrap();
    let again = bob.answer(Instant::ZERO, JSSIP_OFFER, SENDRECV).unwrap();
    assert_eq!(first, again, "a refresh");
    let held = bob.answer(Instant::ZERO, JSSIP_HOLD, SENDRECV).unwrap();
    assert_eq!(values(&held, "a=recvonly").len(), 1);
    let (id, version) = origin(&first);
    assert_eq!(origin(&held), (id, version + 1));
    // New ICE credentials are a restart: ours change too, the rest stays.
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
fn second_offer_is_refused_and_rollback_restores_the_state() {
    // Music on hold shows that the path to the held end works.
    let mut pair = Pair::connected(config(), MediaConfig { music_on_hold: true, ..config() });
    let now = pair.now;
    let wrong = Err(MediaError::WrongState("an offer is pending"));
    pair.ends[A].session.offer(now, Direction::SendOnly, true).unwrap();
    assert_eq!(pair.ends[A].session.offer(now, SENDRECV, false), wrong);
    assert_eq!(pair.ends[A].session.answer(now, JSSIP_OFFER, SENDRECV), wrong);
    pair.ends[A].session.rollback();
    assert_eq!(pair.ends[A].session.direction(), Some(SENDRECV));
    pair.run(Duration::from_secs(1));
    pair.assert_receives(A, Some(880.0));
    pair.assert_receives(B, Some(440.0));
    pair.negotiate(B, Direction::SendOnly, SENDRECV, true);
    pair.run(Duration::from_secs(2));
    pair.assert_receives(A, Some(880.0));
    pair.assert_receives(B, None);
    let mut alone = session(config());
    assert_eq!(alone.apply(now, JSSIP_OFFER), Err(MediaError::WrongState("no offer was made")));
    alone.offer(now, SENDRECV, false).unwrap();
    alone.rollback();
    assert!(alone.answer(now, JSSIP_OFFER, SENDRECV).is_ok(), "it may answer after a rollback");
    let mut without_address = MediaSession::new(config(), [7; 32], epoch(), now);
    assert_eq!(without_address.offer(now, SENDRECV, false), Err(MediaError::NoLocalAddress));
    assert_eq!(without_address.answer(now, JSSIP_OFFER, SENDRECV), Err(MediaError::NoLocalAddress));
}

#[test]
fn repeated_answer_is_accepted() {
    let mut pair = Pair::new(config(), config());
    let [_, answer] = pair.negotiate(A, SENDRECV, SENDRECV, false);
    pair.run(Duration::from_secs(1));
    pair.ends[A].session.apply(pair.now, &answer).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.ends[A].count(&MediaEvent::Connected), 1);
    assert_eq!(pair.ends[A].count(&MediaEvent::Disconnected), 0);
}

/// Replaces B by another end with another certificate.
fn replace_b(pair: &mut Pair) {
    let own = MediaConfig { certificate: Certificate::generate(), ..config() };
    pair.ends[B] = End::new(own, 3, 50_003, pair.now);
    pair.ends[B].session.play(Source::tone(660.0));
    pair.ends[A].events.clear();
}

#[test]
fn offer_with_another_certificate_replaces_the_peer() {
    let mut pair = Pair::connected(config(), config());
    replace_b(&mut pair);
    pair.negotiate(B, SENDRECV, SENDRECV, false);
    pair.run(Duration::from_secs(2));
    pair.assert_receives(A, Some(660.0));
    pair.assert_receives(B, Some(440.0));
    assert_eq!(pair.ends[A].count(&MediaEvent::Connected), 1, "{:?}", pair.ends[A].events);
}

#[test]
fn answer_with_another_certificate_replaces_the_peer() {
    let mut pair = Pair::connected(config(), config());
    // As after an INVITE without an offer, by which a server moves a call.
    replace_b(&mut pair);
    let [offer, _] = pair.negotiate(A, SENDRECV, SENDRECV, false);
    pair.run(Duration::from_secs(2));
    pair.assert_receives(A, Some(660.0));
    pair.assert_receives(B, Some(440.0));
    // The offered parameters stay in use.
    let again = pair.ends[A].session.offer(pair.now, SENDRECV, false).unwrap();
    assert_eq!(values(&offer, "a=ssrc:"), values(&again, "a=ssrc:"));
    assert_eq!(values(&offer, "a=ice-ufrag:"), values(&again, "a=ice-ufrag:"));
}

#[test]
fn last_answering_fork_is_connected() {
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
        pair.assert_receives(A, Some(hz));
        pair.assert_receives(B, Some(440.0));
    }
}

#[test]
fn codecs_can_be_narrowed_and_restored() {
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
        pair.assert_receives(A, Some(880.0));
        pair.assert_receives(B, Some(440.0));
        pair.ends[A].session.send_digit(pair.now, '8', Duration::from_millis(100)).unwrap();
        pair.run(Duration::from_secs(1));
    }
    assert_eq!(pair.ends[B].digits(), "888");
}

#[test]
fn unsignalled_ssrc_is_accepted() {
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
    pair.assert_receives(A, Some(880.0));
    pair.assert_receives(B, Some(440.0));
}

/// The host that rolls back does not know yet that its last offer was refused.
#[test]
fn rollback_after_a_refused_offer_keeps_the_answer_before_it() {
    let mut pair = Pair::connected(config(), config());
    let now = pair.now;
    let hold = pair.ends[B].session.offer(now, Direction::SendOnly, false).unwrap();
    let answer = pair.ends[A].session.answer(now, hold, SENDRECV).unwrap();
    pair.ends[B].session.apply(now, answer).unwrap();
    assert!(pair.ends[A].session.answer(now, "v=0", SENDRECV).is_err());
    pair.ends[A].session.rollback();
    assert_eq!(pair.ends[A].session.direction(), Some(Direction::RecvOnly));
}

#[test]
fn rollback_after_an_answer_restores_the_agreement() {
    let mut pair = Pair::connected(config(), config());
    let now = pair.now;
    let hold = pair.ends[B].session.offer(now, Direction::SendOnly, false).unwrap();
    pair.ends[A].session.answer(now, hold, SENDRECV).unwrap();
    assert_eq!(pair.ends[A].session.direction(), Some(Direction::RecvOnly));
    pair.ends[A].session.rollback();
    pair.ends[B].session.rollback();
    assert_eq!(pair.ends[A].session.direction(), Some(SENDRECV));
    pair.run(Duration::from_secs(1));
    pair.assert_receives(A, Some(880.0));
    pair.assert_receives(B, Some(440.0));
}
