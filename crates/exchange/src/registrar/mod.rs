//! The registrar: RFC 3261 §10.3.

mod contact;
mod former;
mod location;

use std::collections::BTreeSet;

use offhook_wire::{HeaderName, Message, NameAddr, Scheme};

use crate::authentication::Role;
use crate::cx::Cx;
use crate::event::{Event, Unregistered, truncated};
use crate::flow::Arrival;
use crate::response::Response;
use crate::token::BindingId;
use contact::{Change, Operation, changes};

pub(crate) use location::{Binding, Location, Owner, same_uri};

/// Authorizes a REGISTER: steps 2 to 5 of RFC 3261 §10.3. Creates no state.
pub(crate) fn admit(cx: &mut Cx, arrival: Arrival, request: &Message) -> Result<String, Response> {
    reject_extensions(request)?;
    let user = address_of_record(cx, request.to())?;
    authorize(cx, arrival, request, &user)?;
    Ok(user)
}

/// Serves one REGISTER of an authenticated user. Returns the response and the bindings whose flow has changed, so that requests waiting
/// for them can continue.
pub(crate) fn register(
    cx: &mut Cx,
    arrival: Arrival,
    user: &str,
    request: &Message,
) -> (Response, Vec<BindingId>) {
    match serve(cx, arrival, user, request) {
        Ok(served) => served,
        Err(response) => (response, Vec::new()),
    }
}

fn serve(
    cx: &mut Cx,
    arrival: Arrival,
    user: &str,
    request: &Message,
) -> Result<(Response, Vec<BindingId>), Response> {
    let operation = Operation::read(cx, request)?;
    let mut changes = changes(cx, arrival, user, request, operation)?;
    replace_oldest(cx, user, request, &mut changes)?;
    let moved = commit(cx, changes);
    Ok((listing(cx, user), moved))
}

/// Step 2: no extension for REGISTER is supported.
fn reject_extensions(request: &Message) -> Result<(), Response> {
    let mut options = request.values(HeaderName::Require).peekable();
    if options.peek().is_none() {
        return Ok(());
    }
    Err(options.fold(Response::new(420), |response, option| response.with(HeaderName::Unsupported, option)))
}

/// Step 5: the user part without parameters and escapes is the index. An unknown user is refused before any challenge, which could not be
/// answered.
fn address_of_record(
    cx: &Cx,
    address: Result<NameAddr<'_>, offhook_wire::HeaderError>,
) -> Result<String, Response> {
    let address = address.map_err(|_| Response::new(400))?;
    let uri = address.uri_parsed().map_err(|_| Response::new(400))?;
    if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
        // RFC 3261 §10.2: the address-of-record is a sip or sips URI.
        return Err(Response::with_reason(400, "Address-Of-Record Is Not A SIP URI"));
    }
    let user = uri.user.map(|user| String::from_utf8_lossy(&offhook_wire::unescape(user)).into_owned());
    user.filter(|user| cx.is_ours(&uri) && cx.config.users.contains_key(user))
        .ok_or_else(|| Response::new(404))
}

/// Steps 3 and 4: users may register only themselves.
fn authorize(cx: &mut Cx, arrival: Arrival, request: &Message, user: &str) -> Result<(), Response> {
    let authenticated = cx.authenticate(Role::Registrar, arrival, request)?;
    let from = address_of_record(cx, request.from()).ok();
    if authenticated == user && from.as_deref() == Some(user) {
        return Ok(());
    }
    cx.event(Event::Denied { user: authenticated, status: 403, flow: arrival.flow });
    Err(Response::new(403))
}

/// If there are too many contacts, the oldest ones of the same client are replaced: a phone whose address changes cannot remove its former
/// contacts. All registrations of one client have the same Call-ID (§10.2).
fn replace_oldest(cx: &Cx, user: &str, request: &Message, changes: &mut Vec<Change>) -> Result<(), Response> {
    let mut ids: BTreeSet<BindingId> = cx.location.of_user(user).map(|binding| binding.id).collect();
    let mut requested = BTreeSet::new();
    for change in &*changes {
        match change {
            Change::Put { binding, .. } => drop((ids.insert(binding.id), requested.insert(binding.id))),
            Change::Remove(id) => drop(ids.remove(id)),
        }
    }
    let excess = ids.len().saturating_sub(cx.config.limits.bindings_per_user);
    let client = cx.seal.mac("client", &[request.call_id().unwrap_or_default()]);
    let own = |old: &&Binding| old.client == client && ids.contains(&old.id) && !requested.contains(&old.id);
    let replaced: Vec<Change> =
        cx.location.of_user(user).filter(own).take(excess).map(|old| Change::Remove(old.id)).collect();
    // A 5xx or 6xx would make the phone retry or try another server.
    if replaced.len() < excess {
        return Err(Response::with_reason(403, "Too Many Contacts"));
    }
    changes.splice(0..0, replaced);
    Ok(())
}

/// Step 7, the end: applies all changes after all checks have succeeded.
fn commit(cx: &mut Cx, changes: Vec<Change>) -> Vec<BindingId> {
    let mut moved = Vec::new();
    for change in changes {
        match change {
            Change::Put { mut binding, direct } => {
                // Without room for a flow to the Contact, requests use the flow of the registration.
                binding.flow = direct
                    .and_then(|address| cx.open_flow(address, binding.source))
                    .unwrap_or(binding.source);
                let before = cx.location.get(binding.id).map(|binding| binding.flow);
                if before != Some(binding.flow) {
                    moved.push(binding.id);
                }
                cx.event(Event::Registered {
                    user: binding.user.clone(),
                    contact: truncated(&binding.uri),
                    flow: binding.flow,
                    expires: binding.expires.saturating_since(cx.now),
                });
                cx.location.put(cx.now, *binding);
            }
            Change::Remove(id) => {
                if let Some(binding) = cx.location.remove(id) {
                    binding_removed(cx, &binding, Unregistered::Removed);
                }
            }
        }
    }
    moved
}

/// Reports that a binding was removed. A contact that its user did not remove stays that user's for some time.
pub(crate) fn binding_removed(cx: &mut Cx, binding: &Binding, reason: Unregistered) {
    if reason == Unregistered::Removed {
        cx.location.forget_owner(binding);
    } else {
        cx.location.remember_owner(cx.now, binding);
    }
    cx.event(Event::Unregistered { user: binding.user.clone(), contact: truncated(&binding.uri), reason });
}

/// Step 8: every current binding with its remaining time. There is no Date: the exchange has no wall clock.
fn listing(cx: &Cx, user: &str) -> Response {
    let row = |binding: &Binding| {
        let left = binding.expires.saturating_since(cx.now).as_secs();
        let mut row = vec![b'<'];
        row.extend_from_slice(&binding.uri);
        row.extend_from_slice(format!(">;expires={left}").as_bytes());
        row.extend_from_slice(&binding.params);
        row
    };
    let bindings = cx.location.of_user(user);
    bindings.fold(Response::new(200), |response, binding| response.with(HeaderName::Contact, row(binding)))
}
