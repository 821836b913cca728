//! What every part of the exchange may use: the time, the tables, and the way out.

use std::collections::VecDeque;

use bytes::Bytes;
use offhook_wire::{Instant, Uri, same_host};

use crate::Output;
use crate::authority::Gate;
use crate::config::Config;
use crate::event::Event;
use crate::flow::{FlowId, Flows, Transport};
use crate::registrar::Location;
use crate::token::{End, Seal};

pub(crate) struct Cx {
    pub(crate) now: Instant,
    pub(crate) config: Config,
    pub(crate) flows: Flows,
    pub(crate) location: Location,
    pub(crate) seal: Seal,
    pub(crate) gate: Gate,
    pub(crate) out: VecDeque<Output>,
}

impl Cx {
    /// Sends on a flow, if it is up.
    pub(crate) fn send(&mut self, flow: FlowId, data: Bytes) {
        if self.flows.contains(flow) {
            self.out.push_back(Output::Transmit { flow, data });
        }
    }

    /// Sends to one end of a transaction, wherever it is now. False if it is nowhere.
    pub(crate) fn send_to(&mut self, end: End, data: Bytes) -> bool {
        let Some(flow) = self.reach(end) else { return false };
        self.send(flow, data);
        true
    }

    /// The flow on which an end is reached: where its contact is registered now, else the flow it used. A phone that lost its
    /// connection registers the same contact over a new one, and its calls go on there.
    pub(crate) fn reach(&self, end: End) -> Option<FlowId> {
        let registered = end.binding.and_then(|id| self.location.get(id)).map(|binding| binding.flow);
        registered.or_else(|| self.flows.contains(end.flow).then_some(end.flow))
    }

    /// The same end, with the flow on which it is reached now in the place of the one that it used before. Should the new one be
    /// lost too, nothing falls back on the old.
    pub(crate) fn settled(&self, end: End) -> End {
        End { flow: self.reach(end).unwrap_or(end.flow), ..end }
    }

    /// Whether a message on `flow` may come from `end`.
    pub(crate) fn comes_from(&self, end: End, flow: FlowId) -> bool {
        flow == end.flow || self.reach(end) == Some(flow)
    }

    pub(crate) fn transport(&self, flow: FlowId) -> Option<Transport> {
        self.flows.get(flow).map(|flow| flow.transport)
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.out.push_back(Output::Event(event));
    }

    /// Whether the exchange is responsible for the host of this URI (RFC 3261 §16.5). Any port will do: a phone behind
    /// `ws://host:8080` may well call `sip:bob@host:8080`.
    pub(crate) fn is_ours(&self, uri: &Uri<'_>) -> bool {
        let hosts = [Some(&self.config.host), self.config.second_host.as_ref()].into_iter().flatten();
        let own = hosts.map(|host| split_host(host).0);
        let listed = self.config.domains.iter().map(String::as_str);
        listed.chain(own).any(|domain| same_host(domain.as_bytes(), uri.host))
    }

    /// Whether this is the very address the exchange writes into Via and Record-Route.
    pub(crate) fn is_self(&self, host: &[u8], port: Option<u16>) -> bool {
        let (own, own_port) = split_host(&self.config.host);
        same_host(own.as_bytes(), host) && own_port == port
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
