//! A SIP exchange that never touches a socket: a registrar (RFC 3261 §10) and a stateful, forking, record-routing proxy
//! (RFC 3261 §16) for phones on WebSockets (RFC 7118) and UDP, with digest authentication.
//!
//! It is the "PBX" that demonstrations, tests and the simulator use. It is built on `offhook-wire` alone and shares no
//! transaction or dialog code with the phone, so that the two ends of a simulated call cannot share one misreading of an RFC.
//!
//! # Driving it
//!
//! One inbox, one outbox, one deadline. [`Exchange::handle`] takes what happened, [`Exchange::poll`] gives what is to be done in one
//! total order, [`Exchange::deadline`] says when to come back with [`Input::Wake`]. Time and entropy come from outside; the same
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
//! // A phone asks what the exchange is.
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
//! // Over a WebSocket nothing is repeated. What is left to do is to close a connection that shows no credentials.
//! assert_eq!(exchange.deadline(), Some(now + std::time::Duration::from_secs(32)));
//! # Ok::<(), std::net::AddrParseError>(())
//! ```
//!
//! # How calls survive the loss of a connection
//!
//! A phone behind a WebSocket is reached over the flow it registered on; its Contact is a name in `.invalid` that nobody can resolve. The
//! Record-Route value that the exchange adds holds, sealed, both ends of the dialog: the flow each used, and the identity of the
//! contact each had registered. When a phone comes back over a new connection and registers the same Contact (or the same
//! `+sip.instance`) again, requests inside its dialogs go there, and what was pending is sent again. A request inside a dialog
//! whose other end is away waits for it for [`Config::flow_grace`]; after a restart of the exchange, which makes all seals
//! void, the Contact in the Request-URI does the same service between phones that are registered again.

//!
//! # What strangers cost
//!
//! - A datagram leaves nothing behind unless it is a request that is admitted. Challenges and other answers to unknown senders need no
//!   transaction (RFC 3261 §26.3.2.4): a retransmission gets the same answer anew.
//! - A connection has [`Limits::authentication_timeout`] to carry a request with right credentials. Connections without them have places of
//!   their own, in all and for each source, where the oldest makes room for the newest; the other places are kept for users.
//! - Transactions are bounded in bytes, in all, for each source and for each flow, and guests apart from users.
//! - Wrong credentials are judged at a bounded rate ([`Guessing`]); beyond it the answer is 503 with Retry-After, whatever they are.
//!   A datagram may lie about its source, so its credentials are judged only with a nonce that was sent to that address.
//! - Any user may register any Contact, so each lookup of a contact compares its owner: inside a dialog it is the user that To names, or
//!   the one whose contact the Record-Route value was made for.

mod answer;
mod authority;
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
mod token;
mod transaction;
mod users;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::digest::Password;
use offhook_wire::{Frame, KeepAlive};

use authority::Gate;
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
pub use users::{Uncovered, UserChanges};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The deadline has come; harmless at any other time.
    Wake,
    /// A whole WebSocket message or a piece of a byte stream, as the connection's transport says. Ignored on one that is not up.
    Received {
        /// Where it came from.
        flow: FlowId,
        /// The bytes.
        data: Bytes,
    },
    /// A datagram. The exchange remembers its sender only when it has reason to.
    Datagram {
        /// Where it came from.
        remote: SocketAddr,
        /// The bytes.
        data: Bytes,
    },
    /// A connection came up or went down.
    Flow {
        /// Which one.
        flow: FlowId,
        /// What happened.
        change: FlowChange,
    },
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Send this over a connection: one WebSocket message, or bytes of a stream.
    Transmit {
        /// On which flow.
        flow: FlowId,
        /// The bytes.
        data: Bytes,
    },
    /// Send this datagram.
    Datagram {
        /// To whom.
        remote: SocketAddr,
        /// The bytes.
        data: Bytes,
    },
    /// Close this connection and forget its id. The exchange has forgotten it already; a `Down` for it is not needed.
    Close {
        /// Which one.
        flow: FlowId,
    },
    /// For the log.
    Event(Event),
}

/// A part of what an exchange remembers.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Memory {
    /// Who is registered, and where.
    Bindings,
    /// The key of the nonces: all that were given out are void.
    Nonces,
    /// The transactions that live. Their requests hear nothing more, unless they are sent again.
    Transactions,
}

/// How much an exchange holds at the moment.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Load {
    /// Flows that are up: connections and the remote addresses of datagrams that are remembered.
    pub flows: usize,
    /// Connections over which no request with right credentials has come yet.
    pub strangers: usize,
    /// Contacts that are registered.
    pub bindings: usize,
    /// Server transactions that live, each with its client transactions.
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
    /// An exchange that knows its users and nothing else. Everything unguessable in it comes from `seed`, so an exchange that was
    /// restarted needs another one; credentials made for nonces of the first life are then stale, and all bindings are
    /// gone.
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        let entropy = Entropy::new(seed);
        let cx = Cx {
            now,
            flows: Flows::new(&config.limits),
            location: Location::default(),
            seal: Seal::new(&entropy),
            gate: Gate::new(&config, &entropy),
            budget: Budget::new(&config.limits),
            hosts: cx::hosts(&config),
            evicted: Vec::new(),
            out: VecDeque::new(),
            config,
        };
        Self { cx, contexts: Contexts::default() }
    }

    /// Takes one input. Time that runs backwards counts as standing still. What is due is done first, whatever the input.
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

    /// Loses a part of its memory and goes on: a table was flushed, a key was rolled, a worker was killed. New keys come from
    /// `seed`, which must not have been used before.
    pub fn forget(&mut self, memory: Memory, seed: [u8; 32]) {
        let cx = &mut self.cx;
        match memory {
            Memory::Bindings => {
                for binding in cx.location.take() {
                    registrar::forgotten(cx, &binding, Unregistered::Forgotten);
                }
            }
            Memory::Nonces => cx.gate.renew(&cx.config, &Entropy::new(seed)),
            Memory::Transactions => self.contexts.clear(cx),
        }
    }

    /// Changes [`Config::min_expires`]: a registrar that has too much to do wants to be asked less often.
    pub fn set_min_expires(&mut self, least: Duration) {
        self.cx.config.min_expires = least;
    }

    /// Replaces [`Config::users`]. A user that is gone or has other passwords loses its bindings ([`Unregistered::Revoked`]) and
    /// cannot register or call with the old ones; all others keep everything. Calls that are up go on, also those of a user that is
    /// gone, so that their other end can hang up.
    pub fn set_users(&mut self, users: BTreeMap<String, Vec<Password>>) -> UserChanges {
        let cx = &mut self.cx;
        let changes = cx.config.set_users(users);
        for user in changes.removed.iter().chain(&changes.changed) {
            let revoked: Vec<_> = cx.location.of_user(user).map(|binding| binding.id).collect();
            for binding in revoked {
                if let Some(binding) = cx.location.remove(binding) {
                    registrar::forgotten(cx, &binding, Unregistered::Revoked);
                }
            }
        }
        changes
    }

    /// The next thing to be done, in order.
    pub fn poll(&mut self) -> Option<Output> {
        self.cx.out.pop_front()
    }

    /// When to call [`Exchange::handle`] again at the latest; none if nothing is pending.
    pub fn deadline(&self) -> Option<Instant> {
        let cx = &self.cx;
        [self.contexts.deadline(), cx.location.deadline(), cx.flows.deadline()].into_iter().flatten().min()
    }

    /// How much the exchange holds.
    pub fn load(&self) -> Load {
        let cx = &self.cx;
        Load {
            flows: cx.flows.len(),
            strangers: cx.flows.strangers(),
            bindings: cx.location.len(),
            transactions: self.contexts.len(),
            bytes: cx.budget.held(),
        }
    }

    /// The other side of a flow that is up, for logs.
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
            registrar::forgotten(&mut self.cx, &binding, Unregistered::Expired);
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
        // One that made room for two others is gone already.
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
                // The end of the message is unknown, so the stream is of no use any more.
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
            Frame::Message(message) => match message.check() {
                Ok(()) if message.is_request() => self.request(arrival, message),
                Ok(()) => self.response(&message),
                Err(fault) => self.refuse(arrival, fault, message.bytes().clone()),
            },
        }
    }

    /// A flow and the bindings on it are gone.
    fn flow_down(&mut self, flow: FlowId) {
        if !self.cx.flows.down(flow) {
            return;
        }
        let lost: Vec<_> = self.cx.location.on_flow(flow).map(|binding| binding.id).collect();
        let mut handles = vec![Handle::Flow(flow)];
        for id in lost {
            if let Some(binding) = self.cx.location.remove(id) {
                registrar::forgotten(&mut self.cx, &binding, Unregistered::FlowLost);
            }
            handles.push(Handle::Binding(id));
        }
        for handle in handles {
            for id in self.contexts.at(handle) {
                self.contexts.with(&mut self.cx, id, Context::cut);
            }
        }
    }
}
