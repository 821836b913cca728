//! The registrar: RFC 3261 §10.3.

mod contact;
mod former;
mod location;

use std::collections::BTreeSet;

use offhook_wire::{HeaderName, Message, NameAddr, Scheme};

use crate::answer::Answer;
use crate::authority::Role;
use crate::cx::Cx;
use crate::event::{Event, Unregistered, shown};
use crate::flow::Arrival;
use crate::token::BindingId;
use contact::{Change, Wish, changes};

pub(crate) use location::{Binding, Location, Owner, same_uri};

/// Authorizes a REGISTER: steps 2 to 5 of RFC 3261 §10.3. Keeps no state.
pub(crate) fn admit(cx: &mut Cx, arrival: Arrival, request: &Message) -> Result<String, Answer> {
    require_nothing(request)?;
    let user = address_of_record(cx, request.to())?;
    authorise(cx, arrival, request, &user)?;
    Ok(user)
}

/// Serves one REGISTER of a user that proved to be one. Besides the answer, tells which bindings are now reached over another
/// flow than before, so that what waits for them can go on.
pub(crate) fn register(
    cx: &mut Cx,
    arrival: Arrival,
    user: &str,
    request: &Message,
) -> (Answer, Vec<BindingId>) {
    match serve(cx, arrival, user, request) {
        Ok(served) => served,
        Err(answer) => (answer, Vec::new()),
    }
}

fn serve(
    cx: &mut Cx,
    arrival: Arrival,
    user: &str,
    request: &Message,
) -> Result<(Answer, Vec<BindingId>), Answer> {
    let wish = Wish::read(cx, request)?;
    let mut changes = changes(cx, arrival, user, request, wish)?;
    make_room(cx, user, request, &mut changes)?;
    let moved = commit(cx, changes);
    Ok((listing(cx, user), moved))
}

/// Step 2: no option is understood that would change how a registration works.
fn require_nothing(request: &Message) -> Result<(), Answer> {
    let mut options = request.values(HeaderName::Require).peekable();
    if options.peek().is_none() {
        return Ok(());
    }
    Err(options.fold(Answer::new(420), |answer, option| answer.with(HeaderName::Unsupported, option)))
}

/// Step 5: the user part is the index, whatever its parameters and escapes. Another scheme than SIP and SIPS is no
/// address-of-record (§10.2). A user that does not exist is refused before any challenge, which could not be answered.
fn address_of_record(
    cx: &Cx,
    address: Result<NameAddr<'_>, offhook_wire::HeaderError>,
) -> Result<String, Answer> {
    let address = address.map_err(|_| Answer::new(400))?;
    let uri = address.uri_parsed().map_err(|_| Answer::new(400))?;
    if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
        // RFC 3261 §10.2: the address-of-record is a sip or sips URI.
        return Err(Answer::because(400, "Address-Of-Record Is Not A SIP URI"));
    }
    let user = uri.user.map(|user| String::from_utf8_lossy(&offhook_wire::unescape(user)).into_owned());
    user.filter(|user| cx.is_ours(&uri) && cx.config.users.contains_key(user)).ok_or_else(|| Answer::new(404))
}

/// Steps 3 and 4: users register themselves and nobody else.
fn authorise(cx: &mut Cx, arrival: Arrival, request: &Message, user: &str) -> Result<(), Answer> {
    let proven = cx.authenticate(Role::Registrar, arrival, request)?;
    let from = address_of_record(cx, request.from()).ok();
    if proven == user && from.as_deref() == Some(user) {
        return Ok(());
    }
    cx.event(Event::Denied { user: proven, status: 403, flow: arrival.flow });
    Err(Answer::new(403))
}

/// Where contacts are too many, the client gives up the oldest of its own: a phone that is given one address after the other cannot
/// take back those that it lost. All registrations of one client have one Call-ID (§10.2).
fn make_room(cx: &Cx, user: &str, request: &Message, changes: &mut Vec<Change>) -> Result<(), Answer> {
    let mut ids: BTreeSet<BindingId> = cx.location.of_user(user).map(|binding| binding.id).collect();
    let mut wanted = BTreeSet::new();
    for change in &*changes {
        match change {
            Change::Put { binding, .. } => drop((ids.insert(binding.id), wanted.insert(binding.id))),
            Change::Remove(id) => drop(ids.remove(id)),
        }
    }
    let excess = ids.len().saturating_sub(cx.config.limits.bindings_per_user);
    let client = cx.seal.mac("client", &[request.call_id().unwrap_or_default()]);
    let own = |old: &&Binding| old.client == client && ids.contains(&old.id) && !wanted.contains(&old.id);
    let given_up: Vec<Change> =
        cx.location.of_user(user).filter(own).take(excess).map(|old| Change::Remove(old.id)).collect();
    // 5xx and 6xx would make a phone try again or elsewhere; this one must give up a contact first.
    if given_up.len() < excess {
        return Err(Answer::because(403, "Too Many Contacts"));
    }
    changes.splice(0..0, given_up);
    Ok(())
}

/// Step 7, the end: all changes together, after nothing can fail any more.
fn commit(cx: &mut Cx, changes: Vec<Change>) -> Vec<BindingId> {
    let mut moved = Vec::new();
    for change in changes {
        match change {
            Change::Put { mut binding, direct } => {
                // Without room for a flow to its Contact, the phone is reached where it registered from.
                binding.flow = direct
                    .and_then(|address| cx.open_flow(address, binding.source))
                    .unwrap_or(binding.source);
                let before = cx.location.get(binding.id).map(|binding| binding.flow);
                if before != Some(binding.flow) {
                    moved.push(binding.id);
                }
                cx.event(Event::Registered {
                    user: binding.user.clone(),
                    contact: shown(&binding.uri),
                    flow: binding.flow,
                    expires: binding.expires.saturating_since(cx.now),
                });
                cx.location.put(cx.now, *binding);
            }
            Change::Remove(id) => {
                if let Some(binding) = cx.location.remove(id) {
                    forgotten(cx, &binding, Unregistered::Removed);
                }
            }
        }
    }
    moved
}

/// Tells that a binding is gone. A contact that was not given up stays its user's for some time.
pub(crate) fn forgotten(cx: &mut Cx, binding: &Binding, why: Unregistered) {
    if why == Unregistered::Removed {
        cx.location.forget_owner(binding);
    } else {
        cx.location.remember_owner(cx.now, binding);
    }
    cx.event(Event::Unregistered { user: binding.user.clone(), contact: shown(&binding.uri), why });
}

/// Step 8: every current binding with the time it has left. There is no Date: the exchange knows no calendar.
fn listing(cx: &Cx, user: &str) -> Answer {
    let row = |binding: &Binding| {
        let left = binding.expires.saturating_since(cx.now).as_secs();
        let mut row = vec![b'<'];
        row.extend_from_slice(&binding.uri);
        row.extend_from_slice(format!(">;expires={left}").as_bytes());
        row.extend_from_slice(&binding.params);
        row
    };
    let bindings = cx.location.of_user(user);
    bindings.fold(Answer::new(200), |answer, binding| answer.with(HeaderName::Contact, row(binding)))
}
