//! Truncated and corrupted files.

use crate::recorded_phone::{RecordedPhone, account};
use crate::ring::registered_for_long;
use offhook::Config;
use offhook_recorder::replay::replay;
use offhook_recorder::{Recording, Unreadable};
use proptest::prelude::*;
use std::time::Duration;

fn file() -> String {
    let mut phone = RecordedPhone::new(Config::new(account("x")), 0);
    phone.connect();
    phone.reply(200, &[], b"");
    phone.wait(Duration::from_secs(60));
    phone.receive(&b"\r\n\r\n"[..]);
    phone.receive(&b"OPTIONS sip:a SIP/2.0\r\nnonsense"[..]);
    phone.finish()
}

fn refused(file: &str) -> (usize, Unreadable) {
    let error = Recording::read(file.as_bytes()).expect_err("not readable");
    (error.line, error.why)
}

#[test]
fn errors_have_the_number_of_the_line() {
    let good = file();
    let line_of = |text: &str| good.lines().position(|line| line.starts_with(text)).expect("there") + 1;
    assert_eq!(refused(""), (1, Unreadable::NotARecording));
    assert_eq!(refused("\n"), (1, Unreadable::NotARecording));
    assert_eq!(refused("hello\n"), (1, Unreadable::NotARecording));
    assert_eq!(refused(&good.replacen("recording 5", "recording 6", 1)), (1, Unreadable::Newer(6)));
    assert_eq!(refused(&good.replacen("recording 5", "recording 4", 1)), (1, Unreadable::Older(4)));
    assert_eq!(refused(&good.replacen("recording 5", "recording two", 1)), (1, Unreadable::NotARecording));
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
        matches!(Recording::read(b"offhook-recording 5\n\xff\n"), Err(e) if e.why == Unreadable::NotText)
    );
}

#[test]
fn truncated_file_is_read() {
    let good = file();
    for end in 20..good.len() {
        if !good.is_char_boundary(end) {
            continue;
        }
        let recording = Recording::read(&good.as_bytes()[..end]).unwrap_or_else(|why| panic!("{end}: {why}"));
        assert!(!recording.complete);
        for track in &recording.phones {
            assert_eq!(replay(track).expect("from its beginning").divergence, None, "{end}");
        }
    }
}

fn corrupted(file: &str, changes: Vec<(prop::sample::Index, u8, u8)>) -> Vec<u8> {
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

/// A recording that starts at its only checkpoint.
fn checkpoint() -> &'static str {
    static CHECKPOINT: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    CHECKPOINT.get_or_init(|| {
        let dump = registered_for_long(8000).dump();
        let forgot = dump.find("forgot alice").expect("a small ring");
        let head = &dump[..forgot + dump[forgot..].find('\n').expect("more lines")];
        let tail = &dump[dump.rfind("checkpoint alice").expect("a checkpoint")..];
        format!("{head}\n{tail}")
    })
}

proptest! {
    /// No checkpoint makes a phone panic, neither when it is restored nor later.
    #[test]
    fn corrupted_checkpoint_does_not_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), prop_oneof![any::<u8>(), b'0'..=b'9'], 0..4_u8), 1..4)
    ) {
        let at = checkpoint().find("checkpoint alice").expect("there");
        let file = [&checkpoint().as_bytes()[..at], &corrupted(&checkpoint()[at..], changes)].concat();
        if let Ok(recording) = Recording::read(&file) {
            for track in &recording.phones {
                let panics = replay(track).ok().and_then(|replayed| replayed.divergence).filter(|d| d.what.contains("panics"));
                prop_assert_eq!(panics, None);
            }
        }
    }

    #[test]
    fn corrupted_file_does_not_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..4_u8), 1..6)
    ) {
        if let Ok(recording) = Recording::read(&corrupted(&file(), changes)) {
            recording.phones.iter().for_each(|track| drop(replay(track)));
        }
    }
}
