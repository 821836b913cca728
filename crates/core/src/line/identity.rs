//! The names that an account goes by on the wire.

use crate::entropy::{Entropy, Label};
use crate::{Account, Transport};
use bytes::Bytes;
use offhook_wire::{Uri, quote_display_name};

pub(super) struct Identity {
    /// `"Name" <sip:alice@example.com>`.
    pub(super) from: Bytes,
    /// `<sip:alice@example.com>`.
    pub(super) to: Bytes,
    /// The Request-URI of a REGISTER: the domain alone (RFC 3261 §10.2).
    pub(super) registrar: Bytes,
    /// `<sip:x7…@k2….invalid;transport=ws>`.
    pub(super) contact: Bytes,
    /// The `sent-by` of our Via.
    pub(super) sent_by: Bytes,
    /// The user part of the Contact: not the account's name, so that a stranger cannot guess where to call.
    user: [u8; 10],
    transport: Option<Transport>,
}

impl Identity {
    /// Before a connection is up, and over WebSockets for good, we have no address that others could use: the names end
    /// in `.invalid` (RFC 7118 §5).
    pub(super) fn new(account: &Account, entropy: &mut Entropy) -> Self {
        let to = [b"<", account.aor.as_bytes(), b">"].concat();
        let mut from = Vec::with_capacity(to.len() + 32);
        if let Some(name) = &account.display_name {
            // A name with control characters is no name: left out rather than sent.
            if quote_display_name(name, &mut from).is_ok() {
                from.push(b' ');
            }
        }
        from.extend_from_slice(&to);
        let host: [u8; 12] = entropy.token(Label::Ids);
        let mut identity = Self {
            from: from.into(),
            to: to.into(),
            registrar: registrar(&account.aor),
            contact: Bytes::new(),
            sent_by: [&host[..], b".invalid"].concat().into(),
            user: entropy.token(Label::Ids),
            transport: None,
        };
        identity.write_contact();
        identity
    }

    /// A connection is up: over UDP peers answer to its local address, `host:port`.
    pub(super) fn connected(&mut self, transport: Transport, local: Option<&str>) {
        if let (Transport::Udp, Some(local)) = (transport, local) {
            self.sent_by = Bytes::copy_from_slice(local.as_bytes());
        }
        if self.transport != Some(transport) || transport == Transport::Udp {
            self.transport = Some(transport);
            self.write_contact();
        }
    }

    fn write_contact(&mut self) {
        let transport = self.transport.unwrap_or(Transport::Ws).as_param().as_bytes();
        self.contact =
            [b"<sip:", &self.user[..], b"@", &self.sent_by, b";transport=", transport, b">"].concat().into();
    }
}

/// `sip:example.com:5070` of `sip:alice@example.com:5070`. An account whose AOR is no URI registers nowhere; what it sends
/// is refused by any server.
fn registrar(aor: &str) -> Bytes {
    let Ok(uri) = Uri::parse(aor.as_bytes()) else { return Bytes::copy_from_slice(aor.as_bytes()) };
    let scheme = aor.split(':').next().unwrap_or("sip").as_bytes();
    let mut registrar = [scheme, b":", uri.host].concat();
    if let Some(port) = uri.port {
        registrar.extend_from_slice(format!(":{port}").as_bytes());
    }
    registrar.into()
}
