//! The source of a received message.

use std::net::{IpAddr, SocketAddr};

use offhook_wire::Message;

use super::id::FlowId;
use super::transport::Transport;

/// The source of a message: a flow that is up, or a remote address without a flow.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Arrival {
    /// The flow, or the id that it will have when it is created.
    pub(crate) flow: FlowId,
    pub(crate) remote: SocketAddr,
    pub(crate) transport: Transport,
}

impl Arrival {
    /// The destination of responses to a request in a datagram: its source with `rport` (RFC 3581 §4), else the port of sent-by (RFC 3261
    /// §18.2.2). `maddr` is ignored: it would let any sender direct responses to any address.
    pub(crate) fn replies_to(&self, request: &Message) -> SocketAddr {
        let mut address = self.remote;
        if let Ok(via) = request.via()
            && via.rport().is_none()
        {
            address.set_port(via.port.filter(|port| *port != 0).unwrap_or(SIP_PORT));
        }
        address
    }

    /// Whether there is a NAT between the sender of a request and the exchange: its Via has another host than its source address, or another
    /// port although it requests symmetric responses (RFC 3581 §3). Without `rport` a phone may send from one port and listen on
    /// another.
    pub(crate) fn is_translated(&self, request: &Message) -> bool {
        let Ok(via) = request.via() else { return true };
        let other_port = via.rport().is_some() && via.port.unwrap_or(SIP_PORT) != self.remote.port();
        other_port || ip_of(via.host) != Some(self.remote.ip().to_canonical())
    }
}

/// RFC 3261 §19.1.2: the default port of sip URIs and Via values.
pub(crate) const SIP_PORT: u16 = 5060;

/// The address in a host; none for a name. An IPv6 address is in brackets.
pub(crate) fn ip_of(host: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(host.trim_ascii()).ok()?;
    let address: IpAddr = text.trim_start_matches('[').trim_end_matches(']').parse().ok()?;
    Some(address.to_canonical())
}
