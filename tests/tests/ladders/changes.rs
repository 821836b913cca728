//! Within a call: hold, digits, transfer. Each ladder starts in an established call.

use std::time::Duration;

use crate::scene::{SECOND, Scene};
use offhook::DtmfPath;

#[test]
fn hold_and_resume() {
    let (mut scene, alices_call, _) = Scene::in_call(&["alice", "bob"]);
    scene.user(0, "holds", |phone, now| phone.hold(now, alices_call)).expect("established");
    scene.user(0, "resumes", |phone, now| phone.resume(now, alices_call)).expect("established");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn glare_of_two_holds() {
    let (mut scene, alices_call, bobs_call) = Scene::in_call(&["alice", "bob"]);
    let now = scene.now;
    scene.parties[1].test.phone.hold(now, bobs_call).expect("established");
    scene
        .user(0, "and bob hold simultaneously", |phone, now| phone.hold(now, alices_call))
        .expect("established");
    scene.run(SECOND * 5);
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn digit_by_info() {
    let (mut scene, alices_call, _) = Scene::in_call(&["alice", "bob"]);
    let press = |phone: &mut offhook::Phone, now| {
        phone.digits(now, alices_call, "5", Duration::from_millis(160), DtmfPath::Auto)
    };
    scene.user(0, "presses 5", press).expect("established");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn blind_transfer() {
    let (mut scene, alices_call, bobs_call) = Scene::in_call(&["alice", "bob", "carol"]);
    let to_carol = |phone: &mut offhook::Phone, now| phone.transfer(now, alices_call, "carol");
    scene.user(0, "transfers bob to carol", to_carol).expect("established");
    scene.user(1, "accepts", |phone, now| phone.accept_transfer(now, bobs_call, 2)).expect("requested");
    let carols_call = scene.call_of(2);
    scene.user(2, "answers", |phone, now| phone.answer(now, carols_call)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}

#[test]
fn declined_transfer() {
    let (mut scene, alices_call, bobs_call) = Scene::in_call(&["alice", "bob", "carol"]);
    let to_carol = |phone: &mut offhook::Phone, now| phone.transfer(now, alices_call, "carol");
    scene.user(0, "transfers bob to carol", to_carol).expect("established");
    scene.user(1, "accepts", |phone, now| phone.accept_transfer(now, bobs_call, 2)).expect("requested");
    let carols_call = scene.call_of(2);
    scene.user(2, "refuses", |phone, now| phone.reject(now, carols_call, 603)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3515 §2.4.4, §5.2: without the user's consent, the target is not called.
#[test]
fn rfc3515_5_2_transfer_rejected_by_the_user() {
    let (mut scene, alices_call, bobs_call) = Scene::in_call(&["alice", "bob"]);
    let to_a_number = |phone: &mut offhook::Phone, now| phone.transfer(now, alices_call, "tel:+19005550100");
    scene.user(0, "transfers bob to tel:+19005550100", to_a_number).expect("established");
    scene.user(1, "rejects", |phone, now| phone.reject_transfer(now, bobs_call, 2)).expect("requested");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 5057 §3.1, §4.2: the subscription of a REFER is a usage of the dialog of its own. It ends with its last NOTIFY, and the usage of
/// the INVITE goes on until its BYE.
#[test]
fn rfc5057_3_1_a_subscription_ends_before_the_call() {
    let (mut scene, alices_call, bobs_call) = Scene::in_call(&["alice", "bob", "carol"]);
    let to_carol = |phone: &mut offhook::Phone, now| phone.transfer(now, alices_call, "carol");
    scene.user(0, "transfers bob to carol", to_carol).expect("established");
    scene.user(1, "accepts", |phone, now| phone.accept_transfer(now, bobs_call, 2)).expect("requested");
    let carols_call = scene.call_of(2);
    scene.user(2, "refuses", |phone, now| phone.reject(now, carols_call, 486)).expect("it rings");
    scene.user(0, "holds", |phone, now| phone.hold(now, alices_call)).expect("the call goes on");
    scene.user(1, "hangs up", |phone, now| phone.hang_up(now, bobs_call)).expect("a call");
    insta::assert_snapshot!(scene.ladder());
}
