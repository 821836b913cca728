//! Digits, recordings and pushed audio.

use std::time::Duration;

use crate::common::{A, B, Link, Pair, config};
use offhook_media::{Codec, Direction, MediaConfig, MediaError, MediaEvent, Source};

#[test]
fn unsent_digits_are_reported() {
    let mut pair = Pair::connected(config(), config());
    pair.links = [Link { cut: true, ..Link::default() }; 2];
    pair.negotiate(B, Direction::Inactive, Direction::SendRecv, false);
    for digit in "42".chars() {
        pair.ends[A].session.send_digit(pair.now, digit, Duration::from_millis(100)).unwrap();
    }
    pair.run(Duration::from_secs(60));
    let failed = ['4', '2'].map(|digit| pair.ends[A].count(&MediaEvent::DigitFailed { digit }));
    assert_eq!(failed, [1, 1], "{:?}", pair.ends[A].events);
}

#[test]
fn digits_are_queued_during_a_hold() {
    let mut pair = Pair::connected(config(), config());
    pair.negotiate(B, Direction::SendOnly, Direction::SendRecv, false);
    pair.ends[A].session.send_digit(pair.now, '4', Duration::from_millis(100)).unwrap();
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.ends[B].digits(), "");
    pair.negotiate(B, Direction::SendRecv, Direction::SendRecv, false);
    pair.run(Duration::from_secs(1));
    assert_eq!(pair.ends[B].digits(), "4");
}

#[test]
fn audio_is_recorded_pushed_and_taken() {
    let mut pair = Pair::connected(config(), config());
    pair.ends[B].session.record(true);
    pair.run(Duration::from_secs(2));
    pair.ends[B].session.record(false);
    pair.run(Duration::from_secs(1));
    let recording = pair.ends[B].session.take_recording();
    assert!(recording.duration().as_millis().abs_diff(2000) <= 20);
    let wav = recording.to_wav();
    let mut reader = hound::WavReader::new(&wav[..]).expect("a WAV file");
    let spec = reader.spec();
    assert_eq!((spec.channels, spec.sample_rate, spec.bits_per_sample), (1, 48_000, 16));
    let samples: Vec<i16> = reader.samples().collect::<Result<_, _>>().expect("all samples");
    // The periods of 440 Hz in two seconds.
    let crossings = samples.windows(2).filter(|w| w[0] < 0 && w[1] >= 0).count();
    assert!(crossings.abs_diff(880) < 20, "{crossings} periods");

    pair.ends[A].session.play(Source::Live);
    pair.ends[B].session.take_audio();
    for n in 0..100 {
        let frame: Vec<i16> =
            (0..960).map(|k| if (n * 960 + k) / 40 % 2 == 0 { 6000 } else { -6000 }).collect();
        pair.ends[A].session.push_audio(&frame);
        pair.run(Duration::from_millis(20));
    }
    pair.assert_receives(B, Some(600.0));
    assert_eq!(pair.ends[B].session.take_audio().len(), 9600, "the last 200 ms");

    let played = Source::Wav { samples: samples.into(), repeat: false };
    pair.ends[A].session.play(played);
    pair.run(Duration::from_secs(1));
    pair.assert_receives(B, Some(440.0));
    pair.run(Duration::from_millis(1500));
    pair.assert_receives(B, None);
    assert_eq!(pair.ends[A].count(&MediaEvent::SourceEnded), 1);
    pair.ends[A].session.play(Source::tone(500.0));
    pair.ends[A].session.mute(true);
    pair.run(Duration::from_millis(500));
    pair.assert_receives(B, None);
    assert_eq!(pair.ends[B].session.statistics().received.lost, 0);
}

#[test]
fn in_band_digits_are_detected_without_telephone_event() {
    let no_telephone_event = MediaConfig { telephone_event: false, ..config() };
    for codec in [Codec::Opus, Codec::Pcmu] {
        let mut pair =
            Pair::connected(MediaConfig { codecs: vec![codec], ..config() }, no_telephone_event.clone());
        let digit = pair.ends[A].session.send_digit(pair.now, '1', Duration::from_millis(100));
        assert_eq!(digit, Err(MediaError::NoTelephoneEvent));
        assert_eq!(pair.ends[A].session.supports_telephone_events(), Some(false));
        let tone =
            |hz: f32, n: usize| (6000.0 * (std::f32::consts::TAU * hz * n as f32 / 48_000.0).sin()) as i16;
        let samples: Vec<i16> = [(770.0, 1336.0), (941.0, 1477.0), (941.0, 1477.0)]
            .iter()
            .flat_map(|(low, high)| {
                (0..9600).map(move |n| if n < 4800 { tone(*low, n) + tone(*high, n) } else { 0 })
            })
            .collect();
        pair.ends[B].session.play(Source::Wav { samples: samples.into(), repeat: false });
        pair.run(Duration::from_secs(1));
        assert_eq!(pair.ends[A].digits(), "5##", "{codec:?}");
        let in_band = |e: &MediaEvent| matches!(e, MediaEvent::Digit { in_band: true, .. });
        assert!(pair.ends[A].first(in_band).is_some());
    }
}

#[test]
fn telephone_event_may_have_another_clock() {
    // As baresip offers: Opus, and telephone-event at 8 kHz only.
    let mut pair = Pair::new(config(), config());
    let offer = pair.ends[A].session.offer(pair.now, Direction::SendRecv, false).unwrap();
    let narrowed = offer.replace("SAVPF 111 0 8 110 126", "SAVPF 111 126");
    let answer = pair.ends[B].session.answer(pair.now, &narrowed, Direction::SendRecv).unwrap();
    pair.ends[A].session.apply(pair.now, &answer).unwrap();
    for (from, to) in [(A, B), (B, A)] {
        for digit in "07".chars() {
            pair.ends[from].session.send_digit(pair.now, digit, Duration::from_millis(200)).unwrap();
        }
        pair.run(Duration::from_secs(2));
        assert_eq!(pair.ends[to].digits(), "07");
        let wrong =
            |e: &MediaEvent| matches!(e, MediaEvent::Digit { duration, .. } if duration.as_millis() != 200);
        assert_eq!(pair.ends[to].first(wrong), None);
    }
}
