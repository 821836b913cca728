//! Calls between two sessions: codecs, hold, tones, digits.

use std::time::Duration;

use crate::common::{A, B, Pair, config};
use offhook_media::{Codec, Direction, MediaConfig, MediaEvent};

fn only(codec: Codec) -> MediaConfig {
    MediaConfig { codecs: vec![codec], ..config() }
}

#[test]
fn tones_are_received_with_every_codec() {
    for codec in [Codec::Opus, Codec::Pcmu, Codec::Pcma] {
        let pair = Pair::connected(only(codec), config());
        pair.assert_receives(A, Some(880.0));
        pair.assert_receives(B, Some(440.0));
        for end in &pair.ends {
            let statistics = end.session.statistics();
            assert_eq!(statistics.codec, Some(codec));
            assert_eq!((statistics.received.lost, statistics.received.late), (0, 0), "{statistics:?}");
        }
    }
}

#[test]
fn hold_stops_audio_and_resume_restores_it_from_either_side() {
    for (holder, held, music) in [(A, B, false), (B, A, false), (A, B, true)] {
        let config = || MediaConfig { music_on_hold: music, ..config() };
        let mut pair = Pair::connected(config(), config());
        let hz = [880.0, 440.0];
        pair.negotiate(holder, Direction::SendOnly, Direction::SendRecv, false);
        assert_eq!(pair.ends[held].session.direction(), Some(Direction::RecvOnly));
        pair.run(Duration::from_millis(500));
        pair.assert_receives(holder, None);
        pair.assert_receives(held, music.then_some(hz[held]));
        pair.negotiate(holder, Direction::Inactive, Direction::SendRecv, false);
        pair.run(Duration::from_millis(300));
        let before = [pair.ends[A].rtp, pair.ends[B].rtp];
        pair.run(Duration::from_secs(1));
        assert_eq!([pair.ends[A].rtp, pair.ends[B].rtp], before, "neither end sends");
        pair.assert_receives(holder, None);
        pair.assert_receives(held, None);
        // Either end may resume; here the held one does.
        pair.negotiate(held, Direction::SendRecv, Direction::SendRecv, false);
        pair.run(Duration::from_millis(500));
        pair.assert_receives(A, Some(880.0));
        pair.assert_receives(B, Some(440.0));
        for end in &pair.ends {
            assert_eq!(end.count(&MediaEvent::Connected), 1, "a hold is not a reconnection");
        }
    }
}

/// A hold takes effect with its description: no frame of the source is sent after it.
#[test]
fn peer_held_by_an_answer_receives_silence_immediately() {
    let mut pair = Pair::connected(config(), config());
    pair.negotiate(B, Direction::SendOnly, Direction::SendRecv, false);
    pair.run(Duration::from_secs(1));
    pair.negotiate(B, Direction::SendRecv, Direction::SendOnly, false);
    for _ in 0..50 {
        pair.run(Duration::from_millis(20));
        pair.assert_receives(B, None);
    }
}

/// The peer resets its decoder on hold: an encoder that continued from the last frame before it would code differences to audio that the
/// decoder does not have.
#[test]
fn encoder_restarts_after_a_hold() {
    for codec in [Codec::Opus, Codec::Pcmu] {
        let mut pair = Pair::connected(only(codec), config());
        pair.negotiate(A, Direction::Inactive, Direction::SendRecv, false);
        pair.run(Duration::from_secs(1));
        pair.negotiate(A, Direction::SendOnly, Direction::SendRecv, false);
        let before = pair.ends[A].rtp;
        for _ in 0..50 {
            pair.run(Duration::from_millis(20));
            pair.assert_receives(B, None);
        }
        assert!(pair.ends[A].rtp >= before + 48, "silence is sent");
    }
}

#[test]
fn tone_changes_are_reported_within_300_ms() {
    let mut pair = Pair::connected(config(), config());
    pair.run(Duration::from_secs(1));
    let tone = |event: &MediaEvent| matches!(event, MediaEvent::ToneChanged { hz: Some(hz), .. } if (hz - 440.0).abs() < 5.0);
    let silence = |event: &MediaEvent| matches!(event, MediaEvent::ToneChanged { hz: None, .. });
    assert!(pair.ends[B].first(tone).is_some());
    pair.ends[B].events.clear();
    let held = pair.now;
    pair.negotiate(B, Direction::SendOnly, Direction::SendRecv, false);
    pair.run(Duration::from_secs(1));
    let quiet = pair.ends[B].first(silence).expect("silence");
    assert!(quiet.saturating_since(held) <= Duration::from_millis(300), "{:?}", quiet.saturating_since(held));
    let resumed = pair.now;
    pair.negotiate(B, Direction::SendRecv, Direction::SendRecv, false);
    pair.run(Duration::from_secs(1));
    let sound = pair.ends[B].first(tone).expect("the tone");
    assert!(
        sound.saturating_since(resumed) <= Duration::from_millis(300),
        "{:?}",
        sound.saturating_since(resumed)
    );
    assert_eq!(pair.ends[B].events.len(), 2, "each change once: {:?}", pair.ends[B].events);
}

#[test]
fn digits_arrive_once_each_and_in_order() {
    for codec in [Codec::Opus, Codec::Pcmu] {
        let mut pair = Pair::connected(only(codec), config());
        for digit in "159#".chars() {
            pair.ends[A].session.send_digit(pair.now, digit, Duration::from_millis(160)).unwrap();
        }
        pair.run(Duration::from_secs(2));
        assert_eq!(pair.ends[B].digits(), "159#");
        for (_, event) in &pair.ends[B].events {
            if let MediaEvent::Digit { duration, in_band, .. } = event {
                assert_eq!((duration.as_millis(), *in_band), (160, false));
            }
        }
        let sent =
            pair.ends[A].events.iter().filter(|(_, e)| matches!(e, MediaEvent::DigitSent { .. })).count();
        assert_eq!(sent, 4);
        pair.assert_receives(B, Some(440.0));
    }
}
