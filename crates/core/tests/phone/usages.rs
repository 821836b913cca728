//! The usages of a dialog: the session, and the subscription of a REFER (RFC 5057).

use offhook::{DtmfPath, RenegotiateBy, SessionId, Status};
use offhook_testkit::peer::{in_call, response};
use offhook_testkit::{ScriptedPeer, TestPhone, config};
use offhook_wire::Message;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// The codes that end the dialog (RFC 5057 §5.1).
const DIALOG: [u16; 9] = [404, 410, 416, 482, 483, 484, 485, 502, 604];
/// Those that end the usage of the request.
const USAGE: [u16; 6] = [405, 408, 480, 481, 489, 501];
/// Those that end the transaction only.
const TRANSACTION: [u16; 12] = [400, 402, 403, 406, 413, 415, 420, 486, 487, 488, 503, 603];

fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

/// A request of Alice's session, and the call.
fn sent(method: &str) -> (TestPhone, SessionId, Message) {
    let mut config = config("alice", "ws://pbx.test");
    if method == "UPDATE" {
        config.renegotiate_by = RenegotiateBy::Update;
    }
    let mut alice = TestPhone::new(config, 1);
    let (id, peer) = in_call(&mut alice);
    let now = alice.now;
    match method {
        "INVITE" => alice.phone.hold(now, id).expect("established"),
        "UPDATE" => {
            alice.receive(&peer.request("UPDATE", 4, "Allow: INVITE, UPDATE\n", ""));
            alice.next_response(200);
            alice.phone.hold(now, id).expect("established");
        }
        "INFO" => alice.phone.digits(now, id, "5", SECOND / 10, DtmfPath::Info).expect("established"),
        "REFER" => alice.phone.transfer(now, id, "carol").expect("established"),
        _ => unreachable!(),
    }
    alice.pump();
    let request = alice.next_request(method);
    (alice, id, request)
}

/// Whether this response to such a request ends the call.
fn ends_call(method: &str, code: u16) -> bool {
    let (mut alice, id, request) = sent(method);
    alice.receive_bytes(response(&request, code, "bob", None));
    let ended = alice.phone.status(id) != Some(Status::Established);
    if ended {
        let bye = std::iter::from_fn(|| (!alice.sent.is_empty()).then(|| alice.next_message()));
        let bye = bye.filter(|message| message.method() == Some(offhook_wire::Method::Bye)).last();
        alice.receive_bytes(response(&bye.expect("a BYE"), 200, "bob", None));
        assert_eq!(alice.ended(id).code, Some(code), "{method}");
    }
    ended
}

#[test]
fn a_response_that_ends_the_dialog_ends_the_call() {
    for method in ["INVITE", "UPDATE", "INFO"] {
        for code in DIALOG.into_iter().chain([408, 481]) {
            assert!(ends_call(method, code), "{code} to {method}");
        }
    }
    for code in [482, 483, 502, 408, 481] {
        assert!(ends_call("REFER", code), "{code} to REFER");
    }
}

#[test]
fn other_responses_end_the_transaction_only() {
    for method in ["INVITE", "UPDATE", "INFO", "REFER"] {
        for code in TRANSACTION.into_iter().chain([405, 480, 489, 501]) {
            assert!(!ends_call(method, code), "{code} to {method}");
        }
    }
    // They may be about the Refer-To.
    for code in [404, 410, 416, 484, 485, 604] {
        assert!(!ends_call("REFER", code), "{code} to REFER");
    }
}

/// A REFER of Bob, accepted and followed: the call, the NOTIFY of the 100, and the INVITE to Carol.
fn referred(alice: &mut TestPhone) -> (SessionId, ScriptedPeer, Message, Message) {
    let (id, peer) = in_call(alice);
    alice.receive(&peer.request("REFER", 5, "Refer-To: <sip:carol@example.com>\n", ""));
    alice.next_response(202);
    let notify = alice.next_request("NOTIFY");
    let invite = alice.next_request("INVITE");
    (id, peer, notify, invite)
}

/// Carol's phone rings. Returns whether Bob is notified.
fn notifies(alice: &mut TestPhone, invite: &Message) -> bool {
    alice.receive_bytes(response(invite, 180, "carol", None));
    alice.sent.iter().any(|sent| sent.starts_with(b"NOTIFY"))
}

#[test]
fn a_refused_notify_ends_its_subscription_or_the_dialog() {
    let sends = |code| {
        let mut alice = alice();
        let (id, _, notify, invite) = referred(&mut alice);
        alice.receive_bytes(response(&notify, code, "bob", None));
        let lives = alice.phone.status(id) == Some(Status::Established);
        assert_eq!(alice.sent.iter().any(|sent| sent.starts_with(b"BYE")), !lives, "{code}");
        (lives, notifies(&mut alice, &invite))
    };
    for code in DIALOG {
        assert_eq!(sends(code), (false, false), "{code} ends the dialog");
    }
    for code in USAGE.into_iter().filter(|code| *code != 408) {
        assert_eq!(sends(code), (true, false), "{code} ends the subscription");
    }
    // Like a time-out: the outcome of the transfer is still reported.
    assert_eq!(sends(408), (true, true));
    for code in TRANSACTION {
        assert_eq!(sends(code), (true, true), "{code} ends the transaction");
    }
}

/// RFC 5057 §5.3: a NOTIFY of no subscription is refused, and the session goes on.
#[test]
fn a_notify_of_no_subscription_leaves_the_call() {
    let mut alice = alice();
    let (id, peer) = in_call(&mut alice);
    let extra = "Event: refer\nSubscription-State: active\n";
    alice.receive(&peer.request("NOTIFY", 10, extra, "SIP/2.0 200 OK\n"));
    alice.next_response(481);
    assert_eq!((alice.sent.len(), alice.phone.status(id)), (0, Some(Status::Established)));
    alice.receive(&peer.request("BYE", 11, "", ""));
    alice.next_response(200);
    for method in ["INVITE", "UPDATE", "NOTIFY"] {
        alice.receive(&peer.request(method, 12, extra, ""));
        if method == "INVITE" {
            alice.next_response(100);
        }
        alice.next_response(481);
    }
}
