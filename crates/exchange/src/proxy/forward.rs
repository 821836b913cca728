//! Forwarded requests: RFC 3261 §16.6 steps 1 to 9, and the hop-by-hop ACK and CANCEL (§17.1.1.3, §9.1).

use bytes::Bytes;
use offhook_wire::{Builder, Editor, HeaderName, Message, Method, NameAddr};

use super::plan::{Plan, Target};
use super::reparse::reparse;
use crate::cx::Cx;
use crate::flow::Transport;
use crate::planted::planted;
use crate::token::{End, RouteToken};

/// Max-Forwards of a request without one (RFC 3261 §16.6 step 3).
const MAX_FORWARDS: u8 = 70;

/// The request as one branch sends it. All other bytes stay unchanged.
pub(super) fn request(cx: &Cx, request: &Message, plan: &Plan, target: &Target, via: &str) -> Bytes {
    let mut editor = Editor::new(request);
    if let Some(uri) = &target.uri {
        editor.request_uri(uri);
    }
    for _ in 0..plan.own_routes {
        editor.remove_first_value(HeaderName::Route);
    }
    apply_strict_routing(request, plan, &mut editor);
    strip_credentials(cx, request, &mut editor);
    if !planted!(cx.config, IdentityForwarded) {
        strip_identity(&mut editor);
    }
    let left = match request.max_forwards() {
        Ok(Some(left)) => left.saturating_sub(1),
        _ => MAX_FORWARDS,
    };
    editor.set(HeaderName::MaxForwards, left.to_string().as_bytes());
    if request.header(HeaderName::ContentLength).is_none() {
        // Step 9: required on a stream, optional on a WebSocket.
        editor.set(HeaderName::ContentLength, request.body_bytes().len().to_string().as_bytes());
    }
    if forms_dialog(request) {
        let token = route_token(cx, request, plan.source, target.end);
        for host in [Some(&cx.config.host), cx.config.second_host.as_ref()].into_iter().flatten() {
            editor.prepend(HeaderName::RecordRoute, format!("<sip:{token}@{host};lr>").as_bytes());
        }
    }
    editor.prepend(HeaderName::Via, via.as_bytes());
    editor.finish()
}

/// Step 6: a next hop without `lr` (a strict router) expects its own URI as the Request-URI and the target as the last Route.
fn apply_strict_routing(request: &Message, plan: &Plan, editor: &mut Editor<'_>) {
    let next = request.values(HeaderName::Route).nth(plan.own_routes);
    let Some(next) = next.and_then(|value| NameAddr::parse(value).ok()) else { return };
    if next.uri_parsed().is_ok_and(|uri| uri.params.get("lr").is_none()) {
        let target = request.request_uri().unwrap_or_default();
        editor.remove_first_value(HeaderName::Route);
        editor.append(HeaderName::Route, &[b"<", target, b">"].concat());
        editor.request_uri(next.uri);
    }
}

/// The exchange's Via value with this branch.
pub(super) fn via(cx: &Cx, transport: Transport, branch: &str) -> String {
    let transport = String::from_utf8_lossy(transport.as_bytes());
    format!("SIP/2.0/{transport} {};branch={branch}", cx.config.host)
}

/// Step 4: the exchange stays on the path of every dialog, because only it knows the flows. An unknown method may form a dialog. NOTIFY
/// does, for the subscriber (RFC 6665 §4.4.1).
fn forms_dialog(request: &Message) -> bool {
    let Some(method) = request.method() else { return false };
    method.forms_dialog() || matches!(method, Method::Notify | Method::Other(_))
}

fn route_token(cx: &Cx, request: &Message, caller: End, callee: End) -> String {
    let tag = request.from().ok().and_then(|from| from.tag()).unwrap_or_default();
    cx.seal.route(&RouteToken { caller, callee, tag: cx.seal.tag_mark(tag) })
}

/// Removes credentials for the exchange's realm from both headers (RFC 3261 §22.3); those for other realms are forwarded.
fn strip_credentials(cx: &Cx, request: &Message, editor: &mut Editor<'_>) {
    for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization] {
        if planted!(cx.config, CredentialsForwarded)
            || !request.rows(name).any(|row| cx.authenticator.is_own(row))
        {
            continue;
        }
        editor.remove_all(name);
        for row in request.rows(name).filter(|row| !cx.authenticator.is_own(row)) {
            editor.append(name, row);
        }
    }
}

/// RFC 3325 §5: an identity asserted outside the trust domain is removed. Phones are outside, and the exchange
/// asserts none itself.
pub(super) fn strip_identity(editor: &mut Editor<'_>) {
    editor.remove_all(HeaderName::PAssertedIdentity).remove_all(HeaderName::RemotePartyId);
}

/// The ACK for a refusal (RFC 3261 §17.1.1.3): the request's own Via, From, Call-ID and Route, the response's To.
pub(super) fn ack(sent: &Bytes, response: &Message) -> Option<Bytes> {
    let to = response.header(HeaderName::To)?;
    hop_by_hop(sent, Method::Ack, Some(to))
}

/// The CANCEL of a branch (RFC 3261 §9.1).
pub(super) fn cancel(sent: &Bytes) -> Option<Bytes> {
    hop_by_hop(sent, Method::Cancel, None)
}

fn hop_by_hop(sent: &Bytes, method: Method<'_>, to: Option<&[u8]>) -> Option<Bytes> {
    let sent = reparse(sent.clone())?;
    let number = sent.cseq().ok()?.number.to_string();
    let mut builder = Builder::request(method, sent.request_uri()?);
    builder.header(HeaderName::Via, unfold(sent.values(HeaderName::Via).next()?));
    for route in sent.rows(HeaderName::Route) {
        builder.header(HeaderName::Route, unfold(route));
    }
    builder.header(HeaderName::From, unfold(sent.header(HeaderName::From)?));
    builder.header(HeaderName::To, unfold(to.or(sent.header(HeaderName::To))?));
    builder.header(HeaderName::CallId, unfold(sent.header(HeaderName::CallId)?));
    builder.parts(HeaderName::CSeq, &[number.as_bytes(), b" ", method.as_bytes()]);
    builder.header(HeaderName::MaxForwards, MAX_FORWARDS.to_string());
    Some(builder.finish())
}

/// A folded value (RFC 3261 §7.3.1) on one line.
fn unfold(value: &[u8]) -> Vec<u8> {
    value.iter().map(|&byte| if b"\r\n\0".contains(&byte) { b' ' } else { byte }).collect()
}
