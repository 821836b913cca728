//! The exchange between phones, and attacks by Mallory, one of its users.

use offhook::AccountId;
use offhook_wire::digest::{Challenge, Password, Responder, strongest};
use offhook_wire::{HeaderName, Message, Method};

use crate::scene::Scene;

/// A request of Mallory.
struct Request<'t> {
    method: &'t str,
    uri: &'t str,
    from: &'t str,
    to: &'t str,
    rows: &'t str,
}

impl Request<'_> {
    /// Its text, with this CSeq and these credentials.
    fn text(&self, cseq: u32, credentials: &str) -> String {
        let Self { method, uri, from, to, rows } = self;
        format!(
            "{method} {uri} SIP/2.0\nVia: SIP/2.0/WS mallory.invalid;branch=z9hG4bK{method}{cseq}\nMax-Forwards: 70\n\
             From: <{from}>;tag=m-{method}\nTo: {to}\nCall-ID: {method}@mallory.invalid\nCSeq: {cseq} {method}\n\
             {rows}{credentials}Content-Length: 0\n\n"
        )
    }

    /// Sends it, and again with credentials for the challenge.
    fn send(&self, scene: &mut Scene) {
        scene.say(&self.text(1, ""));
        let challenged = scene.received.pop().expect("a challenge");
        let credentials = self.credentials(&challenged);
        scene.say(&self.text(2, &credentials));
    }

    fn credentials(&self, challenged: &Message) -> String {
        let (challenge_header, credentials_header) = match challenged.status() {
            Some(401) => (HeaderName::WwwAuthenticate, "Authorization"),
            _ => (HeaderName::ProxyAuthenticate, "Proxy-Authorization"),
        };
        let challenges = challenged.rows(challenge_header).filter_map(|row| Challenge::parse(row).ok());
        let challenge = strongest(challenges).expect("a supported challenge");
        let (method, uri) = (Method::from_bytes(self.method.as_bytes()), self.uri.as_bytes());
        let password = Password::plain("secret");
        let answer = Responder::new().answer(&challenge, "mallory", &password, method, uri, b"", "c0ffee");
        format!("{credentials_header}: {}\n", answer.expect("an unused nonce"))
    }
}

const ALICE: &str = "sip:alice@example.com";
const BOB: &str = "sip:bob@example.com";
const MALLORY: &str = "sip:mallory@example.com";

/// Registers Mallory.
pub(crate) fn register(scene: &mut Scene) {
    let to = format!("<{MALLORY}>");
    let rows = "Contact: <sip:desk@mallory.invalid;transport=ws>\n";
    Request { method: "REGISTER", uri: "sip:example.com", from: MALLORY, to: &to, rows }.send(scene);
}

/// RFC 3261 §22.3: the credentials in Alice's INVITE are for the exchange, which does not forward them to Bob.
#[test]
fn rfc3261_22_3_credentials_are_removed_by_the_exchange() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    let alices_call = scene.dial(0, "bob");
    let bobs_call = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, alices_call)).expect("a call");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3261 §22.3: a From of another user than that of the credentials is refused.
#[test]
fn rfc3261_22_3_spoofed_from_is_refused() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    let contact = scene.contact("bob");
    scene.connect();
    let to = format!("<{BOB}>;tag=guessed");
    Request { method: "BYE", uri: &contact, from: ALICE, to: &to, rows: "" }.send(&mut scene);
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3261 §16.5: requests in a dialog go to the user in the dialog, even if another user registers the same Contact. The exchange was
/// restarted, so that the Route in the BYE is invalid, and Bob registers last.
#[test]
fn rfc3261_16_5_contact_claimed_by_another_user() {
    let mut scene = Scene::proxied(&["alice", "bob"]);
    let alices_call = scene.dial(0, "bob");
    let bobs_call = scene.call_of(1);
    scene.user(1, "answers", |phone, now| phone.answer(now, bobs_call)).expect("it rings");
    let contact = format!("Contact: <{}>\n", scene.contact("bob"));
    scene.clear();
    scene.restart();
    scene.connect();
    let to = format!("<{MALLORY}>");
    let claim =
        Request { method: "REGISTER", uri: "sip:example.com", from: MALLORY, to: &to, rows: &contact };
    claim.send(&mut scene);
    scene.user(0, "hangs up", |phone, now| phone.hang_up(now, alices_call)).expect("a call");
    scene.user(1, "registers", |phone, now| phone.register(now, AccountId(0))).expect("an account");
    insta::assert_snapshot!(scene.ladder());
}

/// RFC 3325 §5: an identity asserted by a phone is removed, because phones are outside of the trust domain.
#[test]
fn rfc3325_5_asserted_identity_is_removed() {
    let mut scene = Scene::proxied(&["alice"]);
    scene.connect();
    let to = format!("<{ALICE}>");
    let rows = format!("P-Asserted-Identity: <{BOB}>\nRemote-Party-ID: <{BOB}>;party=calling;screen=yes\n");
    Request { method: "MESSAGE", uri: ALICE, from: MALLORY, to: &to, rows: &rows }.send(&mut scene);
    insta::assert_snapshot!(scene.ladder());
}
