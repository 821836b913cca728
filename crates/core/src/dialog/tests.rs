use super::*;
use crate::testing::{Bench, message, path};
use crate::{Config, Transport};

const INVITE: &str = "INVITE sip:alice@aa.invalid SIP/2.0";
const OK: &str = "SIP/2.0 200 OK";

const LOCAL: LocalRequest<'_> =
    LocalRequest { call_id: b"call", from: b"\"Alice\" <sip:alice@a>;x=1", tag: b"a", uri: b"sip:bob@b" };

/// A message between alice, who has the tag `a`, and bob.
fn text(start: &str, routes: &[&str], to: &str) -> String {
    let routes: String = routes.iter().map(|route| format!("Record-Route: {route}\r\n")).collect();
    format!(
        "{start}\r\nVia: SIP/2.0/WS aa.invalid;branch=z9hG4bK1\r\n{routes}Max-Forwards: 70\r\n\
         From: \"Alice\" <sip:alice@a>;tag=a;x=1\r\nTo: {to}\r\nCall-ID: call\r\nCSeq: 7 INVITE\r\n\
         Contact: <sip:peer@192.0.2.9;transport=ws>\r\nContent-Length: 0\r\n\r\n"
    )
}

/// The dialog of a caller whose INVITE had CSeq 7, with the Record-Route values of the 200.
fn caller(routes: &[&str]) -> Dialog {
    let ok = message(text(OK, routes, "Bob <sip:bob@b>;tag=b"));
    Dialog::of_response(&Bench::new().config, &ok, Some(&LOCAL), 7).expect("a dialog")
}

/// The dialog of a callee with the tag `ours`.
fn callee(routes: &[&str]) -> Dialog {
    Dialog::of_request(&message(text(INVITE, routes, "Bob <sip:bob@b>")), b"ours").expect("a dialog")
}

/// A request within the dialog, as it is sent.
fn request(dialog: &Dialog) -> Message {
    let via: &[&[u8]] = &[b"SIP/2.0/WS aa.invalid", b";branch=z9hG4bK2"];
    message(dialog.request(Method::Info, 2_147_483_647, via).finish())
}

fn values(message: &Message, name: HeaderName) -> Vec<String> {
    message.rows(name).map(|value| String::from_utf8(value.to_vec()).expect("ASCII")).collect()
}

fn uri(message: &Message) -> String {
    String::from_utf8(message.request_uri().expect("a request").to_vec()).expect("ASCII")
}

/// RFC 3261 §12.2.1.1, with the state of §12.1.2.
#[test]
fn a_caller_request_has_the_route_set_reversed() {
    let request = request(&caller(&["<sip:p2;lr>", "<sip:p1;lr>"]));
    assert_eq!(uri(&request), "sip:peer@192.0.2.9;transport=ws");
    assert_eq!(values(&request, HeaderName::Route), ["<sip:p1;lr>,<sip:p2;lr>"]);
    assert_eq!(values(&request, HeaderName::From), ["\"Alice\" <sip:alice@a>;x=1;tag=a"]);
    assert_eq!(values(&request, HeaderName::To), ["Bob <sip:bob@b>;tag=b"]);
    assert_eq!(values(&request, HeaderName::CallId), ["call"]);
    assert_eq!(values(&request, HeaderName::CSeq), ["2147483647 INFO"]);
    assert_eq!(values(&request, HeaderName::Via), ["SIP/2.0/WS aa.invalid;branch=z9hG4bK2"]);
    assert_eq!(values(&request, HeaderName::MaxForwards), ["70"]);
}

/// RFC 3261 §12.2.1.1, with the state of §12.1.1.
#[test]
fn a_callee_request_has_the_route_set_in_order() {
    let request = request(&callee(&["<sip:p1;lr>", "<sip:p2;lr>"]));
    assert_eq!(uri(&request), "sip:peer@192.0.2.9;transport=ws");
    assert_eq!(values(&request, HeaderName::Route), ["<sip:p1;lr>,<sip:p2;lr>"]);
    assert_eq!(values(&request, HeaderName::From), ["Bob <sip:bob@b>;tag=ours"]);
    assert_eq!(values(&request, HeaderName::To), ["\"Alice\" <sip:alice@a>;tag=a;x=1"]);
}

#[test]
fn without_record_route_there_is_no_route() {
    for dialog in [caller(&[]), callee(&[])] {
        assert_eq!(values(&request(&dialog), HeaderName::Route), <[&str; 0]>::default());
    }
}

/// RFC 3261 §12.2.1.1: the URI of a first proxy without `lr` is the Request-URI, and the remote target the last Route value.
#[test]
fn a_strict_router_is_the_request_uri() {
    let target = "<sip:peer@192.0.2.9;transport=ws>";
    for (routes, line, left) in [
        (&["<sip:p1>"][..], "sip:p1", &[target][..]),
        (&["<sip:p1;maddr=192.0.2.1>, <sip:p2;lr>"], "sip:p1;maddr=192.0.2.1", &["<sip:p2;lr>", target]),
        (&["Proxy <sip:p1>;x=y", "<sip:p2>", "<sip:p3;lr>"], "sip:p1", &["<sip:p2>,<sip:p3;lr>", target]),
        // Only the first one counts.
        (&["<sip:p1;lr>", "<sip:p2>"], "sip:peer@192.0.2.9;transport=ws", &["<sip:p1;lr>,<sip:p2>"]),
    ] {
        let dialog = callee(routes);
        let request = request(&dialog);
        assert_eq!(uri(&request), line);
        assert_eq!(dialog.request_uri(), line.as_bytes(), "digest credentials name the same (§22.4)");
        assert_eq!(values(&request, HeaderName::Route), left);
    }
}

/// RFC 3261 §12.2.2: the Call-ID and both tags.
#[test]
fn a_request_matches_by_call_id_and_both_tags() {
    let (dialog, config) = (callee(&[]), Bench::new().config);
    assert_eq!(dialog.remote_tag(), b"a");
    let good = text(INVITE, &[], "Bob <sip:bob@b>;tag=ours");
    assert!(dialog.owns(&config, &message(good.clone())));
    for (from, to) in [
        ("Call-ID: call", "Call-ID: Call"),
        ("tag=ours", "tag=our"),
        (";tag=ours", ""),
        ("tag=a;", "tag=b;"),
        ("tag=a;", "tag=aa;"),
    ] {
        assert!(good.contains(from));
        assert!(!dialog.owns(&config, &message(good.replace(from, to))), "{to}");
    }
}

/// RFC 3261 §12.2.2: sequence numbers increase, by any amount.
#[test]
fn a_lower_remote_cseq_is_out_of_order() {
    let (mut dialog, config) = (callee(&[]), Bench::new().config);
    let mut order = |number: u32| {
        let text =
            text(INVITE, &[], "Bob <sip:bob@b>;tag=ours").replace("CSeq: 7", &format!("CSeq: {number}"));
        match dialog.order(&config, &message(text)) {
            Order::Next => "next",
            Order::Repeated => "again",
            Order::Late => "late",
        }
    };
    let seen = [7, 6, 8, 8, 7, 100, 99, 100, 101].map(&mut order);
    assert_eq!(seen, ["again", "late", "next", "again", "late", "next", "late", "again", "next"]);
    // The caller has received none: the first one is in order.
    let mut dialog = caller(&[]);
    let first = message(text(INVITE, &[], "<sip:alice@a>;tag=a").replace("CSeq: 7", "CSeq: 1"));
    assert!(matches!(dialog.order(&config, &first), Order::Next));
    assert!(matches!(dialog.order(&config, &first), Order::Repeated));
}

/// RFC 3261 §12.1.2 and §12.1.1: the caller continues from its INVITE, the callee's sequence number is empty.
#[test]
fn local_cseq_increments() {
    let (mut caller, mut callee) = (caller(&[]), callee(&[]));
    assert_eq!([caller.next_cseq(), caller.next_cseq()], [8, 9]);
    assert_eq!([callee.next_cseq(), callee.next_cseq()], [1, 2]);
}

/// RFC 3261 §12.2.1.2, §12.2.2.
#[test]
fn the_remote_target_is_the_last_contact() {
    let mut dialog = callee(&["<sip:p1;lr>"]);
    let moved = text(INVITE, &["<sip:other;lr>"], "<sip:bob@b>;tag=ours").replace("192.0.2.9", "192.0.2.10");
    dialog.refresh_target(&message(moved.clone()));
    assert_eq!(dialog.request_uri(), b"sip:peer@192.0.2.10;transport=ws");
    let silent = moved.replace("Contact: <sip:peer@192.0.2.10;transport=ws>\r\n", "").replace(INVITE, OK);
    dialog.refresh_target(&message(silent));
    assert_eq!(dialog.request_uri(), b"sip:peer@192.0.2.10;transport=ws");
    assert_eq!(values(&request(&dialog), HeaderName::Route), ["<sip:p1;lr>"], "the route set stays (§12.2)");
}

/// RFC 3261 §13.2.2.4: the ACK for a 2xx has the CSeq number and credentials of the INVITE, and a branch of its own.
#[test]
fn the_ack_for_a_2xx_has_the_credentials_of_the_invite() {
    let dialog = caller(&["<sip:p1;lr>"]);
    let credentials = vec![(HeaderName::ProxyAuthorization, "Digest x=y".to_owned())];
    for (transport, sent_by) in [(Transport::Udp, "UDP 192.0.2.1:5060"), (Transport::Ws, "WS aa.invalid")] {
        let ack = message(dialog.ack(7, &path(transport), b"branch", &credentials));
        assert_eq!(ack.method(), Some(Method::Ack));
        assert_eq!(values(&ack, HeaderName::CSeq), ["7 ACK"]);
        assert_eq!(values(&ack, HeaderName::Via), [format!("SIP/2.0/{sent_by};branch=z9hG4bKbranch")]);
        assert_eq!(values(&ack, HeaderName::Route), ["<sip:p1;lr>"]);
        assert_eq!(values(&ack, HeaderName::ProxyAuthorization), ["Digest x=y"]);
    }
}

/// RFC 3261 §12.1.2: the local values are those of the INVITE. A missing tag is the null tag; without a usable Contact the remote
/// target is the Request-URI of the INVITE.
#[test]
fn a_2xx_without_tag_or_contact_creates_a_dialog() {
    let config: &Config = &Bench::new().config;
    let with = |from: &str, to: &str| {
        let text = text(OK, &["<sip:p;lr>"], "<sip:bob@b>;tag=b");
        assert!(text.contains(from));
        message(text.replacen(from, to, 1))
    };
    let contact = "<sip:peer@192.0.2.9;transport=ws>";
    for (from, to, remote, target) in [
        ("tag=b", "tag=c", "<sip:bob@b>;tag=c", "sip:peer@192.0.2.9;transport=ws"),
        (";tag=b", "", "<sip:bob@b>", "sip:peer@192.0.2.9;transport=ws"),
        ("tag=a;", "tag=z;", "<sip:bob@b>;tag=b", "sip:peer@192.0.2.9;transport=ws"),
        ("Call-ID: call", "Call-ID: other", "<sip:bob@b>;tag=b", "sip:peer@192.0.2.9;transport=ws"),
        ("Contact:", "X:", "<sip:bob@b>;tag=b", "sip:bob@b"),
        (contact, "*", "<sip:bob@b>;tag=b", "sip:bob@b"),
        (contact, "<sip:peer@>", "<sip:bob@b>;tag=b", "sip:bob@b"),
        (contact, "<tel:+1>", "<sip:bob@b>;tag=b", "sip:bob@b"),
        (contact, "<sip:peer@c?subject=x>", "<sip:bob@b>;tag=b", "sip:bob@b"),
    ] {
        let dialog = Dialog::of_response(config, &with(from, to), Some(&LOCAL), 7).expect(to);
        let bye = request(&dialog);
        assert_eq!(bye.request_uri(), Some(target.as_bytes()), "{to}");
        assert_eq!(values(&bye, HeaderName::To), [remote], "{to}");
        assert_eq!(values(&bye, HeaderName::CallId), ["call"], "{to}");
        assert_eq!(bye.from().expect("From").tag(), Some(&b"a"[..]), "{to}");
    }
}

/// RFC 3261 §12.1.1: an INVITE without a Contact creates no dialog; its From may lack a tag.
#[test]
fn an_invite_without_a_usable_contact_creates_no_dialog() {
    let invite = text(INVITE, &["<sip:p;lr>", "<sip:p?x=y>", "nonsense"], "<sip:bob@b>");
    let callee = |text: String| Dialog::of_request(&message(text), b"ours");
    let bye = request(&callee(invite.replace("tag=a;", "")).expect("a null tag"));
    assert_eq!(bye.to().expect("To").tag(), None);
    assert_eq!(values(&bye, HeaderName::Route), ["<sip:p;lr>"], "an unusable value is left out");
    assert!(callee(invite.replace("Contact:", "X:")).is_err());
    assert!(callee(invite.replace("<sip:peer@192.0.2.9;transport=ws>", "<http://peer/>")).is_err());
}

#[test]
fn too_much_text_creates_no_dialog() {
    let config: &Config = &Bench::new().config;
    let limits = offhook_wire::Limits { message: 1 << 20, head: 1 << 20, ..offhook_wire::Limits::default() };
    let long = |n: usize| {
        let route = format!("<sip:{};lr>", "p".repeat(n));
        let ok = text(OK, &[&route], "<sip:bob@b>;tag=b");
        Dialog::of_response(config, &Message::parse(ok.into(), &limits).expect("a message"), Some(&LOCAL), 7)
    };
    assert!(long(65_000).is_ok());
    assert!(long(65_536).is_err());
}

/// A call may last for hours: its dialog stores its text, and nothing else.
#[test]
fn a_dialog_allocates_only_its_text() {
    for dialog in
        [caller(&["<sip:p1;lr>", "<sip:p2;lr>, <sip:p3;lr>"]), callee(&["<sip:p1;lr>"]), callee(&[])]
    {
        let spare = dialog.text.capacity() - dialog.text.len();
        assert!(spare <= 6, "{spare}: one byte for each header that was copied, and what separated values");
    }
}
