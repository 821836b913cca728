//! What the phone answers whatever its calls do (RFC 3261 §8.2).

use crate::base::cx::Cx;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::Machine;
use crate::capabilities::CAPABILITIES;
use crate::transaction::{ServerTx, Transactions};
use crate::{AccountId, Config, Event};
use bytes::Bytes;
use offhook_wire::{Builder, HeaderName, Message, Method};

/// The media type of a session description.
pub(crate) const SDP: &str = "application/sdp";

/// Begins a response, up to the headers that every one of ours carries.
pub(crate) fn begin(config: &Config, request: &Message, code: u16, tag: Option<&[u8]>) -> Builder {
    let mut b = Builder::reply(request, code, offhook_wire::reason_phrase(code), tag);
    b.header(HeaderName::Server, &config.user_agent);
    b
}

/// A response without a body.
pub(crate) fn bare(config: &Config, request: &Message, code: u16, tag: Option<&[u8]>) -> Bytes {
    begin(config, request, code, tag).finish()
}

/// A response that names where we are, as all that make or refresh a dialog do (§12.1.1).
pub(crate) fn reply(config: &Config, request: &Message, code: u16, tag: &[u8], contact: &[u8]) -> Builder {
    let mut b = begin(config, request, code, Some(tag));
    b.header(HeaderName::Contact, contact);
    b
}

/// The 200 to an INVITE (§13.3.1.4).
pub(crate) fn accept(config: &Config, invite: &Message, tag: &[u8], contact: &[u8], sdp: &[u8]) -> Bytes {
    let mut b = reply(config, invite, 200, tag, contact);
    b.header(HeaderName::Allow, CAPABILITIES.allow);
    b.body(SDP, sdp)
}

/// Refuses a request, or answers it with nothing but a code. Every response but 100 carries a To tag (§8.2.6.2).
pub(crate) fn answer(cx: &mut Cx<'_>, txs: &mut Transactions, tx: ServerTx, request: &Message, code: u16) {
    let tag: [u8; 16] = cx.entropy.token(Label::Ids);
    let response = bare(cx.config, request, code, Some(&tag));
    txs.finish(cx, tx, code, response);
}

/// Like [`answer`], with one more header.
fn answer_with(
    cx: &mut Cx<'_>,
    txs: &mut Transactions,
    tx: ServerTx,
    request: &Message,
    code: u16,
    headers: &[(HeaderName, &[u8])],
) {
    let tag: [u8; 16] = cx.entropy.token(Label::Ids);
    let mut b = begin(cx.config, request, code, Some(&tag));
    for (name, value) in headers {
        b.header(*name, value);
    }
    let response = b.finish();
    txs.finish(cx, tx, code, response);
}

/// 500 to a request that came too early, with a time from 0 to 10 s after which it may come again (§14.2).
pub(crate) fn retry_later(cx: &mut Cx<'_>, txs: &mut Transactions, tx: ServerTx, request: &Message) {
    cx.mark(Machine::from(tx.id()), Mark::RetryLater);
    let seconds = (cx.entropy.u64(Label::Jitter) % 11).to_string();
    answer_with(cx, txs, tx, request, 500, &[(HeaderName::RetryAfter, seconds.as_bytes())]);
}

/// 415, with what we take (§8.2.3).
pub(crate) fn unsupported_media(cx: &mut Cx<'_>, txs: &mut Transactions, tx: ServerTx, request: &Message) {
    answer_with(cx, txs, tx, request, 415, &[(HeaderName::Accept, CAPABILITIES.accept)]);
}

/// 489, with the one package that we take (RFC 6665 §4.1.3).
pub(crate) fn unknown_event(cx: &mut Cx<'_>, txs: &mut Transactions, tx: ServerTx, request: &Message) {
    cx.mark(Machine::from(tx.id()), Mark::PackageUnknown);
    answer_with(cx, txs, tx, request, 489, &[(HeaderName::AllowEvents, CAPABILITIES.allow_events)]);
}

/// What must be so before a request is looked at: no extension that we lack, no encoding that we cannot read
/// (§8.2.2.3, §8.2.3). Returns the transaction when it is.
pub(crate) fn admit(
    cx: &mut Cx<'_>,
    txs: &mut Transactions,
    tx: ServerTx,
    request: &Message,
) -> Option<ServerTx> {
    let mut lacking = Vec::new();
    for option in request.values(HeaderName::Require) {
        if !lacking.is_empty() {
            lacking.push(b',');
        }
        lacking.extend_from_slice(option);
    }
    if !lacking.is_empty() {
        cx.mark(Machine::from(tx.id()), Mark::ExtensionRefused);
        answer_with(cx, txs, tx, request, 420, &[(HeaderName::Unsupported, &lacking)]);
        return None;
    }
    let encoded = request
        .header(HeaderName::ContentEncoding)
        .is_some_and(|encoding| !encoding.trim_ascii().eq_ignore_ascii_case(b"identity"));
    if encoded {
        unsupported_media(cx, txs, tx, request);
        return None;
    }
    Some(tx)
}

/// A request that makes no call and belongs to none, or to one that has no opinion on it.
pub(crate) fn out_of_dialog(
    cx: &mut Cx<'_>,
    txs: &mut Transactions,
    account: AccountId,
    tx: ServerTx,
    request: &Message,
) {
    match request.method() {
        Some(Method::Options) => {
            let headers =
                [(HeaderName::Allow, CAPABILITIES.allow), (HeaderName::Accept, CAPABILITIES.accept)];
            answer_with(cx, txs, tx, request, 200, &headers);
        }
        Some(Method::Message) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            cx.out.event(Event::Message {
                account,
                from: request.from().map(|from| text(from.uri)).unwrap_or_default(),
                content_type: text(request.content_type().unwrap_or_default()),
                body: request.body(),
            });
            answer(cx, txs, tx, request, 200);
        }
        Some(Method::Bye | Method::Info | Method::Notify | Method::Refer | Method::Invite) => {
            cx.mark(Machine::from(tx.id()), Mark::OutOfDialog);
            answer(cx, txs, tx, request, 481);
        }
        // Known to SIP, but not to this phone (§8.2.1); 501 for what nobody knows.
        Some(Method::Subscribe | Method::Publish | Method::Prack | Method::Update | Method::Register) => {
            cx.mark(Machine::from(tx.id()), Mark::MethodRefused);
            answer_with(cx, txs, tx, request, 405, &[(HeaderName::Allow, CAPABILITIES.allow)]);
        }
        _ => {
            cx.mark(Machine::from(tx.id()), Mark::MethodRefused);
            answer_with(cx, txs, tx, request, 501, &[(HeaderName::Allow, CAPABILITIES.allow)]);
        }
    }
}
