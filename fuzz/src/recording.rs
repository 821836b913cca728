//! Anything as a recording.

use offhook_recorder::ladder::Ladder;
use offhook_recorder::replay::{Replay, replay};
use offhook_recorder::{Notice, Recording, Scribe, Track, TrackId, What, pcap, scenario};

/// Reads `data` as a recording, runs it again, and gives it to everything that shows or exports it.
///
/// # Panics
///
/// When a phone panics, or what was read is not written as it was read.
pub fn recording(data: &[u8]) {
    let Ok(recording) = Recording::read(data) else { return };
    let mut views: Vec<(&Track, Replay)> = Vec::new();
    for track in &recording.tracks {
        expect_the_same_when_written(track);
        if let Ok(again) = replay(track) {
            let panicked = again.difference.as_ref().filter(|difference| difference.what.contains("panics"));
            assert_eq!(panicked, None, "nothing makes a phone panic");
            views.push((track, again));
        }
    }
    let views: Vec<(&Track, &Replay)> = views.iter().map(|(track, again)| (*track, again)).collect();
    let _ = (Ladder::of(&views).lines(), pcap(&views), scenario(&views));
}

/// What is written of a track that was read is read as the same, and written again the same.
fn expect_the_same_when_written(track: &Track) {
    let once = written(track);
    let again = Recording::read(once.as_bytes()).expect("what we write we read");
    assert_eq!(written(&again.tracks[0]), once);
}

fn written(track: &Track) -> String {
    let (mut scribe, mut text) = (Scribe::default(), Scribe::header());
    let (config, seed) = (Box::new(track.config.clone()), Box::new(track.seed));
    let made = Notice::Made { name: track.name.clone(), config, seed, now: track.start, made: track.made };
    scribe.note(TrackId(0), &made, &mut text);
    for entry in &track.entries {
        let notice = match &entry.what {
            What::Input { at, input } => Notice::Given { at: *at, input: input.clone() },
            What::Rest(_, at) => Notice::Rested(at.clone()),
            What::Check(_) => continue,
        };
        scribe.note(TrackId(0), &notice, &mut text);
    }
    text + &Scribe::end()
}
