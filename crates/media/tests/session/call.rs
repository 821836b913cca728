//! Two sessions call each other.

use std::time::Duration;

use crate::common::{A, B, Pair, config};
use offhook_media::{Codec, Direction, MediaConfig, MediaEvent};

fn only(codec: Codec) -> MediaConfig {
    MediaConfig { codecs: vec![codec], ..config() }
}

#[test]
fn each_hears_the_others_tone_with_every_codec() {
    for codec in [Codec::Opus, Codec::Pcmu, Codec::Pcma] {
        let pair = Pair::connected(only(codec), config());
        pair.hears(A, Some(880.0));
        pair.hears(B, Some(440.0));
        for end in &pair.ends {
            let statistics = end.session.statistics();
            assert_eq!(statistics.codec, Some(codec));
            assert_eq!((statistics.received.lost, statistics.received.late), (0, 0), "{statistics:?}");
        }
    }
}

#[test]
fn hold_is_silence_and_resume_is_sound_from_either_side() {
    for (holder, held, music) in [(A, B, false), (B, A, false), (A, B, true)] {
        let config = || MediaConfig { music_on_hold: music, ..config() };
        let mut pair = Pair::connected(config(), config());
        let hz = [880.0, 440.0];
        pair.negotiate(holder, Direction::SendOnly, Direction::SendRecv, false);
        assert_eq!(pair.ends[held].session.direction(), Some(Direction::RecvOnly));
        pair.run(Duration::from_millis(500));
        pair.hears(holder, None);
        pair.hears(held, music.then_some(hz[held]));
        pair.negotiate(holder, Direction::Inactive, Direction::SendRecv, false);
        pair.run(Duration::from_millis(300));
        let before = [pair.ends[A].rtp, pair.ends[B].rtp];
        pair.run(Duration::from_secs(1));
        assert_eq!([pair.ends[A].rtp, pair.ends[B].rtp], before, "held: nobody sends");
        pair.hears(holder, None);
        pair.hears(held, None);
        // Either may resume: the one that was held does.
        pair.negotiate(held, Direction::SendRecv, Direction::SendRecv, false);
        pair.run(Duration::from_millis(500));
        pair.hears(A, Some(880.0));
        pair.hears(B, Some(440.0));
        for end in &pair.ends {
            assert_eq!(end.count(&MediaEvent::Connected), 1, "a hold is not a reconnection");
        }
    }
}

/// A hold takes effect with its description, and not when the host is told of it: no frame of the source goes out in between.
#[test]
fn a_peer_that_is_held_by_an_answer_hears_nothing_of_the_source() {
    let mut pair = Pair::connected(config(), config());
    pair.negotiate(B, Direction::SendOnly, Direction::SendRecv, false);
    pair.run(Duration::from_secs(1));
    pair.negotiate(B, Direction::SendRecv, Direction::SendOnly, false);
    for _ in 0..50 {
        pair.run(Duration::from_millis(20));
        pair.hears(B, None);
    }
}

/// The peer forgets the stream on hold: an encoder that goes on from the last frame before it would code differences to sound that the
/// peer's decoder does not know.
#[test]
fn nothing_of_the_sound_before_a_hold_is_heard_after_it() {
    for codec in [Codec::Opus, Codec::Pcmu] {
        let mut pair = Pair::connected(only(codec), config());
        pair.negotiate(A, Direction::Inactive, Direction::SendRecv, false);
        pair.run(Duration::from_secs(1));
        pair.negotiate(A, Direction::SendOnly, Direction::SendRecv, false);
        let before = pair.ends[A].rtp;
        for _ in 0..50 {
            pair.run(Duration::from_millis(20));
            pair.hears(B, None);
        }
        assert!(pair.ends[A].rtp >= before + 48, "silence is sent");
    }
}

#[test]
fn tone_changes_are_said_within_300_ms() {
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
    let sound = pair.ends[B].first(tone).expect("the tone again");
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
            if let MediaEvent::Digit { duration, by_tone, .. } = event {
                assert_eq!((duration.as_millis(), *by_tone), (160, false));
            }
        }
        let sent =
            pair.ends[A].events.iter().filter(|(_, e)| matches!(e, MediaEvent::DigitSent { .. })).count();
        assert_eq!(sent, 4);
        pair.hears(B, Some(440.0));
    }
}
