//! Offers and answers in other messages than INVITE and its 2xx: reliable provisional responses, PRACK, UPDATE; and offers that are
//! refused.

use crate::scene::{SECOND, Scene};
use offhook::{MediaFault, MediaTypes, RenegotiateBy};
use offhook_testkit::MediaBehaviour;

/// RFC 3262 §3, §4: a reliable 180 gets a PRACK.
#[test]
fn rfc3262_3_reliable_ringing() {
    let mut scene = Scene::configured(&["alice", "bob"], |config| config.reliable_provisional = true);
    scene.dial(0, "bob");
    let bobs_call = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3262 §3: without its PRACK a reliable response is retransmitted, and the 2xx has to wait if it has a description.
#[test]
fn rfc3262_3_2xx_waits_for_the_prack() {
    let mut scene = Scene::of(&["alice", "bob"]);
    scene.dial(0, "bob");
    let bobs_call = scene.call_of(1);
    scene.note("bob", "sends early media");
    scene.parties[1].test.phone.early_media(scene.now, bobs_call).expect("it rings");
    scene.run(SECOND / 1_000);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3262 §5: early media, whose answer is in a reliable 183 and not in the 2xx.
#[test]
fn rfc3262_5_early_media() {
    let mut scene = Scene::of(&["alice", "bob"]);
    scene.dial(0, "bob");
    let bobs_call = scene.call_of(1);
    scene.user(1, "sends early media", |phone, now| phone.early_media(now, bobs_call)).expect("it rings");
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}

fn by_update() -> (Scene, offhook::SessionId, offhook::SessionId) {
    let mut scene =
        Scene::configured(&["alice", "bob"], |config| config.renegotiate_by = RenegotiateBy::Update);
    let alices_call = scene.dial(0, "bob");
    let bobs_call = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    scene.clear();
    (scene, alices_call, bobs_call)
}

/// RFC 3311 §5.1: a hold by UPDATE has no ACK.
#[test]
fn rfc3311_5_1_hold_by_update() {
    let (mut scene, alices_call, _) = by_update();
    scene.user(0, "holds", |phone, now| phone.hold(now, alices_call)).expect("established");
    scene.user(0, "resumes", |phone, now| phone.resume(now, alices_call)).expect("established");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3311 §5.2: two UPDATEs collide, both get 491, and are sent again after the waits of RFC 3261 §14.1.
#[test]
fn rfc3311_5_2_glare_of_two_updates() {
    let (mut scene, alices_call, bobs_call) = by_update();
    let now = scene.now;
    scene.parties[1].test.phone.hold(now, bobs_call).expect("established");
    scene
        .user(0, "and bob hold simultaneously", |phone, now| phone.hold(now, alices_call))
        .expect("established");
    scene.run(SECOND * 5);
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3264 §6, RFC 3261 §13.3.1.3: an offer without a common codec gets 488 with a Warning, and the user is not alerted.
#[test]
fn rfc3264_6_offer_without_a_common_codec() {
    let mut scene = Scene::of(&["alice", "bob"]);
    scene.parties[1].test.media.behaviour = MediaBehaviour::CannotUse(MediaFault::NoCommonCodec);
    scene.dial(0, "bob");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3264 §8: an offer that is refused leaves the session as it was.
#[test]
fn rfc3264_8_refused_offer_keeps_the_session() {
    let (mut scene, alices_call, _) = Scene::in_call(&["alice", "bob"]);
    scene.parties[1].test.media.behaviour = MediaBehaviour::Refuses(MediaFault::NoCommonCodec);
    scene.user(0, "holds", |phone, now| phone.hold(now, alices_call)).expect("established");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3264 §8.1, §8.2: a stream is added by a line of its own, and removed by the port 0.
#[test]
fn rfc3264_8_1_stream_is_added_and_removed() {
    let (mut scene, alices_call, bobs_call) = Scene::in_call(&["alice", "bob"]);
    let both = MediaTypes::AUDIO_VIDEO;
    scene
        .user(0, "adds video, which bob rejects", |phone, now| phone.set_media_types(now, alices_call, both))
        .expect("established");
    scene
        .user(1, "adds video", |phone, now| phone.set_media_types(now, bobs_call, both))
        .expect("established");
    scene
        .user(0, "removes video", |phone, now| phone.set_media_types(now, alices_call, MediaTypes::AUDIO))
        .expect("established");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 8445 §9: a restart of ICE is an offer like any other.
#[test]
fn rfc8445_9_restart_of_ice() {
    let (mut scene, alices_call, _) = Scene::in_call(&["alice", "bob"]);
    scene
        .user(0, "restarts its media", |phone, now| phone.restart_media(now, alices_call))
        .expect("established");
    insta::assert_snapshot!(scene.ladder());
}
