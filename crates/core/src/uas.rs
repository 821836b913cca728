//! What the phone answers whatever its calls do (RFC 3261 §8.2).

use crate::entropy::Label;
use crate::marks::Mark;
use crate::session::Env;
use crate::transaction::ServerTx;
use crate::{Config, Event};
use bytes::Bytes;
use offhook_wire::{Builder, HeaderName, Message, Method};

/// The methods that the phone takes.
pub(crate) const ALLOW: &[u8] = b"INVITE,ACK,CANCEL,BYE,OPTIONS,INFO,MESSAGE,NOTIFY,REFER";

/// The media type of a session description.
pub(crate) const SDP: &str = "application/sdp";

const ACCEPT: &[u8] = b"application/sdp,application/dtmf-relay,application/dtmf";

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
    b.header(HeaderName::Allow, ALLOW);
    b.body(SDP, sdp)
}

/// Refuses a request, or answers it with nothing but a code. Every response but 100 carries a To tag (§8.2.6.2).
pub(crate) fn answer(env: &mut Env<'_, '_>, tx: ServerTx, request: &Message, code: u16) {
    let tag: [u8; 16] = env.cx.entropy.token(Label::Ids);
    let response = bare(env.cx.config, request, code, Some(&tag));
    env.txs.finish(env.cx, tx, code, response);
}

/// Like [`answer`], with one more header.
fn answer_with(
    env: &mut Env<'_, '_>,
    tx: ServerTx,
    request: &Message,
    code: u16,
    headers: &[(HeaderName, &[u8])],
) {
    let tag: [u8; 16] = env.cx.entropy.token(Label::Ids);
    let mut b = begin(env.cx.config, request, code, Some(&tag));
    for (name, value) in headers {
        b.header(*name, value);
    }
    let response = b.finish();
    env.txs.finish(env.cx, tx, code, response);
}

/// 500 to a request that came too early, with a time from 0 to 10 s after which it may come again (§14.2).
pub(crate) fn retry_later(env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
    env.cx.trace.mark(Mark::RetryLater);
    let seconds = (env.cx.entropy.u64(Label::Pace) % 11).to_string();
    answer_with(env, tx, request, 500, &[(HeaderName::RetryAfter, seconds.as_bytes())]);
}

/// 415, with what we take (§8.2.3).
pub(crate) fn unsupported_media(env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
    answer_with(env, tx, request, 415, &[(HeaderName::Accept, ACCEPT)]);
}

/// 489, with the one package that we take (RFC 6665 §4.1.3).
pub(crate) fn unknown_event(env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
    env.cx.trace.mark(Mark::PackageUnknown);
    answer_with(env, tx, request, 489, &[(HeaderName::AllowEvents, b"refer")]);
}

/// What must be so before a request is looked at: no extension that we lack, no encoding that we cannot read
/// (§8.2.2.3, §8.2.3). Returns the transaction when it is.
pub(crate) fn admit(env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) -> Option<ServerTx> {
    let mut lacking = Vec::new();
    for option in request.values(HeaderName::Require) {
        if !lacking.is_empty() {
            lacking.push(b',');
        }
        lacking.extend_from_slice(option);
    }
    if !lacking.is_empty() {
        env.cx.trace.mark(Mark::ExtensionRefused);
        answer_with(env, tx, request, 420, &[(HeaderName::Unsupported, &lacking)]);
        return None;
    }
    let encoded = request
        .header(HeaderName::ContentEncoding)
        .is_some_and(|encoding| !encoding.trim_ascii().eq_ignore_ascii_case(b"identity"));
    if encoded {
        unsupported_media(env, tx, request);
        return None;
    }
    Some(tx)
}

/// A request that makes no call and belongs to none, or to one that has no opinion on it.
pub(crate) fn out_of_dialog(env: &mut Env<'_, '_>, tx: ServerTx, request: &Message) {
    match request.method() {
        Some(Method::Options) => {
            let headers = [(HeaderName::Allow, ALLOW), (HeaderName::Accept, ACCEPT)];
            answer_with(env, tx, request, 200, &headers);
        }
        Some(Method::Message) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            env.cx.out.event(Event::Message {
                account: env.line.id(),
                from: request.from().map(|from| text(from.uri)).unwrap_or_default(),
                content_type: text(request.content_type().unwrap_or_default()),
                body: request.body(),
            });
            answer(env, tx, request, 200);
        }
        Some(Method::Bye | Method::Info | Method::Notify | Method::Refer | Method::Invite) => {
            env.cx.trace.mark(Mark::OutOfDialog);
            answer(env, tx, request, 481);
        }
        // Known to SIP, but not to this phone (§8.2.1); 501 for what nobody knows.
        Some(Method::Subscribe | Method::Publish | Method::Prack | Method::Update | Method::Register) => {
            env.cx.trace.mark(Mark::MethodRefused);
            answer_with(env, tx, request, 405, &[(HeaderName::Allow, ALLOW)]);
        }
        _ => {
            env.cx.trace.mark(Mark::MethodRefused);
            answer_with(env, tx, request, 501, &[(HeaderName::Allow, ALLOW)]);
        }
    }
}
