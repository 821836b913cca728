//! Calls: answered, cancelled, refused, with retransmissions.

use crate::scene::{SECOND, Scene};

#[test]
fn answered_call() {
    let mut scene = Scene::of(&["alice", "bob"]);
    let alices_call = scene.dial(0, "bob");
    let bobs_call = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, alices_call)).expect("a call");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn cancelled_call() {
    let mut scene = Scene::of(&["alice", "bob"]);
    let alices_call = scene.dial(0, "bob");
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, alices_call)).expect("a call");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn busy_callee() {
    let mut scene = Scene::of(&["alice", "bob"]);
    scene.dial(0, "bob");
    let bobs_call = scene.call_of(1);
    scene.user(1, "is busy", |phone, now| phone.reject(now, bobs_call, 486)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn retransmissions_after_losses() {
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
    let bobs_call = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    scene.run(SECOND);
    insta::assert_snapshot!(scene.ladder());
}
