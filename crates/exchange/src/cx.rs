//! The context that every part of the exchange uses: the time, the tables, and the queue of outputs.

use std::collections::VecDeque;
use std::net::SocketAddr;

use bytes::Bytes;
use offhook_wire::{Instant, Message, Uri};

use crate::Output;
use crate::authentication::{Authenticator, Failure, Role};
use crate::budget::{Budget, Sender};
use crate::config::Config;
use crate::event::Event;
use crate::flow::{Arrival, FlowId, Flows, Prefix, Transport};
use crate::host::Host;
use crate::registrar::Location;
use crate::response::Response;
use crate::token::{End, Seal};

/// See the module documentation.
pub(crate) struct Cx {
    pub(crate) now: Instant,
    pub(crate) config: Config,
    pub(crate) flows: Flows,
    pub(crate) location: Location,
    pub(crate) seal: Seal,
    pub(crate) authenticator: Authenticator,
    pub(crate) budget: Budget,
    /// The hosts that the exchange is responsible for.
    pub(crate) hosts: Vec<Host>,
    /// Connections to close before the next input.
    pub(crate) evicted: Vec<FlowId>,
    pub(crate) out: VecDeque<Output>,
}

/// All hosts of a configuration that the exchange is responsible for.
pub(crate) fn hosts(config: &Config) -> Vec<Host> {
    let own = [Some(&config.host), config.second_host.as_ref()].into_iter().flatten();
    let own = own.map(|host| split_host(host).0);
    config.domains.iter().map(String::as_str).chain(own).map(|host| Host::of(host.as_bytes())).collect()
}

impl Cx {
    /// Sends on a flow, if it is up.
    pub(crate) fn send(&mut self, flow: FlowId, data: Bytes) {
        let output = match self.flows.get(flow) {
            Some(known) if known.transport == Transport::Udp => {
                Output::Datagram { remote: known.remote, data }
            }
            Some(_) => Output::Transmit { flow, data },
            None => return,
        };
        self.out.push_back(output);
    }

    /// Sends a response without a transaction: over the connection of the request, or to the address in its Via (RFC 3261 §18.2.2).
    pub(crate) fn respond_statelessly(&mut self, arrival: Arrival, request: &Message, data: Bytes) {
        if arrival.transport == Transport::Udp {
            let remote = arrival.replies_to(request);
            self.out.push_back(Output::Datagram { remote, data });
        } else {
            self.send(arrival.flow, data);
        }
    }

    /// The flow of datagrams to an address, created if necessary. None if there is no room for it; the flow `beside`, which belongs to the
    /// same request, is not evicted.
    pub(crate) fn open_flow(&mut self, remote: SocketAddr, beside: FlowId) -> Option<FlowId> {
        let location = &self.location;
        let keep = |flow| flow == beside || location.on_flow(flow).next().is_some();
        self.flows.open(self.now, remote, keep)
    }

    /// Sends a request to one end of a transaction over its present flow. False if it has none.
    pub(crate) fn send_to(&mut self, end: End, data: Bytes) -> bool {
        let Some(flow) = self.reach(end) else { return false };
        self.send(flow, data);
        true
    }

    /// Sends a response to the sender of a request.
    pub(crate) fn respond(&mut self, end: End, data: Bytes) {
        // A phone that sends from one port and listens on another gets responses at the address in its Via (RFC 3261 §18.2.2), and
        // requests at the address in its Contact.
        let direct =
            end.binding.and_then(|id| self.location.get(id)).is_some_and(|binding| binding.is_direct());
        let flow = if direct && self.flows.contains(end.flow) { Some(end.flow) } else { self.reach(end) };
        if let Some(flow) = flow {
            self.send(flow, data);
        }
    }

    /// The present flow of an end: that of its binding, else the flow it used. When a phone registers the same contact over a new
    /// connection, its calls continue there.
    pub(crate) fn reach(&self, end: End) -> Option<FlowId> {
        let registered = end.binding.and_then(|id| self.location.get(id)).map(|binding| binding.flow);
        registered.or_else(|| self.flows.contains(end.flow).then_some(end.flow))
    }

    /// The same end with its present flow in place of the one it used before: if the new flow is lost too, there is no return to the old.
    pub(crate) fn relocated(&self, end: End) -> End {
        End { flow: self.reach(end).unwrap_or(end.flow), ..end }
    }

    /// Whether a message on `flow` may come from `end`.
    pub(crate) fn comes_from(&self, end: End, flow: FlowId) -> bool {
        let registered = || end.binding.and_then(|id| self.location.get(id));
        flow == end.flow || registered().is_some_and(|binding| binding.is_on(flow))
    }

    /// Whether a transaction of this sender may hold `more` bytes in addition.
    pub(crate) fn has_room(&self, sender: Sender, arrival: Arrival, more: usize) -> bool {
        let of_flow = self.flows.get(arrival.flow).map_or(0, |flow| flow.bytes);
        self.budget.admits(sender, Prefix::of(arrival.remote.ip()), of_flow, more)
    }

    pub(crate) fn transport(&self, flow: FlowId) -> Option<Transport> {
        self.flows.get(flow).map(|flow| flow.transport)
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Authenticates the user of a request. Its connection then counts as a user's.
    pub(crate) fn authenticate(
        &mut self,
        role: Role,
        arrival: Arrival,
        request: &Message,
    ) -> Result<String, Response> {
        // Two clients that send equal requests at the same time get different nonces.
        let remote = arrival.remote.to_string();
        let request_mark = self.seal.request("salt", request).to_be_bytes();
        let address = self.seal.mac("address", &[remote.as_bytes()]) >> 32;
        let salt = address << 32 | self.seal.mac("nonce", &[&request_mark, remote.as_bytes()]) >> 32;
        match self.authenticator.authenticate(self.now, &self.config, role, arrival, request, salt) {
            Ok(user) => {
                let location = &self.location;
                let keep = |flow| location.on_flow(flow).next().is_some();
                match self.flows.authenticated(arrival.flow, &user, keep) {
                    Some(evicted) => self.evict(evicted),
                    None => return Err(Response::with_reason(503, "Too Many Connections")),
                }
                Ok(user)
            }
            Err(Failure { response, rejected }) => {
                if let Some(user) = rejected {
                    let user = crate::event::truncated(user.as_bytes());
                    self.event(Event::Denied { user, status: response.status, flow: arrival.flow });
                }
                Err(response)
            }
        }
    }

    /// Closes connections for others, after the present input. None of them has a binding.
    pub(crate) fn evict(&mut self, flows: Vec<FlowId>) {
        self.evicted.extend(flows);
    }

    /// Whether the exchange is responsible for the host of this URI (RFC 3261 §16.5). Any port matches: a phone behind
    /// `ws://host:8080` may call `sip:bob@host:8080`.
    pub(crate) fn is_ours(&self, uri: &Uri<'_>) -> bool {
        self.hosts.contains(&Host::of(uri.host))
    }

    /// Whether this is the address that the exchange writes into Via and Record-Route.
    pub(crate) fn is_self(&self, host: &[u8], port: Option<u16>) -> bool {
        let (own, own_port) = split_host(&self.config.host);
        Host::of(own.as_bytes()) == Host::of(host) && own_port == port
    }
}

/// `host[:port]`, where the host may be an IPv6 literal in brackets.
fn split_host(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => match port.parse() {
            Ok(port) => (name, Some(port)),
            Err(_) => (host, None),
        },
        _ => (host, None),
    }
}
