//! Arbitrary data as a recording.

use offhook_recorder::ladder::Ladder;
use offhook_recorder::replay::{Replay, replay};
use offhook_recorder::{
    EntryKind, Notice, PhoneId, PhoneRecording, Recording, RecordingWriter, pcap, scenario,
};

/// Reads `data` as a recording, replays it, and passes it to all exports.
///
/// # Panics
///
/// When a phone panics, or when the recording does not round-trip.
pub fn recording(data: &[u8]) {
    let Ok(recording) = Recording::read(data) else { return };
    let mut views: Vec<(&PhoneRecording, Replay)> = Vec::new();
    for phone in &recording.phones {
        assert_round_trip(phone);
        if let Ok(again) = replay(phone) {
            let panicked = again.divergence.as_ref().filter(|divergence| divergence.what.contains("panics"));
            assert_eq!(panicked, None, "no input makes a phone panic");
            views.push((phone, again));
        }
    }
    let views: Vec<(&PhoneRecording, &Replay)> = views.iter().map(|(phone, again)| (*phone, again)).collect();
    let _ = (Ladder::of(&views).lines(), pcap(&views), scenario(&views));
}

/// Asserts that a recording round-trips.
fn assert_round_trip(phone: &PhoneRecording) {
    let once = written(phone);
    let again = Recording::read(once.as_bytes()).expect("a written recording is readable");
    assert_eq!(written(&again.phones[0]), once);
}

fn written(phone: &PhoneRecording) -> String {
    let (mut writer, mut text) = (RecordingWriter::default(), RecordingWriter::header());
    let (config, seed) = (Box::new(phone.config.clone()), Box::new(phone.seed));
    let created =
        Notice::Created { name: phone.name.clone(), config, seed, now: phone.start, made: phone.made };
    writer.write(PhoneId(0), &created, &mut text);
    for entry in &phone.entries {
        let notice = match &entry.kind {
            EntryKind::Input { at, input } => Notice::Input { at: *at, input: input.clone() },
            EntryKind::Checkpoint(_, at) => Notice::Checkpoint(at.clone()),
            EntryKind::Check(_) => continue,
        };
        writer.write(PhoneId(0), &notice, &mut text);
    }
    text + &RecordingWriter::end()
}
