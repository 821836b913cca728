//! The last of a flight, in bounded memory.

use crate::deck::{Deck, account};
use crate::secrets::takeoff_with;
use offhook::{Config, Record};
use offhook_recorder::ladder::Ladder;
use offhook_recorder::replay::{Replay, Unplayable, replay};
use offhook_recorder::{Recording, Track, What, pcap, scenario};
use std::time::Duration;

pub(crate) fn waiting(ring: usize) -> Deck {
    let mut deck = Deck::new(Config { trace: 10_000, ..Config::new(account("x")) }, ring);
    deck.connect();
    deck.reply(
        401,
        &[(offhook_wire::HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"")],
        b"",
    );
    deck.reply(200, &[(offhook_wire::HeaderName::Expires, "60")], b"");
    for _ in 0..100 {
        deck.wait(Duration::from_secs(10));
        if deck.last_sent().method() == Some(offhook_wire::Method::Register)
            && deck.phone.checkpoint().is_none()
        {
            deck.reply(200, &[(offhook_wire::HeaderName::Expires, "60")], b"");
        }
    }
    deck
}

fn inputs(track: &Track) -> usize {
    track.entries.iter().filter(|entry| matches!(entry.what, What::Input { .. })).count()
}

fn read(dump: &str) -> Track {
    Recording::read(dump.as_bytes()).expect("readable").tracks.remove(0)
}

/// The last transitions of a life.
fn expect_the_end_of(replayed: &Replay, lived: &[Record]) {
    assert_eq!(replayed.difference, None);
    assert_eq!(replayed.trace, lived[lived.len() - replayed.trace.len()..]);
}

#[test]
fn a_ring_that_is_large_enough_holds_the_whole() {
    let deck = waiting(1 << 20);
    let replayed = replay(&read(&deck.dump())).expect("from its beginning");
    assert_eq!((replayed.difference, replayed.before), (None, 0));
    assert_eq!(replayed.trace.len() as u64, deck.phone.traced());
}

#[test]
fn a_ring_that_was_filled_many_times_over_replays_from_a_rest() {
    let deck = waiting(12_000);
    let lived: Vec<Record> = deck.phone.trace().collect();
    let dump = deck.dump();
    assert!(dump.len() < 12_300, "{}", dump.len());
    let track = read(&dump);
    let all = read(&deck.finish());
    assert_eq!(track.forgotten + inputs(&track) as u64, inputs(&all) as u64);
    let replayed = replay(&track).expect("it rested");
    expect_the_end_of(&replayed, &lived);
    assert!(replayed.before >= track.forgotten && replayed.inputs > 10 && replayed.trace.len() > 10);
    assert_eq!(replayed.before + replayed.inputs as u64, inputs(&all) as u64);
    let views = [(&track, &replayed)];
    let lines = Ladder::of(&views).lines();
    assert!(lines[1].contains("│ rests, registered "), "{}", lines[1]);
    assert!(pcap(&views).windows(8).any(|part| part == b"REGISTER"));
    let story = scenario(&views);
    assert!(
        story.contains("phone alice ws") && !story.contains("loses") && !story.contains("cut off"),
        "{story}"
    );
}

#[test]
fn every_rest_is_a_beginning() {
    let deck = waiting(0);
    let lived: Vec<Record> = deck.phone.trace().collect();
    let mut track = read(&deck.finish());
    let rests = track.entries.iter().filter(|entry| matches!(entry.what, What::Rest(..))).count();
    assert!(rests >= 3, "{rests}");
    for _ in 0..rests {
        let place = |entry: &offhook_recorder::Entry| matches!(entry.what, What::Rest(..));
        let first = track.entries.iter().position(place).expect("one more");
        track.entries.drain(..first);
        track.forgotten = 1;
        expect_the_end_of(&replay(&track).expect("it rested"), &lived);
        track.entries.remove(0);
    }
    let tried = replay(&track).map(|_| ());
    assert!(matches!(tried, Err(Unplayable::Forgotten { .. })), "{tried:?}");
}

#[test]
fn a_ring_without_a_rest_says_so() {
    // In one call from the beginning to the end.
    let (mut deck, _) = takeoff_with(4000);
    for n in 2..60 {
        let info = crate::secrets::request("INFO", &deck, n, "", "text/plain", "");
        deck.receive(info);
    }
    let dump = deck.dump();
    assert!(dump.len() < 6000, "{}", dump.len());
    let track = read(&dump);
    assert!(track.forgotten > 20 && inputs(&track) > 3, "{dump}");
    let refused = replay(&track).expect_err("it never rested");
    assert_eq!(refused, Unplayable::Forgotten { name: "alice".to_owned(), forgotten: track.forgotten });
    let said = format!("alice cannot be run again: its first {} inputs were forgotten", track.forgotten);
    assert!(refused.to_string().starts_with(&said), "{refused}");
}
