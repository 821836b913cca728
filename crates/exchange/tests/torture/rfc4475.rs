//! RFC 4475, in the order of its sections.

use crate::case::{Case, assert_complete, assert_right};
use crate::page;
use crate::quotes::assert_quoted;

const RFC: &str = "rfc4475";

const INTRODUCTION: &str = "\
# RFC 4475 through the exchange

Each of the 49 messages of RFC 4475, *SIP Torture Test Messages*, is sent to an exchange over UDP and over a WebSocket, and over TCP
where the RFC says that a stream makes a difference. One answer stands for all of them unless others are named. The test `torture`
of `offhook-exchange` does this, fails when an answer is another one, and compares this page with what happened.
`OFFHOOK_WRITE_DOCS=1 cargo test -p offhook-exchange --test torture` writes it.

The exchange is a registrar and a proxy that demands digest authentication. It is responsible for `example.com`, and for the
domains of `wsinv`, `esc01` and `mpart01` in their turn. The users that the messages name exist, and a phone is registered for
each of them but that of `escnull`, whose name no digest credentials can hold. Numbers are the status codes of responses. After a
401 or 407 the message is sent again with credentials, and what happens then follows. *Forwarded* says that a phone received the
request.
";

fn case(section: &'static str, name: &'static str, answer: &'static str, quote: &'static str) -> Case {
    Case::new(RFC, section, name, answer, quote)
}

pub(crate) fn cases() -> Vec<Case> {
    [valid(), invalid_framing(), invalid_lines(), invalid_values(), application(), registrations()]
        .into_iter()
        .flatten()
        .collect()
}

fn valid() -> Vec<Case> {
    vec![
        case("3.1.1.1", "wsinv", "407, 100, forwarded", "All elements should treat this as a well-formed request.")
            .by("jdrosen")
            .at(&["chair-dnrc.example.com", "services.example.com"]),
        case(
            "3.1.1.2",
            "intmeth",
            "407, forwarded",
            "If this unusual URI has been defined at a proxy, the proxy will forward this request normally.",
        )
        .by("mundane"),
        case(
            "3.1.1.3",
            "esc01",
            "407, 100, forwarded",
            "The application using the message must treat the % HEX HEX expansions as equivalent to the character being \
             encoded.",
        )
        .by("I have spaces")
        .at(&["example.net"]),
        case(
            "3.1.1.4",
            "escnull",
            "401",
            "The message is well formed - parsers must accept this message.",
        )
        .by("null-\0-null"),
        case(
            "3.1.1.5",
            "esc02",
            "403",
            "A proxy would forward or reject the message depending on what the Request-URI meant to it.",
        ),
        case("3.1.1.6", "lwsdisp", "407, forwarded", "Elements should accept this request as well formed.")
            .by("caller"),
        case(
            "3.1.1.7",
            "longreq",
            "100, forwarded",
            "This well-formed request contains header fields with many values and values that are very long.",
        ),
        case(
            "3.1.1.8",
            "dblreq",
            "401, 200",
            "A SIP element receiving this datagram would handle the REGISTER request normally and ignore the extra bits \
             that look like an INVITE request.",
        )
        .by("j.user")
        .web_socket("400"),
        case("3.1.1.9", "semiuri", "forwarded", "Receiving elements will accept this as a well-formed message."),
        case("3.1.1.10", "transports", "407, forwarded", "Parsers must accept this message as well formed.")
            .by("caller"),
        case(
            "3.1.1.11",
            "mpart01",
            "407, forwarded",
            "Parsers must accept this message as well formed, even if the application above the parser does not support \
             multipart/signed.",
        )
        .by("fluffy")
        .at(&["example.org", "127.0.0.1"]),
        case("3.1.1.12", "unreason", "no answer", "This response is well formed."),
        case("3.1.1.13", "noreason", "no answer", "This well-formed response contains no reason phrase."),
    ]
}

fn invalid_framing() -> Vec<Case> {
    vec![
        case(
            "3.1.2.1",
            "badinv01",
            "400",
            "An element receiving this request should respond with a 400 Bad Request error.",
        ),
        case(
            "3.1.2.2",
            "clerr",
            "400",
            "When sent over UDP (as this message ostensibly was), the receiving element should respond with a 400 Bad \
             Request error. If this message arrived over a stream-based transport, such as TCP, there's not much the \
             receiving party could do but wait for more data on the stream",
        )
        .tcp("no answer"),
        case(
            "3.1.2.3",
            "ncl",
            "400",
            "An element receiving this message should respond with an error. This request appeared over UDP, so the \
             remainder of the datagram can simply be discarded. If a request like this arrives over TCP, the framing error \
             is not recoverable, and the connection should be closed.",
        )
        .tcp("400, closed"),
        case(
            "3.1.2.4",
            "scalar02",
            "400",
            "An element receiving this request should respond with a 400 Bad Request due to the CSeq error.",
        ),
        case("3.1.2.5", "scalarlg", "no answer", "An element receiving this response will simply discard it."),
        case(
            "3.1.2.6",
            "quotbal",
            "400",
            "An element receiving this request should return a 400 Bad Request error.",
        ),
    ]
}

fn invalid_lines() -> Vec<Case> {
    let malformed = "It is acceptable to reject this request as malformed.";
    vec![
        case(
            "3.1.2.7",
            "ltgtruri",
            "400",
            "It is reasonable always to reject a request with this error with a 400 Bad Request.",
        ),
        case(
            "3.1.2.8",
            "lwsruri",
            "400",
            "An element receiving this request should respond with a 400 Bad Request.",
        ),
        case("3.1.2.9", "lwsstart", "400", malformed),
        case("3.1.2.10", "trws", "400", malformed),
        case(
            "3.1.2.11",
            "escruri",
            "400",
            "It is acceptable for an element to reject this request with a 400 Bad Request.",
        ),
        case(
            "3.1.2.12",
            "baddate",
            "100, forwarded",
            "An element wishing to be liberal in what it accepts could ignore this value altogether if it wasn't going to \
             use the Date header field anyway.",
        ),
    ]
}

fn invalid_values() -> Vec<Case> {
    vec![
        case(
            "3.1.2.13",
            "regbadct",
            "401, 400",
            "It is reasonable for an element receiving this request to respond with a 400 Bad Request.",
        ),
        case(
            "3.1.2.14",
            "badaspec",
            "400",
            "It is reasonable to reject this request with a 400 Bad Request response.",
        ),
        case(
            "3.1.2.15",
            "baddn",
            "400",
            "It is reasonable always to reject this kind of error with a 400 Bad Request response.",
        ),
        case(
            "3.1.2.16",
            "badvers",
            "505",
            "The element should respond to the request with a 505 Version Not Supported error.",
        ),
        case(
            "3.1.2.17",
            "mismatch01",
            "400",
            "Any element receiving this request will respond with a 400 Bad Request.",
        ),
        case("3.1.2.18", "mismatch02", "400", "A 400 Bad Request is also acceptable"),
        case("3.1.2.19", "bigcode", "no answer", "An element receiving this response should simply drop it."),
    ]
}

fn application() -> Vec<Case> {
    vec![
        case("3.2.1", "badbranch", "forwarded", "it could fall back to the RFC 2543-style transaction identifier."),
        case("3.3.1", "insuf", "400", "Ideally, it will respond with a 400 Bad Request error."),
        case(
            "3.3.2",
            "unkscm",
            "416",
            "An element receiving this request will reject it with a 416 Unsupported URI Scheme response.",
        ),
        case(
            "3.3.3",
            "novelsc",
            "416",
            "If an element will never accept this scheme as meaningful in a Request-URI, it is appropriate to treat it as \
             unknown and return a 416 Unsupported URI Scheme response.",
        ),
        case(
            "3.3.4",
            "unksm2",
            "400",
            "A registrar would reject this request with a 400 Bad Request response, since the To: header field is required \
             to contain a SIP or SIPS URI as an AOR.",
        ),
        case(
            "3.3.5",
            "bext01",
            "420",
            "Any element receiving this request will respond with a 420 Bad Extension response",
        ),
        case(
            "3.3.6",
            "invut",
            "100, forwarded",
            "A proxy receiving this request would process it just as it would any other INVITE.",
        ),
        case(
            "3.3.7",
            "regaut01",
            "401, 200",
            "A registrar that does care about challenge-response authentication will reject this request with a 401, \
             issuing a new challenge with a scheme it understands.",
        )
        .by("j.user"),
        case(
            "3.3.8",
            "multi01",
            "400",
            "An element receiving this request would respond with a 400 Bad Request error.",
        ),
        case(
            "3.3.9",
            "mcl01",
            "400",
            "An element receiving this message should respond with an error. This request appeared over UDP, so the \
             remainder of the datagram can simply be discarded. If a request like this arrives over TCP, the framing error \
             is not recoverable, and the connection should be closed.",
        )
        .tcp("400, closed"),
        case(
            "3.3.10",
            "bcast",
            "no answer",
            "To protect against this as an avenue of attack, proxies should drop such responses.",
        ),
        case(
            "3.3.11",
            "zeromf",
            "483",
            "A proxy should not forward the request and should respond 483 (Too Many Hops).",
        ),
    ]
}

fn registrations() -> Vec<Case> {
    vec![
        case("3.3.12", "cparam01", "401, 200", "This REGISTER should succeed.").by("watson"),
        case(
            "3.3.13",
            "cparam02",
            "401, 200",
            "The register should succeed, and a subsequent retrieval of the registration must include \"unknownparam\" as a \
             url-parameter.",
        )
        .by("watson"),
        case(
            "3.3.14",
            "regescrt",
            "401, 200",
            "The register should succeed, and a subsequent retrieval of the registration must include the escaped Route \
             header in the contact URI for this binding.",
        ),
        case(
            "3.3.15",
            "sdp01",
            "100, forwarded",
            "The recipient of this request could respond with a 406 Not Acceptable",
        ),
        case(
            "3.4.1",
            "inv2543",
            "100, forwarded",
            "This is a legal message per RFC 2543 (and several bis versions) that should be accepted by RFC 3261 elements \
             that want to maintain backwards compatibility.",
        ),
    ]
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
