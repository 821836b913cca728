//! Routing of requests: route information and targets (RFC 3261 §16.4 and §16.5).

use offhook_wire::{Editor, HeaderName, Message, Method, NameAddr, Scheme, Uri};

use super::admit::{self, Caller};
use super::plan::{Destination, Plan, Refusal, Target};
use super::reparse::reparse;
use crate::budget::Sender;
use crate::cx::Cx;
use crate::flow::Arrival;
use crate::planted::planted;
use crate::registrar::{Binding, Owner};
use crate::response::Response;
use crate::token::{End, RouteToken};

/// The decision about a request.
#[derive(Debug)]
pub(crate) enum Decision {
    /// Forward it to phones.
    Forward(Plan),
    /// Answer it: it is for the exchange itself.
    Local,
    /// Wait until the contact is registered: after a restart of the exchange, phones register one by one.
    Wait(Caller),
}

impl Decision {
    /// The class of the sender.
    pub(crate) fn sender(&self) -> Sender {
        match self {
            Decision::Forward(plan) => plan.sender,
            Decision::Local => Sender::Guest,
            Decision::Wait(caller) => caller.sender,
        }
    }
}

/// The leading Route values that name the exchange.
pub(super) struct RouteHeaders {
    own: usize,
    token: Option<RouteToken>,
    /// The next value names another proxy.
    other_proxy: bool,
}

impl RouteHeaders {
    /// Reads all leading values that name this proxy, not only the first: forwarding to itself for the second would have the same result.
    pub(super) fn read(cx: &Cx, request: &Message) -> Self {
        let mut routing = Self { own: 0, token: None, other_proxy: false };
        for value in request.values(HeaderName::Route) {
            let address = NameAddr::parse(value).ok();
            let Some(uri) =
                address.and_then(|address| address.uri_parsed().ok()).filter(|uri| cx.is_ours(uri))
            else {
                routing.other_proxy = true;
                break;
            };
            routing.own += 1;
            routing.token = routing.token.or_else(|| cx.seal.open_route(uri.user?));
        }
        routing
    }
}

/// A request from a strict router has the exchange's Record-Route value as its Request-URI and the peer's target as its last Route (RFC
/// 3261 §16.4). Returns it as a loose router would have written it.
pub(super) fn undo_strict_routing(cx: &Cx, request: Message) -> Message {
    let raw = request.request_uri().unwrap_or_default();
    let ours = Uri::parse(raw)
        .is_ok_and(|uri| cx.is_ours(&uri) && uri.user.is_some_and(|user| cx.seal.open_route(user).is_some()));
    let routes: Vec<&[u8]> = if ours { request.values(HeaderName::Route).collect() } else { Vec::new() };
    let Some((Ok(target), between)) = routes.split_last().map(|(last, rest)| (NameAddr::parse(last), rest))
    else {
        return request;
    };
    let mut editor = Editor::new(&request);
    editor.request_uri(target.uri).remove_all(HeaderName::Route);
    editor.append(HeaderName::Route, &[b"<", raw, b">"].concat());
    for route in between {
        editor.append(HeaderName::Route, route);
    }
    reparse(editor.finish()).unwrap_or(request)
}

/// Decides how to route a request other than REGISTER, CANCEL and ACK. `known` is its sender if the request has waited: its credentials
/// have been consumed then.
pub(crate) fn find(
    cx: &mut Cx,
    arrival: Arrival,
    request: &Message,
    known: Option<Caller>,
) -> Result<Decision, Refusal> {
    let routing = RouteHeaders::read(cx, request);
    if let Some(token) = routing.token {
        let plan = route_in_dialog(cx, arrival, request, &routing, &token)?;
        // Only a party of the dialog has its route token.
        cx.flows.mark_guest(cx.now, arrival.flow);
        return Ok(Decision::Forward(plan));
    }
    if routing.other_proxy {
        return Err(admit::relaying_denied().into());
    }
    let destination = destination(cx, request)?;
    if matches!(destination, Destination::Exchange) {
        let asked = request.method() == Some(Method::Options);
        return if asked { Ok(Decision::Local) } else { Err(Response::new(404).into()) };
    }
    let caller = match known {
        Some(caller) => caller,
        None => admit::caller(cx, arrival, request, &destination)?,
    };
    let refuse = |status| Refusal { response: Response::new(status), authenticated: caller.user.is_some() };
    let targets = match destination {
        Destination::Exchange | Destination::UnknownUser => return Err(refuse(404)),
        Destination::Unregistered => return Ok(Decision::Wait(caller)),
        Destination::Contact(target) => vec![target],
        Destination::User(user) => contacts(cx, &user),
    };
    if targets.is_empty() {
        return Err(refuse(480));
    }
    if request.method() == Some(Method::Invite) {
        cx.flows.mark_guest(cx.now, arrival.flow);
    }
    let source = source(cx, arrival, caller.user.as_deref().map(Owner::User), request);
    Ok(Decision::Forward(Plan { targets, own_routes: routing.own, source, sender: caller.sender }))
}

/// The plan for an ACK to a 2xx; none if it cannot be forwarded, since an ACK has no response.
pub(crate) fn find_for_ack(cx: &Cx, arrival: Arrival, request: &Message) -> Option<Plan> {
    let routing = RouteHeaders::read(cx, request);
    if let Some(token) = routing.token {
        return route_in_dialog(cx, arrival, request, &routing, &token).ok();
    }
    let Ok(Destination::Contact(target)) = destination(cx, request) else { return None };
    let from = request.from().ok()?.uri_parsed().ok()?;
    let known = admit::registered(cx, arrival, &from).is_some() && !routing.other_proxy;
    let source = End { flow: arrival.flow, binding: None };
    known.then(|| Plan { targets: vec![target], own_routes: routing.own, source, sender: Sender::User })
}

fn destination(cx: &Cx, request: &Message) -> Result<Destination, Response> {
    let raw = request.request_uri().unwrap_or_default();
    let uri = match Uri::parse(raw) {
        Ok(uri) if matches!(uri.scheme, Scheme::Sip | Scheme::Sips) => uri,
        Ok(_) => return Err(Response::new(416)),
        Err(_) => return Err(Response::new(400)),
    };
    let user = uri.user.map(|user| String::from_utf8_lossy(&offhook_wire::unescape(user)).into_owned());
    let known = user.as_ref().is_some_and(|user| cx.config.users.contains_key(user));
    // The contact of a phone on the exchange's own host differs from an address-of-record only by its port. With a port the contact has
    // priority; without one the address-of-record does, so that no contact can capture the calls of a user.
    let addressed = cx.is_ours(&uri) && (uri.port.is_none() || cx.is_self(uri.host, uri.port));
    let peer = peer(cx, request);
    // On a host of the exchange, a user part that names a user means that user, also if another user registers such a contact.
    let named = user.as_deref().filter(|_| known && cx.is_ours(&uri));
    let owner = peer.as_deref().or(named).map_or(Owner::Unstated, Owner::User);
    if !(addressed && known)
        && let Some(binding) = by_contact(cx, raw, owner)
    {
        return Ok(Destination::Contact(Target { end: end_of(binding), uri: None }));
    }
    if !cx.is_ours(&uri) {
        // The contact of a peer that is not registered; outside a dialog this would be relaying.
        let in_dialog = request.to().is_ok_and(|to| to.tag().is_some());
        return if in_dialog { Ok(Destination::Unregistered) } else { Err(admit::relaying_denied()) };
    }
    Ok(match user {
        None => Destination::Exchange,
        Some(user) if known => Destination::User(user),
        Some(_) => Destination::UnknownUser,
    })
}

/// The binding of a contact with this owner.
fn by_contact<'a>(cx: &'a Cx, contact: &[u8], owner: Owner<'_>) -> Option<&'a Binding> {
    if planted!(cx.config, OwnerNotCompared) {
        return cx.location.with_contact(contact).into_iter().next();
    }
    cx.location.by_contact(cx.now, contact, owner)
}

/// The user in To of a request inside a dialog: only that user's phones may get it.
fn peer(cx: &Cx, request: &Message) -> Option<String> {
    let to = request.to().ok().filter(|to| to.tag().is_some())?;
    let uri = to.uri_parsed().ok().filter(|uri| cx.is_ours(uri))?;
    let user = String::from_utf8_lossy(&offhook_wire::unescape(uri.user?)).into_owned();
    Some(user).filter(|user| cx.config.users.contains_key(user))
}

/// All contacts of a user, by descending q. They are forked in parallel.
fn contacts(cx: &Cx, user: &str) -> Vec<Target> {
    let on: Vec<&Binding> =
        cx.location.of_user(user).filter(|binding| cx.flows.contains(binding.flow)).collect();
    // RFC 5626 §5.3: a device with several flows is called over one of them, the one registered last.
    let newest = |binding: &Binding| {
        on.iter().filter(|other| other.is_device_of(binding)).map(|other| other.serial).max()
    };
    let mut bindings = on.clone();
    bindings.retain(|binding| newest(binding).is_none_or(|newest| binding.serial == newest));
    bindings.sort_by_key(|binding| std::cmp::Reverse(binding.q));
    bindings
        .iter()
        .map(|binding| Target { end: end_of(binding), uri: Some(binding.target().to_vec()) })
        .collect()
}

fn end_of(binding: &Binding) -> End {
    End { flow: binding.flow, binding: Some(binding.id) }
}

/// Routes a request inside a dialog: the token names both ends, and the tags give the direction.
fn route_in_dialog(
    cx: &Cx,
    arrival: Arrival,
    request: &Message,
    routing: &RouteHeaders,
    token: &RouteToken,
) -> Result<Plan, Response> {
    let mark = |address: Result<NameAddr<'_>, _>| {
        address.ok().and_then(|address| address.tag()).map(|tag| cx.seal.tag_mark(tag))
    };
    let (from, to) = if mark(request.from()) == Some(token.tag) {
        (token.caller, token.callee)
    } else if mark(request.to()) == Some(token.tag) {
        (token.callee, token.caller)
    } else {
        // RFC 3261 §16.6 step 4: the token is valid only in its dialog.
        return Err(admit::relaying_denied());
    };
    let registered = cx.location.on_flow(arrival.flow).next().is_some();
    let at_end = cx.comes_from(from, arrival.flow);
    let sender = if registered || at_end && from.binding.is_some() { Sender::User } else { Sender::Guest };
    let end = match cx.reach(to) {
        Some(_) => to,
        None => {
            // An end that was never registered has no owner to compare with.
            let owner = to.binding.ok_or_else(|| Response::new(480))?.owner();
            let uri = request.request_uri().unwrap_or_default();
            match by_contact(cx, uri, Owner::Hash(owner)) {
                Some(binding) => end_of(binding),
                // Its connection was lost. Only a user's request waits for its next registration.
                None if sender == Sender::User => to,
                None => return Err(Response::new(480)),
            }
        }
    };
    let caller = from.binding.map(|binding| Owner::Hash(binding.owner()));
    let source =
        if at_end { End { flow: arrival.flow, ..from } } else { source(cx, arrival, caller, request) };
    Ok(Plan { targets: vec![Target { end, uri: None }], own_routes: routing.own, source, sender })
}

/// The sender's end of a request: its flow, and the binding that gives its flow later. That is the binding of the request's Contact, else
/// the caller's first on this flow. A flow may have bindings of others too: any user may register a contact at any address. A guest has no
/// binding.
fn source(cx: &Cx, arrival: Arrival, caller: Option<Owner<'_>>, request: &Message) -> End {
    let Some(caller) = caller else { return End { flow: arrival.flow, binding: None } };
    let contact = request.header(HeaderName::Contact).and_then(|value| NameAddr::parse(value).ok());
    let same = |binding: &&Binding| {
        contact.as_ref().is_some_and(|contact| crate::registrar::same_uri(&binding.uri, contact.uri))
    };
    let on_flow = || cx.location.on_flow(arrival.flow).filter(|binding| caller.has(binding));
    let user = match caller {
        Owner::User(user) => Some(user),
        Owner::Hash(_) | Owner::Unstated => None,
    };
    let elsewhere = || user.into_iter().flat_map(|user| cx.location.of_user(user));
    let binding = on_flow()
        .find(same)
        .or_else(|| elsewhere().find(|binding| binding.is_direct() && same(binding)))
        .or_else(|| on_flow().next());
    End { flow: arrival.flow, binding: binding.map(|binding| binding.id) }
}
