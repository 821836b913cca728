//! The usages of a dialog (RFC 5057): the session, and the subscription of a REFER. Each ladder starts in an established call; Mallory
//! is the peer.

use crate::scene::{SECOND, Scene};
use offhook::{DtmfPath, SessionId};

/// Alice in a call with Mallory, who answered with a description.
fn with_mallory() -> (Scene, SessionId) {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    scene.register_mallory();
    let alices_call = scene.dial(0, "mallory");
    scene.accept();
    scene.clear();
    (scene, alices_call)
}

/// Mallory sends a REFER to Bob, and refuses its first NOTIFY. If that leaves the call, Alice can no longer accept the transfer, and hangs up.
fn notify_refused(code: u16) -> Scene {
    let (mut scene, alices_call) = with_mallory();
    scene.say_within("REFER", 2, "Refer-To: <sip:bob@example.com>\n", "");
    scene.respond(code, &[]);
    if code == 404 {
        scene.respond(200, &[]);
        return scene;
    }
    scene.user(0, "accepts", |phone, now| phone.accept_transfer(now, alices_call, 2)).expect_err("ended");
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, alices_call)).expect("a call");
    scene.respond(200, &[]);
    scene
}

/// RFC 5057 §5.1: a 481 to a NOTIFY ends its subscription; the session goes on until the BYE.
#[test]
fn rfc5057_5_1_481_to_a_notify_ends_its_subscription() {
    insta::assert_snapshot!(notify_refused(481).ladder());
}

/// RFC 5057 §5.1: a 404 is about the remote target of the dialog, and ends all of its usages.
#[test]
fn rfc5057_5_1_404_to_a_notify_ends_the_dialog() {
    insta::assert_snapshot!(notify_refused(404).ladder());
}

fn digit_refused(code: u16) -> Scene {
    let (mut scene, alices_call) = with_mallory();
    let press =
        |phone: &mut offhook::Phone, now| phone.digits(now, alices_call, "5", SECOND / 10, DtmfPath::Info);
    scene.user(0, "presses 5", press).expect("established");
    scene.respond(code, &[]);
    scene
}

/// RFC 5057 §5.1, RFC 3261 §12.2.1.2: a 481 to a request of the session ends the session, and with it the dialog.
#[test]
fn rfc5057_5_1_481_to_an_info_ends_the_call() {
    let mut scene = digit_refused(481);
    scene.respond(200, &[]);
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 5057 §5.1: a 501 to an INFO does not end the session. Nor does a 405 here, although the table has it under usages: the peer
/// that refuses a method has the dialog still.
#[test]
fn rfc5057_5_1_501_to_an_info_keeps_the_call() {
    insta::assert_snapshot!(digit_refused(501).ladder());
}

/// RFC 5057 §5.3: a NOTIFY of no subscription gets 481, and the session goes on. After the BYE a re-INVITE gets 481 too.
#[test]
fn rfc5057_5_3_requests_without_a_usage() {
    let (mut scene, _) = with_mallory();
    let event = "Event: refer\nSubscription-State: active\n";
    scene.say_within("NOTIFY", 2, event, "");
    scene.say_within("BYE", 3, "", "");
    scene.say_within("INVITE", 4, "", "");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 5057 §4.1, §5.5: a BYE ends the session, and not the subscription of a REFER. This phone ends both, because a call has one end
/// for its user, after which nothing of it is reported: it sends no NOTIFY of the call that the REFER created after Mallory's BYE.
#[test]
fn rfc5057_5_5_bye_during_a_transfer() {
    let (mut scene, alices_call) = with_mallory();
    scene.say_within("REFER", 2, "Refer-To: <sip:bob@example.com>\n", "");
    scene.respond(200, &[]);
    scene.user(0, "accepts", |phone, now| phone.accept_transfer(now, alices_call, 2)).expect("requested");
    scene.respond(200, &[]);
    scene.say_within("BYE", 3, "", "");
    let bobs_call = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    insta::assert_snapshot!(scene.ladder());
}
