//! The last of a flight, in bounded memory.

use crate::deck::{Deck, account};
use offhook::Config;
use offhook_recorder::replay::replay;
use offhook_recorder::{Recording, What};
use std::time::Duration;

fn waiting(ring: usize) -> Deck {
    let mut deck = Deck::new(Config::new(account("x")), ring);
    deck.connect();
    for _ in 0..100 {
        deck.wait(Duration::from_secs(1));
    }
    deck
}

#[test]
fn a_ring_that_is_large_enough_holds_the_whole() {
    let deck = waiting(1 << 20);
    let dump = Recording::read(deck.dump().as_bytes()).expect("readable");
    let replayed = replay(&dump.tracks[0]).expect("from its beginning");
    assert_eq!((replayed.difference, replayed.inputs), (None, 101));
    assert_eq!(replayed.transitions.len() as u64, deck.phone.transitions());
}

#[test]
fn a_ring_that_is_too_small_forgets_the_oldest_and_says_so() {
    let deck = waiting(2000);
    let dump = deck.dump();
    assert!(dump.len() < 2200, "{}", dump.len());
    let recording = Recording::read(dump.as_bytes()).expect("readable");
    let track = &recording.tracks[0];
    let kept = track.entries.iter().filter(|entry| matches!(entry.what, What::Input { .. })).count();
    assert!(kept > 5, "{dump}");
    assert_eq!(track.forgotten + kept as u64, 101);
    let refused = replay(track).expect_err("it has no beginning").to_string();
    assert!(refused.contains(&format!("first {} inputs of alice", track.forgotten)), "{refused}");
}
