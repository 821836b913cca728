//! A SIP exchange that never touches a socket: a registrar (RFC 3261 §10) and a stateful, forking, record-routing proxy
//! (RFC 3261 §16) for phones on WebSockets (RFC 7118) and UDP, with digest authentication.
//!
//! It is the "PBX" that demonstrations, tests and the simulator use. It is built on `offhook-wire` alone and shares no
//! transaction or dialog code with the phone, so that the two ends of a simulated call cannot share one misreading of an RFC.
//!
//! # Driving it
//!
//! [`Exchange::handle`] takes one input, [`Exchange::poll`] returns the outputs in one total order, and [`Exchange::deadline`] is the time
//! of the next [`Input::Wake`]. Time and entropy come from outside; the same
//! configuration, seed and inputs give the same outputs.
//!
//! ```
//! use offhook_exchange::{Config, Exchange, FlowChange, FlowId, Input, Instant, Output, Transport};
//!
//! let config = Config::new("example.com").with_user("alice", "secret");
//! let mut now = Instant::ZERO;
//! let mut exchange = Exchange::new(config, [7; 32], now);
//!
//! // A WebSocket was accepted.
//! let flow = FlowId(1);
//! let change = FlowChange::Up { transport: Transport::Ws, remote: "192.0.2.1:49152".parse()? };
//! exchange.handle(now, Input::Flow { flow, change });
//!
//! // A phone queries the exchange.
//! let options = "OPTIONS sip:example.com SIP/2.0\r\n\
//!     Via: SIP/2.0/WS 4kd0.invalid;branch=z9hG4bK1\r\n\
//!     From: <sip:alice@example.com>;tag=a\r\n\
//!     To: <sip:example.com>\r\n\
//!     Call-ID: 1\r\n\
//!     CSeq: 1 OPTIONS\r\n\
//!     Max-Forwards: 70\r\n\r\n";
//! exchange.handle(now, Input::Received { flow, data: options.into() });
//!
//! let Some(Output::Transmit { flow: to, data }) = exchange.poll() else { panic!("no answer") };
//! assert_eq!(to, flow);
//! assert!(data.starts_with(b"SIP/2.0 200 OK\r\n"));
//! assert_eq!(exchange.poll(), None);
//!
//! // Nothing is retransmitted over a WebSocket. The deadline is that of a connection without credentials.
//! assert_eq!(exchange.deadline(), Some(now + std::time::Duration::from_secs(32)));
//! # Ok::<(), std::net::AddrParseError>(())
//! ```
//!
//! # How calls survive the loss of a connection
//!
//! A phone behind a WebSocket is reached over the flow it registered on; its Contact is a name in `.invalid`, which does not resolve. The
//! Record-Route value that the exchange adds is a sealed token that names both ends of the dialog: the flow of each, and the identity of the
//! contact each had registered. When a phone registers the same Contact (or the same `+sip.instance`) over a new connection, requests
//! inside its dialogs go there, and pending requests are sent again. A request inside a dialog whose other end is not registered waits
//! for [`Config::flow_grace`]. A restart of the exchange invalidates all tokens; requests between phones that have registered again are
//! then routed by the Contact in the Request-URI.
//!
//! # Bounds on unauthenticated senders
//!
//! - A datagram creates no state unless it is a request that is admitted. Challenges and other responses to unknown senders need no
//!   transaction (RFC 3261 §26.3.2.4): a retransmission gets the same response again.
//! - A connection has [`Limits::authentication_timeout`] to carry a request with valid credentials. Unauthenticated connections have a limit
//!   of their own, in total and for each source, at which the oldest is closed for the newest; the other connections are reserved for users.
//! - Transactions are bounded in bytes, in total, for each source and for each flow, with separate bounds for guests.
//! - Wrong credentials are verified at a bounded rate ([`Guessing`]); beyond it the response is 503 with Retry-After, for valid ones too.
//!   The source of a datagram can be forged, so its credentials are verified only with a nonce that was sent to that address.
//! - Any user may register any Contact, so each lookup of a contact compares its owner: inside a dialog this is the user in To, or the
//!   user whose contact the Record-Route value was made for.

mod authentication;
mod budget;
mod config;
mod cx;
mod entropy;
mod event;
mod flow;
mod guessing;
mod host;
mod planted;
mod proxy;
mod registrar;
mod response;
mod token;
mod transaction;
mod users;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::digest::Password;
use offhook_wire::{Frame, KeepAlive};

use authentication::Authenticator;
use budget::Budget;
use cx::Cx;
use entropy::Entropy;
use flow::{Arrival, Flows};
use proxy::{Context, Contexts, Handle};
use registrar::Location;
use token::Seal;

pub use config::{Bytes as ByteLimits, Config, Guessing, Limits, Rate};
pub use event::{CallStep, Event, Unregistered};
pub use flow::{FlowChange, FlowId, Transport};
pub use offhook_wire::Instant;
#[cfg(feature = "planted")]
pub use planted::Bug;
pub use users::{MissingPassword, UserChanges};

/// An input of [`Exchange::handle`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The deadline has come. Harmless at any other time.
    Wake,
    /// A whole WebSocket message or a part of a byte stream, depending on the transport. Ignored on a connection that is not up.
    Received {
        /// The connection.
        flow: FlowId,
        /// The bytes.
        data: Bytes,
    },
    /// A datagram. It creates a flow only when a transaction begins.
    Datagram {
        /// The source address.
        remote: SocketAddr,
        /// The bytes.
        data: Bytes,
    },
    /// A connection came up or went down.
    Flow {
        /// The connection.
        flow: FlowId,
        /// The change.
        change: FlowChange,
    },
}

/// An output of [`Exchange::poll`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this over a connection: one WebSocket message, or bytes of a stream.
    Transmit {
        /// The flow.
        flow: FlowId,
        /// The bytes.
        data: Bytes,
    },
    /// Send this datagram.
    Datagram {
        /// The destination address.
        remote: SocketAddr,
        /// The bytes.
        data: Bytes,
    },
    /// Close this connection. The exchange has already removed it; a `Down` for it is not needed.
    Close {
        /// The connection.
        flow: FlowId,
    },
    /// A line for a log.
    Event(Event),
}

/// A part of the state of an exchange. See [`Exchange::forget`].
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// All registered contacts.
    Bindings,
    /// The key of the nonces: all issued nonces become invalid.
    Nonces,
    /// All transactions. Their requests get no further response unless they are retransmitted.
    Transactions,
}

/// The present load of an exchange.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Flows that are up: connections, and remote addresses of datagrams.
    pub flows: usize,
    /// Connections over which no request with valid credentials has come yet.
    pub unauthenticated: usize,
    /// Registered contacts.
    pub bindings: usize,
    /// Server transactions, each with its client transactions.
    pub transactions: usize,
    /// Bytes that those transactions hold, as [`Limits::bytes`] counts them.
    pub bytes: usize,
}

/// A registrar and proxy. See the [crate] documentation.
pub struct Exchange {
    cx: Cx,
    contexts: Contexts,
}

impl Exchange {
    /// An exchange without any bindings. All of its secrets are derived from `seed`, so a restarted exchange needs another one; it
    /// treats nonces from before the restart as stale.
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        let entropy = Entropy::new(seed);
        let cx = Cx {
            now,
            flows: Flows::new(&config.limits),
            location: Location::default(),
            seal: Seal::new(&entropy),
            authenticator: Authenticator::new(&config, &entropy),
            budget: Budget::new(&config.limits),
            hosts: cx::hosts(&config),
            evicted: Vec::new(),
            out: VecDeque::new(),
            config,
        };
        Self { cx, contexts: Contexts::default() }
    }

    /// Takes one input. Time that runs backwards stands still. Timers that are due fire first, whatever the input.
    pub fn handle(&mut self, now: Instant, input: Input) {
        self.cx.now = self.cx.now.max(now);
        self.fire();
        match input {
            Input::Wake => {}
            Input::Received { flow, data } => self.received(flow, data),
            Input::Datagram { remote, data } => self.datagram(remote, data),
            Input::Flow { flow, change: FlowChange::Up { transport, remote } } => {
                if self.cx.flows.contains(flow) {
                    self.flow_down(flow);
                }
                self.accept(flow, transport, remote);
            }
            Input::Flow { flow, change: FlowChange::Down } => self.flow_down(flow),
        }
        for flow in std::mem::take(&mut self.cx.evicted) {
            self.close(flow);
        }
    }

    /// Loses a part of its state, as when a table is flushed, a key is replaced or a process is killed. New keys are derived from
    /// `seed`, which must not have been used before.
    pub fn forget(&mut self, memory: Memory, seed: [u8; 32]) {
        let cx = &mut self.cx;
        match memory {
            Memory::Bindings => {
                for binding in cx.location.take() {
                    registrar::binding_removed(cx, &binding, Unregistered::Forgotten);
                }
            }
            Memory::Nonces => cx.authenticator.renew_nonces(&cx.config, &Entropy::new(seed)),
            Memory::Transactions => self.contexts.clear(cx),
        }
    }

    /// Changes [`Config::min_expires`], for example to lower the load of registrations.
    pub fn set_min_expires(&mut self, min_expires: Duration) {
        self.cx.config.min_expires = min_expires;
    }

    /// Replaces [`Config::users`]. A user that was removed or has different passwords loses its bindings
    /// ([`Unregistered::Revoked`]) and cannot register or call with the old ones; other users are not affected. Existing calls continue,
    /// also those of a removed user, so that their other end can hang up.
    pub fn set_users(&mut self, users: BTreeMap<String, Vec<Password>>) -> UserChanges {
        let cx = &mut self.cx;
        let changes = cx.config.set_users(users);
        for user in changes.removed.iter().chain(&changes.changed) {
            let revoked: Vec<_> = cx.location.of_user(user).map(|binding| binding.id).collect();
            for binding in revoked {
                if let Some(binding) = cx.location.remove(binding) {
                    registrar::binding_removed(cx, &binding, Unregistered::Revoked);
                }
            }
        }
        changes
    }

    /// The next output.
    pub fn poll(&mut self) -> Option<Output> {
        self.cx.out.pop_front()
    }

    /// The latest time for the next call of [`Exchange::handle`]; `None` if nothing is pending.
    pub fn deadline(&self) -> Option<Instant> {
        let cx = &self.cx;
        [self.contexts.deadline(), cx.location.deadline(), cx.flows.deadline()].into_iter().flatten().min()
    }

    /// The present load.
    pub fn load(&self) -> Load {
        let cx = &self.cx;
        Load {
            flows: cx.flows.len(),
            unauthenticated: cx.flows.unauthenticated(),
            bindings: cx.location.len(),
            transactions: self.contexts.len(),
            bytes: cx.budget.held(),
        }
    }

    /// The remote address of a flow that is up, for logs.
    pub fn remote(&self, flow: FlowId) -> Option<SocketAddr> {
        self.cx.flows.get(flow).map(|flow| flow.remote)
    }

    /// The contacts of a user, oldest first, each with the flow over which it is reached.
    pub fn contacts(&self, user: &str) -> impl Iterator<Item = (&[u8], FlowId)> {
        self.cx.location.of_user(user).map(|binding| (binding.uri.as_slice(), binding.flow))
    }

    fn fire(&mut self) {
        self.contexts.fire(&mut self.cx);
        while let Some(binding) = self.cx.location.next_expired(self.cx.now) {
            registrar::binding_removed(&mut self.cx, &binding, Unregistered::Expired);
        }
        while let Some(flow) = self.cx.flows.next_overdue(self.cx.now) {
            self.close(flow);
        }
        let location = &self.cx.location;
        while let Some(flow) =
            self.cx.flows.next_idle(self.cx.now, |flow| location.on_flow(flow).next().is_some())
        {
            self.cx.flows.down(flow);
        }
    }

    fn accept(&mut self, flow: FlowId, transport: Transport, remote: SocketAddr) {
        let room = transport.is_reliable().then(|| self.cx.flows.up(self.cx.now, flow, transport, remote));
        match room.flatten() {
            Some(evicted) => self.cx.evict(evicted),
            None => self.cx.out.push_back(Output::Close { flow }),
        }
    }

    fn close(&mut self, flow: FlowId) {
        // A connection evicted for two others is closed once.
        if self.cx.flows.contains(flow) {
            self.flow_down(flow);
            self.cx.out.push_back(Output::Close { flow });
        }
    }

    fn datagram(&mut self, remote: SocketAddr, data: Bytes) {
        let limits = self.cx.config.limits.message;
        let arrival = self.cx.flows.arrival(remote);
        self.cx.flows.received(self.cx.now, arrival.flow);
        self.frame(arrival, offhook_wire::datagram(data, &limits));
    }

    fn received(&mut self, id: FlowId, data: Bytes) {
        let limits = self.cx.config.limits.message;
        let Some(flow) = self.cx.flows.received(self.cx.now, id) else { return };
        let arrival = Arrival { flow: id, remote: flow.remote, transport: flow.transport };
        let Some(framer) = &mut flow.framer else {
            return self.frame(arrival, offhook_wire::websocket(data, &limits));
        };
        framer.push(&data);
        while let Some(framer) = self.cx.flows.get_mut(id).and_then(|flow| flow.framer.as_mut()) {
            match framer.next() {
                Some(Ok(frame)) => self.frame(arrival, frame),
                // The end of the message is unknown, so the stream cannot be resynchronized.
                Some(Err(_)) => self.close(id),
                None => return,
            }
        }
    }

    fn frame(&mut self, arrival: Arrival, frame: Frame) {
        match frame {
            // RFC 5626 §4.4.1.
            Frame::KeepAlive(KeepAlive::Ping) => self.cx.send(arrival.flow, Bytes::from_static(b"\r\n")),
            Frame::KeepAlive(KeepAlive::Pong) => {}
            Frame::Faulty { fault, data } => self.refuse(arrival, fault, data),
            Frame::Message(mut message) => match message.check() {
                Ok(()) if message.is_request() => self.request(arrival, message),
                Ok(()) => self.response(&message),
                Err(fault) => self.refuse(arrival, fault, message.bytes().clone()),
            },
        }
    }

    /// Removes a flow and the bindings on it.
    fn flow_down(&mut self, flow: FlowId) {
        if !self.cx.flows.down(flow) {
            return;
        }
        let lost: Vec<_> = self.cx.location.on_flow(flow).map(|binding| binding.id).collect();
        let mut handles = vec![Handle::Flow(flow)];
        for id in lost {
            if let Some(binding) = self.cx.location.remove(id) {
                registrar::binding_removed(&mut self.cx, &binding, Unregistered::FlowLost);
            }
            handles.push(Handle::Binding(id));
        }
        for handle in handles {
            for id in self.contexts.at(handle) {
                self.contexts.with(&mut self.cx, id, Context::connection_lost);
            }
        }
    }
}
