//! Requirements of RFC 4475 beyond a status code.

use crate::bench::Outcome;
use crate::case::{Case, named};
use crate::drive::Over;
use crate::rfc4475::cases;

fn case(name: &str) -> Case {
    named(cases(), name)
}

/// The values of all rows of this name.
fn rows<'a>(message: &'a str, name: &str) -> Vec<&'a str> {
    let head = message.split("\r\n\r\n").next().unwrap_or_default();
    let rows = head.split("\r\n").filter_map(|line| line.split_once(": "));
    rows.filter(|(other, _)| *other == name).map(|(_, value)| value).collect()
}

fn last_response(outcome: &Outcome) -> String {
    String::from_utf8_lossy(outcome.responses.last().expect("a response")).into_owned()
}

fn forwarded(name: &str) -> Vec<u8> {
    let mut outcome = case(name).run(Over::Udp);
    assert_eq!(outcome.forwarded.len(), 1, "{outcome}");
    outcome.forwarded.remove(0)
}

fn contains(message: &[u8], part: &[u8]) -> bool {
    message.windows(part.len()).any(|window| window == part)
}

/// The contacts of a user after a registration, without their expiry, by its response and by a later query.
fn contacts(message: &[u8], user: &str) -> Vec<String> {
    let mut bench = case("cparam01").bench(Over::Udp);
    let answer = last_response(&bench.send(message, user));
    let address = format!("sip:{user}@example.com");
    let fetch = format!(
        "REGISTER sip:example.com SIP/2.0\r\nVia: SIP/2.0/UDP h.invalid;branch=z9hG4bKf\r\nFrom: <{address}>;tag=f\r\n\
         To: <{address}>\r\nCall-ID: f\r\nCSeq: 1 REGISTER\r\n\r\n"
    );
    let later = last_response(&bench.send(fetch.as_bytes(), user));
    let bindings = |answer: &str| -> Vec<String> {
        let bindings = rows(answer, "Contact").into_iter();
        // The phone of each user.
        let others = bindings.filter(|binding| !binding.contains("phone.invalid"));
        others.map(|binding| binding.split(";expires=").next().unwrap().to_owned()).collect()
    };
    assert_eq!(bindings(&answer), bindings(&later));
    bindings(&answer)
}

#[test]
fn contact_parameter_is_not_a_uri_parameter() {
    let registered = contacts(&case("cparam01").message(), "watson");
    assert_eq!(registered, ["<sip:+19725552222@gw1.example.net>"]);
}

#[test]
fn uri_parameter_stays_in_the_uri() {
    let registered = contacts(&case("cparam02").message(), "watson");
    assert_eq!(registered, ["<sip:+19725552222@gw1.example.net;unknownparam>"]);
}

#[test]
fn uri_header_stays_in_the_uri() {
    let registered = contacts(&case("regescrt").message(), "user");
    assert_eq!(registered, ["<sip:user@example.com?Route=%3Csip:sip.example.com%3E>"]);
}

#[test]
fn escaped_nulls_make_two_contacts() {
    let message = String::from_utf8(case("escnull").message()).unwrap().replace("null-%00-null", "user");
    let registered = contacts(message.as_bytes(), "user");
    assert_eq!(registered, ["<sip:%00@host5.example.com>", "<sip:%00%00@host5.example.com>"]);
}

#[test]
fn unknown_headers_are_forwarded_unchanged() {
    let request = forwarded("wsinv");
    for row in [
        "NewFangledHeader:   newfangled value\r\n continued newfangled value\r\n",
        "UnknownHeaderWithUnusualValue: ;;,,;;,;\r\n",
        "s :\r\n",
    ] {
        assert!(contains(&request, row.as_bytes()), "{row}");
    }
    assert!(contains(&forwarded("intmeth"), "extensionHeader-!.%*+_`'~:\u{feff}大停電\r\n".as_bytes()));
}

#[test]
fn binary_body_is_forwarded_unchanged() {
    let message = case("mpart01").message();
    let request = forwarded("mpart01");
    let body = |message: &[u8]| message[message.len() - 553..].to_vec();
    assert!(body(&message).starts_with(b"--7a9cbec02ceef655\r\n") && body(&message).contains(&0));
    assert_eq!(body(&request), body(&message));
}

#[test]
fn unsupported_proxy_extensions_are_listed() {
    let answer = last_response(&case("bext01").run(Over::Udp));
    assert_eq!(rows(&answer, "Unsupported"), ["noProxiesSupportThis", "norDoAnyProxiesSupportThis"]);
}

#[test]
fn refusal_copies_the_available_headers() {
    let answer = last_response(&case("insuf").run(Over::Udp));
    let expected = "SIP/2.0 400 Bad Request\r\nCSeq: 193942 INVITE\r\n\
        Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(answer, expected);
    let answer = last_response(&case("badinv01").run(Over::Udp));
    assert_eq!(rows(&answer, "Via"), ["SIP/2.0/UDP 192.0.2.15;;,;,,"]);
    assert_eq!(rows(&answer, "Call-ID"), ["badinv01.0ha0isndaksdjasdf3234nas"]);
}

#[test]
fn empty_branch_does_not_match_two_requests() {
    let case = case("badbranch");
    let (one, mut bench) = (case.message(), case.bench(Over::Udp));
    let other = String::from_utf8(one.clone()).unwrap().replace("CSeq: 8", "CSeq: 9");
    assert_eq!(bench.send(&one, "user").to_string(), "forwarded");
    assert_eq!(bench.send(&one, "user").to_string(), "no answer", "the same again");
    assert_eq!(bench.send(other.as_bytes(), "user").to_string(), "forwarded");
}

/// `unreason` matches no request of the exchange. Here its status line is used for the response to a forwarded request.
#[test]
fn reason_phrase_is_forwarded_unchanged() {
    let invite = case("invut");
    let mut bench = invite.bench(Over::Udp);
    let request = bench.send(&invite.message(), "user").forwarded.remove(0);
    let request = String::from_utf8(request).unwrap();
    let message = case("unreason").message();
    let line = message.split(|&byte| byte == b'\r').next().unwrap();
    let mut response = [line, b"\r\n"].concat();
    for name in ["Via", "From", "To", "Call-ID", "CSeq"] {
        let tag = if name == "To" { ";tag=1" } else { "" };
        for row in rows(&request, name) {
            response.extend_from_slice(format!("{name}: {row}{tag}\r\n").as_bytes());
        }
    }
    response.extend_from_slice(b"\r\n");
    let received = bench.answer(&response);
    assert_eq!(received.len(), 1);
    assert!(received[0].starts_with(line), "{}", received[0].escape_ascii());
}
