//! A phone, and a peer with reliable provisional responses (RFC 3262).

use bytes::Bytes;
use offhook::{Dial, Direction, SessionId};
use offhook_testkit::{ScriptedPeer, TestPhone, config, peer};
use offhook_wire::{Builder, HeaderName, Message};

pub(crate) fn alice() -> TestPhone {
    TestPhone::new(config("alice", "ws://pbx.test"), 1)
}

pub(crate) fn calling(alice: &mut TestPhone) -> (SessionId, Message) {
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    assert!(invite.has_token(HeaderName::Supported, "100rel"));
    (id, invite)
}

pub(crate) fn reliable(invite: &Message, code: u16, tag: &str, rseq: u32, body: Option<&[u8]>) -> Bytes {
    let mut b = Builder::reply(invite, code, offhook_wire::reason_phrase(code), Some(tag.as_bytes()));
    b.header(HeaderName::Contact, format!("<sip:{tag}@peer.invalid;transport=ws>"));
    b.header(HeaderName::Require, "100rel");
    b.header(HeaderName::RSeq, rseq.to_string());
    match body {
        Some(body) => b.body("application/sdp", body),
        None => b.finish(),
    }
}

pub(crate) fn invite(extra: &str, offer: bool) -> String {
    peer::invite(offer.then_some(Direction::SendRecv))
        .replace("Max-Forwards", &format!("{extra}\nMax-Forwards"))
}

pub(crate) const REQUIRES: &str = "Require: 100rel";
pub(crate) const SUPPORTS: &str = "Supported: 100rel";

pub(crate) fn rung(alice: &mut TestPhone, extra: &str, offer: bool) -> (SessionId, Message) {
    alice.receive(&invite(extra, offer));
    alice.next_response(100);
    (alice.incoming(), alice.next_response(180))
}

pub(crate) fn prack(peer: &ScriptedPeer, cseq: u32, to: &Message, body: Option<Direction>) -> String {
    let rseq = to.rseq().expect("read").expect("a RSeq");
    let rows = format!("RAck: {rseq} 1 INVITE\nContent");
    peer.request_with_sdp("PRACK", cseq, body).replacen("Content", &rows, 1)
}
