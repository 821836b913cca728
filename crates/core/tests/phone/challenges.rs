//! Challenges within calls (RFC 3261 §22), checked with the server side of digest authentication.

use bytes::Bytes;
use offhook::{
    CallEvent, Cause, Config, Dial, Direction, EndedBy, Event, Password, Secret, SessionId, Status,
    TransferState,
};
use offhook_testkit::peer::response;
use offhook_testkit::{ScriptedPeer, TestPhone, config, sdp};
use offhook_wire::digest::server::{Authority, Verdict};
use offhook_wire::digest::{Algorithm, Credentials};
use offhook_wire::{Builder, HeaderName, Message, Method};

fn password(text: &str) -> Password {
    Password::Plain(Secret::new(text))
}

fn with_password(text: &str) -> Config {
    let mut config = config("alice", "ws://pbx.test");
    config.accounts[0].password = Some(password(text));
    // An account that does not register learns no realm.
    config.accounts[0].realms = vec!["example.com".to_owned()];
    config
}

struct Server {
    authority: Authority,
    salt: u64,
}

impl Server {
    fn new() -> Self {
        let authority = Authority::new("example.com", [7; 32]).expect("a realm");
        Self { authority: authority.algorithms(&[Algorithm::Md5, Algorithm::Sha256]), salt: 0 }
    }

    fn challenge(&mut self, alice: &mut TestPhone, request: &Message, code: u16, stale: bool) {
        self.salt += 1;
        let name = if code == 407 { HeaderName::ProxyAuthenticate } else { HeaderName::WwwAuthenticate };
        let mut b = Builder::reply(request, code, offhook_wire::reason_phrase(code), Some(b"pbx"));
        for row in self.authority.challenge(alice.now, stale, self.salt) {
            b.header(name, row);
        }
        alice.receive_bytes(b.finish());
    }

    fn judge(&mut self, alice: &TestPhone, request: &Message, header: HeaderName) -> Verdict {
        let value = request.header(header).expect("credentials");
        let credentials = Credentials::parse(value).expect("readable");
        assert_eq!(credentials.algorithm, Algorithm::Sha256, "the strongest that was offered");
        let (method, uri) = (request.method().expect("a request"), request.request_uri().expect("a request"));
        self.authority.verify(alice.now, &credentials, &password("secret"), method, uri, request.body_bytes())
    }
}

fn call(alice: &mut TestPhone) -> (SessionId, Message) {
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    (id, invite)
}

fn answer(request: &Message) -> Bytes {
    response(request, 200, "bob", Some(&sdp(Direction::SendRecv)))
}

#[test]
fn a_challenged_invite_is_retried_with_credentials_that_its_ack_has_too() {
    let (mut alice, mut server) = (TestPhone::new(with_password("secret"), 1), Server::new());
    let (id, invite) = call(&mut alice);
    server.challenge(&mut alice, &invite, 407, false);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    assert_eq!(server.judge(&alice, &again, HeaderName::ProxyAuthorization), Verdict::Good);
    assert_eq!(again.call_id().expect("read"), invite.call_id().expect("read"));
    assert_eq!(again.cseq().expect("read").number, 2);
    alice.receive_bytes(answer(&again));
    let ack = alice.next_request("ACK");
    assert_eq!(ack.cseq().expect("read").number, 2);
    assert_eq!(
        ack.header(HeaderName::ProxyAuthorization),
        again.header(HeaderName::ProxyAuthorization),
        "RFC 3261 §13.2.2.4"
    );
    assert_eq!(alice.phone.status(id), Some(Status::Established));
    // Every request of the call can be challenged: here the BYE, by the peer.
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    let bye = alice.next_request("BYE");
    server.challenge(&mut alice, &bye, 401, false);
    let again = alice.next_request("BYE");
    assert_eq!(server.judge(&alice, &again, HeaderName::Authorization), Verdict::Good);
    assert_eq!(alice.phone.status(id), Some(Status::Terminating));
    alice.receive_bytes(response(&again, 200, "bob", None));
    assert_eq!(alice.ended(id).cause, Cause::HungUp);
}

#[test]
fn a_wrong_password_is_tried_once() {
    let (mut alice, mut server) = (TestPhone::new(with_password("wrong"), 1), Server::new());
    let (id, invite) = call(&mut alice);
    server.challenge(&mut alice, &invite, 407, false);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    assert_eq!(server.judge(&alice, &again, HeaderName::ProxyAuthorization), Verdict::Wrong);
    server.challenge(&mut alice, &again, 407, false);
    alice.next_request("ACK");
    assert_eq!(alice.sent.len(), 0, "no storm");
    let why = alice.ended(id);
    assert_eq!((why.by, why.cause, why.code), (EndedBy::Peer, Cause::Unauthorized, Some(407)));
    let told = format!("{:?} {:?}", alice.events, alice.phone.trace().collect::<Vec<_>>());
    assert!(!told.contains("wrong") && !told.contains("response="));
}

#[test]
fn a_challenge_without_a_password_ends_the_call() {
    let (mut alice, mut server) = (TestPhone::new(config("alice", "ws://pbx.test"), 1), Server::new());
    let (id, invite) = call(&mut alice);
    server.challenge(&mut alice, &invite, 401, false);
    alice.next_request("ACK");
    assert_eq!((alice.sent.len(), alice.ended(id).cause), (0, Cause::Unauthorized));
}

#[test]
fn stale_nonces_are_retried_a_bounded_number_of_times() {
    let (mut alice, mut server) = (TestPhone::new(with_password("secret"), 1), Server::new());
    let (id, mut invite) = call(&mut alice);
    let mut sent = 1;
    while alice.phone.status(id).is_some() {
        server.challenge(&mut alice, &invite, 407, true);
        alice.next_request("ACK");
        if !alice.sent.is_empty() {
            invite = alice.next_request("INVITE");
            sent += 1;
        }
        assert!(sent < 10, "a storm");
    }
    assert_eq!(alice.ended(id).cause, Cause::Unauthorized);
}

#[test]
fn a_caller_can_hang_up_between_challenge_and_retry() {
    let (mut alice, mut server) = (TestPhone::new(with_password("secret"), 1), Server::new());
    let (id, invite) = call(&mut alice);
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    server.challenge(&mut alice, &invite, 407, false);
    alice.next_request("ACK");
    assert_eq!((alice.sent.len(), alice.ended(id).cause), (0, Cause::Cancelled));
}

/// RFC 3261 §22.2: credentials are sent once for each challenge, also within a dialog.
#[test]
fn a_wrong_password_is_tried_once_within_a_dialog() {
    let (mut alice, mut server) = (TestPhone::new(with_password("wrong"), 1), Server::new());
    let (id, invite) = call(&mut alice);
    alice.receive_bytes(answer(&invite));
    alice.next_request("ACK");
    alice.phone.transfer(alice.now, id, "carol").expect("established");
    alice.pump();
    for _ in 0..2 {
        let refer = alice.next_request("REFER");
        server.challenge(&mut alice, &refer, 401, false);
    }
    assert_eq!(alice.sent.len(), 0, "no storm");
    let failed = TransferState::Failed { code: Some(401) };
    assert!(alice.events.contains(&Event::Call { session: id, event: CallEvent::Transfer(failed) }));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}

#[test]
fn a_challenged_reinvite_and_refer_have_one_outcome() {
    let (mut alice, mut server) = (TestPhone::new(with_password("secret"), 1), Server::new());
    let (id, invite) = call(&mut alice);
    alice.receive_bytes(answer(&invite));
    let peer = ScriptedPeer::of_request(&alice.next_request("ACK"));
    alice.phone.hold(alice.now, id).expect("established");
    alice.pump();
    let hold = alice.next_request("INVITE");
    server.challenge(&mut alice, &hold, 401, false);
    alice.next_request("ACK");
    let again = alice.next_request("INVITE");
    assert_eq!(server.judge(&alice, &again, HeaderName::Authorization), Verdict::Good);
    alice.receive_bytes(response(&again, 200, "bob", Some(&sdp(Direction::RecvOnly))));
    let acked = alice.next_request("ACK");
    assert_eq!(acked.header(HeaderName::Authorization), again.header(HeaderName::Authorization));
    let holds = alice
        .events
        .iter()
        .filter(|e| matches!(e, Event::Call { event: CallEvent::Hold { local: true, .. }, .. }))
        .count();
    assert_eq!(holds, 1);
    alice.phone.transfer(alice.now, id, "carol").expect("established");
    alice.pump();
    let refer = alice.next_request("REFER");
    server.challenge(&mut alice, &refer, 401, false);
    let again = alice.next_request("REFER");
    assert_eq!(server.judge(&alice, &again, HeaderName::Authorization), Verdict::Good);
    alice.receive_bytes(response(&again, 202, "bob", None));
    // The `id` of the subscription is the CSeq of the accepted REFER.
    let name = again.cseq().expect("read").number;
    let extra =
        format!("Event: refer;id={name}\nSubscription-State: terminated\nContent-Type: message/sipfrag\n");
    alice.receive(&peer.request("NOTIFY", 9, &extra, "SIP/2.0 404 Not Found\n"));
    assert_eq!(alice.next_message().method(), None::<Method<'_>>, "a response");
    let failed = TransferState::Failed { code: Some(404) };
    assert!(alice.events.contains(&Event::Call { session: id, event: CallEvent::Transfer(failed) }));
    assert_eq!(alice.phone.status(id), Some(Status::Established));
}
