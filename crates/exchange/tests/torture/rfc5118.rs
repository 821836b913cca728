//! RFC 5118, in the order of its sections.

use crate::bench::Outcome;
use crate::case::{Case, assert_complete, assert_right, named};
use crate::drive::Over;
use crate::page;
use crate::quotes::assert_quoted;

const RFC: &str = "rfc5118";

const INTRODUCTION: &str = "\
# RFC 5118 through the exchange

Each of the 12 messages of RFC 5118, *SIP Torture Test Messages for IPv6*, is sent to an exchange over UDP and over a WebSocket. The
test `torture` of `offhook-exchange` does this, fails when an answer is another one, and compares this page with what happened.
`OFFHOOK_WRITE_DOCS=1 cargo test -p offhook-exchange --test torture` writes it.

The exchange is a registrar and a proxy that demands digest authentication, reached by IPv6. It is responsible for `example.com`,
`host.example.net`, `[2001:db8::10]` and `[2001:db8::192.0.2.1]`. A phone is registered for `user`. Numbers are the status codes of
responses. After a 401 or 407 the message is sent again with credentials, and what happens then follows. *Forwarded* says that a phone
received the request. `[2001:db8::10:5070]` is none of the domains, so the exchange does not serve it; and to a BYE that is for the
exchange itself it can say nothing but 404.
";

const DOMAINS: &[&str] = &["host.example.net", "[2001:db8::10]", "[2001:db8::192.0.2.1]"];

fn case(section: &'static str, name: &'static str, answer: &'static str, quote: &'static str) -> Case {
    Case::new(RFC, section, name, answer, quote).at(DOMAINS).from("[2001:db8::51:18]")
}

fn cases() -> Vec<Case> {
    let valid = "The request below is valid and well-formed according to the grammar in [RFC3261].";
    vec![
        case(
            "4.1",
            "ipv6-good",
            "401, 200",
            "The request below is well-formatted according to the grammar in [RFC3261].",
        ),
        case(
            "4.2",
            "ipv6-bad",
            "400",
            "A SIP implementation receiving this request should respond with a 400 Bad Request error.",
        ),
        case("4.3", "port-ambiguous", "403", "From a parsing perspective, the request below is well-formed."),
        case(
            "4.4",
            "port-unambiguous",
            "401, 200",
            "This REGISTER request is well formatted per the grammar in [RFC3261].",
        ),
        case(
            "4.5",
            "via-received-param-with-delim",
            "404",
            "robust implementations must nonetheless be able to parse the topmost Via header field and continue \
             processing the request.",
        ),
        case(
            "4.5",
            "via-received-param-no-delim",
            "200",
            "This request is valid according to the grammar in [RFC3261].",
        ),
        case(
            "4.6",
            "ipv6-in-sdp",
            "407, 100, forwarded",
            "This request below is valid and well-formed according to the grammar in [RFC3261].",
        ),
        case("4.7", "mult-ip-in-header", "407, forwarded", valid),
        case("4.8", "mult-ip-in-sdp", "407, 100, forwarded", valid),
        case(
            "4.9",
            "ipv4-mapped-ipv6",
            "100, forwarded",
            "The message below is well-formed according to the grammar in [RFC3261].",
        ),
        case(
            "4.10",
            "ipv6-bug-abnf-3-colons",
            "407, forwarded",
            "A SIP implementation receiving such a message may exhibit robustness by successfully parsing the IPv6 \
             reference",
        ),
        case(
            "4.10",
            "ipv6-correct-abnf-2-colons",
            "407, forwarded",
            "The next message has the correct syntax for the IPv6 reference in the R-URI.",
        ),
    ]
}

fn text(message: &[u8]) -> String {
    String::from_utf8_lossy(message).into_owned()
}

fn run(name: &str) -> Outcome {
    named(cases(), name).run(Over::Udp)
}

#[test]
fn every_message_gets_the_expected_response() {
    let cases = cases();
    assert_complete(RFC, &cases);
    assert_right(&cases);
}

#[test]
fn quotes_are_in_the_rfc() {
    assert_quoted(RFC, &cases());
}

#[test]
fn page_is_up_to_date() {
    page::assert_true(RFC, INTRODUCTION, &cases());
}

/// RFC 3261 §18.2.1: `received` is the source address without brackets, whatever the sender wrote there.
#[test]
fn received_holds_the_source_address() {
    for name in ["via-received-param-with-delim", "via-received-param-no-delim"] {
        let answer = text(&run(name).responses[0]);
        assert!(answer.contains(";received=2001:db8::51:18\r\n"), "{answer}");
        assert!(!answer.contains("2001:db8::9:255"), "{answer}");
    }
}

#[test]
fn mixed_addresses_in_via_are_forwarded_unchanged() {
    let request = text(&run("mult-ip-in-header").forwarded[0]);
    let hosts: Vec<&str> = request
        .lines()
        .filter_map(|line| line.strip_prefix("Via: SIP/2.0/"))
        .map(|via| via.split(';').next().unwrap())
        .collect();
    assert_eq!(
        hosts,
        ["WS example.com", "UDP [2001:db8::9:1]:6050", "UDP 192.0.2.1", "TCP [2001:db8::9:255]"]
    );
}

/// As printed, `ipv6-in-sdp` has a shorter body than its Content-Length, which is a separate error (RFC 3261 §18.3).
#[test]
fn short_body_is_refused() {
    let case = named(cases(), "ipv6-in-sdp");
    let printed = text(&case.message()).replace("Content-Length: 251", "Content-Length: 268");
    assert_eq!(case.bench(Over::Udp).send(printed.as_bytes(), "user").to_string(), "400");
}
