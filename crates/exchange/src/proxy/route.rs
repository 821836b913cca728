//! Where a request goes: route information and targets (RFC 3261 §16.4 and §16.5).

use offhook_wire::{Editor, HeaderName, Message, Method, NameAddr, Scheme, Uri};

use super::admit::Caller;
use super::{NO_LIMITS, admit};
use crate::answer::Answer;
use crate::budget::Sender;
use crate::cx::Cx;
use crate::flow::Arrival;
use crate::planted::planted;
use crate::registrar::{Binding, Owner};
use crate::token::{End, RouteToken};

/// How a request is to be forwarded.
#[derive(Debug)]
pub(crate) struct Plan {
    /// Never empty.
    pub(crate) targets: Vec<Target>,
    /// How many leading Route values are ours, to be taken off.
    pub(crate) own_routes: usize,
    /// Where it came from.
    pub(crate) source: End,
    /// Whose it is.
    pub(crate) sender: Sender,
}

/// One branch to be.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) end: End,
    /// The new Request-URI; none inside a dialog, where the Request-URI is the peer's already.
    pub(crate) uri: Option<Vec<u8>>,
}

/// Where a request leads.
#[derive(Debug)]
pub(crate) enum Way {
    /// To phones.
    Forward(Plan),
    /// To the exchange itself.
    Here,
    /// To a contact that nobody has registered, but may in a moment: after a restart phones come back one by one.
    Wait(Caller),
}

impl Way {
    /// Whose the request is.
    pub(crate) fn sender(&self) -> Sender {
        match self {
            Way::Forward(plan) => plan.sender,
            Way::Here => Sender::Guest,
            Way::Wait(caller) => caller.sender,
        }
    }
}

/// Why a request goes nowhere.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) answer: Answer,
    /// Whether credentials were used up to come so far: then a retransmission would be a replay, and needs a transaction to answer it.
    pub(crate) proven: bool,
}

impl From<Answer> for Refusal {
    fn from(answer: Answer) -> Self {
        Refusal { answer, proven: false }
    }
}

/// The Route rows, as far as they are ours.
pub(super) struct Routing {
    own: usize,
    token: Option<RouteToken>,
    /// Another proxy comes next.
    beyond: bool,
}

impl Routing {
    /// Takes all leading values that name this proxy, not only the first: to pass the second to ourselves would end the same way.
    pub(super) fn read(cx: &Cx, request: &Message) -> Self {
        let mut routing = Self { own: 0, token: None, beyond: false };
        for value in request.values(HeaderName::Route) {
            let address = NameAddr::parse(value).ok();
            let Some(uri) =
                address.and_then(|address| address.uri_parsed().ok()).filter(|uri| cx.is_ours(uri))
            else {
                routing.beyond = true;
                break;
            };
            routing.own += 1;
            routing.token = routing.token.or_else(|| cx.seal.open_route(uri.user?));
        }
        routing
    }
}

/// A request whose sender is a strict router has our Record-Route value as its Request-URI and the peer's target as its last
/// Route (RFC 3261 §16.4). Returns it as a loose router would have written it.
pub(super) fn straightened(cx: &Cx, request: Message) -> Message {
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
    Message::parse(editor.finish(), &NO_LIMITS).unwrap_or(request)
}

/// Finds the way of a request that is no REGISTER, CANCEL or ACK, or the answer that ends it here. `known` is its sender, if it has waited:
/// credentials are good for one use, and have been used then.
pub(crate) fn find(
    cx: &mut Cx,
    arrival: Arrival,
    request: &Message,
    known: Option<Caller>,
) -> Result<Way, Refusal> {
    let routing = Routing::read(cx, request);
    if let Some(token) = routing.token {
        let plan = inside(cx, arrival, request, &routing, &token)?;
        // Only a party of the dialog has its route.
        cx.flows.welcomed(cx.now, arrival.flow);
        return Ok(Way::Forward(plan));
    }
    if routing.beyond {
        return Err(admit::relaying_denied().into());
    }
    let place = place(cx, request)?;
    if matches!(place, Place::Here) {
        let asked = request.method() == Some(Method::Options);
        return if asked { Ok(Way::Here) } else { Err(Answer::new(404).into()) };
    }
    let caller = match known {
        Some(caller) => caller,
        None => admit::caller(cx, arrival, request, &place)?,
    };
    let refuse = |status| Refusal { answer: Answer::new(status), proven: caller.user.is_some() };
    let targets = match place {
        Place::Here | Place::Nobody => return Err(refuse(404)),
        Place::Away => return Ok(Way::Wait(caller)),
        Place::Contact(target) => vec![target],
        Place::User(user) => contacts(cx, &user),
    };
    if targets.is_empty() {
        return Err(refuse(480));
    }
    if request.method() == Some(Method::Invite) {
        cx.flows.welcomed(cx.now, arrival.flow);
    }
    let source = source(cx, arrival, caller.user.as_deref().map(Owner::User), request);
    Ok(Way::Forward(Plan { targets, own_routes: routing.own, source, sender: caller.sender }))
}

/// The way of an ACK to a 2xx, which nobody can answer: none if there is no way.
pub(crate) fn find_for_ack(cx: &Cx, arrival: Arrival, request: &Message) -> Option<Plan> {
    let routing = Routing::read(cx, request);
    if let Some(token) = routing.token {
        return inside(cx, arrival, request, &routing, &token).ok();
    }
    let Ok(Place::Contact(target)) = place(cx, request) else { return None };
    let from = request.from().ok()?.uri_parsed().ok()?;
    let known = admit::registered(cx, arrival, &from).is_some() && !routing.beyond;
    let source = End { flow: arrival.flow, binding: None };
    known.then(|| Plan { targets: vec![target], own_routes: routing.own, source, sender: Sender::User })
}

/// What a Request-URI names.
pub(super) enum Place {
    /// The exchange.
    Here,
    /// A user of ours, by the address-of-record.
    User(String),
    /// A phone, by its contact: inside a dialog whose route was lost, or for a transfer with Replaces.
    Contact(Target),
    /// A phone that is not registered: inside a dialog whose route was lost.
    Away,
    /// A user of ours that does not exist.
    Nobody,
}

fn place(cx: &Cx, request: &Message) -> Result<Place, Answer> {
    let raw = request.request_uri().unwrap_or_default();
    let uri = match Uri::parse(raw) {
        Ok(uri) if matches!(uri.scheme, Scheme::Sip | Scheme::Sips) => uri,
        Ok(_) => return Err(Answer::new(416)),
        Err(_) => return Err(Answer::new(400)),
    };
    let user = uri.user.map(|user| String::from_utf8_lossy(&offhook_wire::unescape(user)).into_owned());
    let known = user.as_ref().is_some_and(|user| cx.config.users.contains_key(user));
    // A phone on the exchange's own host differs from the address-of-record by its port only, so with a port the contact comes
    // first; without one the address-of-record does, lest a contact be registered that captures somebody's calls.
    let addressed = cx.is_ours(&uri) && (uri.port.is_none() || cx.is_self(uri.host, uri.port));
    let peer = peer(cx, request);
    // On a host of the exchange a user part that is a user's means that user, whoever registers such a contact.
    let named = user.as_deref().filter(|_| known && cx.is_ours(&uri));
    let owner = peer.as_deref().or(named).map_or(Owner::Unstated, Owner::User);
    if !(addressed && known)
        && let Some(binding) = by_contact(cx, raw, owner)
    {
        return Ok(Place::Contact(Target { end: end_of(binding), uri: None }));
    }
    if !cx.is_ours(&uri) {
        // The contact of a peer that is away; without a dialog it would be relaying.
        let inside = request.to().is_ok_and(|to| to.tag().is_some());
        return if inside { Ok(Place::Away) } else { Err(admit::relaying_denied()) };
    }
    Ok(match user {
        None => Place::Here,
        Some(user) if known => Place::User(user),
        Some(_) => Place::Nobody,
    })
}

/// The binding that a Contact names, if it is its owner's.
fn by_contact<'a>(cx: &'a Cx, contact: &[u8], owner: Owner<'_>) -> Option<&'a Binding> {
    if planted!(cx.config, OwnerNotCompared) {
        return cx.location.with_contact(contact).into_iter().next();
    }
    cx.location.by_contact(cx.now, contact, owner)
}

/// The user at the other end of the dialog that a request belongs to, by To: only that user's phones may get it.
fn peer(cx: &Cx, request: &Message) -> Option<String> {
    let to = request.to().ok().filter(|to| to.tag().is_some())?;
    let uri = to.uri_parsed().ok().filter(|uri| cx.is_ours(uri))?;
    let user = String::from_utf8_lossy(&offhook_wire::unescape(uri.user?)).into_owned();
    Some(user).filter(|user| cx.config.users.contains_key(user))
}

/// All contacts of a user, the preferred first. They are tried at the same time, so the order only says who is called a little
/// earlier.
fn contacts(cx: &Cx, user: &str) -> Vec<Target> {
    let on: Vec<&Binding> =
        cx.location.of_user(user).filter(|binding| cx.flows.contains(binding.flow)).collect();
    // RFC 5626 §5.3: a device with several flows is called over one of them, the one heard of last.
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

/// Inside a dialog: the token names both ends, the tags say which of them is asked for.
fn inside(
    cx: &Cx,
    arrival: Arrival,
    request: &Message,
    routing: &Routing,
    token: &RouteToken,
) -> Result<Plan, Answer> {
    let mark = |address: Result<NameAddr<'_>, _>| {
        address.ok().and_then(|address| address.tag()).map(|tag| cx.seal.tag_mark(tag))
    };
    let (from, to) = if mark(request.from()) == Some(token.tag) {
        (token.caller, token.callee)
    } else if mark(request.to()) == Some(token.tag) {
        (token.callee, token.caller)
    } else {
        // RFC 3261 §16.6 step 4: not to be used outside the dialog it was made for.
        return Err(admit::relaying_denied());
    };
    let registered = cx.location.on_flow(arrival.flow).next().is_some();
    let at_end = cx.comes_from(from, arrival.flow);
    let sender = if registered || at_end && from.binding.is_some() { Sender::User } else { Sender::Guest };
    let end = match cx.reach(to) {
        Some(_) => to,
        None => {
            // An end that was never registered has no owner to compare with.
            let owner = to.binding.ok_or_else(|| Answer::new(480))?.owner();
            let uri = request.request_uri().unwrap_or_default();
            match by_contact(cx, uri, Owner::Hash(owner)) {
                Some(binding) => end_of(binding),
                // Its connection is lost. It may be back in a moment, and only a user's request waits for that.
                None if sender == Sender::User => to,
                None => return Err(Answer::new(480)),
            }
        }
    };
    let caller = from.binding.map(|binding| Owner::Hash(binding.owner()));
    let source =
        if at_end { End { flow: arrival.flow, ..from } } else { source(cx, arrival, caller, request) };
    Ok(Plan { targets: vec![Target { end, uri: None }], own_routes: routing.own, source, sender })
}

/// The end that a request came from: its flow, and the binding by which the caller can be found again. That is the one
/// whose contact the request gives, else the caller's first on this flow. A flow may serve bindings of others too: any user may register
/// a contact at any address. A caller that is no user has no binding.
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
