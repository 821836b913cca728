//! rsip as an oracle: both parsers must agree on messages that rsip is known to read correctly.
//!
//! The subset: CRLF, UTF-8, no folding, full header names, no space before the colon, sip and sips without IPv6, `%`, `;` or `.` in the
//! user part, known methods and transports, no quoted pairs nor brackets in quotes, one value a Contact, one Content-Length equal to the body. Beyond it
//! rsip is wrong more often than not, and no judge.

use bytes::Bytes;
use offhook_wire::{HeaderName, Limits, Message};
use proptest::prelude::*;
use rsip::headers::{ToTypedHeader, UntypedHeader};
use rsip::message::HeadersExt;
use rsip::{Header, SipMessage};

const METHODS: [&str; 14] = [
    "INVITE",
    "ACK",
    "BYE",
    "CANCEL",
    "REGISTER",
    "OPTIONS",
    "INFO",
    "MESSAGE",
    "REFER",
    "NOTIFY",
    "SUBSCRIBE",
    "PUBLISH",
    "PRACK",
    "UPDATE",
];

fn method() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&METHODS[..])
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}\\.(example|invalid)", "(10|192)\\.[0-9]{1,2}\\.[0-9]{1,2}\\.[1-9]"]
}

fn uri() -> impl Strategy<Value = String> {
    let user = prop::option::of("[a-zA-Z0-9_!~*'()&=+$,-]{1,10}");
    let params = prop_oneof![Just(""), Just(";transport=WS"), Just(";lr"), Just(";x-own=1")];
    (any::<bool>(), user, host(), prop::option::of(1u16..), params).prop_map(
        |(sips, user, host, port, params)| {
            let scheme = if sips { "sips" } else { "sip" };
            let user = user.map(|user| format!("{user}@")).unwrap_or_default();
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            format!("{scheme}:{user}{host}{port}{params}")
        },
    )
}

/// With brackets, with or without a tag, and with optional parts around it.
fn address(tag: impl Strategy<Value = Option<String>>) -> impl Strategy<Value = String> {
    let name = prop_oneof![Just(String::new()), "[A-Z][a-z]{0,6} ", "\"[a-zA-Z \u{e9},;=]{1,9}\" "];
    (name, uri(), tag).prop_map(|(name, uri, tag)| {
        let tag = tag.map(|tag| format!(";tag={tag}")).unwrap_or_default();
        format!("{name}<{uri}>{tag}")
    })
}

fn via() -> impl Strategy<Value = String> {
    let transport = prop::sample::select(&["UDP", "TCP", "TLS", "WS", "WSS", "SCTP"][..]);
    let more =
        prop_oneof![Just(""), Just(";rport"), Just(";received=192.0.2.1"), Just(";ttl=1"), Just(";x=y")];
    (transport, host(), prop::option::of(1u16..), "[a-zA-Z0-9]{1,16}", more, any::<bool>()).prop_map(
        |(transport, host, port, branch, more, last)| {
            let port = port.map(|port| format!(":{port}")).unwrap_or_default();
            let branch = format!(";branch=z9hG4bK{branch}");
            let params = if last { format!("{more}{branch}") } else { format!("{branch}{more}") };
            format!("SIP/2.0/{transport} {host}{port}{params}")
        },
    )
}

fn extra() -> impl Strategy<Value = String> {
    prop_oneof![
        "Max-Forwards: [1-9][0-9]",
        "User-Agent: [A-Za-z/]{1,9}( [0-9.]{1,5})?",
        "Subject: [A-Za-z0-9;,<>\"= ]{0,9}x",
        "Supported: (path|outbound|100rel)(, timer)?",
        "Allow: INVITE, ACK",
        "Expires: [0-9]{1,5}",
        "Content-Type: application/sdp",
        "X-[A-Z][a-z]{1,8}: [ -~]{0,12}x",
        "Route: <sip:p[0-9]\\.example;lr>",
        "Session-Expires: 1800;refresher=uac",
    ]
}

fn message() -> impl Strategy<Value = String> {
    let start = prop_oneof![
        (method(), uri()).prop_map(|(method, uri)| (format!("{method} {uri} SIP/2.0"), method)),
        (method(), 100u16..700, "[A-Z][a-z]{0,5}( [a-z]{1,5})?")
            .prop_map(|(method, status, phrase)| (format!("SIP/2.0 {status} {phrase}"), method)),
    ];
    let tag = || prop::option::of("[a-zA-Z0-9.-]{1,12}");
    let contact = prop::option::of(address(Just(None)));
    let vias = prop::collection::vec(via(), 1..4);
    let extras = prop::collection::vec(extra(), 0..6);
    let call_id = "[a-zA-Z0-9.-]{1,16}(@[a-z.]{1,9})?";
    let rest = (call_id, 0u32..0x8000_0000, contact, extras, "[ -~\r\n\u{e9}]{0,60}");
    (start, vias, address(tag()), address(tag()), rest, any::<prop::sample::Index>()).prop_map(
        |((start, method), vias, from, to, (call_id, cseq, contact, extras, body), turn)| {
            let mut rows: Vec<_> = vias.into_iter().map(|via| format!("Via: {via}")).collect();
            rows.push(format!("From: {from}"));
            rows.push(format!("To: {to}"));
            rows.push(format!("Call-ID: {call_id}"));
            rows.push(format!("CSeq: {cseq} {method}"));
            rows.extend(contact.map(|contact| format!("Contact: {contact}")));
            rows.extend(extras);
            rows.push(format!("Content-Length: {}", body.len()));
            // Headers may be in any order.
            let turn = turn.index(rows.len());
            rows.rotate_left(turn);
            format!("{start}\r\n{}\r\n\r\n{body}", rows.join("\r\n"))
        },
    )
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the subset is UTF-8")
}

/// The headers in order, each as `Name: value`.
fn listed(message: &Message) -> Vec<String> {
    let name = |row: &offhook_wire::Row<'_>| match row.name {
        HeaderName::Other => text(row.raw_name),
        name => name.canonical().to_owned(),
    };
    message.headers().map(|row| format!("{}: {}", name(&row), text(row.value))).collect()
}

fn compare(ours: &Message, theirs: &SipMessage) {
    assert_eq!(ours.is_request(), theirs.is_request());
    match theirs {
        SipMessage::Request(request) => {
            assert_eq!(text(ours.method().unwrap().as_bytes()), request.method.to_string());
            assert_eq!(text(ours.request_uri().unwrap()), request.uri.to_string());
        }
        SipMessage::Response(response) => assert_eq!(ours.status(), Some(response.status_code.code())),
    }
    assert_eq!(ours.body_bytes(), theirs.body().as_slice());
    let headers = match theirs {
        SipMessage::Request(request) => &request.headers,
        SipMessage::Response(response) => &response.headers,
    };
    assert_eq!(listed(ours), headers.iter().map(Header::to_string).collect::<Vec<_>>());

    let via = theirs.via_header().unwrap().typed().unwrap();
    assert_eq!(ours.via().unwrap().branch().map(text), via.branch().map(|branch| branch.value().to_owned()));
    assert_eq!(text(ours.via().unwrap().host), via.uri.host_with_port.host.to_string());
    let branches: Vec<_> = ours.vias().map(|via| text(via.unwrap().branch().unwrap())).collect();
    let vias = headers.iter().filter_map(|header| match header {
        Header::Via(via) => Some(via.typed().unwrap().branch().unwrap().value().to_owned()),
        _ => None,
    });
    assert_eq!(branches, vias.collect::<Vec<_>>());

    let from = theirs.from_header().unwrap().typed().unwrap();
    assert_eq!(ours.from().unwrap().tag().map(text), from.tag().map(|tag| tag.value().to_owned()));
    assert_eq!(text(ours.from().unwrap().uri), from.uri.to_string());
    let to = theirs.to_header().unwrap().typed().unwrap();
    assert_eq!(ours.to().unwrap().tag().map(text), to.tag().map(|tag| tag.value().to_owned()));
    assert_eq!(text(ours.call_id().unwrap()), theirs.call_id_header().unwrap().value());
    let cseq = theirs.cseq_header().unwrap().typed().unwrap();
    assert_eq!(ours.cseq().unwrap().number, cseq.seq);
    assert_eq!(text(ours.cseq().unwrap().method.as_bytes()), cseq.method.to_string());

    let contact = theirs
        .contact_header()
        .ok()
        .map(|contact| contact.typed().unwrap().uri.host_with_port.host.to_string());
    let own = ours.contact().unwrap().map(|contact| text(contact.uri_parsed().unwrap().host));
    assert_eq!(own, contact);
}

proptest! {
    /// The subset is chosen so that both must accept: an oracle that refuses judges nothing.
    #[test]
    fn parsers_agree(text in message()) {
        let ours = Message::parse(Bytes::from(text.clone()), &Limits::default()).expect("readable by offhook");
        let theirs = SipMessage::try_from(text.as_str()).expect("readable by rsip");
        compare(&ours, &theirs);
        prop_assert_eq!(ours.bytes(), text.as_bytes());
    }
}
