//! What happens within a call: hold, digits, transfer. Each ladder begins in an established call.

use std::time::Duration;

use crate::scene::{SECOND, Scene};
use offhook::DtmfPath;

#[test]
fn hold_and_resume() {
    let (mut scene, hers, _) = Scene::in_call(&["alice", "bob"]);
    scene.user(0, "holds", |phone, now| phone.hold(now, hers)).expect("established");
    scene.user(0, "resumes", |phone, now| phone.resume(now, hers)).expect("established");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn two_holds_that_cross() {
    let (mut scene, hers, his) = Scene::in_call(&["alice", "bob"]);
    let now = scene.now;
    scene.parties[1].test.phone.hold(now, his).expect("established");
    scene.user(0, "and bob hold at once", |phone, now| phone.hold(now, hers)).expect("established");
    scene.run(SECOND * 5);
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn a_digit_by_info() {
    let (mut scene, hers, _) = Scene::in_call(&["alice", "bob"]);
    let press = |phone: &mut offhook::Phone, now| {
        phone.digits(now, hers, "5", Duration::from_millis(160), DtmfPath::Auto)
    };
    scene.user(0, "presses 5", press).expect("established");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn a_transfer() {
    let (mut scene, hers, _) = Scene::in_call(&["alice", "bob", "carol"]);
    let to_carol = |phone: &mut offhook::Phone, now| phone.transfer(now, hers, "carol");
    scene.user(0, "transfers bob to carol", to_carol).expect("established");
    let carols = scene.call_of(2);
    scene.user(2, "answers", |phone, now| phone.answer(now, carols)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn a_transfer_that_fails() {
    let (mut scene, hers, _) = Scene::in_call(&["alice", "bob", "carol"]);
    let to_carol = |phone: &mut offhook::Phone, now| phone.transfer(now, hers, "carol");
    scene.user(0, "transfers bob to carol", to_carol).expect("established");
    let carols = scene.call_of(2);
    scene.user(2, "refuses", |phone, now| phone.reject(now, carols, 603)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}
