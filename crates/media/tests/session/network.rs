//! Impaired networks: loss, jitter, cuts, rebinding, garbage.

use std::net::SocketAddr;
use std::time::Duration;

use crate::common::{A, B, Link, Pair, config};
use offhook_media::{
    Certificate, Codec, Direction, FailureCause, MediaConfig, MediaError, MediaEvent, MediaInput,
};
use offhook_wire::Instant;

#[test]
fn tones_survive_loss_and_jitter() {
    for codec in [Codec::Opus, Codec::Pcmu] {
        let mut pair = Pair::connected(MediaConfig { codecs: vec![codec], ..config() }, config());
        let jitter = Duration::from_millis(60);
        pair.links = [Link { loss: 5, jitter, ..Link::default() }; 2];
        pair.run(Duration::from_secs(10));
        pair.assert_receives(A, Some(880.0));
        pair.assert_receives(B, Some(440.0));
        let received = pair.ends[B].session.statistics().received;
        let share = received.lost as f64 / (received.packets + received.lost) as f64;
        assert!((0.02..0.08).contains(&share), "{codec:?} {received:?}");
        assert!((10..40).contains(&received.jitter.as_millis()), "{codec:?} {received:?}");
        // Lost packets are concealed; few are late, because the buffer has adapted to the jitter.
        assert!(received.concealed < 2 * received.lost + 20, "{codec:?} {received:?}");
        assert!(received.buffered < Duration::from_millis(260), "{codec:?} {received:?}");
    }
}

#[test]
fn digits_survive_ten_percent_of_loss() {
    for seed in 0..20 {
        let codec = [Codec::Opus, Codec::Pcma][seed % 2];
        let mut pair = Pair::connected(MediaConfig { codecs: vec![codec], ..config() }, config());
        let jitter = Duration::from_millis(30);
        pair.links = [Link { loss: 10, jitter, ..Link::default() }; 2];
        // A different random sequence of the network each time.
        pair.run(Duration::from_millis(100 * seed as u64));
        for digit in "159#".chars() {
            pair.ends[A].session.send_digit(pair.now, digit, Duration::from_millis(100)).unwrap();
        }
        pair.run(Duration::from_secs(2));
        assert_eq!(pair.ends[B].digits(), "159#", "network {seed}");
    }
}

#[test]
fn round_trip_loss_and_packets_are_measured() {
    let mut pair = Pair::connected(config(), config());
    pair.links[A].loss = 10;
    pair.run(Duration::from_secs(20));
    let [a, b] = [0, 1].map(|end| pair.ends[end].session.statistics());
    for statistics in [a, b] {
        let round_trip = statistics.round_trip.expect("a round trip").as_millis();
        assert!((39..=45).contains(&round_trip), "{statistics:?}");
    }
    assert!(a.sent.remote_loss.is_some_and(|loss| (0.03..0.2).contains(&loss)), "{a:?}");
    assert!(a.sent.packets.abs_diff(b.received.packets + b.received.lost) < 5, "{a:?} {b:?}");
    assert_eq!((a.received.lost, b.received.bytes_per_packet() > 20), (0, true));
    assert!(b.sent.bytes > 20 * b.sent.packets);
}

trait BytesPerPacket {
    fn bytes_per_packet(&self) -> u64;
}

impl BytesPerPacket for offhook_media::Received {
    fn bytes_per_packet(&self) -> u64 {
        self.bytes / self.packets
    }
}

#[test]
fn ice_fails_after_connect_timeout() {
    let mut pair = Pair::new(config(), config());
    pair.links = [Link { cut: true, ..Link::default() }; 2];
    let start = pair.now;
    pair.negotiate(A, Direction::SendRecv, Direction::SendRecv, false);
    pair.run(Duration::from_secs(60));
    for end in &mut pair.ends {
        let failed = MediaEvent::Failed { cause: FailureCause::Ice };
        assert_eq!(end.events, [(start + Duration::from_secs(10), failed)]);
        let digit = end.session.send_digit(pair.now, '1', Duration::from_millis(100));
        assert_eq!(digit, Err(MediaError::NoTelephoneEvent));
    }
}

#[test]
fn wrong_certificate_fails_dtls() {
    let other_certificate = MediaConfig { certificate: Certificate::generate(), ..config() };
    let mut pair = Pair::new(config(), other_certificate);
    let now = pair.now;
    let offer = pair.ends[A].session.offer(now, Direction::SendRecv, false).unwrap();
    let answer = pair.ends[B].session.answer(now, &offer, Direction::SendRecv).unwrap();
    let (before, after) = answer.split_once("a=fingerprint:sha-256 ").unwrap();
    let forged = format!("{before}a=fingerprint:sha-256 {}{}", "00:".repeat(31) + "00", &after[95..]);
    pair.ends[A].session.apply(now, &forged).unwrap();
    pair.run(Duration::from_secs(20));
    let failed = MediaEvent::Failed { cause: FailureCause::Dtls };
    assert_eq!(pair.ends[A].count(&failed), 1, "{:?}", pair.ends[A].events);
    assert_eq!(pair.ends[A].count(&MediaEvent::Connected), 0);
    assert_eq!(pair.ends[B].count(&MediaEvent::FirstAudio), 0, "no audio without keys");
}

#[test]
fn lost_path_is_reported_and_an_ice_restart_recovers_it() {
    let mut pair = Pair::connected(config(), config());
    pair.links = [Link { cut: true, ..Link::default() }; 2];
    let cut = pair.now;
    pair.run(Duration::from_secs(12));
    let away = pair.ends[A].first(|e| *e == MediaEvent::Disconnected).expect("a disconnection");
    assert!(away.saturating_since(cut) < Duration::from_secs(12));
    pair.run(Duration::from_secs(30));
    let lost = MediaEvent::Failed { cause: FailureCause::Lost };
    assert_eq!([pair.ends[A].count(&lost), pair.ends[B].count(&lost)], [1, 1], "{:?}", pair.ends[A].events);

    pair.links = [Link::default(); 2];
    let [first, _] = pair.negotiate(B, Direction::SendRecv, Direction::SendRecv, true);
    pair.run(Duration::from_secs(3));
    for end in &pair.ends {
        assert_eq!(end.count(&MediaEvent::Connected), 2, "{:?}", end.events);
    }
    pair.assert_receives(A, Some(880.0));
    pair.assert_receives(B, Some(440.0));
    let ufrag = |text: &str| text.lines().find(|line| line.starts_with("a=ice-ufrag")).map(str::to_owned);
    let [second, _] = pair.negotiate(B, Direction::SendRecv, Direction::SendRecv, true);
    assert!(ufrag(&first) != ufrag(&second), "each restart has new credentials");
}

#[test]
fn ice_restart_moves_to_another_address() {
    let mut pair = Pair::connected(config(), config());
    let (old, new) = (pair.ends[A].address, SocketAddr::from(([198, 51, 100, 7], 41_000)));
    pair.ends[A].session.remove_local(old);
    pair.ends[A].session.add_local(new);
    pair.ends[A].address = new;
    let [offer, _] = pair.negotiate(A, Direction::SendRecv, Direction::SendRecv, true);
    assert!(offer.contains("198.51.100.7 41000") && !offer.contains("192.0.2.1 "), "{offer}");
    pair.run(Duration::from_secs(3));
    pair.assert_receives(A, Some(880.0));
    pair.assert_receives(B, Some(440.0));
    assert_eq!(pair.ends[B].count(&MediaEvent::Disconnected), 0, "{:?}", pair.ends[B].events);
}

/// The events of an end's path after `after`.
fn path_events(pair: &Pair, end: usize, after: Instant) -> Vec<&MediaEvent> {
    let path = |event: &&MediaEvent| matches!(event, MediaEvent::Connected | MediaEvent::Disconnected);
    pair.ends[end].events.iter().filter(|(at, _)| *at > after).map(|(_, event)| event).filter(path).collect()
}

#[test]
fn peer_rebound_by_a_nat_is_followed() {
    for moves in [A, B] {
        let mut pair = Pair::connected(config(), config());
        let start = pair.now;
        // Twice: the second time the previous address is not a candidate from the peer's description.
        for port in [41_000, 42_000] {
            pair.ends[moves].outside = Some(SocketAddr::from(([198, 51, 100, 7], port)));
            pair.run(Duration::from_secs(5));
            pair.assert_receives(A, Some(880.0));
            pair.assert_receives(B, Some(440.0));
        }
        assert_eq!(path_events(&pair, 1 - moves, start), [] as [&MediaEvent; 0]);
    }
}

#[test]
fn silent_peer_rebound_by_a_nat_is_found_again() {
    for moves in [A, B] {
        let mut pair = Pair::connected(config(), config());
        pair.negotiate(A, Direction::Inactive, Direction::SendRecv, false);
        let start = pair.now;
        pair.ends[moves].outside = Some(SocketAddr::from(([198, 51, 100, 7], 41_000)));
        pair.run(Duration::from_secs(25));
        let events = path_events(&pair, 1 - moves, start);
        assert_eq!(events, [&MediaEvent::Disconnected, &MediaEvent::Connected]);
        pair.negotiate(A, Direction::SendRecv, Direction::SendRecv, false);
        pair.run(Duration::from_secs(1));
        pair.assert_receives(A, Some(880.0));
        pair.assert_receives(B, Some(440.0));
    }
}

#[test]
fn garbage_is_ignored() {
    let mut pair = Pair::connected(config(), config());
    let mut random = fastrand::Rng::with_seed(9);
    let peer = pair.ends[A].address;
    let stranger = SocketAddr::from(([203, 0, 113, 9], 9));
    for n in 0..4_000 {
        let length = random.usize(0..200);
        let mut data: Vec<u8> = (0..length).map(|_| random.u8(..)).collect();
        // Most of it starts like RTP, RTCP, STUN or DTLS.
        if let Some(first) = data.first_mut() {
            *first = [0x80, 0x80, 0x00, 0x16, *first][n % 5];
        }
        if let Some(second) = data.get_mut(1) {
            *second = [111, 200, 1, 0xfe, *second][n % 5];
        }
        pair.inject(B, if n % 2 == 0 { peer } else { stranger }, &data);
        if n % 100 == 0 {
            pair.run(Duration::from_millis(20));
        }
    }
    pair.run(Duration::from_secs(1));
    pair.assert_receives(B, Some(440.0));
    let heard = pair.ends[B].session.statistics().received;
    assert_eq!((heard.lost, pair.ends[B].count(&MediaEvent::Disconnected)), (0, 0), "{heard:?}");
}

#[test]
fn garbage_before_the_first_offer_is_ignored() {
    let mut pair = Pair::new(config(), config());
    for length in 0..100 {
        pair.inject(A, SocketAddr::from(([203, 0, 113, 9], 9)), &vec![0x16; length]);
        pair.ends[A].session.handle(pair.now, MediaInput::Wake);
    }
    assert_eq!(pair.ends[A].session.deadline(), None);
    assert_eq!(pair.ends[A].events, []);
}

#[test]
fn suspended_host_skips_missed_frames() {
    let mut pair = Pair::connected(config(), config());
    let before = pair.ends[A].rtp;
    pair.now += Duration::from_secs(3);
    pair.run(Duration::from_millis(500));
    assert!(pair.ends[A].rtp - before < 40, "no burst: {}", pair.ends[A].rtp - before);
    pair.run(Duration::from_secs(1));
    pair.assert_receives(B, Some(440.0));
}

#[test]
fn same_seed_reproduces_the_session() {
    let run = || {
        let mut pair = Pair::connected(config(), config());
        pair.links = [Link { loss: 10, ..Link::default() }; 2];
        pair.ends[A].session.send_digit(pair.now, '7', Duration::from_millis(100)).unwrap();
        pair.run(Duration::from_secs(2));
        let texts = pair.negotiate(B, Direction::SendOnly, Direction::SendRecv, true);
        pair.run(Duration::from_secs(1));
        // DTLS signs with fresh randomness, so the sizes of its records vary; the times do not.
        let times: Vec<_> = pair.ends.iter().flat_map(|end| end.trace.iter().map(|(at, _)| *at)).collect();
        let events: Vec<_> = pair.ends.iter().map(|end| format!("{:?}", end.events)).collect();
        (texts, times, events)
    };
    let outside = fastrand::get_seed();
    let (first, second) = (run(), run());
    assert_eq!(first.0, second.0);
    assert_eq!(first.2, second.2);
    assert!(first.1 == second.1, "packets at other times");
    assert_eq!(fastrand::get_seed(), outside, "the generator of the thread is left alone");
}

#[test]
fn seeded_dtls_retransmits_at_the_same_times() {
    let seeded = || MediaConfig { seeded_dtls: true, ..config() };
    let run = || {
        let mut pair = Pair::new(seeded(), seeded());
        pair.links = [Link { loss: 40, ..Link::default() }; 2];
        pair.negotiate(A, Direction::SendRecv, Direction::SendRecv, false);
        pair.run(Duration::from_secs(9));
        pair.ends.map(|end| end.trace.iter().map(|(at, _)| *at).collect::<Vec<_>>())
    };
    let first = run();
    assert!(first.iter().all(|times| times.len() > 100), "it connects: {first:?}");
    assert!(first == run(), "packets at other times");
}

#[test]
fn sessions_on_one_thread_have_separate_randomness() {
    let mut pair = Pair::new(config(), config());
    let (now, [a, b]) = (pair.now, &mut pair.ends);
    let first = a.session.offer(now, Direction::SendRecv, false).unwrap();
    let second = b.session.offer(now, Direction::SendRecv, false).unwrap();
    let value = |text: &str, name: &str| {
        text.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned)).expect(name)
    };
    for name in ["o=- ", "a=ice-ufrag:", "a=ice-pwd:", "a=ssrc:"] {
        assert_ne!(value(&first, name), value(&second, name));
    }
}

#[test]
fn close_by_the_peer_is_a_disconnection_first() {
    let mut pair = Pair::connected(config(), config());
    let end = pair.now;
    pair.ends[A].session.close(end);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.ends[B].count(&MediaEvent::Disconnected), 1, "{:?}", pair.ends[B].events);
    pair.ends[B].session.close(pair.now);
    pair.run(Duration::from_secs(60));
    let failed = |e: &MediaEvent| matches!(e, MediaEvent::Failed { .. });
    assert_eq!((pair.ends[A].first(failed), pair.ends[B].first(failed)), (None, None));
    assert_eq!(pair.ends[A].session.deadline(), None, "no deadline");
}
