//! The location service: which contacts a user has, and over which flow each is reached (RFC 3261 §10).

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
    /// The parameters of the Contact value to tell back, each with its semicolon.
    pub(crate) params: Vec<u8>,
    /// What names the device across changes of its URI (RFC 5626 §6).
    pub(crate) instance: Option<Instance>,
    /// In thousandths.
    pub(crate) q: u16,
    /// A hash of the Call-ID of the last registration.
    pub(crate) client: u64,
    pub(crate) cseq: u32,
    pub(crate) expires: Instant,
    /// Where requests go.
    pub(crate) flow: FlowId,
    /// Where the registration came from: the same flow, unless requests go to the address of the Contact.
    pub(crate) source: FlowId,
    /// Grows with every registration and refreshment, of all bindings.
    pub(crate) serial: u64,
}

/// A device, and which of its flows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Instance {
    /// The value of `+sip.instance`.
    pub(crate) device: Vec<u8>,
    /// The value of `reg-id`, empty if there is none.
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

    /// The Request-URI of what is sent there: the Contact URI without the headers, which no Request-URI may have (RFC 3261
    /// §19.1.1).
    pub(crate) fn target(&self) -> &[u8] {
        without_headers(&self.uri)
    }

    /// Whether both are flows of one device.
    pub(crate) fn is_device_of(&self, other: &Binding) -> bool {
        let devices = self.instance.as_ref().zip(other.instance.as_ref());
        devices.is_some_and(|(one, other)| one.device == other.device)
    }
}

/// All bindings, found by user, by flow, by contact and by the time they end.
#[derive(Default)]
pub(crate) struct Location {
    bindings: BTreeMap<BindingId, Entry>,
    /// The order within a user is that of the first registration.
    users: BTreeMap<String, Vec<BindingId>>,
    flows: BTreeSet<(FlowId, BindingId)>,
    expiry: BTreeSet<(Instant, BindingId)>,
    contacts: BTreeSet<(Vec<u8>, u64, BindingId)>,
    former: FormerOwners,
    serial: u64,
}

/// Whose a contact has to be.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Owner<'a> {
    /// This user's.
    User(&'a str),
    /// That of the user with this hash ([`Seal::owner`](crate::token::Seal::owner)).
    Hash(u32),
    /// The request does not say. Then it is the user's who had it last and lost it, or else who registered it first.
    Unstated,
}

struct Entry {
    binding: Binding,
    /// The serial of its first registration.
    first: u64,
}

impl Location {
    /// Adds a binding or replaces the one of the same identity.
    pub(crate) fn put(&mut self, mut binding: Binding) {
        let id = binding.id;
        self.serial += 1;
        binding.serial = self.serial;
        let first = match self.bindings.remove(&id) {
            Some(old) => {
                self.unlink(&old);
                old.first
            }
            None => {
                self.users.entry(binding.user.clone()).or_default().push(id);
                self.serial
            }
        };
        self.flows.extend([(binding.flow, id), (binding.source, id)]);
        self.expiry.insert((binding.expires, id));
        self.contacts.insert((contact_key(&binding.uri), first, id));
        self.bindings.insert(id, Entry { binding, first });
    }

    /// Takes a binding away.
    pub(crate) fn remove(&mut self, id: BindingId) -> Option<Binding> {
        let entry = self.bindings.remove(&id)?;
        self.unlink(&entry);
        if let Some(ids) = self.users.get_mut(&entry.binding.user) {
            ids.retain(|&other| other != id);
            if ids.is_empty() {
                self.users.remove(&entry.binding.user);
            }
        }
        let empty = self.users.is_empty()
            && self.flows.is_empty()
            && self.expiry.is_empty()
            && self.contacts.is_empty();
        assert!(empty || !self.bindings.is_empty(), "an index outlived its bindings");
        Some(entry.binding)
    }

    /// Takes all bindings away.
    pub(crate) fn take(&mut self) -> Vec<Binding> {
        let ids: Vec<BindingId> = self.bindings.keys().copied().collect();
        ids.into_iter().filter_map(|id| self.remove(id)).collect()
    }

    fn unlink(&mut self, entry: &Entry) {
        let binding = &entry.binding;
        for flow in [binding.flow, binding.source] {
            self.flows.remove(&(flow, binding.id));
        }
        self.expiry.remove(&(binding.expires, binding.id));
        self.contacts.remove(&(contact_key(&binding.uri), entry.first, binding.id));
    }

    /// The bindings of a user in the order in which they were first registered.
    pub(crate) fn of_user(&self, user: &str) -> impl Iterator<Item = &Binding> {
        self.users.get(user).into_iter().flatten().filter_map(|id| self.get(*id))
    }

    /// The bindings of phones that use a flow.
    pub(crate) fn on_flow(&self, flow: FlowId) -> impl Iterator<Item = &Binding> {
        self.flows
            .range((flow, BindingId::LEAST)..)
            .take_while(move |(other, _)| *other == flow)
            .filter_map(|(_, id)| self.get(*id))
    }

    /// The binding whose target is this URI (RFC 3261 §19.1.4) and belongs to this owner, the oldest of several.
    ///
    /// Any user may register any contact, so a contact alone does not say whose phone it is.
    pub(crate) fn by_contact(&self, now: Instant, uri: &[u8], owner: Owner<'_>) -> Option<&Binding> {
        let mut bindings = self.with_contact(uri).into_iter();
        match owner {
            Owner::User(user) => bindings.find(|binding| binding.user == user),
            Owner::Hash(hash) => bindings.find(|binding| binding.id.owner() == hash),
            Owner::Unstated => {
                let former = self.former.of(now, &contact_key(uri));
                bindings.find(|binding| former.is_none_or(|former| binding.user == former))
            }
        }
    }

    /// The bindings whose target is this URI, the oldest first.
    pub(crate) fn with_contact(&self, uri: &[u8]) -> Vec<&Binding> {
        let key = contact_key(uri);
        self.contacts
            .range((key.clone(), 0, BindingId::LEAST)..)
            .take_while(|(other, ..)| *other == key)
            .filter_map(|(.., id)| self.get(*id))
            .filter(|binding| same_uri(binding.target(), uri))
            .collect()
    }

    /// A binding ended and its user did not ask for it: the contact is the user's for some time to come.
    pub(crate) fn remember_owner(&mut self, now: Instant, binding: &Binding) {
        if self.with_contact(binding.target()).iter().all(|other| other.user == binding.user) {
            self.former.lost(now, &contact_key(binding.target()), &binding.user);
        }
    }

    pub(crate) fn get(&self, id: BindingId) -> Option<&Binding> {
        self.bindings.get(&id).map(|entry| &entry.binding)
    }

    pub(crate) fn len(&self) -> usize {
        self.bindings.len()
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.expiry.first().map(|&(at, _)| at)
    }

    /// Takes away one binding that has run out.
    pub(crate) fn next_expired(&mut self, now: Instant) -> Option<Binding> {
        let &(at, id) = self.expiry.first()?;
        if at > now { None } else { self.remove(id) }
    }
}

fn without_headers(uri: &[u8]) -> &[u8] {
    let Ok(parsed) = Uri::parse(uri) else { return uri };
    let target = &uri[..uri.len() - parsed.query.len()];
    // The user part may hold a question mark too, but nothing after the host.
    target.strip_suffix(b"?").unwrap_or(target)
}

/// RFC 3261 §19.1.4; what is no URI is equal to itself only.
pub(crate) fn same_uri(one: &[u8], other: &[u8]) -> bool {
    match (Uri::parse(one), Uri::parse(other)) {
        (Ok(one), Ok(other)) => one.equivalent(&other),
        _ => one == other,
    }
}

/// Equal for equal URIs; the parts that equality always compares.
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
    fn a_target_has_no_headers() {
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
