//! The peer in a call, scripted by a test, which may violate the protocol.

use crate::{TestPhone, sdp};
use bytes::Bytes;
use offhook::{Dial, Direction, SessionId, Status};
use offhook_wire::{Builder, HeaderName, Message};

/// A peer in a dialog. Its tag is `bob`, unless the test sets another one.
#[derive(Clone, Debug)]
pub struct ScriptedPeer {
    /// Its From value, with its tag.
    from: String,
    /// Its To value, with the phone's tag.
    to: String,
    call_id: String,
}

impl ScriptedPeer {
    /// The peer that receives a request of the phone.
    ///
    /// # Panics
    /// When the request lacks a header of a dialog.
    pub fn of_request(request: &Message) -> Self {
        let (from, to, call_id) = dialog(request);
        Self { from: to, to: from, call_id }
    }

    /// The peer that receives an INVITE of the phone, and answers it with this tag.
    ///
    /// # Panics
    /// When the request lacks a header of a dialog.
    pub fn of_invite(invite: &Message, tag: &str) -> Self {
        let Self { from, to, call_id } = Self::of_request(invite);
        Self { from: format!("{from};tag={tag}"), to, call_id }
    }

    /// The peer that receives a response of the phone.
    ///
    /// # Panics
    /// When the response lacks a header of a dialog.
    pub fn of_response(response: &Message) -> Self {
        let (from, to, call_id) = dialog(response);
        Self { from, to, call_id }
    }

    /// A request within the call, with `\n` for CRLF. Its branch is the method and the number.
    pub fn request(&self, method: &str, cseq: u32, extra: &str, body: &str) -> String {
        let Self { from, to, call_id } = self;
        format!(
            "{method} sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS peer.invalid;branch=z9hG4bK{method}{cseq}\n\
             Max-Forwards: 70\nFrom: {from}\nTo: {to}\nCall-ID: {call_id}\nCSeq: {cseq} {method}\n\
             Contact: <sip:bob@peer.invalid;transport=ws>\n{extra}Content-Length: {}\n\n{body}",
            body.replace('\n', "\r\n").len(),
        )
    }

    /// The same with an offer, if `offer` is given.
    pub fn request_with_sdp(&self, method: &str, cseq: u32, offer: Option<Direction>) -> String {
        match offer {
            Some(direction) => {
                let body = String::from_utf8(sdp(direction).to_vec()).expect("ASCII").replace("\r\n", "\n");
                self.request(method, cseq, "Content-Type: application/sdp\n", &body)
            }
            None => self.request(method, cseq, "", ""),
        }
    }
}

fn dialog(message: &Message) -> (String, String, String) {
    let text = |name| {
        let value = message.header(name).expect("a header of every message");
        String::from_utf8(value.to_vec()).expect("UTF-8")
    };
    (text(HeaderName::From), text(HeaderName::To), text(HeaderName::CallId))
}

/// A response of a peer with this tag to a request of the phone.
pub fn response(request: &Message, code: u16, tag: &str, body: Option<&[u8]>) -> Bytes {
    let mut b = Builder::reply(request, code, offhook_wire::reason_phrase(code), Some(tag.as_bytes()));
    b.header(HeaderName::Contact, format!("<sip:{tag}@peer.invalid;transport=ws>"));
    match body {
        Some(body) => b.body("application/sdp", body),
        None => b.finish(),
    }
}

/// Makes a call of the phone that a peer answers. Returns the session and the ACK.
///
/// # Panics
/// When the phone does not behave as expected.
pub fn outgoing_call(phone: &mut TestPhone) -> (SessionId, Message) {
    let id = phone.phone.dial(phone.now, Dial::to("bob")).expect("a call");
    phone.pump();
    let invite = phone.next_request("INVITE");
    phone.receive_bytes(response(&invite, 200, "bob", Some(&sdp(Direction::SendRecv))));
    let ack = phone.next_request("ACK");
    assert_eq!(phone.phone.status(id), Some(Status::Established));
    (id, ack)
}

/// The same, but returns the session and the peer.
///
/// # Panics
/// When the phone does not behave as expected.
pub fn in_call(phone: &mut TestPhone) -> (SessionId, ScriptedPeer) {
    let (id, ack) = outgoing_call(phone);
    (id, ScriptedPeer::of_request(&ack))
}

/// The INVITE of a peer, with `\n` for CRLF.
pub fn invite(offer: Option<Direction>) -> String {
    let offer = offer.map(|direction| String::from_utf8(sdp(direction).to_vec()).expect("ASCII"));
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

/// The CANCEL of [`invite`], with `\n` for CRLF. `extra` is more header rows.
pub fn cancel(extra: &str) -> String {
    format!(
        "CANCEL sip:alice@x.invalid SIP/2.0\nVia: SIP/2.0/WS peer.invalid;branch=z9hG4bKin\nMax-Forwards: 70\n\
         From: \"Bob\" <sip:bob@example.com>;tag=bob\nTo: <sip:alice@example.com>\nCall-ID: in\nCSeq: 1 CANCEL\n\
         {extra}Content-Length: 0\n\n"
    )
}

/// Delivers [`invite`] with an offer. Returns the session and the 180 of the phone.
///
/// # Panics
/// When the phone does not behave as expected.
pub fn incoming_call(phone: &mut TestPhone) -> (SessionId, Message) {
    phone.receive(&invite(Some(Direction::SendRecv)));
    phone.next_response(100);
    (phone.incoming(), phone.next_response(180))
}

/// The response of a registrar: the challenge, if given, to a REGISTER without credentials; otherwise a 200 that grants 600 s.
///
/// # Panics
/// When the REGISTER has no Contact.
pub fn registrar(register: &Message, challenge: Option<&str>) -> Bytes {
    if let Some(challenge) = challenge
        && register.header(HeaderName::Authorization).is_none()
    {
        let mut refusal = Builder::reply(register, 401, "Unauthorized", Some(b"registrar"));
        refusal.header(HeaderName::WwwAuthenticate, challenge);
        return refusal.finish();
    }
    let contact = register.header(HeaderName::Contact).expect("a Contact");
    let mut ok = Builder::reply(register, 200, "OK", Some(b"registrar"));
    ok.header(HeaderName::Contact, contact);
    ok.header(HeaderName::Expires, b"600");
    ok.finish()
}
