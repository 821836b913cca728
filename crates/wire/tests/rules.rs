//! One message for each rule, read from `messages/`. A rule that only one layer can see is shown at that layer.

#![allow(clippy::disallowed_methods, reason = "a test may read its samples from files")]

use bytes::Bytes;
use offhook_wire::{
    Contact, Fault, FaultKind, HeaderError, HeaderName, Limits, Message, Method, Scheme, SyntaxKind, Uri,
};

fn read(name: &str) -> Result<Message, Fault> {
    let path = format!("{}/tests/messages/{name}.sip", env!("CARGO_MANIFEST_DIR"));
    let data = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    Message::parse(Bytes::from(data), &Limits::default())
}

/// A message that parses and means something.
fn good(name: &str) -> Message {
    let mut message = read(name).unwrap_or_else(|fault| panic!("{name}: {fault}"));
    message.check().unwrap_or_else(|fault| panic!("{name}: {fault}"));
    message
}

fn parse_fault(name: &str) -> FaultKind {
    read(name).map(|_| ()).expect_err(name).kind
}

fn check_fault(name: &str) -> FaultKind {
    read(name).unwrap_or_else(|fault| panic!("{name}: {fault}")).check().expect_err(name).kind
}

/// The header and the reason, when `check` stumbled over one header.
fn header_fault(name: &str) -> (HeaderName, SyntaxKind) {
    match check_fault(name) {
        FaultKind::Header(HeaderError { header, kind, .. }) => (header, kind),
        other => panic!("{name}: {other}"),
    }
}

fn branches(message: &Message) -> Vec<&[u8]> {
    message.vias().map(|via| via.unwrap().branch().unwrap()).collect()
}

#[test]
fn folding() {
    let message = good("folding");
    assert_eq!(branches(&message), [b"z9hG4bK776"]);
    assert_eq!(message.via().unwrap().host, b"client.example.com");
    assert_eq!(message.from().unwrap().tag(), Some(&b"1928"[..]));
    assert_eq!(message.to().unwrap().uri, b"sip:bob@example.com");
    assert_eq!(message.cseq().unwrap().method, Method::Options);
    let subject = message.header(HeaderName::Subject).unwrap();
    assert_eq!(subject, b"I know you're there,\r\n pick up the phone\r\n and answer!");
    assert_eq!(message.headers().count(), 7);
}

#[test]
fn compact_names() {
    let message = good("compact_names");
    assert!(message.headers().all(|row| row.name != HeaderName::Other));
    assert_eq!(message.call_id(), Ok(&b"a84b4c76e66710"[..]));
    assert_eq!(message.session_expires().unwrap().unwrap().0, 1800);
    assert_eq!(message.event().unwrap().unwrap().package, b"presence");
    assert_eq!(message.refer_to().unwrap().unwrap().uri, b"sip:carol@example.com");
    assert_eq!(message.referred_by().unwrap().unwrap().uri, b"sip:alice@example.com");
    assert!(message.has_token(HeaderName::Supported, "100rel"));
    assert!(message.has_content_type("text/plain"));
    assert_eq!(message.body_bytes(), b"hi");
}

#[test]
fn ipv6_literals() {
    let message = good("ipv6_literals");
    let uri = Uri::parse(message.request_uri().unwrap()).unwrap();
    assert_eq!((uri.host, uri.port), (&b"[2001:db8::10]"[..], Some(5070)));
    let via = message.via().unwrap();
    assert_eq!((via.host, via.port), (&b"[2001:db8::9:1]"[..], Some(5061)));
    assert_eq!(via.received(), Some(&b"2001:db8::9:255"[..]));
    assert_eq!(message.from().unwrap().uri_parsed().unwrap().host, b"[::ffff:192.0.2.10]");
    assert_eq!(message.contact().unwrap().unwrap().uri_parsed().unwrap().host, b"[2001:db8::9:1]");
    assert_eq!(check_fault("ipv6_unclosed"), FaultKind::RequestUri);
    assert_eq!(check_fault("ipv6_without_brackets"), FaultKind::RequestUri);
    // RFC 5118 §4.5: the grammar of RFC 3261 once allowed it, so peers send it.
    let message = good("ipv6_three_colons");
    assert_eq!(message.via().unwrap().received(), Some(&b"[2001:db8:::192.0.2.1]"[..]));
}

#[test]
fn tag_in_a_quoted_string_is_ignored() {
    let message = good("tag_in_quoted_string");
    assert_eq!(message.from().unwrap().tag(), Some(&b"true"[..]));
}

#[test]
fn escaped_quotes() {
    let message = good("escaped_quotes");
    assert_eq!(message.from().unwrap().display_name().unwrap(), r#"Alice "the \ cat" L."#);
}

#[test]
fn white_space_around_a_tag() {
    let message = good("white_space_around_tag");
    assert_eq!(message.from().unwrap().tag(), Some(&b"1928"[..]));
    assert_eq!(message.from().unwrap().display_name().unwrap(), "Alice");
}

#[test]
fn values_joined_by_commas() {
    let message = good("comma_joined");
    assert_eq!(branches(&message), [b"z9hG4bK2", b"z9hG4bK1"]);
    let contacts: Vec<_> = message
        .contacts()
        .map(|contact| match contact.unwrap() {
            Contact::Address(address) => address.uri,
            Contact::All => b"*",
        })
        .collect();
    assert_eq!(
        contacts,
        [
            &b"sip:alice,x@192.0.2.1"[..],
            b"sip:alice@192.0.2.2",
            b"sip:alice@192.0.2.3",
            b"sip:alice@192.0.2.4"
        ]
    );
    assert_eq!(message.contact().unwrap().unwrap().display_name().unwrap(), "Liddell, Alice");
}

#[test]
fn all_bindings() {
    let message = good("star_contact");
    assert_eq!(message.contacts().collect::<Vec<_>>(), [Ok(Contact::All)]);
    assert_eq!((message.contact(), message.expires()), (Ok(None), Ok(Some(0))));
}

#[test]
fn content_length_delimits_the_body() {
    assert_eq!(good("content_length_cuts_the_rest").body_bytes(), b"body");
    assert_eq!(good("content_length_twice_the_same").body_bytes(), b"body");
    assert_eq!(good("content_length_space_before_colon").body_bytes(), b"body");
    assert_eq!(good("content_length_missing").body_bytes(), b"the rest is the body");
    assert_eq!(parse_fault("content_length_too_long"), FaultKind::BodyTruncated);
    assert_eq!(parse_fault("content_length_twice"), FaultKind::ContentLengthConflict);
    assert_eq!(parse_fault("content_length_negative"), FaultKind::ContentLength);
    assert_eq!(parse_fault("truncated_head"), FaultKind::HeadTruncated);
}

#[test]
fn non_utf8_bytes() {
    let message = good("latin1_header");
    assert_eq!(message.from().unwrap().display_name().unwrap(), "J\u{fffd}rgen");
    assert_eq!(message.from().unwrap().tag(), Some(&b"1928"[..]));
    assert_eq!(message.header(HeaderName::Subject), Some(&b"caf\xe9"[..]));
    assert_eq!(good("binary_body").body_bytes(), b"\x00\xff\r\n\r\n\x00\x80");
}

#[test]
fn unknown_headers_are_kept() {
    let message = good("unknown_method");
    assert_eq!(message.method(), Some(Method::Other(b"!strange-Method_*+`.%'~")));
    assert_eq!(good("lower_case_method").method(), Some(Method::Other(b"options")));
    assert_eq!(good("unknown_transport").via().unwrap().transport, b"PIGEON");
    let message = good("unknown_scheme");
    assert_eq!(Uri::parse(message.request_uri().unwrap()).unwrap().scheme, Scheme::Other(b"soap.beep"));
    assert_eq!(message.to().unwrap().uri, b"isbn:2983792873");
    let message = good("escaped_header_name");
    assert_eq!(message.contacts().count(), 0);
    assert_eq!(message.named("c%6fntact"), Some(&b"<sip:alias2@host2.example.com>"[..]));
}

#[test]
fn malformed_lines() {
    assert_eq!(parse_fault("header_name_with_space_inside"), FaultKind::HeaderName);
    assert_eq!(parse_fault("header_without_colon"), FaultKind::HeaderName);
    assert_eq!(parse_fault("header_without_name"), FaultKind::HeaderName);
    assert_eq!(parse_fault("lone_line_feed"), FaultKind::ControlCharacter);
    assert_eq!(parse_fault("lone_carriage_return"), FaultKind::ControlCharacter);
    assert_eq!(parse_fault("nul_in_header"), FaultKind::ControlCharacter);
    assert_eq!(good("nul_in_quoted_pair").header(HeaderName::Subject), Some(&b"\"\\\0\""[..]));
}

#[test]
fn malformed_start_lines() {
    for name in
        ["request_line_two_spaces", "request_line_trailing_space", "status_too_large", "status_two_digits"]
    {
        assert_eq!(parse_fault(name), FaultKind::StartLine, "{name}");
    }
}

#[test]
fn reason_phrases() {
    assert_eq!(good("reason_phrase_empty").reason(), b"");
    assert_eq!(good("reason_phrase_missing").status(), Some(200));
    assert!(std::str::from_utf8(good("reason_phrase_utf8").reason()).unwrap().ends_with("простое"));
}

#[test]
fn meaning() {
    assert_eq!(check_fault("version_seven"), FaultKind::Version);
    assert_eq!(check_fault("request_uri_in_brackets"), FaultKind::RequestUri);
    assert_eq!(check_fault("request_uri_with_headers"), FaultKind::RequestUri);
    assert_eq!(check_fault("missing_call_id"), FaultKind::Missing(HeaderName::CallId));
    assert_eq!(check_fault("repeated_from"), FaultKind::Repeated(HeaderName::From));
    assert_eq!(check_fault("cseq_of_another_method"), FaultKind::MethodMismatch);
}

#[test]
fn mandatory_headers_are_checked() {
    assert_eq!(header_fault("cseq_from_two_to_the_31"), (HeaderName::CSeq, SyntaxKind::OutOfRange));
    assert_eq!(header_fault("max_forwards_above_255"), (HeaderName::MaxForwards, SyntaxKind::OutOfRange));
    assert_eq!(header_fault("unbalanced_quote"), (HeaderName::To, SyntaxKind::Quote));
    assert_eq!(header_fault("comma_in_unquoted_name"), (HeaderName::To, SyntaxKind::Uri));
    assert_eq!(header_fault("space_in_brackets"), (HeaderName::To, SyntaxKind::Uri));
    assert_eq!(header_fault("empty_parameters"), (HeaderName::Via, SyntaxKind::Unexpected));
}

#[test]
fn other_headers_are_checked_on_demand() {
    assert_eq!(good("date_not_gmt").date().unwrap_err().kind, SyntaxKind::Unexpected);
    assert_eq!(good("retry_after_too_large").retry_after().unwrap_err().kind, SyntaxKind::OutOfRange);
    assert_eq!(good("contact_bare_with_headers").contact().unwrap_err().kind, SyntaxKind::Uri);
}

/// A message that no test names would show nothing.
#[test]
fn all_messages_are_tested() {
    let folder = format!("{}/tests/messages", env!("CARGO_MANIFEST_DIR"));
    let tests = include_str!("rules.rs");
    for entry in std::fs::read_dir(folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(tests.contains(&format!("\"{}\"", name.trim_end_matches(".sip"))), "{name}");
    }
}
