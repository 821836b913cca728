//! The transaction layer: the four machines of RFC 3261 §17 as RFC 6026 amends them.
//!
//! Client transactions are found by our branch, server transactions by a keyed digest of the fields of RFC 3261 §17.2.3.
//! Requests without a transaction (CANCEL, merged requests, overload) are answered here.

mod branch;
mod client;
mod key;
mod own;
mod recent;
mod server;
mod snapshot;
#[cfg(test)]
mod tests;

pub(crate) use own::parse_own;
pub(crate) use server::ServerTx;

use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::entropy::Entropy;
use crate::base::marks::Mark;
use crate::base::name::{ClientTimer, ClientTx, Machine, Owner, ServerRef, ServerTimer};
use crate::base::path::Path;
use crate::planted::{patched, planted};
use crate::{ConnectionId, SessionId, TransactionTimes};
use branch::Branch;
use bytes::Bytes;
use client::Client;
use key::{Key, Keys};
use offhook_wire::{Builder, HeaderName, Instant, Message, Method};
use recent::RecentRequests;
use server::Server;
use slab::Slab;
use std::collections::HashMap;
use std::num::NonZeroU32;

/// The tables of the machines, for their diagrams.
#[cfg(any(test, feature = "marks"))]
pub(crate) fn tables() -> [(&'static str, &'static dyn crate::base::machine::Edges); 4] {
    [
        ("INVITE client transaction", &client::INVITE_CLIENT),
        ("Other client transactions", &client::CLIENT),
        ("INVITE server transaction", &server::INVITE_SERVER),
        ("Other server transactions", &server::SERVER),
    ]
}

/// The routing of a message.
#[derive(Debug)]
#[must_use]
pub(crate) enum Routed {
    /// A new request other than ACK and CANCEL. An INVITE was answered with 100.
    Request { tx: ServerTx, message: Message },
    /// An ACK without a transaction: for a 2xx (RFC 3261 §13.3.1.4), or stray.
    Ack(Message),
    /// A CANCEL, answered with 200, for an INVITE without a final response.
    Cancelled { invite: ServerRef, owner: Option<SessionId>, message: Message },
    /// A response: 101–199, the final one, and each retransmission of a 2xx to an INVITE (RFC 6026 §7.2).
    Response { owner: Owner, tx: ClientTx, message: Message },
    /// A response without a transaction.
    Stray,
    /// The message was absorbed.
    Absorbed,
}

/// A request without a final response.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct TxFailed {
    pub(crate) owner: Owner,
    pub(crate) tx: ClientTx,
    pub(crate) why: TxFailure,
}

/// Why there was no final response.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum TxFailure {
    /// Timer B or F fired, or 64·T1 passed after a CANCEL.
    TimedOut,
    /// Its connection went down (RFC 3261 §17.1.4).
    ConnectionLost,
}

/// All transactions of a phone.
pub(crate) struct Transactions {
    times: TransactionTimes,
    clients: Slab<Client>,
    servers: Slab<Server>,
    keys: Keys,
    /// Server transactions by the key of a retransmission.
    by_branch: HashMap<Key, ServerRef, foldhash::fast::FixedState>,
    /// Server transactions outside of dialogs by the key of a merged request (RFC 3261 §8.2.2.2).
    by_origin: HashMap<Key, ServerRef, foldhash::fast::FixedState>,
    recent: RecentRequests,
    /// CANCELs without an INVITE over UDP, stored apart so that they displace nothing else.
    refused_cancels: RecentRequests,
    /// MESSAGEs that were accepted, stored apart for the same reason.
    accepted_messages: RecentRequests,
    /// Merged requests, which were refused. The transaction of the first copy may end before a retransmission of another one.
    merged: RecentRequests,
    /// Requests over UDP that were refused by overload.
    overloaded: RecentRequests,
    serial: u32,
    /// The Via value of the request that is being built, in a reused buffer.
    via: Vec<u8>,
}

impl Transactions {
    pub(crate) fn new(times: TransactionTimes, entropy: &mut Entropy) -> Self {
        let keys = Keys::new(entropy);
        Self {
            times,
            clients: Slab::new(),
            servers: Slab::new(),
            by_branch: HashMap::with_hasher(keys.map_hasher()),
            by_origin: HashMap::with_hasher(keys.map_hasher()),
            keys,
            recent: RecentRequests::new(bounds::RECENT_REQUESTS),
            refused_cancels: RecentRequests::new(bounds::RECENT_REQUESTS),
            accepted_messages: RecentRequests::new(bounds::RECENT_REQUESTS),
            merged: RecentRequests::new(bounds::RECENT_REQUESTS),
            overloaded: RecentRequests::new(bounds::OVERLOADED),
            serial: 0,
            via: Vec::new(),
        }
    }

    /// How many client and server transactions there are, including recently finished ones.
    pub(crate) fn count(&self) -> (usize, usize) {
        (self.clients.len(), self.servers.len())
    }

    #[cfg(test)]
    /// How many transactions there are, including recently finished ones.
    pub(crate) fn len(&self) -> usize {
        self.clients.len() + self.servers.len()
    }

    /// Whether there are none, not even recently finished ones.
    pub(crate) fn is_idle(&self) -> bool {
        self.clients.is_empty() && self.servers.is_empty()
    }

    /// Releases unused memory.
    pub(crate) fn shrink(&mut self, now: Instant) {
        self.clients.shrink_to_fit();
        self.servers.shrink_to_fit();
        self.by_branch.shrink_to_fit();
        self.by_origin.shrink_to_fit();
        self.recent.shrink(now);
        self.refused_cancels.shrink(now);
        self.accepted_messages.shrink(now);
        self.merged.shrink(now);
        self.overloaded.shrink(now);
        self.via = Vec::new();
    }

    /// Whether there are so many client transactions that a further fork gets no BYE.
    pub(crate) fn is_at_fork_limit(&self, cx: &Cx<'_>) -> bool {
        self.clients.len() >= bounds::fork_requests(cx.config.call_limit)
    }

    /// Sends a request. `build` gets the value of our Via and returns the whole request.
    pub(crate) fn request(
        &mut self,
        cx: &mut Cx<'_>,
        path: &Path,
        owner: Owner,
        method: Method<'static>,
        build: impl FnOnce(&[u8]) -> Bytes,
    ) -> ClientTx {
        self.request_if(cx, path, owner, method, |via| Some(build(via))).expect("the request was built")
    }

    /// The same; nothing is sent if `build` returns `None`.
    pub(crate) fn request_if(
        &mut self,
        cx: &mut Cx<'_>,
        path: &Path,
        owner: Owner,
        method: Method<'static>,
        build: impl FnOnce(&[u8]) -> Option<Bytes>,
    ) -> Option<ClientTx> {
        let serial = patched!(cx.config, BranchReused, self.next_serial(), NonZeroU32::MIN);
        let too_many = self.clients.len() >= bounds::CLIENT_TRANSACTIONS;
        let entry = self.clients.vacant_entry();
        let tx = ClientTx::new(entry.key(), serial);
        let branch = patched!(cx.config, BranchReused, Branch::new(tx, cx.entropy), Branch::repeated(tx));
        branch.write_via(&mut self.via, path);
        let request = build(&self.via)?;
        let client = Client::new(path, branch, owner, method);
        let client = entry.insert(client);
        if too_many {
            cx.mark(Machine::from(tx), Mark::ClientsFull);
            client.refuse(cx, tx);
        } else {
            client.start(cx, &self.times, tx, request);
        }
        Some(tx)
    }

    /// Cancels an INVITE (RFC 3261 §9.1): the CANCEL is sent once a provisional response was received. A final response follows,
    /// or [`TxFailed`] after 64·T1.
    pub(crate) fn cancel(&mut self, cx: &mut Cx<'_>, tx: ClientTx) {
        let times = self.times;
        if let Some(client) = self.client(tx)
            && let Some(cancel) = client.cancel(cx, &times, tx)
        {
            self.send_cancel(cx, tx, cancel);
        }
    }

    /// Detaches the owner: further responses are absorbed. The request is not cancelled.
    pub(crate) fn detach_owner(&mut self, tx: ClientTx) {
        if let Some(client) = self.client(tx) {
            client.owner = Owner::None;
        }
    }

    /// Whether this is the first 2xx to our INVITE from the fork with this tag. A 2xx is retransmitted until its ACK arrives, and
    /// each one gets an ACK; everything else is done for the first only.
    pub(crate) fn record_fork(&mut self, tx: ClientTx, tag: &[u8]) -> bool {
        let fork = self.keys.of_fork(tag);
        self.client(tx).is_some_and(|client| client.record_fork(fork))
    }

    /// Processes a message that passed [`Message::check`].
    pub(crate) fn receive(&mut self, cx: &mut Cx<'_>, path: &Path, message: Message) -> Routed {
        match message.method() {
            None => self.receive_response(cx, path, message),
            Some(Method::Ack) => self.receive_ack(cx, message),
            Some(Method::Cancel) => self.receive_cancel(cx, path, message),
            Some(_) => self.receive_request(cx, path, message),
        }
    }

    /// Sets the call of an INVITE, for its CANCEL.
    pub(crate) fn set_owner(&mut self, tx: &ServerTx, session: SessionId) {
        if let Some(server) = self.server(tx.id()) {
            server.owner = Some(session);
        }
    }

    /// Stores a MESSAGE that is accepted: a proxy that lost the 2xx with a connection retransmits it over the next one, and that must
    /// not report it again.
    pub(crate) fn store_message(&mut self, cx: &Cx<'_>, tx: &ServerTx) {
        let until = cx.now + self.times.t1 * 64;
        if let Some(key) = self.server(tx.id()).map(|server| server.key) {
            self.accepted_messages.insert(until, key);
        }
    }

    /// Sends a provisional response. Does nothing if the transaction was lost with its connection.
    pub(crate) fn provisional(&mut self, cx: &mut Cx<'_>, tx: &ServerTx, response: Bytes) {
        if let Some(server) = self.server(tx.id()) {
            server.provisional(cx, tx.id(), response);
        }
    }

    /// Sends the final response. A 2xx to an INVITE is sent once: the call retransmits it
    /// (RFC 3261 §13.3.1.4). Does nothing if the transaction was lost with its connection.
    pub(crate) fn finish(&mut self, cx: &mut Cx<'_>, tx: ServerTx, status: u16, response: Bytes) {
        let times = self.times;
        let Some(server) = self.server(tx.id()) else { return };
        let recent = server.is_invite() && status < 300;
        let key = server.key;
        if server.finish(cx, &times, tx.id(), status, response) {
            self.forget_server(tx.id());
        }
        if recent {
            self.recent.insert(cx.now + times.t1 * 64, key);
        }
    }

    /// A client timer fired. Returns a failure for the owner, if there is one.
    pub(crate) fn expire_client(
        &mut self,
        cx: &mut Cx<'_>,
        tx: ClientTx,
        timer: ClientTimer,
    ) -> Option<TxFailed> {
        let times = self.times;
        let client = self.client(tx)?;
        let owner = client.owner;
        match client.expire(cx, &times, tx, timer) {
            client::Expired::Alive => None,
            client::Expired::Over => {
                if !planted!(cx.config, TransactionLeaked) {
                    self.forget_client(cx, tx);
                }
                None
            }
            client::Expired::Failed => {
                self.forget_client(cx, tx);
                (owner != Owner::None).then_some(TxFailed { owner, tx, why: TxFailure::TimedOut })
            }
        }
    }

    /// A server timer fired.
    pub(crate) fn expire_server(&mut self, cx: &mut Cx<'_>, tx: ServerRef, timer: ServerTimer) {
        let times = self.times;
        if let Some(server) = self.server(tx)
            && server.expire(cx, &times, tx, timer)
        {
            self.forget_server(tx);
        }
    }

    /// A connection went down: ends every transaction on it (RFC 3261 §17.1.4, §17.2.4). Returns those without a final response, by
    /// index.
    pub(crate) fn on_connection_lost(&mut self, cx: &mut Cx<'_>, connection: ConnectionId) -> Vec<TxFailed> {
        let lost: Vec<ClientTx> = self
            .clients
            .iter()
            .filter(|(_, c)| c.connection == connection)
            .map(|(index, c)| c.name(index))
            .collect();
        let mut failed = Vec::new();
        for tx in lost {
            let Some(client) = self.client(tx) else { continue };
            let owner = client.owner;
            if client.on_connection_lost(cx, tx) && owner != Owner::None {
                failed.push(TxFailed { owner, tx, why: TxFailure::ConnectionLost });
            }
            self.forget_client(cx, tx);
        }
        let lost: Vec<ServerRef> = self
            .servers
            .iter()
            .filter(|(_, s)| s.connection == connection)
            .map(|(index, s)| s.name(index))
            .collect();
        for tx in lost {
            if let Some(server) = self.server(tx) {
                server.on_connection_lost(cx, tx);
            }
            self.forget_server(tx);
        }
        failed
    }
}

/// Client transactions.
impl Transactions {
    fn receive_response(&mut self, cx: &mut Cx<'_>, path: &Path, message: Message) -> Routed {
        let Some(tx) = self.find_client(cx, path, &message) else { return Routed::Stray };
        let times = self.times;
        let Some(client) = self.client(tx) else { return Routed::Absorbed };
        let owner = client.owner;
        let outcome = client.respond(cx, &times, tx, &message);
        if let Some(cancel) = outcome.cancel {
            self.send_cancel(cx, tx, cancel);
        }
        if outcome.over {
            self.forget_client(cx, tx);
        }
        if outcome.deliver && owner != Owner::None {
            Routed::Response { owner, tx, message }
        } else {
            Routed::Absorbed
        }
    }

    /// RFC 3261 §17.1.3: matches by the branch of the top Via and the method of CSeq. Our branches have the index and cannot be
    /// guessed. A response with more than one Via (§8.1.3.3) or on another connection (§18) is not for us.
    fn find_client(&mut self, cx: &mut Cx<'_>, path: &Path, message: &Message) -> Option<ClientTx> {
        if message.values(HeaderName::Via).nth(1).is_some() {
            cx.mark(None, Mark::ManyVias);
            return None;
        }
        let via = message.via().ok()?;
        let branch = Branch::read(via.branch()?)?;
        let method = message.cseq().ok()?.method;
        let tx = branch.tx();
        let client = self.client(tx)?;
        if client.branch != branch || client.connection != path.connection {
            return None;
        }
        // A CANCEL has the branch of its INVITE (§9.1).
        match client.cancelled_by {
            Some(cancel) if method == Method::Cancel => Some(cancel),
            _ => (method == client.method).then_some(tx),
        }
    }

    fn send_cancel(&mut self, cx: &mut Cx<'_>, invite: ClientTx, request: Bytes) {
        let serial = self.next_serial();
        let Some(client) = self.client(invite) else { return };
        let cancel = client.child(Method::Cancel, serial);
        let entry = self.clients.vacant_entry();
        let tx = ClientTx::new(entry.key(), serial);
        entry.insert(cancel).start(cx, &self.times, tx, request);
        if let Some(client) = self.client(invite) {
            client.cancelled_by = Some(tx);
        }
    }

    fn client(&mut self, tx: ClientTx) -> Option<&mut Client> {
        self.clients.get_mut(tx.index()).filter(|client| client.name(tx.index()) == tx)
    }

    /// Removes a terminated transaction, and the CANCEL of an INVITE with it.
    fn forget_client(&mut self, cx: &mut Cx<'_>, tx: ClientTx) {
        if self.client(tx).is_none() {
            return;
        }
        if let Some(cancel) = self.clients.remove(tx.index()).cancelled_by
            && let Some(client) = self.client(cancel)
        {
            client.terminate(cx, cancel);
            self.clients.remove(cancel.index());
        }
    }

    fn next_serial(&mut self) -> NonZeroU32 {
        self.serial = self.serial.checked_add(1).unwrap_or(1);
        NonZeroU32::new(self.serial).expect("starts at 1")
    }
}

/// Server transactions.
impl Transactions {
    fn receive_request(&mut self, cx: &mut Cx<'_>, path: &Path, message: Message) -> Routed {
        let Some((method, key)) = message.method().zip(self.keys.of_request(&message)) else {
            return Routed::Absorbed;
        };
        let is_invite = method == Method::Invite;
        if let Some(&tx) = self.by_branch.get(&key)
            && (is_invite || !planted!(cx.config, RepetitionIsNew))
        {
            if let Some(server) = self.server(tx) {
                server.retransmit(cx, tx);
            }
            return Routed::Absorbed;
        }
        if is_invite && self.recent.contains(cx.now, key) {
            cx.mark(None, Mark::AnsweredInviteAgain);
            return Routed::Absorbed;
        }
        if method == Method::Message
            && self.accepted_messages.contains(cx.now, key)
            && !planted!(cx.config, MessageReportedTwice)
        {
            cx.mark(None, Mark::AcceptedMessageAgain);
            reply(cx, path, &message, 200, "OK", &key.tag());
            return Routed::Absorbed;
        }
        let origin = self.keys.of_origin(&message);
        let again = self.merged.contains(cx.now, key);
        if again || origin.is_some_and(|origin| self.by_origin.contains_key(&origin)) {
            cx.mark(None, Mark::MergedRequest);
            if !again {
                self.merged.insert(cx.now + self.times.t1 * 64, key);
            }
            reply(cx, path, &message, 482, "Loop Detected", &key.tag());
            return Routed::Absorbed;
        }
        if self.is_overloaded(cx, path, key) {
            cx.mark(None, Mark::ServersFull);
            reply(cx, path, &message, 503, "Service Unavailable", &key.tag());
            return Routed::Absorbed;
        }
        let serial = self.next_serial();
        let entry = self.servers.vacant_entry();
        let id = ServerRef::new(entry.key(), serial);
        let server = entry.insert(Server::new(path, serial, is_invite, key, origin));
        self.by_branch.insert(key, id);
        if let Some(origin) = origin {
            self.by_origin.insert(origin, id);
        }
        let tx = ServerTx::new(id);
        if is_invite {
            // §17.2.1 allows a delay of 200 ms. Sending it immediately costs 300 bytes and saves a timer.
            server.provisional(cx, id, Builder::reply(&message, 100, "Trying", None).finish());
        }
        Routed::Request { tx, message }
    }

    /// Whether a new request is refused by overload, or is a retransmission of one that was (§8.2.7: it gets the same response),
    /// so that a caller which got 503 does not ring later.
    fn is_overloaded(&mut self, cx: &Cx<'_>, path: &Path, key: Key) -> bool {
        if self.overloaded.contains(cx.now, key) {
            return true;
        }
        let full = self.servers.len() >= bounds::server_transactions(cx.config.call_limit);
        if full && !path.transport.is_reliable() {
            self.overloaded.insert(cx.now + self.times.t1 * 64, key);
        }
        full
    }

    fn receive_ack(&mut self, cx: &mut Cx<'_>, message: Message) -> Routed {
        let Some(id) = self.find_invite(&message) else { return Routed::Ack(message) };
        let times = self.times;
        let Some(server) = self.server(id) else { return Routed::Ack(message) };
        match server.acknowledge(cx, &times, id) {
            server::Acknowledged::NotOurs => Routed::Ack(message),
            server::Acknowledged::Alive => Routed::Absorbed,
            server::Acknowledged::Over => {
                self.forget_server(id);
                Routed::Absorbed
            }
        }
    }

    /// RFC 3261 §9.2. The response depends only on the INVITE, so a retransmitted CANCEL gets the same one without a transaction.
    fn receive_cancel(&mut self, cx: &mut Cx<'_>, path: &Path, message: Message) -> Routed {
        let Some(key) = self.keys.of_request(&message) else { return Routed::Absorbed };
        if self.recent.contains(cx.now, key) {
            cx.mark(None, Mark::CancelAfterAnswer);
            reply(cx, path, &message, 200, "OK", &key.tag());
            return Routed::Absorbed;
        }
        let refuse = |cx: &mut Cx<'_>| {
            cx.mark(None, Mark::CancelForNothing);
            reply(cx, path, &message, 481, "Call/Transaction Does Not Exist", &key.tag());
        };
        let until = cx.now + self.times.t1 * 64;
        // A retransmission is refused again (§17.2.2), even if its INVITE has arrived since; but it cancels that INVITE.
        let refused = self.refused_cancels.contains(cx.now, key);
        let invite = self.find_invite(&message);
        let Some((invite, server)) = invite.and_then(|id| Some((id, self.server(id)?))) else {
            refuse(cx);
            if !refused && !path.transport.is_reliable() {
                self.refused_cancels.insert(until, key);
            }
            return Routed::Absorbed;
        };
        // §9.2: the To tag is to be that of the responses to the INVITE.
        let tag = server.to_tag();
        let (waiting, owner) = (server.is_waiting(), server.owner);
        if refused {
            refuse(cx);
        } else {
            if !path.transport.is_reliable() {
                self.recent.insert(until, key);
            }
            reply(cx, path, &message, 200, "OK", tag.as_deref().unwrap_or(&key.tag()));
        }
        let heeded = waiting && !planted!(cx.config, CancelUnheeded);
        if heeded { Routed::Cancelled { invite, owner, message } } else { Routed::Absorbed }
    }

    fn find_invite(&self, message: &Message) -> Option<ServerRef> {
        self.by_branch.get(&self.keys.of_invite(message)?).copied()
    }

    fn server(&mut self, tx: ServerRef) -> Option<&mut Server> {
        self.servers.get_mut(tx.index()).filter(|server| server.name(tx.index()) == tx)
    }

    fn forget_server(&mut self, tx: ServerRef) {
        if self.server(tx).is_none() {
            return;
        }
        let server = self.servers.remove(tx.index());
        self.by_branch.remove(&server.key);
        if let Some(origin) = server.origin {
            self.by_origin.remove(&origin);
        }
    }
}

/// A stateless response; its To tag is a function of the request (RFC 3261 §8.2.7).
fn reply(cx: &mut Cx<'_>, path: &Path, request: &Message, status: u16, reason: &str, tag: &[u8]) {
    cx.out.transmit(path.connection, Builder::reply(request, status, reason, Some(tag)).finish());
}
