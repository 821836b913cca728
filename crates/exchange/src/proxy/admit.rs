//! Admission of requests: RFC 3261 §16.3, and the identity of the sender.

use offhook_wire::{HeaderError, HeaderName, Message, Method, NameAddr, Uri};

use super::plan::{Destination, Refusal};
use crate::authentication::Role;
use crate::budget::Sender;
use crate::cx::Cx;
use crate::event::Event;
use crate::flow::Arrival;
use crate::planted::planted;
use crate::registrar::Binding;
use crate::response::Response;

/// The checks that do not depend on the destination: Max-Forwards, loops, Proxy-Require. The Request-URI is checked when it is looked up,
/// the syntax was checked before.
pub(super) fn check(cx: &Cx, request: &Message, loop_mark: u32) -> Result<(), Response> {
    match request.max_forwards() {
        Ok(Some(0)) if is_options_for_exchange(cx, request) => return Err(Response::capabilities()),
        // Also to an OPTIONS for a phone: optional in RFC 3261 §16.3, required by RFC 4475 §3.3.11.
        Ok(Some(0)) => return Err(Response::new(483)),
        Ok(_) => {}
        Err(_) => return Err(Response::with_reason(400, "Malformed Max-Forwards")),
    }
    if has_looped(cx, request, loop_mark) {
        return Err(Response::new(482));
    }
    let mut options = request.values(HeaderName::ProxyRequire).peekable();
    if options.peek().is_some() {
        return Err(options
            .fold(Response::new(420), |response, option| response.with(HeaderName::Unsupported, option)));
    }
    Ok(())
}

/// Whether this is an OPTIONS for the exchange itself.
fn is_options_for_exchange(cx: &Cx, request: &Message) -> bool {
    let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
    request.method() == Some(Method::Options) && uri.is_some_and(|uri| uri.user.is_none() && cx.is_ours(&uri))
}

/// A hash of all fields that determine the routing of a request. It is a part of the branch; a request with the same hash in one of its
/// Vias has looped (RFC 3261 §16.6 step 8).
pub(super) fn loop_mark(cx: &Cx, request: &Message) -> u32 {
    let cseq = request.cseq().map_or(0, |cseq| cseq.number).to_be_bytes();
    let mut parts = vec![
        request.request_uri().unwrap_or_default(),
        tag(request.from()),
        tag(request.to()),
        request.call_id().unwrap_or_default(),
        &cseq,
    ];
    parts.extend(request.rows(HeaderName::Route));
    (cx.seal.mac("loop", &parts) >> 32) as u32
}

fn tag<'a>(address: Result<NameAddr<'a>, HeaderError>) -> &'a [u8] {
    address.ok().and_then(|address| address.tag()).unwrap_or_default()
}

fn has_looped(cx: &Cx, request: &Message, mark: u32) -> bool {
    let vias = request.vias().filter_map(Result::ok);
    let mut own = vias.filter_map(|via| cx.seal.open_branch(via.branch()?));
    own.any(|branch| branch.loop_mark == mark)
}

/// The sender of a request.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The authenticated user; none for a guest.
    pub(super) user: Option<String>,
    pub(super) sender: Sender,
}

/// Identifies the sender of a request to this destination.
///
/// - A caller with a local domain in From must authenticate (407).
/// - A guest may send INVITE and OPTIONS to local users if the configuration allows it.
/// - Inside a dialog whose route token was invalidated by a restart of the exchange, a phone registered over this flow as the user in From
///   needs no credentials: a challenge of its BYE would only prolong the call.
pub(super) fn caller(
    cx: &mut Cx,
    arrival: Arrival,
    request: &Message,
    destination: &Destination,
) -> Result<Caller, Refusal> {
    let from = request.from().map_err(|_| Response::new(400))?;
    let from = from.uri_parsed().map_err(|_| Response::new(400))?;
    let in_dialog = request.to().is_ok_and(|to| to.tag().is_some());
    if in_dialog
        && matches!(destination, Destination::Contact(_) | Destination::Unregistered)
        && let Some(user) = registered(cx, arrival, &from)
    {
        // The source of a datagram can be forged, so it counts against the bounds of guests.
        let sender = if arrival.transport.is_reliable() { Sender::User } else { Sender::Guest };
        return Ok(Caller { user: Some(user), sender });
    }
    if !cx.is_ours(&from) {
        let allowed = cx.config.guests && matches!(request.method(), Some(Method::Invite | Method::Options));
        let allowed = allowed && !matches!(destination, Destination::Unregistered);
        return match allowed {
            true => Ok(Caller { user: None, sender: Sender::Guest }),
            false => Err(relaying_denied().into()),
        };
    }
    let user = cx.authenticate(Role::Proxy, arrival, request)?;
    if user_of(&from).is_some_and(|from| from == user) {
        return Ok(Caller { user: Some(user), sender: Sender::User });
    }
    cx.event(Event::Denied { user, status: 403, flow: arrival.flow });
    Err(Refusal { response: Response::new(403), authenticated: true })
}

/// The user in From, if a phone of that user is registered over this flow.
pub(super) fn registered(cx: &Cx, arrival: Arrival, from: &Uri<'_>) -> Option<String> {
    let user = user_of(from).filter(|_| cx.is_ours(from))?;
    let same = |binding: &Binding| binding.user == user || planted!(cx.config, FromNotCompared);
    cx.location.on_flow(arrival.flow).any(same).then_some(user)
}

fn user_of(uri: &Uri<'_>) -> Option<String> {
    uri.user.map(|user| String::from_utf8_lossy(&offhook_wire::unescape(user)).into_owned())
}

/// Requests for foreign domains are refused: the exchange opens no connections.
pub(super) fn relaying_denied() -> Response {
    Response::with_reason(403, "Relaying Denied")
}
