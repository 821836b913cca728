//! The changes that a REGISTER requests: RFC 3261 §10.3 steps 6 and 7.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use offhook_wire::{Contact, HeaderName, Message, NameAddr, Scheme};

use super::location::{Binding, Instance, same_uri};
use crate::cx::Cx;
use crate::flow::{Arrival, SIP_PORT, ip_of};
use crate::response::Response;
use crate::token::BindingId;

/// RFC 3261 §10.2: a malformed interval counts as an hour.
const MALFORMED_EXPIRES: u32 = 3600;

/// The operation that the Contact rows request.
pub(super) enum Operation<'a> {
    /// No Contact: list the bindings.
    Fetch,
    /// `Contact: *` with `Expires: 0`.
    RemoveAll,
    /// Contacts to add, refresh or remove, and the value of Expires.
    Contacts(Vec<NameAddr<'a>>, Option<u32>),
}

/// A change of one binding, not applied yet.
pub(super) enum Change {
    Put {
        binding: Box<Binding>,
        /// The address for requests, if they do not use the flow of the registration.
        direct: Option<SocketAddr>,
    },
    Remove(BindingId),
}

impl<'a> Operation<'a> {
    /// Step 6.
    pub(super) fn read(cx: &Cx, request: &'a Message) -> Result<Self, Response> {
        let expires = request.expires().unwrap_or(Some(MALFORMED_EXPIRES));
        let mut addresses = Vec::new();
        let mut all = false;
        let bound = cx.config.limits.contact;
        if request.values(HeaderName::Contact).any(|value| value.len() > bound) {
            return Err(Response::with_reason(400, "Contact Too Long"));
        }
        for contact in request.contacts() {
            match contact.map_err(|_| Response::with_reason(400, "Malformed Contact"))? {
                Contact::All => all = true,
                Contact::Address(address) => addresses.push(address),
            }
        }
        match (all, addresses.is_empty(), expires) {
            (true, true, Some(0)) => Ok(Operation::RemoveAll),
            (true, ..) => Err(Response::with_reason(400, "Invalid Wildcard Contact")),
            (false, true, _) => Ok(Operation::Fetch),
            (false, false, expires) => Ok(Operation::Contacts(addresses, expires)),
        }
    }
}

/// Step 7: all changes, or the refusal.
pub(super) fn changes(
    cx: &Cx,
    arrival: Arrival,
    user: &str,
    request: &Message,
    operation: Operation<'_>,
) -> Result<Vec<Change>, Response> {
    let client = cx.seal.mac("client", &[request.call_id().map_err(|_| Response::new(400))?]);
    let cseq = request.cseq().map_err(|_| Response::new(400))?.number;
    // An older request of the same client must not undo a newer one.
    let in_order = |binding: &Binding| binding.client != client || binding.cseq < cseq;
    let out_of_order = || Response::with_reason(500, "CSeq Out Of Order");
    match operation {
        Operation::Fetch => Ok(Vec::new()),
        Operation::RemoveAll => {
            let bindings = cx.location.of_user(user);
            bindings
                .map(|old| in_order(old).then_some(Change::Remove(old.id)).ok_or_else(out_of_order))
                .collect()
        }
        Operation::Contacts(addresses, expires) => {
            let mut changes = Vec::new();
            for address in addresses {
                let device = Device::read(&address);
                let interval = interval(cx, &address, expires)?;
                let old = device.known(cx, user, &address);
                if old.is_some_and(|old| !in_order(old)) {
                    return Err(out_of_order());
                }
                let id = device.identity(cx, user, &address);
                if let Some(old) = old.filter(|old| old.id != id || interval.is_zero()) {
                    changes.push(Change::Remove(old.id));
                }
                if interval.is_zero() {
                    continue;
                }
                let direct = direct(cx, arrival, request, &device, &address);
                let binding = Box::new(Binding {
                    id,
                    user: user.to_owned(),
                    uri: contact_uri(&address)?,
                    params: device.params,
                    instance: device.instance,
                    q: device.q,
                    client,
                    cseq,
                    expires: cx.now + interval,
                    flow: arrival.flow,
                    source: arrival.flow,
                    serial: 0,
                    since: 0,
                });
                changes.push(Change::Put { binding, direct });
            }
            Ok(changes)
        }
    }
}

/// The device, from the parameters of a Contact.
struct Device {
    params: Vec<u8>,
    instance: Option<Instance>,
    q: u16,
}

impl Device {
    fn read(address: &NameAddr<'_>) -> Self {
        let mut device = Device { params: Vec::new(), instance: None, q: 1000 };
        let value = |name: &str| address.param(name).flatten();
        if let Some(q) = value("q") {
            device.q = thousandths(q);
        }
        if let Some(instance) = value("+sip.instance") {
            // RFC 5626 §6: the instance together with reg-id names one flow of the device.
            let flow = value("reg-id").unwrap_or_default().to_vec();
            device.instance = Some(Instance { device: instance.to_vec(), flow });
        }
        for name in ["q", "+sip.instance", "reg-id"] {
            // A quoted string may be folded over lines; such a value is not listed.
            if let Some(value) =
                value(name).filter(|value| !value.iter().any(|byte| b"\r\n\0".contains(byte)))
            {
                for piece in [&b";"[..], name.as_bytes(), b"=", value] {
                    device.params.extend_from_slice(piece);
                }
            }
        }
        device
    }

    /// The existing binding of this contact, by its device or by its URI.
    fn known<'a>(&self, cx: &'a Cx, user: &str, address: &NameAddr<'_>) -> Option<&'a Binding> {
        let same_device = |old: &&Binding| self.instance.is_some() && old.instance == self.instance;
        cx.location
            .of_user(user)
            .find(same_device)
            .or_else(|| cx.location.of_user(user).find(|old| same_uri(&old.uri, address.uri)))
    }

    /// The identity of the binding. It is a hash of the device, or else of the URI as written, so that it is the same when the contact is
    /// registered again after its flow was lost.
    fn identity(&self, cx: &Cx, user: &str, address: &NameAddr<'_>) -> BindingId {
        match &self.instance {
            Some(instance) => cx.seal.binding(user, &[b"instance", &instance.device, &instance.flow]),
            None => cx.seal.binding(user, &[b"uri", address.uri]),
        }
    }
}

/// The destination of requests for a phone on UDP: the address in its Contact, unless there is a NAT on the path or the phone requests its
/// own flow (RFC 5626 §5.3). A name is not resolved; multicast and broadcast addresses, the loopback address of the exchange's machine and
/// the exchange itself are ignored.
fn direct(
    cx: &Cx,
    arrival: Arrival,
    request: &Message,
    device: &Device,
    address: &NameAddr<'_>,
) -> Option<SocketAddr> {
    let uri = address.uri_parsed().ok()?;
    let param = |name: &str| uri.params.get(name);
    let by_udp = param("transport").flatten().is_none_or(|value| value.eq_ignore_ascii_case(b"udp"));
    let own_flow = device.instance.as_ref().is_some_and(|instance| !instance.flow.is_empty());
    let other =
        arrival.transport.is_reliable() || uri.scheme != Scheme::Sip || !by_udp || param("maddr").is_some();
    if other || own_flow || arrival.is_translated(request) || cx.is_self(uri.host, uri.port) {
        return None;
    }
    let ip = ip_of(uri.host)?;
    let local = ip.is_loopback() && !arrival.remote.ip().to_canonical().is_loopback();
    let target = SocketAddr::new(ip, uri.port.unwrap_or(SIP_PORT));
    let unusable =
        ip.is_unspecified() || ip.is_multicast() || ip == Ipv4Addr::BROADCAST || target.port() == 0;
    (!local && !unusable && target != arrival.remote).then_some(target)
}

/// The granted interval of a contact; zero removes it.
fn interval(cx: &Cx, address: &NameAddr<'_>, expires: Option<u32>) -> Result<Duration, Response> {
    let own = address.param("expires").map(|value| {
        let text = std::str::from_utf8(value.unwrap_or_default()).unwrap_or_default();
        text.parse().unwrap_or(MALFORMED_EXPIRES)
    });
    let config = &cx.config;
    let Some(requested) = own.or(expires) else { return Ok(config.default_expires.min(config.max_expires)) };
    let requested = Duration::from_secs(requested.into());
    if !requested.is_zero() && requested < config.min_expires && requested < Duration::from_secs(3600) {
        let least = config.min_expires.as_secs().to_string();
        return Err(Response::new(423).with(HeaderName::MinExpires, least));
    }
    Ok(requested.min(config.max_expires))
}

/// The Contact URI. Only SIP URIs are accepted, since it becomes a Request-URI.
fn contact_uri(address: &NameAddr<'_>) -> Result<Vec<u8>, Response> {
    let uri = address.uri_parsed().map_err(|_| Response::with_reason(400, "Malformed Contact"))?;
    if !matches!(uri.scheme, Scheme::Sip | Scheme::Sips) {
        return Err(Response::with_reason(400, "Contact Is Not A SIP URI"));
    }
    Ok(address.uri.to_vec())
}

/// A qvalue (RFC 3261 §25.1) in thousandths; 1000 if it is malformed.
fn thousandths(q: &[u8]) -> u16 {
    let (whole, fraction) = match q.iter().position(|&byte| byte == b'.') {
        Some(dot) => (&q[..dot], &q[dot + 1..]),
        None => (q, &b""[..]),
    };
    if whole != b"0" || fraction.len() > 3 || !fraction.iter().all(u8::is_ascii_digit) {
        return 1000;
    }
    (0..3).fold(0, |sum, place| sum * 10 + u16::from(fraction.get(place).map_or(0, |digit| digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn qvalues_are_read_in_thousandths() {
        for (text, value) in [("0", 0), ("0.5", 500), ("0.25", 250), ("0.007", 7), ("1", 1000), ("1.0", 1000)]
        {
            assert_eq!(thousandths(text.as_bytes()), value, "{text}");
        }
        for text in ["", "2", "0.1234", "0.x", "-1"] {
            assert_eq!(thousandths(text.as_bytes()), 1000, "{text}");
        }
    }
}
