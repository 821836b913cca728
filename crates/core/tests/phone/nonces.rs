//! Realms: what a peer that knows a realm cannot change, and what changes of the credentials and of the servers end.

use crate::realms::{challenge, dial, row, settings};
use offhook::{Account, AccountId, Config, Credentials, Direction, Password, RedirectPolicy};
use offhook_testkit::peer::{in_call, registrar, response};
use offhook_testkit::{TestPhone, sdp};
use offhook_wire::digest::Credentials as Digest;
use offhook_wire::{Builder, HeaderName, Message};

const ACCOUNT: AccountId = AccountId(0);

/// The realm, nonce and nonce count of the credentials in a request.
fn digests(request: &Message) -> Vec<String> {
    [HeaderName::Authorization, HeaderName::ProxyAuthorization]
        .into_iter()
        .flat_map(|name| request.rows(name))
        .map(|value| {
            let digest = Digest::parse(value).expect("credentials");
            let text = |quoted: &[u8]| String::from_utf8_lossy(quoted).into_owned();
            let (realm, nonce) = (text(&digest.realm.value()), text(&digest.nonce.value()));
            format!("{realm} {nonce} {}", digest.nc.expect("a count"))
        })
        .collect()
}

/// A phone whose registrar challenged with this realm, the nonce `r` and MD5.
fn registered(mut config: Config, realm: &str) -> TestPhone {
    config.accounts[0].register = true;
    let mut alice = TestPhone::new(config, 1);
    for _ in 0..2 {
        let register = alice.next_request("REGISTER");
        alice.receive_bytes(registrar(&register, Some(&row(realm, "MD5", "r"))));
    }
    alice
}

fn register(alice: &mut TestPhone) -> Message {
    alice.phone.register(alice.now, ACCOUNT).expect("known");
    alice.pump();
    alice.next_request("REGISTER")
}

/// A peer that knows the realm of the registrar challenges requests in a call, again and again.
#[test]
fn a_peer_does_not_replace_the_nonce_of_the_registrar() {
    let mut alice = registered(settings(&[]), "pbx");
    let (id, _peer) = in_call(&mut alice);
    for n in 0..2 {
        alice.phone.info(alice.now, id, n, None, "text/plain", "x").expect("known");
        alice.pump();
        let info = alice.next_request("INFO");
        challenge(&mut alice, &info, 401, &[row("pbx", "SHA-256", "peer")]);
        alice.sent.clear();
    }
    assert_eq!(digests(&register(&mut alice)), ["pbx r 2"]);
}

/// A peer that challenges with a named realm, and accepts a strong algorithm, cannot make the registrar's own algorithm be refused.
#[test]
fn a_peer_does_not_teach_the_algorithm_of_the_registrar() {
    let mut alice = TestPhone::new(settings(&["pbx"]), 1);
    let (_, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 401, &[row("pbx", "SHA-512-256", "peer")]);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    alice.receive_bytes(response(&again, 200, "bob", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    alice.phone.register(alice.now, ACCOUNT).expect("known");
    alice.pump();
    for _ in 0..2 {
        let register = alice.next_request("REGISTER");
        alice.receive_bytes(registrar(&register, Some(&row("pbx", "MD5", "r"))));
    }
}

/// RFC 7616 §3.4: a server can give one nonce in the challenges to a REGISTER and to an INVITE.
#[test]
fn a_nonce_is_counted_across_challenges() {
    let mut alice = registered(settings(&[]), "pbx");
    let (_, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 407, &[row("pbx", "MD5", "r")]);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    assert_eq!(digests(&again), ["pbx r 2"]);
    let refresh = register(&mut alice);
    assert_eq!(digests(&refresh), ["pbx r 3"]);
    alice.receive_bytes(registrar(&refresh, None));
    // The count does not fall when the INVITE's challenge is replaced.
    let (_, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 407, &[row("pbx", "MD5", "s")]);
    alice.next_request("ACK");
    assert_eq!(digests(&alice.next_request("INVITE")), ["pbx s 1"]);
    assert_eq!(digests(&register(&mut alice)), ["pbx r 4"]);
}

/// A call continues over the new servers of its account: the realm of the old ones is not that of the new ones.
#[test]
fn realms_end_with_their_servers() {
    let mut alice = registered(settings(&[]), "old");
    let (id, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 401, &[row("old", "MD5", "a")]);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    alice.receive_bytes(response(&again, 200, "bob", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    let mut other = Account::new("sip:alice@example.com", Some(Password::plain("other")), "ws://second.test")
        .expect("known");
    other.register = true;
    alice.phone.replace_account(alice.now, ACCOUNT, other).expect("known");
    alice.pump();
    let un = alice.next_request("REGISTER");
    alice.receive_bytes(registrar(&un, None));
    alice.connect();
    for _ in 0..2 {
        let register = alice.next_request("REGISTER");
        alice.receive_bytes(registrar(&register, Some(&row("new", "MD5", "b"))));
    }
    alice.phone.hang_up(alice.now, id).expect("known");
    alice.pump();
    let bye = alice.next_request("BYE");
    assert_eq!(digests(&bye), [""; 0]);
}

/// The REGISTER with the wrong password is on its way when the user sets the right one.
#[test]
fn a_refusal_of_earlier_credentials_does_not_refuse_the_new_ones() {
    let mut config = settings(&[]);
    config.accounts[0].register = true;
    config.accounts[0].password = Some(Password::plain("wrong"));
    let mut alice = TestPhone::new(config, 1);
    let register = alice.next_request("REGISTER");
    challenge(&mut alice, &register, 401, &[row("pbx", "MD5", "r")]);
    let second = alice.next_request("REGISTER");
    alice
        .phone
        .set_credentials(alice.now, ACCOUNT, Credentials::new(Password::plain("right")))
        .expect("known");
    alice.pump();
    challenge(&mut alice, &second, 401, &[row("pbx", "MD5", "r2")]);
    let third = alice.next_request("REGISTER");
    assert_eq!(digests(&third), ["pbx r2 1"]);
}

#[test]
fn an_invite_with_earlier_credentials_is_sent_again() {
    let mut alice = registered(settings(&[]), "pbx");
    let (_, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 407, &[row("pbx", "MD5", "a")]);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    alice
        .phone
        .set_credentials(alice.now, ACCOUNT, Credentials::new(Password::plain("right")))
        .expect("known");
    alice.pump();
    challenge(&mut alice, &again, 407, &[row("pbx", "MD5", "b")]);
    alice.next_request("ACK");
    assert_eq!(digests(&alice.next_request("INVITE")), ["pbx b 1"]);
}

#[test]
fn credentials_that_are_set_during_a_replacement_are_those_of_the_replacement() {
    let mut alice = registered(settings(&[]), "old");
    let mut other = Account::new("sip:alice@example.com", None, "ws://second.test").expect("known");
    other.register = true;
    alice.phone.replace_account(alice.now, ACCOUNT, other).expect("known");
    alice
        .phone
        .set_credentials(alice.now, ACCOUNT, Credentials::new(Password::plain("right")))
        .expect("known");
    alice.pump();
    let un = alice.next_request("REGISTER");
    alice.receive_bytes(registrar(&un, None));
    alice.connect();
    let register = alice.next_request("REGISTER");
    challenge(&mut alice, &register, 401, &[row("new", "MD5", "b")]);
    assert_eq!(digests(&alice.next_request("REGISTER")), ["new b 1"]);
}

/// The digest for the server that challenged with 401 is not for the target of its redirection, which may be in another domain.
#[test]
fn a_redirection_leaves_the_credentials_for_the_callee() {
    let mut config = settings(&[]);
    config.redirect_policy = RedirectPolicy::Follow;
    let mut alice = registered(config, "pbx");
    let (_, invite) = dial(&mut alice);
    challenge(&mut alice, &invite, 401, &[row("pbx", "MD5", "a")]);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    let mut b = Builder::reply(&again, 302, "Moved", Some(b"first"));
    b.header(HeaderName::Contact, "<sip:x@evil.example>");
    alice.receive_bytes(b.finish());
    alice.next_request("ACK");
    assert_eq!(digests(&alice.next_request("INVITE")), [""; 0]);
}

/// RFC 3261 §13.2.2.4: an ACK has the credentials of its INVITE, not those of a later one.
#[test]
fn the_ack_of_an_earlier_invite_has_no_later_credentials() {
    let mut alice = TestPhone::new(settings(&["pbx"]), 1);
    let (id, invite) = dial(&mut alice);
    let accepted = response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv)));
    alice.receive_bytes(accepted.clone());
    alice.next_request("ACK");
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let hold = alice.next_request("INVITE");
    challenge(&mut alice, &hold, 407, &[row("pbx", "MD5", "a")]);
    alice.next_request("ACK");
    assert_eq!(digests(&alice.next_request("INVITE")), ["pbx a 1"]);
    alice.receive_bytes(accepted);
    assert_eq!(digests(&alice.next_request("ACK")), [""; 0]);
}
