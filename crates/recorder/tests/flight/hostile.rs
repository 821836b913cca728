//! Files that nobody wrote, and files that somebody broke.

use crate::deck::{Deck, account};
use crate::ring::waiting;
use offhook::Config;
use offhook_recorder::replay::replay;
use offhook_recorder::{Recording, Unreadable};
use proptest::prelude::*;
use std::time::Duration;

fn file() -> String {
    let mut deck = Deck::new(Config::new(account("x")), 0);
    deck.connect();
    deck.reply(200, &[], b"");
    deck.wait(Duration::from_secs(60));
    deck.receive(&b"\r\n\r\n"[..]);
    deck.receive(&b"OPTIONS sip:a SIP/2.0\r\nnonsense"[..]);
    deck.finish()
}

fn refused(file: &str) -> (usize, Unreadable) {
    let error = Recording::read(file.as_bytes()).expect_err("not readable");
    (error.line, error.why)
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let good = file();
    let line_of = |text: &str| good.lines().position(|line| line.starts_with(text)).expect("there") + 1;
    assert_eq!(refused(""), (1, Unreadable::NotARecording));
    assert_eq!(refused("\n"), (1, Unreadable::NotARecording));
    assert_eq!(refused("hello\n"), (1, Unreadable::NotARecording));
    assert_eq!(refused(&good.replacen("recording 3", "recording 4", 1)), (1, Unreadable::Newer(4)));
    assert_eq!(refused(&good.replacen("recording 3", "recording 2", 1)), (1, Unreadable::Older(2)));
    assert_eq!(refused(&good.replacen("recording 3", "recording two", 1)), (1, Unreadable::NotARecording));
    for (from, to, line) in [
        ("  trace 64\n", "", line_of("  account")),
        ("  trace 64", "  trace 64\n  trace 64", line_of("  trace") + 1),
        ("  call-limit 2", "  call-limit two", line_of("  call-limit")),
        ("keep-alive=25s", "keep-alive=0s", line_of("  registration")),
        ("  register yes\n", "", line_of("=")),
        (" alice up 1", " bob up 1", line_of("0.")),
        (" alice up 1", " alice dances", line_of("0.")),
        (" alice up 1", " alice up \"1", line_of("0.")),
        ("  |SIP/2.0 200", "  |SIP/2.0 2000", line_of("  |") + 7),
        ("\nend\n", "\nend\nend\n", good.lines().count() + 1),
        ("\nend\n", "\nphone alice\n", good.lines().count()),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        let (at, why) = refused(&bad);
        assert!(at.abs_diff(line) <= 1, "{from} -> {to}: line {at}, not {line}: {why}");
    }
    assert!(
        matches!(Recording::read(b"offhook-recording 3\n\xff\n"), Err(e) if e.why == Unreadable::NotText)
    );
}

#[test]
fn a_file_that_was_cut_is_read_up_to_there() {
    let good = file();
    for end in 20..good.len() {
        if !good.is_char_boundary(end) {
            continue;
        }
        let recording = Recording::read(&good.as_bytes()[..end]).unwrap_or_else(|why| panic!("{end}: {why}"));
        assert!(!recording.complete);
        for track in &recording.tracks {
            assert_eq!(replay(track).expect("from its beginning").difference, None, "{end}");
        }
    }
}

fn broken(file: &str, changes: Vec<(prop::sample::Index, u8, u8)>) -> Vec<u8> {
    let mut bytes = file.as_bytes().to_vec();
    for (at, byte, kind) in changes {
        let at = at.index(bytes.len());
        match kind {
            0 => bytes[at] = byte,
            1 => bytes[at] ^= 1 << (byte % 8),
            2 => {
                bytes.remove(at);
            }
            _ => bytes.insert(at, byte),
        }
    }
    bytes
}

/// One that begins at a rest, and that rest only: what is broken is mostly the rest.
fn rest() -> &'static str {
    static REST: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    REST.get_or_init(|| {
        let dump = waiting(8000).dump();
        let forgot = dump.find("forgot alice").expect("a small ring");
        let head = &dump[..forgot + dump[forgot..].find('\n').expect("more lines")];
        let tail = &dump[dump.rfind("rest alice").expect("a rest")..];
        format!("{head}\n{tail}")
    })
}

proptest! {
    /// No number and no word in a rest makes a phone panic, neither when it is made nor later.
    #[test]
    fn a_broken_rest_is_refused_or_run(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), b'0'..=b'9'], 0..4_u8), 1..4)
    ) {
        let at = rest().find("rest alice").expect("there");
        let file = [&rest().as_bytes()[..at], &broken(&rest()[at..], changes)].concat();
        if let Ok(recording) = Recording::read(&file) {
            for track in &recording.tracks {
                let panics = replay(track).ok().and_then(|replayed| replayed.difference).filter(|d| d.what.contains("panics"));
                prop_assert_eq!(panics, None);
            }
        }
    }

    #[test]
    fn broken_files_are_read_or_refused(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6)
    ) {
        if let Ok(recording) = Recording::read(&broken(&file(), changes)) {
            recording.tracks.iter().for_each(|track| drop(replay(track)));
        }
    }
}
