//! Challenges of several realms.

use crate::scene::Scene;
use offhook_wire::HeaderName;

fn challenge(realm: &str) -> String {
    format!("Digest realm=\"{realm}\", nonce=\"n-1\", algorithm=SHA-256, qop=\"auth\"")
}

/// RFC 3261 §22.2, §22.3: the exchange challenges with its realm, then the callee with another one that the account names. The last
/// INVITE has credentials for both.
#[test]
fn rfc3261_22_3_two_realms_in_sequence() {
    let mut scene =
        Scene::proxied_with(&["alice"], |account| account.realms = vec!["house.example".to_owned()]);
    scene.register_mallory();
    scene.dial(0, "mallory");
    scene.respond(401, &[(HeaderName::WwwAuthenticate, &challenge("house.example"))]);
    scene.respond(486, &[]);
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3261 §22.3 lets a user agent choose the realms that it has credentials for: a callee's own realm gets none.
#[test]
fn rfc3261_22_3_realm_of_a_callee_is_not_answered() {
    let mut scene = Scene::proxied(&["alice"]);
    scene.register_mallory();
    scene.dial(0, "mallory");
    scene.respond(401, &[(HeaderName::WwwAuthenticate, &challenge("house.example"))]);
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 8760 §3: the exchange accepted SHA-256 for its realm; a challenge of the same realm with MD5 only is not answered.
#[test]
fn rfc8760_3_weaker_algorithm_is_not_answered() {
    let mut scene = Scene::proxied(&["alice"]);
    scene.register_mallory();
    scene.dial(0, "mallory");
    let weaker = challenge("example.com").replace("SHA-256", "MD5");
    scene.respond(401, &[(HeaderName::WwwAuthenticate, &weaker)]);
    insta::assert_snapshot!(scene.ladder());
}
