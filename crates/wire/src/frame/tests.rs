use super::*;
use crate::{FaultKind, Limits};
use bytes::Bytes;

fn drain(framer: &mut StreamFramer) -> Vec<String> {
    std::iter::from_fn(|| framer.next())
        .map(|frame| match frame {
            Ok(Frame::Message(message)) => format!("message {}", message.body_bytes().escape_ascii()),
            Ok(Frame::KeepAlive(keep_alive)) => format!("{keep_alive:?}"),
            Ok(Frame::Faulty { fault, data }) => format!("{:?} {}", fault.kind, data.len()),
            Err(error) => format!("lost {:?}", error.fault.kind),
        })
        .collect()
}

fn stream(pieces: &[&[u8]], limits: Limits) -> Vec<String> {
    let mut framer = StreamFramer::new(limits);
    pieces
        .iter()
        .flat_map(|piece| {
            framer.push(piece);
            drain(&mut framer)
        })
        .collect()
}

const STREAM: &[u8] =
    b"\r\n\r\nX a:b SIP/2.0\r\nContent-Length : 7\r\n\r\na\r\n\r\nbc\r\nSIP/2.0 200 OK\r\nl:\r\n 1\r\n\r\n!\
    X a:b SIP/2.0\r\nbad line\r\nl: 2\r\n\r\n??X a:b SIP/2.0\r\nl: 0\r\n\r\n";

const FRAMES: [&str; 7] =
    ["Pong", "Ping", "message a\\r\\n\\r\\nbc", "Pong", "message !", "HeaderName 35", "message "];

#[test]
fn segmentation_does_not_change_the_frames() {
    let whole = stream(&[STREAM], Limits::default());
    assert_eq!(whole, FRAMES);
    let bytes: Vec<_> = STREAM.chunks(1).collect();
    assert_eq!(stream(&bytes, Limits::default()), FRAMES);
    for cut in 0..STREAM.len() {
        assert_eq!(stream(&[&STREAM[..cut], &STREAM[cut..]], Limits::default()), FRAMES, "cut at {cut}");
    }
}

#[test]
fn endless_message_is_reported_once() {
    let lost = |text: &[u8]| stream(&[text, b"X a:b SIP/2.0\r\nl: 0\r\n\r\n"], Limits::default());
    assert_eq!(
        lost(b"X a:b SIP/2.0\r\na: b\r\n\r\n"),
        ["ContentLengthMissing 23", "lost ContentLengthMissing"]
    );
    assert_eq!(lost(b"X a:b SIP/2.0\r\nl: x\r\n\r\n"), ["ContentLength 23", "lost ContentLength"]);
    assert_eq!(
        lost(b"X a:b SIP/2.0\r\nl: 1\r\nl: 2\r\n\r\n12"),
        ["ContentLengthConflict 31", "lost ContentLengthConflict"]
    );
    assert_eq!(lost(b"GET / HTTP/1.1\r\n\r\n"), ["StartLine 18", "lost StartLine"]);
}

#[test]
fn oversized_messages_are_refused_before_buffering() {
    let limits = Limits { message: 100, head: 60, headers: 8 };
    let bomb = b"X a:b SIP/2.0\r\nContent-Length: 4294967295\r\n\r\n";
    assert_eq!(stream(&[bomb], limits), ["MessageTooLarge 45", "lost MessageTooLarge"]);
    let just_too_long = b"X a:b SIP/2.0\r\nContent-Length: 70\r\n\r\n";
    assert_eq!(stream(&[just_too_long], limits)[1], "lost MessageTooLarge");
    let endless = [b'x'; 59];
    assert_eq!(stream(&[&endless], limits), [""; 0]);
    assert_eq!(stream(&[&endless, b"x"], limits), ["HeadTooLarge 60", "lost HeadTooLarge"]);
    let mut framer = StreamFramer::new(limits);
    framer.push(bomb);
    drain(&mut framer);
    framer.push(&[0; 1000]);
    assert_eq!(framer.next().map(|_| ()), None);
}

#[test]
fn datagram_is_one_message() {
    let limits = Limits::default();
    let body = |text: &'static [u8]| match datagram(Bytes::from_static(text), &limits) {
        Frame::Message(message) => message.body().to_vec(),
        other => panic!("{other:?}"),
    };
    assert_eq!(body(b"X a:b SIP/2.0\r\n\r\nrest"), b"rest");
    assert_eq!(body(b"X a:b SIP/2.0\r\nl: 2\r\n\r\nrest"), b"re");
    for (text, kind) in [
        (&b"\r\n\r\n"[..], KeepAlive::Ping),
        (b"\r\n", KeepAlive::Pong),
        (b"", KeepAlive::Pong),
        (b"\0\0\0\0", KeepAlive::Pong),
    ] {
        assert!(
            matches!(datagram(Bytes::from_static(text), &limits), Frame::KeepAlive(found) if found == kind)
        );
    }
    let Frame::Faulty { fault, .. } =
        datagram(Bytes::from_static(b"X a:b SIP/2.0\r\nl: 5\r\n\r\nrest"), &limits)
    else {
        panic!("a truncated body was accepted");
    };
    assert_eq!(fault.kind, FaultKind::BodyTruncated);
}

#[test]
fn websocket_message_is_exactly_one_message() {
    let limits = Limits::default();
    let fault = |text: &'static [u8]| match websocket(Bytes::from_static(text), &limits) {
        Frame::Message(message) => Ok(message.body().to_vec()),
        Frame::Faulty { fault, .. } => Err(fault.kind),
        Frame::KeepAlive(_) => panic!("a keep-alive"),
    };
    assert_eq!(fault(b"X a:b SIP/2.0\r\n\r\nrest"), Ok(b"rest".to_vec()));
    assert_eq!(fault(b"X a:b SIP/2.0\r\nl: 4\r\n\r\nrest"), Ok(b"rest".to_vec()));
    assert_eq!(fault(b"X a:b SIP/2.0\r\nl: 3\r\n\r\nrest"), Err(FaultKind::BodyOverrun));
    assert_eq!(fault(b"X a:b SIP/2.0\r\nl: 5\r\n\r\nrest"), Err(FaultKind::BodyTruncated));
    assert!(matches!(websocket(Bytes::from_static(b"\r\n\r\n"), &limits), Frame::KeepAlive(KeepAlive::Ping)));
}
