//! Arbitrary data as a datagram.

use bytes::Bytes;
use offhook_wire::{
    Builder, Editor, Frame, HeaderName, Limits, Message, NameAddr, Uri, datagram as frame, websocket,
};

/// Reads `data` as a datagram and as a WebSocket message, calls every reader, and writes what was read.
///
/// # Panics
///
/// When an unmodified message is not written byte for byte, a change affects other parts, or a written message
/// cannot be read.
pub fn datagram(data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    for frame in [frame(data.clone(), &Limits::DEFAULT), websocket(data.clone(), &Limits::DEFAULT)] {
        match frame {
            Frame::Message(message) => {
                assert!(data.starts_with(message.bytes()), "a message is the start of its datagram");
                read(&message);
                write(&message);
            }
            Frame::Faulty { fault, data } => {
                assert!(fault.offset as usize <= data.len(), "{fault} is outside")
            }
            Frame::KeepAlive(_) => {}
        }
    }
    if let Some(salvaged) = Message::salvage(data.clone(), &Limits::DEFAULT) {
        read(&salvaged);
        let reply = Builder::reply(&salvaged, 400, "Bad Request", Some(b"tag")).finish();
        reparse(reply);
    }
    let _ = Uri::parse(&data).map(|uri| assert!(uri.equivalent(&uri), "a URI is itself"));
    let _ = NameAddr::parse(&data);
}

/// A check keeps what it read: afterwards the readers return the same.
fn check_changes_no_reader(message: &Message) {
    let mut checked = message.clone();
    if checked.check().is_ok() {
        assert_eq!((checked.via(), checked.from()), (message.via(), message.from()));
        assert_eq!((checked.to(), checked.call_id()), (message.to(), message.call_id()));
        assert_eq!(checked.cseq(), message.cseq());
    }
}

/// Calls every reader.
fn read(message: &Message) {
    check_changes_no_reader(message);
    let _ = (message.method(), message.reason(), format!("{message:?}"));
    let _ = (message.via(), message.from(), message.to(), message.call_id().map(<[u8]>::len), message.cseq());
    let _ = (message.contact(), message.max_forwards(), message.content_length(), message.expires());
    let _ = (message.min_expires(), message.retry_after(), message.session_expires(), message.min_se());
    let _ = (message.rseq(), message.rack(), message.date(), message.refer_to(), message.referred_by());
    let _ = (message.replaces(), message.event(), message.subscription_state());
    let _ = message
        .reason_header()
        .map(|reason| reason.map(|reason| (reason.cause(), reason.text().map(|text| text.len()))));
    let _ = (
        message.named("x"),
        message.has_content_type("application/sdp"),
        message.has_token(HeaderName::Require, "x"),
    );
    for via in message.vias().flatten() {
        let _ = (via.branch(), via.received(), via.rport());
    }
    for row in message.headers() {
        assert!(!row.raw_name.is_empty(), "a row has a name");
        for address in message.addresses(row.name).flatten() {
            let _ = (address.display_name(), address.tag(), address.params.iter().count());
            if let Ok(uri) = address.uri_parsed() {
                assert!(uri.equivalent(&uri), "a URI is itself");
                let _ = (uri.headers().count(), uri.params.iter().count());
            }
        }
    }
}

/// Writes it as it is, changed, and as a reply.
fn write(message: &Message) {
    assert_eq!(Editor::new(message).finish(), message.bytes(), "untouched bytes stay");
    let mut editor = Editor::new(message);
    editor
        .prepend(HeaderName::Via, b"SIP/2.0/UDP h;branch=z9hG4bKfuzz")
        .remove_first_value(HeaderName::Route);
    editor
        .replace_first_value(HeaderName::Contact, b"<sip:fuzz@example.com>")
        .set(HeaderName::MaxForwards, b"69");
    editor.request_uri(b"sip:fuzz@example.com");
    let edited = reparse(editor.finish());
    assert_eq!(edited.body_bytes(), message.body_bytes(), "the body stays");
    assert_eq!(edited.max_forwards(), Ok(Some(69)), "what was set is there");
    let others = |message: &Message| {
        let touched = [HeaderName::Via, HeaderName::Route, HeaderName::Contact, HeaderName::MaxForwards];
        message
            .headers()
            .filter(|row| !touched.contains(&row.name))
            .map(|row| row.value.to_vec())
            .collect::<Vec<_>>()
    };
    assert_eq!(others(&edited), others(message), "other rows stay");
    if message.is_request() {
        let reply = reparse(Builder::reply(message, 200, "OK", Some(b"tag")).finish());
        assert_eq!(reply.status(), Some(200));
    }
}

fn reparse(data: Bytes) -> Message {
    // One row may be added to the received ones.
    let limits = Limits { message: 1 << 20, head: 1 << 20, headers: 1 << 10 };
    Message::parse(data, &limits).expect("what was written can be read")
}
