//! Who and what may pass: RFC 3261 §16.3.

use offhook_wire::{HeaderError, HeaderName, Message, Method, NameAddr, Uri};

use super::route::{Place, Refusal};
use crate::answer::Answer;
use crate::authority::Role;
use crate::budget::Sender;
use crate::cx::Cx;
use crate::event::Event;
use crate::flow::Arrival;
use crate::planted::planted;
use crate::registrar::Binding;

/// The checks that do not depend on where a request goes: Max-Forwards, loops, Proxy-Require. The Request-URI is judged
/// when it is looked up, the syntax was judged before.
pub(super) fn check(cx: &Cx, request: &Message, loop_mark: u32) -> Result<(), Answer> {
    match request.max_forwards() {
        Ok(Some(0)) if asks_the_exchange(cx, request) => return Err(Answer::capabilities()),
        // An OPTIONS for a phone too: RFC 3261 §16.3 leaves the choice, RFC 4475 §3.3.11 does not.
        Ok(Some(0)) => return Err(Answer::new(483)),
        Ok(_) => {}
        Err(_) => return Err(Answer::because(400, "Malformed Max-Forwards")),
    }
    if has_looped(cx, request, loop_mark) {
        return Err(Answer::new(482));
    }
    let mut options = request.values(HeaderName::ProxyRequire).peekable();
    if options.peek().is_some() {
        return Err(
            options.fold(Answer::new(420), |answer, option| answer.with(HeaderName::Unsupported, option))
        );
    }
    Ok(())
}

/// Whether this is an OPTIONS whose end is the exchange, however few hops are left.
fn asks_the_exchange(cx: &Cx, request: &Message) -> bool {
    let uri = request.request_uri().and_then(|uri| Uri::parse(uri).ok());
    request.method() == Some(Method::Options) && uri.is_some_and(|uri| uri.user.is_none() && cx.is_ours(&uri))
}

/// A hash of everything that decides how a request is routed. It stands in our branch; a request that comes back
/// with the same hash in one of its Vias would be routed the same way for ever.
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

/// The sender of a request, as far as it is known.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// The user that proved to be the sender.
    pub(super) user: Option<String>,
    pub(super) sender: Sender,
}

/// Identifies the sender of a request for this place.
///
/// - A caller of our own domain proves it (407).
/// - A guest may INVITE our users and ask for their OPTIONS if the configuration says so.
/// - Inside a dialog whose route was lost with an earlier life of the exchange, a phone that is registered over this very
///   flow as the user that From names is believed: to challenge a BYE would only keep the dead call alive.
pub(super) fn caller(
    cx: &mut Cx,
    arrival: Arrival,
    request: &Message,
    place: &Place,
) -> Result<Caller, Refusal> {
    let from = request.from().map_err(|_| Answer::new(400))?;
    let from = from.uri_parsed().map_err(|_| Answer::new(400))?;
    let inside = request.to().is_ok_and(|to| to.tag().is_some());
    if inside
        && matches!(place, Place::Contact(_) | Place::Away)
        && let Some(user) = registered(cx, arrival, &from)
    {
        // A datagram may lie about where it comes from, so it takes nothing that is kept for users.
        let sender = if arrival.transport.is_reliable() { Sender::User } else { Sender::Guest };
        return Ok(Caller { user: Some(user), sender });
    }
    if !cx.is_ours(&from) {
        let welcome = cx.config.guests && matches!(request.method(), Some(Method::Invite | Method::Options));
        let welcome = welcome && !matches!(place, Place::Away);
        return match welcome {
            true => Ok(Caller { user: None, sender: Sender::Guest }),
            false => Err(relaying_denied().into()),
        };
    }
    let user = cx.authenticate(Role::Proxy, arrival, request)?;
    if user_of(&from).is_some_and(|from| from == user) {
        return Ok(Caller { user: Some(user), sender: Sender::User });
    }
    cx.event(Event::Denied { user, status: 403, flow: arrival.flow });
    Err(Refusal { answer: Answer::new(403), proven: true })
}

/// The user that From names, if a phone of that user is registered over this flow.
pub(super) fn registered(cx: &Cx, arrival: Arrival, from: &Uri<'_>) -> Option<String> {
    let user = user_of(from).filter(|_| cx.is_ours(from))?;
    let same = |binding: &Binding| binding.user == user || planted!(cx.config, FromNotCompared);
    cx.location.on_flow(arrival.flow).any(same).then_some(user)
}

fn user_of(uri: &Uri<'_>) -> Option<String> {
    uri.user.map(|user| String::from_utf8_lossy(&offhook_wire::unescape(user)).into_owned())
}

/// The exchange opens no connections: what is not for its own users goes nowhere, whoever asks.
pub(super) fn relaying_denied() -> Answer {
    Answer::because(403, "Relaying Denied")
}
