//! The location service: the contacts of each user and their flows (RFC 3261 §10).

use std::collections::{BTreeMap, BTreeSet};

use offhook_wire::{Instant, Uri, canonical_host};

use super::former::FormerOwners;
use crate::flow::FlowId;
use crate::token::BindingId;

/// One contact of one user.
#[derive(Clone)]
pub(crate) struct Binding {
    pub(crate) id: BindingId,
    pub(crate) user: String,
    /// The Contact URI as registered, with its headers.
    pub(crate) uri: Vec<u8>,
    /// The parameters to list in responses, each with its semicolon.
    pub(crate) params: Vec<u8>,
    /// Identifies the device across changes of its URI (RFC 5626 §6).
    pub(crate) instance: Option<Instance>,
    /// In thousandths.
    pub(crate) q: u16,
    /// A hash of the Call-ID of the last registration.
    pub(crate) client: u64,
    pub(crate) cseq: u32,
    pub(crate) expires: Instant,
    /// The flow for requests.
    pub(crate) flow: FlowId,
    /// The flow of the registration: the same, unless requests go to the address in the Contact.
    pub(crate) source: FlowId,
    /// A counter of the registrations and refreshes of all bindings.
    pub(crate) serial: u64,
    /// The serial of this user's first registration of the contact; the lowest one decides (see [`Owner::Unstated`]).
    pub(crate) since: u64,
}

/// A device and one of its flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    /// The value of `+sip.instance`.
    pub(crate) device: Vec<u8>,
    /// The value of `reg-id`; empty if absent.
    pub(crate) flow: Vec<u8>,
}

impl Binding {
    /// Whether requests go to the address of the Contact and not over the flow of the registration.
    pub(crate) fn is_direct(&self) -> bool {
        self.flow != self.source
    }

    /// Whether the phone uses this flow.
    pub(crate) fn is_on(&self, flow: FlowId) -> bool {
        flow == self.flow || flow == self.source
    }

    /// The Request-URI of requests for the contact: its URI without headers, which are not allowed there (RFC 3261 §19.1.1).
    pub(crate) fn target(&self) -> &[u8] {
        without_headers(&self.uri)
    }

    /// Whether both are flows of one device.
    pub(crate) fn is_device_of(&self, other: &Binding) -> bool {
        let devices = self.instance.as_ref().zip(other.instance.as_ref());
        devices.is_some_and(|(one, other)| one.device == other.device)
    }
}

/// All bindings, indexed by user, flow, contact and expiry.
#[derive(Default)]
pub(crate) struct Location {
    bindings: BTreeMap<BindingId, Binding>,
    /// Ordered by first registration within a user.
    users: BTreeMap<String, Vec<BindingId>>,
    flows: BTreeSet<(FlowId, BindingId)>,
    expiry: BTreeSet<(Instant, BindingId)>,
    contacts: BTreeSet<(Vec<u8>, u64, BindingId)>,
    former: FormerOwners,
    serial: u64,
}

/// The required owner of a contact.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Owner<'a> {
    /// This user.
    User(&'a str),
    /// The user with this hash ([`Seal::owner`](crate::token::Seal::owner)).
    Hash(u32),
    /// Not stated by the request: the last user that lost the contact, or else the first one that registered it.
    Unstated,
}

impl Owner<'_> {
    /// Whether a binding belongs to this owner.
    pub(crate) fn has(self, binding: &Binding) -> bool {
        match self {
            Owner::User(user) => binding.user == user,
            Owner::Hash(hash) => binding.id.owner() == hash,
            Owner::Unstated => true,
        }
    }
}

impl Location {
    /// Adds a binding or replaces the one of the same identity.
    pub(crate) fn put(&mut self, now: Instant, mut binding: Binding) {
        let id = binding.id;
        self.serial += 1;
        binding.serial = self.serial;
        let key = contact_key(&binding.uri);
        let old = self.bindings.remove(&id);
        if let Some(old) = &old {
            self.unlink(old);
        } else {
            self.users.entry(binding.user.clone()).or_default().push(id);
        }
        // A device that changes its contact has the new one since now.
        let same = old.as_ref().filter(|old| contact_key(&old.uri) == key).map(|old| old.since);
        binding.since = same.or_else(|| self.former.since(now, &key, &binding.user)).unwrap_or(self.serial);
        self.flows.extend([(binding.flow, id), (binding.source, id)]);
        self.expiry.insert((binding.expires, id));
        self.contacts.insert((key, binding.since, id));
        self.bindings.insert(id, binding);
        if let Some(left) = old.filter(|_| same.is_none()) {
            self.remember_owner(now, &left);
        }
    }

    /// Removes a binding.
    pub(crate) fn remove(&mut self, id: BindingId) -> Option<Binding> {
        let binding = self.bindings.remove(&id)?;
        self.unlink(&binding);
        if let Some(ids) = self.users.get_mut(&binding.user) {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                self.users.remove(&binding.user);
            }
        }
        let empty = self.users.is_empty()
            && self.flows.is_empty()
            && self.expiry.is_empty()
            && self.contacts.is_empty();
        assert!(empty || !self.bindings.is_empty(), "an index outlived its bindings");
        Some(binding)
    }

    /// Removes all bindings.
    pub(crate) fn take(&mut self) -> Vec<Binding> {
        let ids: Vec<BindingId> = self.bindings.keys().copied().collect();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    fn unlink(&mut self, binding: &Binding) {
        for flow in [binding.flow, binding.source] {
            self.flows.remove(&(flow, binding.id));
        }
        self.expiry.remove(&(binding.expires, binding.id));
        self.contacts.remove(&(contact_key(&binding.uri), binding.since, binding.id));
    }

    /// The bindings of a user in order of first registration.
    pub(crate) fn of_user(&self, user: &str) -> impl Iterator<Item = &Binding> {
        self.users.get(user).into_iter().flatten().filter_map(|id| self.get(*id))
    }

    /// The bindings of phones on a flow.
    pub(crate) fn on_flow(&self, flow: FlowId) -> impl Iterator<Item = &Binding> {
        self.flows
            .range((flow, BindingId::LEAST)..)
            .take_while(move |(other, _)| *other == flow)
            .filter_map(|(_, id)| self.get(*id))
    }

    /// The oldest binding of this owner with this target URI (RFC 3261 §19.1.4).
    ///
    /// Any user may register any contact, so a contact alone does not identify a phone.
    pub(crate) fn by_contact(&self, now: Instant, uri: &[u8], owner: Owner<'_>) -> Option<&Binding> {
        let former = match owner {
            Owner::Unstated => self.former.of(now, &contact_key(uri)),
            Owner::User(_) | Owner::Hash(_) => None,
        };
        let may =
            |binding: &&Binding| owner.has(binding) && former.is_none_or(|former| binding.user == former);
        self.with_contact(uri).into_iter().find(may)
    }

    /// The bindings with this target URI, oldest first.
    pub(crate) fn with_contact(&self, uri: &[u8]) -> Vec<&Binding> {
        let key = contact_key(uri);
        self.contacts
            .range((key.clone(), 0, BindingId::LEAST)..)
            .take_while(|(other, ..)| *other == key)
            .filter_map(|(.., id)| self.get(*id))
            .filter(|binding| same_uri(binding.target(), uri))
            .collect()
    }

    /// A binding ended without a request of its user: the user stays the owner of the contact for an hour, unless another user had it
    /// before.
    pub(crate) fn remember_owner(&mut self, now: Instant, binding: &Binding) {
        let later = |other: &&Binding| other.user == binding.user || other.since > binding.since;
        if self.with_contact(binding.target()).iter().all(later) {
            self.former.lost(now, &contact_key(&binding.uri), &binding.user, binding.since);
        }
    }

    /// A binding ended at the request of its user: the contact has no owner.
    pub(crate) fn forget_owner(&mut self, binding: &Binding) {
        self.former.released(&contact_key(&binding.uri), &binding.user);
    }

    pub(crate) fn get(&self, id: BindingId) -> Option<&Binding> {
        self.bindings.get(&id)
    }

    pub(crate) fn len(&self) -> usize {
        self.bindings.len()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.expiry.first().map(|&(at, _)| at)
    }

    /// Removes one expired binding.
    pub(crate) fn next_expired(&mut self, now: Instant) -> Option<Binding> {
        let &(at, id) = self.expiry.first()?;
        if at > now { None } else { self.remove(id) }
    }
}

fn without_headers(uri: &[u8]) -> &[u8] {
    let Ok(parsed) = Uri::parse(uri) else { return uri };
    let target = &uri[..uri.len() - parsed.query.len()];
    // A question mark in the user part does not begin headers.
    target.strip_suffix(b"?").unwrap_or(target)
}

/// RFC 3261 §19.1.4; malformed URIs are compared as bytes.
pub(crate) fn same_uri(one: &[u8], other: &[u8]) -> bool {
    match (Uri::parse(one), Uri::parse(other)) {
        (Ok(one), Ok(other)) => one.equivalent(&other),
        _ => one == other,
    }
}

/// A key that is equal for equivalent URIs: the parts that equivalence always compares.
fn contact_key(uri: &[u8]) -> Vec<u8> {
    let Ok(uri) = Uri::parse(uri) else { return uri.to_vec() };
    let mut key = canonical_host(uri.host);
    key.push(0);
    key.extend_from_slice(&uri.port.unwrap_or_default().to_be_bytes());
    key.extend_from_slice(&offhook_wire::unescape(uri.user.unwrap_or_default()));
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn target_has_no_headers() {
        for (uri, target) in [
            ("sip:a@b;x?Route=%3Csip:c%3E", "sip:a@b;x"),
            ("sip:a@b?", "sip:a@b"),
            ("sip:a?b@c", "sip:a?b@c"),
            ("sip:a?b@c?Subject=d", "sip:a?b@c"),
            ("sip:a@b", "sip:a@b"),
        ] {
            assert_eq!(without_headers(uri.as_bytes()), target.as_bytes());
        }
    }
}
