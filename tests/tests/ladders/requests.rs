//! Requests outside of dialogs, redirections, and INFO.

use crate::scene::Scene;
use bytes::Bytes;
use offhook::{CallCommand, Request};
use offhook_wire::HeaderName;

/// RFC 3428 §4, §7: a MESSAGE has no Contact and creates no dialog; 200 is the recipient's.
#[test]
fn rfc3428_4_message() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    let message = Request::message("bob", "Watson, come here.");
    scene.user(0, "sends a message", |phone, now| phone.request(now, message)).expect("sent");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3428 §8: a MESSAGE of more than 1300 bytes is not sent over UDP.
#[test]
fn rfc3428_8_message_too_large() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    let message = Request::message("bob", "x".repeat(1300));
    scene
        .user(0, "sends a message of 1300 characters", |phone, now| phone.request(now, message))
        .expect("sent");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3261 §11: the answer to OPTIONS has the capabilities of the phone.
#[test]
fn rfc3261_11_options() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    scene
        .user(0, "asks bob for capabilities", |phone, now| phone.request(now, Request::options("bob")))
        .expect("sent");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3261 §8.1.3.4: the INVITE follows the Contacts of a 302 in the order of their q; one of another domain is not followed.
#[test]
fn rfc3261_8_1_3_4_redirection() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    scene.register_mallory();
    let alices_call = scene.dial(0, "mallory");
    let contacts =
        "<sip:+19005550100@evil.example>;q=1.0, <sip:nobody@example.com>;q=0.4, <sip:bob@example.com>;q=0.7";
    scene.respond(302, &[(HeaderName::Contact, contacts)]);
    let bobs_call = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, alices_call)).expect("a call");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3261 §8.1.3.4: each target is tried once, so a target that redirects to itself ends the call.
#[test]
fn rfc3261_8_1_3_4_redirection_to_itself() {
    let mut scene = Scene::proxied(&["alice"]);
    scene.register_mallory();
    scene.dial(0, "mallory");
    scene.respond(302, &[(HeaderName::Contact, "<sip:mallory@example.com>")]);
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 6086 §4.2.1, §4.2.2: an INFO of a package that the peer listed in Recv-Info.
#[test]
fn rfc6086_4_2_info_package() {
    let mut scene =
        Scene::configured(&["alice", "bob"], |config| config.info_packages = vec!["x-light".to_owned()]);
    let alices_call = scene.dial(0, "bob");
    let bobs_call = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    scene.clear();
    let info = CallCommand::Info {
        info: 1,
        package: Some("x-light".to_owned()),
        content_type: "text/plain".to_owned(),
        body: Bytes::from_static(b"on"),
    };
    scene.user(0, "sends INFO", |phone, now| phone.call(now, alices_call, info)).expect("established");
    insta::assert_snapshot!(scene.ladder());
}
