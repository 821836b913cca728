//! The exchange between phones, and Mallory, one of its users, who attacks them.

use offhook::AccountId;
use offhook_wire::digest::{Challenge, Password, Responder, strongest};
use offhook_wire::{HeaderName, Message, Method};

use crate::scene::Scene;

/// A request of Mallory's.
struct Request<'t> {
    method: &'t str,
    uri: &'t str,
    from: &'t str,
    to: &'t str,
    rows: &'t str,
}

impl Request<'_> {
    /// Its text, the `cseq`th of its Call-ID, with these credentials in an extra row.
    fn text(&self, cseq: u32, credentials: &str) -> String {
        let Self { method, uri, from, to, rows } = self;
        format!(
            "{method} {uri} SIP/2.0\nVia: SIP/2.0/WS mallory.invalid;branch=z9hG4bK{method}{cseq}\nMax-Forwards: 70\n\
             From: <{from}>;tag=m-{method}\nTo: {to}\nCall-ID: {method}@mallory.invalid\nCSeq: {cseq} {method}\n\
             {rows}{credentials}Content-Length: 0\n\n"
        )
    }

    /// Sends it, and again with credentials for the challenge that comes.
    fn send(&self, scene: &mut Scene) {
        scene.say(&self.text(1, ""));
        let challenged = scene.received.pop().expect("a challenge");
        let credentials = self.credentials(&challenged);
        scene.say(&self.text(2, &credentials));
    }

    fn credentials(&self, challenged: &Message) -> String {
        let (asks, answers) = match challenged.status() {
            Some(401) => (HeaderName::WwwAuthenticate, "Authorization"),
            _ => (HeaderName::ProxyAuthenticate, "Proxy-Authorization"),
        };
        let challenges = challenged.rows(asks).filter_map(|row| Challenge::parse(row).ok());
        let challenge = strongest(challenges).expect("a challenge that can be answered");
        let (method, uri) = (Method::from_bytes(self.method.as_bytes()), self.uri.as_bytes());
        let password = Password::plain("secret");
        let answer = Responder::new().answer(&challenge, "mallory", &password, method, uri, b"", "c0ffee");
        format!("{answers}: {}\n", answer.expect("a nonce that was not used"))
    }
}

const ALICE: &str = "sip:alice@example.com";
const BOB: &str = "sip:bob@example.com";
const MALLORY: &str = "sip:mallory@example.com";

/// RFC 3261 §22.3: the credentials of Alice's INVITE are for the exchange, and Bob does not see them.
#[test]
fn rfc3261_22_3_credentials_end_at_the_exchange() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    let hers = scene.dial(0, "bob");
    let his = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, his)).expect("it rings");
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, hers)).expect("a call");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3261 §22.3: a From that names another user is not believed, with whatever credentials.
#[test]
fn rfc3261_22_3_a_request_in_the_name_of_another_user() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    let contact = scene.contact("bob");
    scene.connect();
    let to = format!("<{BOB}>;tag=guessed");
    Request { method: "BYE", uri: &contact, from: ALICE, to: &to, rows: "" }.send(&mut scene);
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3261 §16.5: requests inside a call are for the user that the call is with, and not for whoever registered the same Contact.
/// The exchange was restarted, so that the Route in the BYE is void, and Bob is the last to register again.
#[test]
fn rfc3261_16_5_a_contact_that_another_user_claims() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    let hers = scene.dial(0, "bob");
    let his = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, his)).expect("it rings");
    let contact = format!("Contact: <{}>\n", scene.contact("bob"));
    scene.clear();
    scene.restart();
    scene.connect();
    let to = format!("<{MALLORY}>");
    let claim =
        Request { method: "REGISTER", uri: "sip:example.com", from: MALLORY, to: &to, rows: &contact };
    claim.send(&mut scene);
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, hers)).expect("a call");
    scene.user(1, "registers", |phone, now| phone.register(now, AccountId(0))).expect("an account");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3325 §5: what a phone asserts of its identity is removed, because no phone is inside the trust domain.
#[test]
fn rfc3325_5_an_identity_that_a_phone_asserts() {
    let mut scene = Scene::proxied(&["alice"]);
    scene.connect();
    let to = format!("<{ALICE}>");
    let rows = format!("P-Asserted-Identity: <{BOB}>\nRemote-Party-ID: <{BOB}>;party=calling;screen=yes\n");
    Request { method: "MESSAGE", uri: ALICE, from: MALLORY, to: &to, rows: &rows }.send(&mut scene);
    insta::assert_snapshot!(scene.ladder());
}
