use crate::base::entropy::{Entropy, Label};
use crate::{Account, Transport};
use bytes::Bytes;
use offhook_wire::{Scheme, Uri, quote_display_name};

/// The addresses of an account in messages.
pub(super) struct Identity {
    /// Our From value without its tag.
    from: Bytes,
    /// The position in it of the address without the display name.
    address: usize,
    /// The Request-URI of REGISTER: the domain without a user (RFC 3261 §10.2).
    registrar: Bytes,
    /// Our Contact value.
    contact: Bytes,
    /// Our `.invalid` host name where we have no address (RFC 7118 §5). Its first label is the user part of our Contact: it is
    /// random, so a caller that uses it learnt it from the registrar or from us.
    name: [u8; NAME],
}

const NAME: usize = 12;

impl Identity {
    /// A malformed address of record becomes an anonymous one, which the registrar refuses.
    pub(super) fn new(account: &Account, entropy: &mut Entropy) -> Self {
        let mut identity = Self {
            from: Bytes::new(),
            address: 0,
            registrar: Bytes::new(),
            contact: Bytes::new(),
            name: entropy.token(Label::Ids),
        };
        identity.reconfigure(account);
        let transport = account.servers.first().map_or(Transport::Ws, |server| server.hop.transport);
        identity.bind_transport(transport, None);
        identity
    }

    /// Takes the address of record and the display name of a configuration.
    pub(super) fn reconfigure(&mut self, account: &Account) {
        let aor = Uri::parse(account.aor.as_bytes())
            .ok()
            .filter(|uri| matches!(uri.scheme, Scheme::Sip | Scheme::Sips));
        let (aor, scheme, host, port) = match &aor {
            Some(uri) => {
                let scheme: &[u8] = if uri.scheme == Scheme::Sips { b"sips:" } else { b"sip:" };
                (account.aor.as_bytes(), scheme, uri.host, uri.port)
            }
            None => (&b"sip:anonymous@anonymous.invalid"[..], &b"sip:"[..], &b"anonymous.invalid"[..], None),
        };
        let mut registrar = [scheme, host].concat();
        if let Some(port) = port {
            registrar.extend_from_slice(format!(":{port}").as_bytes());
        }
        let mut from = Vec::with_capacity(aor.len() + 2);
        if let Some(name) = account.display_name.as_deref().filter(|name| !name.is_empty())
            && quote_display_name(name, &mut from).is_ok()
        {
            from.push(b' ');
        }
        self.address = from.len();
        from.push(b'<');
        from.extend_from_slice(aor);
        from.push(b'>');
        (self.from, self.registrar) = (from.into(), registrar.into());
    }

    pub(super) fn from(&self) -> &Bytes {
        &self.from
    }

    /// `<sip:…>`, the address of record.
    pub(super) fn address(&self) -> &[u8] {
        &self.from[self.address..]
    }

    pub(super) fn registrar(&self) -> &Bytes {
        &self.registrar
    }

    pub(super) fn contact(&self) -> &Bytes {
        &self.contact
    }

    /// Sets the Contact for a transport and returns the `sent-by` of our Via: over UDP the local address, if it is known and
    /// well-formed; otherwise a constant `.invalid` name.
    pub(super) fn bind_transport(&mut self, transport: Transport, local: Option<&str>) -> Bytes {
        let name = String::from_utf8_lossy(&self.name);
        let local = local.filter(|local| transport == Transport::Udp && is_host_and_port(local));
        let sent_by = local.map_or_else(|| format!("{name}.invalid"), str::to_owned);
        let contact = match transport {
            Transport::Udp => format!("<sip:{name}@{sent_by}>"),
            Transport::Ws | Transport::Wss => {
                format!("<sip:{name}@{sent_by};transport={}>", transport.as_param())
            }
        };
        self.contact = contact.into();
        sent_by.into()
    }
}

impl Identity {
    /// Sets the Contact to `contact`, for this transport if it is known, and returns the `sent-by` of our Via. `None` if it is not
    /// a Contact of this account.
    pub(super) fn restore(&mut self, transport: Option<Transport>, contact: &str) -> Option<Bytes> {
        let address = contact.split_once('@')?.1;
        let local = address.split(['>', ';']).next();
        let transports = [transport.unwrap_or(Transport::Udp), transport.unwrap_or(Transport::Ws)];
        transports.into_iter().find_map(|transport| {
            let sent_by = self.bind_transport(transport, local);
            (self.contact == contact.as_bytes()).then_some(sent_by)
        })
    }
}

/// Whether `text` is a `hostport` of a URI.
fn is_host_and_port(text: &str) -> bool {
    let uri = format!("sip:{text}");
    Uri::parse(uri.as_bytes())
        .is_ok_and(|uri| uri.user.is_none() && uri.params.raw().is_empty() && uri.query.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(aor: &str, name: Option<&str>, server: &str) -> Identity {
        let mut account = Account::new(aor, None, server).expect("a hop");
        account.display_name = name.map(str::to_owned);
        Identity::new(&account, &mut Entropy::new([0; 32]))
    }

    #[test]
    fn addresses_are_those_of_the_account() {
        let alice = identity("sip:alice@example.com:5070", Some("Alice \"A\""), "ws://h");
        assert_eq!(alice.from(), &br#""Alice \"A\"" <sip:alice@example.com:5070>"#[..]);
        assert_eq!(alice.address(), b"<sip:alice@example.com:5070>");
        assert_eq!(alice.registrar(), &b"sip:example.com:5070"[..]);
        assert_eq!(identity("sips:a@b", None, "ws://h").registrar(), &b"sips:b"[..]);
    }

    #[test]
    fn a_malformed_address_becomes_anonymous() {
        for aor in ["", "alice", "tel:+1", "sip:a@b\r\nX: y"] {
            assert_eq!(
                identity(aor, Some("x\r\ny"), "ws://h").from(),
                &b"<sip:anonymous@anonymous.invalid>"[..]
            );
        }
    }

    #[test]
    fn the_contact_depends_on_the_transport() {
        let mut alice = identity("sip:alice@example.com", None, "wss://h");
        let name = String::from_utf8(alice.name.to_vec()).expect("ASCII");
        let contact = format!("<sip:{name}@{name}.invalid;transport=ws>");
        assert_eq!(alice.contact(), contact.as_bytes());
        assert_eq!(alice.bind_transport(Transport::Udp, Some("[::1]:5070")), &b"[::1]:5070"[..]);
        assert_eq!(alice.contact(), format!("<sip:{name}@[::1]:5070>").as_bytes());
        for bad in [None, Some("a b"), Some("x>;y"), Some("u@h"), Some("h;p")] {
            assert_eq!(
                alice.bind_transport(Transport::Udp, bad),
                format!("{name}.invalid").as_bytes(),
                "{bad:?}"
            );
        }
        alice.bind_transport(Transport::Ws, Some("10.0.0.1:1"));
        assert_eq!(alice.contact(), contact.as_bytes());
    }

    #[test]
    fn only_a_contact_of_the_account_is_restored() {
        let mut alice = identity("sip:alice@example.com", None, "wss://h");
        for (transport, local) in [
            (Transport::Udp, Some("[::1]:5070")),
            (Transport::Udp, Some("192.0.2.1")),
            (Transport::Udp, None),
            (Transport::Ws, None),
            (Transport::Wss, None),
        ] {
            let sent_by = alice.bind_transport(transport, local);
            let contact = String::from_utf8(alice.contact().to_vec()).expect("ASCII");
            for known in [Some(transport), None] {
                alice.bind_transport(Transport::Udp, Some("other"));
                assert_eq!(alice.restore(known, &contact), Some(sent_by.clone()));
                assert_eq!(alice.contact(), contact.as_bytes());
            }
            for bad in [
                "",
                "x",
                "<sip:x@h>",
                &contact[1..],
                &contact.replace("sip:", "sip:x"),
                &contact.replace('>', ";a>"),
            ] {
                assert_eq!(alice.restore(None, bad), None, "{bad}");
            }
        }
    }
}
