//! A peer that the test plays.

use super::{Desk, sdp};
use bytes::Bytes;
use offhook::{Dial, Direction, SessionId, Status};
use offhook_wire::{Builder, HeaderName, Message};

/// A response to a request of the phone, as a peer with this tag would write it.
pub(crate) fn response(request: &Message, code: u16, tag: &str, body: Option<&[u8]>) -> Bytes {
    let mut b = Builder::reply(request, code, offhook_wire::reason_phrase(code), Some(tag.as_bytes()));
    b.header(HeaderName::Contact, format!("<sip:{tag}@peer.invalid;transport=ws>"));
    match body {
        Some(body) => b.body("application/sdp", body),
        None => b.finish(),
    }
}

/// A call that the phone made and that a peer with the tag `bob` took.
pub(crate) fn in_call(desk: &mut Desk) -> (SessionId, Message) {
    let id = desk.phone.dial(desk.now, Dial::to("bob")).expect("a call");
    desk.pump();
    let invite = desk.next_request("INVITE");
    desk.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    let ack = desk.next_request("ACK");
    assert_eq!(desk.phone.status(id), Some(Status::Established));
    (id, ack)
}

/// A request of that peer within the call.
pub(crate) fn in_dialog(ack: &Message, method: &str, cseq: u32, extra: &str, body: &str) -> String {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
    let header = |name| text(ack.header(name).expect("in every ACK"));
    format!(
        "{method} sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS peer.invalid;branch=z9hG4bK{method}{cseq}\n\
         Max-Forwards: 70\nFrom: {}\nTo: {}\nCall-ID: {}\nCSeq: {cseq} {method}\n\
         Contact: <sip:bob@peer.invalid;transport=ws>\n{extra}Content-Length: {}\n\n{body}",
        header(HeaderName::To),
        header(HeaderName::From),
        header(HeaderName::CallId),
        body.replace('\n', "\r\n").len(),
    )
}

/// The INVITE of a peer with the tag `bob`.
pub(crate) fn invite_of_bob(offer: Option<Direction>) -> String {
    let offer = offer.map(|direction| String::from_utf8(sdp(direction).to_vec()).expect("UTF-8"));
    let (kind, body) = match &offer {
        Some(offer) => ("Content-Type: application/sdp\n", &offer[..]),
        None => ("", ""),
    };
    format!(
        "INVITE sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS peer.invalid;branch=z9hG4bKin\nMax-Forwards: 70\n\
         From: \"Bob\" <sip:bob@example.com>;tag=bob\nTo: <sip:alice@example.com>\nCall-ID: in\nCSeq: 1 INVITE\n\
         Contact: <sip:bob@peer.invalid;transport=ws>\n{kind}Content-Length: {}\n\n{}",
        body.len(),
        body.replace("\r\n", "\n")
    )
}

/// That INVITE with an offer comes in: the call, and its 180.
pub(crate) fn call_comes_in(desk: &mut Desk) -> (SessionId, Message) {
    desk.receive(&invite_of_bob(Some(Direction::SendRecv)));
    desk.next_response(100);
    (desk.incoming(), desk.next_response(180))
}

/// A request of that peer within the call that one of our responses names. An ACK is for its 2xx.
pub(crate) fn from_caller(response: &Message, method: &str, cseq: u32) -> String {
    let to = String::from_utf8(response.header(HeaderName::To).expect("a To").to_vec()).expect("UTF-8");
    format!(
        "{method} sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS peer.invalid;branch=z9hG4bK{method}{cseq}\n\
         Max-Forwards: 70\nFrom: \"Bob\" <sip:bob@example.com>;tag=bob\nTo: {to}\nCall-ID: in\nCSeq: {cseq} {method}\n\
         Contact: <sip:bob@peer.invalid;transport=ws>\nContent-Length: 0\n\n"
    )
}

/// The CANCEL of that INVITE.
pub(crate) fn cancel_of_bob(reason: &str) -> String {
    format!(
        "CANCEL sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS peer.invalid;branch=z9hG4bKin\nMax-Forwards: 70\n\
         From: \"Bob\" <sip:bob@example.com>;tag=bob\nTo: <sip:alice@example.com>\nCall-ID: in\nCSeq: 1 CANCEL\n\
         {reason}Content-Length: 0\n\n"
    )
}
