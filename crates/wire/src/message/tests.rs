use super::*;
use crate::FaultKind;

fn parse(text: &'static [u8]) -> Result<Message, Fault> {
    Message::parse(Bytes::from_static(text), &Limits::default())
}

#[test]
fn unusual_rows_are_read() {
    let message = parse(
        b"OPTIONS sip:[2001:db8::1] SIP/2.0\r\nTO :\r\n sip:a@b ;   tag    = 1\r\nSUBJECT:\r\nX-A: 1\r\n\
        x-a: 2\r\nk: timer,\r\n 100rel\r\nSupported: ice\r\ncontent-LENGTH  : 2\r\n\r\nhi and more",
    )
    .unwrap();
    assert_eq!(message.to().unwrap().tag(), Some(&b"1"[..]));
    assert_eq!(message.header(HeaderName::Subject), Some(&b""[..]));
    assert_eq!(message.named("X-a"), Some(&b"1"[..]));
    assert_eq!(message.values(HeaderName::Supported).collect::<Vec<_>>(), [&b"timer"[..], b"100rel", b"ice"]);
    assert!(message.has_token(HeaderName::Supported, "ICE"));
    assert_eq!(message.body_bytes(), b"hi");
    assert!(message.bytes().ends_with(b"\r\n\r\nhi"));
}

#[test]
fn faults_have_their_kind_and_offset() {
    let fault = |text| parse(text).unwrap_err();
    assert_eq!(fault(b"GET / HTTP/1.1\r\n\r\n"), FaultKind::StartLine.at(6));
    assert_eq!(fault(b"X a:b SIP/2.0\r\nno colon\r\n\r\n"), FaultKind::HeaderName.at(18));
    assert_eq!(fault(b"X a:b SIP/2.0\r\n: x\r\n\r\n"), FaultKind::HeaderName.at(15));
    assert_eq!(fault(b"X a:b SIP/2.0\r\n fold: x\r\n\r\n"), FaultKind::HeaderName.at(16));
    assert_eq!(fault(b"X a:b SIP/2.0\r\na: \0\r\n\r\n"), FaultKind::ControlCharacter.at(18));
    assert_eq!(fault(b"X a:b SIP/2.0\r\na: x\ry\r\n\r\n"), FaultKind::ControlCharacter.at(19));
    assert_eq!(fault(b"X a:b SIP/2.0\r\na: x\ny: z\r\n\r\n"), FaultKind::ControlCharacter.at(19));
    assert_eq!(fault(b"X a:b SIP/2.0\r\na: x\r\n"), FaultKind::HeadTruncated.at(21));
    assert_eq!(
        fault(b"X a:b SIP/2.0\r\na: x\r\n\r\n".split_last().unwrap().1).kind,
        FaultKind::HeadTruncated
    );
    assert_eq!(fault(b""), FaultKind::HeadTruncated.at(0));
}

#[test]
fn ambiguous_content_length_is_refused() {
    let fault = |text| parse(text).unwrap_err().kind;
    assert_eq!(fault(b"X a:b SIP/2.0\r\nl: -1\r\n\r\n"), FaultKind::ContentLength);
    assert_eq!(fault(b"X a:b SIP/2.0\r\nl: +1\r\n\r\nx"), FaultKind::ContentLength);
    assert_eq!(fault(b"X a:b SIP/2.0\r\nl: 1 1\r\n\r\nx"), FaultKind::ContentLength);
    assert_eq!(fault(b"X a:b SIP/2.0\r\nl:\r\n\r\nx"), FaultKind::ContentLength);
    assert_eq!(fault(b"X a:b SIP/2.0\r\nl: 9\r\n\r\nx"), FaultKind::BodyTruncated);
    assert_eq!(
        fault(b"X a:b SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\nxx"),
        FaultKind::ContentLengthConflict
    );
    assert_eq!(parse(b"X a:b SIP/2.0\r\nl: 1\r\nContent-Length: 01\r\n\r\nxx").unwrap().body_bytes(), b"x");
    assert_eq!(parse(b"X a:b SIP/2.0\r\n\r\nrest").unwrap().body_bytes(), b"rest");
}

#[test]
fn limits_are_enforced() {
    let text = Bytes::from_static(b"X a:b SIP/2.0\r\na: 1\r\nb: 2\r\n\r\nbody");
    let fault = |limits: Limits| Message::parse(text.clone(), &limits).unwrap_err().kind;
    assert_eq!(fault(Limits { message: text.len() - 1, ..Limits::default() }), FaultKind::MessageTooLarge);
    assert_eq!(fault(Limits { head: text.len() - 5, ..Limits::default() }), FaultKind::HeadTooLarge);
    assert_eq!(fault(Limits { headers: 1, ..Limits::default() }), FaultKind::TooManyHeaders);
    let exact = Limits { message: text.len(), head: text.len() - 4, headers: 2 };
    assert!(Message::parse(text.clone(), &exact).is_ok());
}

#[test]
fn many_rows_are_kept() {
    let rows = (0..128).map(|n| format!("X-{n}: {n}\r\n")).collect::<String>();
    let text = format!("X a:b SIP/2.0\r\n{rows}\r\n");
    let message = Message::parse(text.into(), &Limits::default()).unwrap();
    assert_eq!(message.headers().count(), 128);
    assert_eq!(message.named("X-0"), Some(&b"0"[..]));
    assert_eq!(message.named("X-127"), Some(&b"127"[..]));
}

#[test]
fn refused_request_can_be_answered() {
    let text = b"INVITE  sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=1\r\nbad line\r\n more of it\r\nf: <sip:a@b>;tag=1\r\n\
        t: <sip:b@c>\r\ni: x\r\nCSeq: 1 INVITE\r\nContent-Length: -5\r\n\r\nbody";
    assert!(parse(text).is_err());
    let salvaged = Message::salvage(Bytes::from_static(text), &Limits::default()).unwrap();
    let reply = crate::Builder::reply(&salvaged, 400, "Bad Request", Some(b"t")).finish();
    let mut reply = Message::parse(reply, &Limits::default()).unwrap();
    assert_eq!((reply.status(), reply.check()), (Some(400), Ok(())));
    assert_eq!(reply.via().unwrap().branch(), Some(&b"1"[..]));
}

#[test]
fn reply_has_repeated_headers_once() {
    let text = b"BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=1\r\nFrom: <sip:a@b>;tag=1\r\nFrom: <sip:c@d>;tag=2\r\n\
        To: <sip:b@c>\r\nTo: <sip:e@f>\r\nCall-ID: x\r\ni: y\r\nCSeq: 1 BYE\r\nCSeq: 2 BYE\r\n\r\n";
    let salvaged = Message::salvage(Bytes::from_static(text), &Limits::default()).unwrap();
    let reply = crate::Builder::reply(&salvaged, 400, "Bad Request", Some(b"t")).finish();
    let mut reply = Message::parse(reply, &Limits::default()).unwrap();
    assert_eq!(reply.check(), Ok(()));
    assert_eq!(reply.call_id().unwrap(), &b"x"[..]);
}

#[test]
fn ack_and_responses_are_not_salvaged() {
    let rest = "Via: SIP/2.0/UDP h\r\nf: <sip:a@b>\r\nt: <sip:b@c>\r\ni: x\r\nCSeq: 1 X\r\n";
    let salvage = |text: String| Message::salvage(text.into(), &Limits::default());
    assert!(salvage(format!("X sip:a SIP/2.0 \r\n{rest}")).is_some());
    assert!(salvage(format!("ACK sip:a SIP/2.0 \r\n{rest}")).is_none());
    assert!(salvage(format!("SIP/2.0 9999 x\r\n{rest}")).is_none());
    assert!(salvage(format!("X sip:a SIP/2.0 \r\n{}", rest.replace("SIP/2.0/UDP h", ";;,;"))).is_none());
    assert!(salvage(format!("X sip:a SIP/2.0 \r\n{}", rest.replace("Via:", "Vias:"))).is_none());
    assert!(salvage("\r\n\r\n".into()).is_none());
}

#[test]
fn reply_copies_existing_headers() {
    let text = b"INVITE sip:a@b SIP/2.0\r\nCSeq: 1 INVITE\r\nVia: SIP/2.0/UDP h;;,;branch=1\r\n\r\n";
    let salvaged = Message::salvage(Bytes::from_static(text), &Limits::default()).unwrap();
    let reply = crate::Builder::reply(&salvaged, 400, "Bad Request", Some(b"t")).finish();
    let expected = b"SIP/2.0 400 Bad Request\r\nCSeq: 1 INVITE\r\nVia: SIP/2.0/UDP h;;,;branch=1\r\n\
        Content-Length: 0\r\n\r\n";
    assert_eq!(reply, &expected[..]);
}

#[test]
fn semantics_are_checked_separately() {
    let good = "BYE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=1\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:b@c>;tag=2\r\n\
        Call-ID: x\r\nCSeq: 1 BYE\r\nMax-Forwards: 70\r\n\r\n";
    let check = |from: &str, to: &str| {
        assert!(good.contains(from));
        let text = good.replacen(from, to, 1);
        Message::parse(text.into(), &Limits::default()).unwrap().check().map_err(|fault| fault.kind)
    };
    assert_eq!(check("", ""), Ok(()));
    assert_eq!(check("Max-Forwards: 70\r\n", ""), Ok(()));
    assert_eq!(check("SIP/2.0\r\n", "SIP/3.0\r\n"), Err(FaultKind::Version));
    assert_eq!(check("sip:a@b", "<sip:a@b>"), Err(FaultKind::RequestUri));
    assert_eq!(check("sip:a@b", "sip:a@b?Route=x"), Err(FaultKind::RequestUri));
    assert_eq!(check("sip:a@b", "unknown:a?b"), Ok(()));
    assert_eq!(check("CSeq: 1 BYE", "CSeq: 1 INVITE"), Err(FaultKind::MethodMismatch));
    assert_eq!(check("Call-ID: x\r\n", ""), Err(FaultKind::Missing(HeaderName::CallId)));
    assert_eq!(
        check("Call-ID: x\r\n", "Call-ID: x\r\ni: y\r\n"),
        Err(FaultKind::Repeated(HeaderName::CallId))
    );
    for (from, to) in [
        ("Call-ID: x", "Call-ID: x y"),
        ("Max-Forwards: 70", "Max-Forwards: 256"),
        ("CSeq: 1", "CSeq: 2147483648"),
        ("SIP/2.0/UDP", "UDP"),
    ] {
        assert!(matches!(check(from, to), Err(FaultKind::Header(_))), "{to}");
    }
}

#[test]
fn headers_beyond_64_kib_are_read_after_a_check() {
    let filler = "x".repeat(usize::from(u16::MAX));
    let text = format!(
        "BYE sip:a@b SIP/2.0\r\nSubject: {filler}\r\nVia: SIP/2.0/UDP h;branch=1\r\nFrom: <sip:a@b>;tag=1\r\n\
         To: <sip:b@c>;tag=2\r\nCall-ID: x\r\nCSeq: 1 BYE\r\n\r\n"
    );
    let limits = Limits { message: 1 << 20, head: 1 << 20, ..Limits::default() };
    let mut message = Message::parse(text.into(), &limits).unwrap();
    assert_eq!(message.check(), Ok(()));
    assert_eq!(message.via().unwrap().branch(), Some(&b"1"[..]));
    assert_eq!(
        (message.from().unwrap().tag(), message.to().unwrap().tag()),
        (Some(&b"1"[..]), Some(&b"2"[..]))
    );
    assert_eq!((message.call_id(), message.cseq().unwrap().number), (Ok(&b"x"[..]), 1));
}

#[test]
fn debug_shows_no_values() {
    let message = parse(b"X a:b SIP/2.0\r\nAuthorization: Digest response=\"s3cret\"\r\n\r\ns3cret").unwrap();
    let shown = format!("{message:?}");
    assert!(shown.contains("Authorization") && !shown.contains("s3cret"), "{shown}");
}
