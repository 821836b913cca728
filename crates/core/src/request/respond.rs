//! Responses that do not depend on a call (RFC 3261 §8.2).

use crate::base::cx::Cx;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::Machine;
use crate::capabilities::CAPABILITIES;
use crate::planted::planted;
use crate::transaction::{ServerTx, Transactions};
use crate::{AccountEvent, AccountId, Config, MediaFault};
use bytes::Bytes;
use offhook_wire::{Builder, HeaderName, Message, Method, is_token};

/// The media type of a session description.
pub(crate) const SDP: &str = "application/sdp";

/// Begins a response, with the header fields that all of ours have.
pub(crate) fn begin(config: &Config, request: &Message, code: u16, tag: Option<&[u8]>) -> Builder {
    let mut b = Builder::reply(request, code, offhook_wire::reason_phrase(code), tag);
    b.header(HeaderName::Server, &config.user_agent);
    b
}

/// A response without a body.
pub(crate) fn bare(config: &Config, request: &Message, code: u16, tag: Option<&[u8]>) -> Bytes {
    begin(config, request, code, tag).finish()
}

/// A response with our Contact, as required of those that create or refresh a dialog (§12.1.1).
pub(crate) fn reply(config: &Config, request: &Message, code: u16, tag: &[u8], contact: &[u8]) -> Builder {
    let mut b = begin(config, request, code, Some(tag));
    b.header(HeaderName::Contact, contact);
    b
}

/// The 200 to an INVITE (§13.3.1.4).
pub(crate) fn accept(config: &Config, invite: &Message, tag: &[u8], contact: &[u8], sdp: &[u8]) -> Bytes {
    let mut b = reply(config, invite, 200, tag, contact);
    b.header(HeaderName::Allow, CAPABILITIES.allow);
    state_info_packages(&mut b, config);
    b.body(SDP, sdp)
}

/// The 200 to a request that refreshes the dialog, or to an INVITE after early media: without a description.
pub(crate) fn accept_without_sdp(config: &Config, request: &Message, tag: &[u8], contact: &[u8]) -> Bytes {
    let mut b = reply(config, request, 200, tag, contact);
    b.header(HeaderName::Allow, CAPABILITIES.allow);
    state_info_packages(&mut b, config);
    b.finish()
}

/// Refuses a request whose offer cannot be used: 488 with a Warning (§13.3.1.3, §20.43); 500 if the media engine failed.
pub(crate) fn refuse_offer(
    cx: &mut Cx<'_>,
    txs: &mut Transactions,
    tx: ServerTx,
    request: &Message,
    tag: Option<&[u8]>,
    fault: MediaFault,
) {
    let warning: &[u8] = match fault {
        MediaFault::NoCommonTransport => b"302 offhook \"Incompatible transport protocol\"",
        MediaFault::NoCommonMedia => b"304 offhook \"Media type not available\"",
        MediaFault::NoCommonCodec => b"305 offhook \"Incompatible media format\"",
        MediaFault::BadDescription => b"399 offhook \"Malformed session description\"",
        MediaFault::Engine => b"",
    };
    let code = if warning.is_empty() { 500 } else { 488 };
    let mut b = begin(cx.config, request, code, tag);
    if !warning.is_empty() && !planted!(cx.config, WarningMissing) {
        b.header(HeaderName::Warning, warning);
    }
    let response = b.finish();
    txs.finish(cx, tx, code, response);
}

/// Sends a response with only a status code. Every response but 100 has a To tag (§8.2.6.2).
pub(crate) fn answer(cx: &mut Cx<'_>, txs: &mut Transactions, tx: ServerTx, request: &Message, code: u16) {
    let tag: [u8; 16] = cx.entropy.token(Label::Ids);
    let response = bare(cx.config, request, code, Some(&tag));
    txs.finish(cx, tx, code, response);
}

/// Like [`answer`], with one more header field.
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

/// 500 to a re-INVITE while another one is pending, with a random Retry-After of 0–10 s (§14.2).
pub(crate) fn retry_later(cx: &mut Cx<'_>, txs: &mut Transactions, tx: ServerTx, request: &Message) {
    cx.mark(Machine::from(tx.id()), Mark::RetryLater);
    let seconds = (cx.entropy.u64(Label::Jitter) % 11).to_string();
    answer_with(cx, txs, tx, request, 500, &[(HeaderName::RetryAfter, seconds.as_bytes())]);
}

/// 415, with Accept (§8.2.3).
pub(crate) fn unsupported_media(cx: &mut Cx<'_>, txs: &mut Transactions, tx: ServerTx, request: &Message) {
    answer_with(cx, txs, tx, request, 415, &[(HeaderName::Accept, CAPABILITIES.accept)]);
}

/// 489, with Allow-Events (RFC 6665 §4.1.3).
pub(crate) fn unknown_event(cx: &mut Cx<'_>, txs: &mut Transactions, tx: ServerTx, request: &Message) {
    cx.mark(Machine::from(tx.id()), Mark::PackageUnknown);
    answer_with(cx, txs, tx, request, 489, &[(HeaderName::AllowEvents, CAPABILITIES.allow_events)]);
}

/// 469, with Recv-Info (RFC 6086 §4.2.2).
pub(crate) fn bad_info_package(cx: &mut Cx<'_>, txs: &mut Transactions, tx: ServerTx, request: &Message) {
    let packages = recv_info(cx.config);
    answer_with(cx, txs, tx, request, 469, &[(HeaderName::RecvInfo, packages.as_bytes())]);
}

/// States the Info Packages that the application understands, if there are any.
pub(crate) fn state_info_packages(b: &mut Builder, config: &Config) {
    let packages = recv_info(config);
    if !packages.is_empty() {
        b.header(HeaderName::RecvInfo, packages);
    }
}

/// Refuses a request that requires an unsupported extension or has an unsupported content encoding (§8.2.2.3, §8.2.3).
/// Otherwise returns the transaction.
pub(crate) fn admit(
    cx: &mut Cx<'_>,
    txs: &mut Transactions,
    tx: ServerTx,
    request: &Message,
) -> Option<ServerTx> {
    let mut lacking = Vec::new();
    // A search for one row is cheaper than a list of values.
    let options = request.header(HeaderName::Require).map(|_| request.values(HeaderName::Require));
    for option in options.into_iter().flatten() {
        if option.eq_ignore_ascii_case(CAPABILITIES.supported) {
            continue;
        }
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

/// The value of `Recv-Info`: the Info Packages that the application understands (RFC 6086 §5.2). Only a token is a name.
pub(crate) fn recv_info(config: &Config) -> String {
    let names = config.info_packages.iter().map(String::as_str).filter(|name| is_token(name.as_bytes()));
    names.collect::<Vec<_>>().join(",")
}

/// Answers a request that does not create a call and that no call handles. `invite_code`: the response code of an INVITE.
///
/// A MESSAGE gets 200 without a Contact, whatever its content type is (RFC 3428 §7).
pub(crate) fn out_of_dialog(
    cx: &mut Cx<'_>,
    txs: &mut Transactions,
    account: AccountId,
    tx: ServerTx,
    request: &Message,
    invite_code: u16,
) {
    match request.method() {
        Some(Method::Options) => {
            // §11.2: the code is that of the response to an INVITE.
            let packages = recv_info(cx.config);
            let headers = [
                (HeaderName::Allow, CAPABILITIES.allow),
                (HeaderName::Accept, CAPABILITIES.accept),
                (HeaderName::AcceptEncoding, CAPABILITIES.accept_encoding),
                (HeaderName::AcceptLanguage, CAPABILITIES.accept_language),
                (HeaderName::Supported, CAPABILITIES.supported),
                (HeaderName::RecvInfo, packages.as_bytes()),
            ];
            let stated = if packages.is_empty() { &headers[..5] } else { &headers };
            answer_with(cx, txs, tx, request, invite_code, stated);
        }
        Some(Method::Message) => {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let event = AccountEvent::Message {
                from: request.from().map(|from| text(from.uri)).unwrap_or_default(),
                content_type: text(request.content_type().unwrap_or_default()),
                body: request.body(),
            };
            cx.out.account_event(account, event);
            txs.store_message(cx, &tx);
            answer(cx, txs, tx, request, 200);
        }
        Some(
            Method::Bye
            | Method::Info
            | Method::Notify
            | Method::Refer
            | Method::Invite
            | Method::Prack
            | Method::Update,
        ) => {
            cx.mark(Machine::from(tx.id()), Mark::OutOfDialog);
            answer(cx, txs, tx, request, 481);
        }
        // 405: a method of SIP that this phone does not support (§8.2.1); 501: an unknown one.
        Some(Method::Subscribe | Method::Publish | Method::Register) => {
            cx.mark(Machine::from(tx.id()), Mark::MethodRefused);
            answer_with(cx, txs, tx, request, 405, &[(HeaderName::Allow, CAPABILITIES.allow)]);
        }
        _ => {
            cx.mark(Machine::from(tx.id()), Mark::MethodRefused);
            answer_with(cx, txs, tx, request, 501, &[(HeaderName::Allow, CAPABILITIES.allow)]);
        }
    }
}
