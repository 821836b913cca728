//! Rings: the newest part of a recording in bounded memory.

use crate::recorded_phone::{RecordedPhone, account, with_trace};
use crate::secrets::call_with_ring;
use offhook::Record;
use offhook_recorder::ladder::Ladder;
use offhook_recorder::replay::{Replay, ReplayError, replay};
use offhook_recorder::{EntryKind, PhoneRecording, Recording, pcap, scenario};
use std::time::Duration;

pub(crate) fn registered_for_long(ring: usize) -> RecordedPhone {
    let mut phone = RecordedPhone::new(with_trace(10_000, account("x")), ring);
    phone.connect();
    phone.reply(
        401,
        &[(offhook_wire::HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"")],
        b"",
    );
    phone.reply(200, &[(offhook_wire::HeaderName::Expires, "60")], b"");
    for _ in 0..100 {
        phone.wait(Duration::from_secs(10));
        if phone.last_sent().method() == Some(offhook_wire::Method::Register)
            && phone.phone.checkpoint().is_none()
        {
            phone.reply(200, &[(offhook_wire::HeaderName::Expires, "60")], b"");
        }
    }
    phone
}

fn inputs(track: &PhoneRecording) -> usize {
    track.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Input { .. })).count()
}

fn read(dump: &str) -> PhoneRecording {
    Recording::read(dump.as_bytes()).expect("readable").phones.remove(0)
}

/// Asserts that a replay has the last transitions of the recorded run.
fn assert_end_of(replayed: &Replay, recorded_trace: &[Record]) {
    assert_eq!(replayed.divergence, None);
    assert_eq!(replayed.trace, recorded_trace[recorded_trace.len() - replayed.trace.len()..]);
}

#[test]
fn ring_that_is_large_enough_replays_from_the_start() {
    let phone = registered_for_long(1 << 20);
    let replayed = replay(&read(&phone.dump())).expect("from its beginning");
    assert_eq!((replayed.divergence, replayed.skipped), (None, 0));
    assert_eq!(replayed.trace.len() as u64, phone.phone.traced());
}

#[test]
fn overflowed_ring_replays_from_a_checkpoint() {
    let phone = registered_for_long(12_000);
    let recorded_trace: Vec<Record> = phone.phone.trace().collect();
    let dump = phone.dump();
    assert!(dump.len() < 12_300, "{}", dump.len());
    let track = read(&dump);
    let all = read(&phone.finish());
    assert_eq!(track.forgotten + inputs(&track) as u64, inputs(&all) as u64);
    let replayed = replay(&track).expect("a checkpoint");
    assert_end_of(&replayed, &recorded_trace);
    assert!(replayed.skipped >= track.forgotten && replayed.inputs > 10 && replayed.trace.len() > 10);
    assert_eq!(replayed.skipped + replayed.inputs as u64, inputs(&all) as u64);
    let views = [(&track, &replayed)];
    let lines = Ladder::of(&views).lines();
    assert!(lines[1].contains("│ restored, registered "), "{}", lines[1]);
    assert!(pcap(&views).windows(8).any(|part| part == b"REGISTER"));
    let story = scenario(&views);
    assert!(
        story.contains("phone alice ws") && !story.contains("loses") && !story.contains("cut off"),
        "{story}"
    );
}

#[test]
fn replay_starts_from_each_checkpoint() {
    let phone = registered_for_long(0);
    let recorded_trace: Vec<Record> = phone.phone.trace().collect();
    let mut track = read(&phone.finish());
    let rests = track.entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Checkpoint(..))).count();
    assert!(rests >= 3, "{rests}");
    for _ in 0..rests {
        let place = |entry: &offhook_recorder::Entry| matches!(entry.kind, EntryKind::Checkpoint(..));
        let first = track.entries.iter().position(place).expect("one more");
        track.entries.drain(..first);
        track.forgotten = 1;
        assert_end_of(&replay(&track).expect("a checkpoint"), &recorded_trace);
        track.entries.remove(0);
    }
    let result = replay(&track).map(|_| ());
    assert!(matches!(result, Err(ReplayError::Forgotten { .. })), "{result:?}");
}

#[test]
fn ring_without_a_checkpoint_is_an_error() {
    // The call lasts for the whole recording.
    let (mut phone, _) = call_with_ring(4000);
    for n in 2..60 {
        let info = crate::secrets::request("INFO", &phone, n, "", "text/plain", "");
        phone.receive(info);
    }
    let dump = phone.dump();
    assert!(dump.len() < 6000, "{}", dump.len());
    let track = read(&dump);
    assert!(track.forgotten > 20 && inputs(&track) > 3, "{dump}");
    let refused = replay(&track).expect_err("no checkpoint");
    assert_eq!(refused, ReplayError::Forgotten { name: "alice".to_owned(), forgotten: track.forgotten });
    let messages = format!("alice cannot be replayed: its first {} inputs were dropped", track.forgotten);
    assert!(refused.to_string().starts_with(&messages), "{refused}");
}
