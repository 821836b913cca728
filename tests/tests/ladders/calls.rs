//! Calls: made, given up, refused, repeated.

use crate::scene::{SECOND, Scene};

#[test]
fn a_call() {
    let mut scene = Scene::of(&["alice", "bob"]);
    let hers = scene.dial(0, "bob");
    let his = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, his)).expect("it rings");
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, hers)).expect("a call");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn a_call_that_is_given_up() {
    let mut scene = Scene::of(&["alice", "bob"]);
    let hers = scene.dial(0, "bob");
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, hers)).expect("a call");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn a_call_to_somebody_who_is_busy() {
    let mut scene = Scene::of(&["alice", "bob"]);
    scene.dial(0, "bob");
    let his = scene.call_of(1);
    scene.user(1, "is busy", |phone, now| phone.reject(now, his, 486)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn a_call_whose_first_messages_are_lost() {
    let mut scene = Scene::of(&["alice", "bob"]);
    let mut lost = Vec::new();
    scene.wire.loses = Box::new(move |data| {
        // The first INVITE, the first 200, the first ACK.
        let kinds: [&[u8]; 3] = [b"INVITE", b"SIP/2.0 200", b"ACK"];
        let Some(kind) = kinds.into_iter().find(|kind| data.starts_with(kind)) else { return false };
        let first = !lost.contains(&kind);
        lost.push(kind);
        first
    });
    scene.dial(0, "bob");
    let his = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, his)).expect("it rings");
    scene.run(SECOND);
    insta::assert_snapshot!(scene.ladder());
}
