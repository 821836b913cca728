//! An active account: its connection, registration, credentials and addresses.

mod at_run_time;
mod credentials;
mod identity;
pub(crate) mod registration;
mod retirement;
mod snapshot;
#[cfg(test)]
mod tests;

use crate::base::cx::Cx;
use crate::base::marks::Mark;
use crate::base::name::{AccountTimer, ClientTx, Machine, Owner};
use crate::base::path::Path;
use crate::connection::{Connection, Down};
use crate::request::realm_set::RealmSet;
use crate::request::realms::{Credentials, Realms};
use crate::request::restarts::{Next, Restartable, Restarts};
use crate::transaction::{Transactions, TxFailed, TxFailure};
use crate::{Account, AccountId, ConnectionChange, ConnectionId, EffectId};
use bytes::Bytes;
use identity::Identity;
use offhook_wire::{KeepAlive, Message, Method};
use registration::{FollowUp, Reconnect, Registration, RegistrationCx};
pub(crate) use retirement::Retirement;
use std::collections::BTreeSet;

/// A change of the connection, for the calls that use it.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
#[must_use]
pub(crate) enum PathChange {
    #[default]
    Nothing,
    /// It came up.
    Up,
    /// This connection went down, with all transactions on it.
    Lost(ConnectionId),
}

/// One account of a phone.
pub(crate) struct ActiveAccount {
    id: AccountId,
    /// The position in the random stream at which its identifiers were drawn.
    drawn: u64,
    /// What follows once its binding is removed.
    retirement: Option<Retirement>,
    /// The pending effect that finds credentials.
    credentials: Option<EffectId>,
    /// The requests that wait for credentials, by their owners.
    waiting: BTreeSet<Owner>,
    /// How many calls it has.
    calls: usize,
    identity: Identity,
    connection: Connection,
    registration: Registration,
    realms: Realms,
}

impl ActiveAccount {
    pub(crate) fn new(id: AccountId, account: &Account, cx: &mut Cx<'_>) -> Self {
        Self {
            id,
            drawn: cx.entropy.drawn()[0],
            retirement: None,
            credentials: None,
            waiting: BTreeSet::new(),
            calls: 0,
            identity: Identity::new(account, cx.entropy),
            connection: Connection::new(id),
            registration: Registration::new(id, account, cx.entropy),
            realms: Realms::new(id),
        }
    }

    pub(crate) fn id(&self) -> AccountId {
        self.id
    }

    /// Our From value without its tag.
    pub(crate) fn from(&self) -> &Bytes {
        self.identity.from()
    }

    /// Our Contact value: `<sip:RANDOM@RANDOM.invalid;transport=ws>`, or with our address over UDP.
    pub(crate) fn contact(&self) -> &Bytes {
        self.identity.contact()
    }

    /// The connection, if it is up.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.connection.path()
    }

    /// Whether this is our connection, up or being opened.
    pub(crate) fn owns(&self, connection: ConnectionId) -> bool {
        self.connection.owns(connection)
    }

    /// Connects, and registers if the account is configured to.
    pub(crate) fn start(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions) {
        self.connection.connect(cx);
        if cx.config.accounts[usize::from(self.id.0)].register {
            self.register(cx, txs);
        }
    }

    /// [`AccountCommand::Register`](crate::AccountCommand::Register).
    pub(crate) fn register(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions) {
        let (registration, mut registration_cx) = self.registration_cx(cx, txs);
        registration.register(&mut registration_cx);
        self.connection.connect(cx);
    }

    /// [`AccountCommand::Unregister`](crate::AccountCommand::Unregister).
    pub(crate) fn unregister(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions) {
        let (registration, mut registration_cx) = self.registration_cx(cx, txs);
        if let Reconnect::Now = registration.unregister(&mut registration_cx) {
            self.connection.reconnect(cx);
        }
    }

    /// The host reports a change of a connection. One that is not ours is ignored: the report crossed our `Close`.
    pub(crate) fn connection_changed(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
        connection: ConnectionId,
        change: ConnectionChange,
    ) -> PathChange {
        match change {
            ConnectionChange::Up { local } => {
                let Some(transport) = self.connection.connecting(connection) else {
                    return PathChange::Nothing;
                };
                let sent_by = self.identity.bind_transport(transport, local.as_deref());
                self.connection.up(cx, sent_by);
                let (registration, mut registration_cx) = self.registration_cx(cx, txs);
                registration.connected(&mut registration_cx);
                PathChange::Up
            }
            ConnectionChange::Down(why) => {
                let down = self.connection.down(cx, connection, why);
                self.on_down(cx, down)
            }
        }
    }

    /// A connection or a connection attempt ended; the registration decides when to reconnect.
    fn on_down(&mut self, cx: &mut Cx<'_>, down: Option<Down>) -> PathChange {
        let (next, change) = match down {
            None => return PathChange::Nothing,
            Some(Down::Attempt) => (self.registration.not_connected(cx), PathChange::Nothing),
            Some(Down::Connection(connection)) => {
                (self.registration.disconnected(cx), PathChange::Lost(connection))
            }
        };
        if let Reconnect::Now = next {
            self.connection.reconnect(cx);
        }
        change
    }

    /// A keep-alive was received.
    pub(crate) fn keep_alive_received(&mut self, cx: &mut Cx<'_>, kind: KeepAlive) {
        self.connection.keep_alive_received(cx, kind);
    }

    /// Bytes were received.
    pub(crate) fn on_traffic(&mut self, cx: &mut Cx<'_>) {
        self.connection.on_traffic(cx);
    }

    /// A response to our REGISTER.
    pub(crate) fn on_response(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
        tx: ClientTx,
        message: &Message,
    ) -> PathChange {
        let (registration, mut registration_cx) = self.registration_cx(cx, txs);
        let follow_up = registration.on_response(&mut registration_cx, tx, message);
        self.follow_up(cx, follow_up)
    }

    /// The credentials may have changed: the REGISTER that waits for them is sent, or has failed.
    pub(crate) fn register_with_credentials(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
    ) -> PathChange {
        let (registration, mut registration_cx) = self.registration_cx(cx, txs);
        let follow_up = registration.retry_with_credentials(&mut registration_cx);
        self.follow_up(cx, follow_up)
    }

    fn follow_up(&mut self, cx: &mut Cx<'_>, follow_up: FollowUp) -> PathChange {
        match follow_up {
            FollowUp::Nothing => {}
            FollowUp::AskCredentials(realm) => {
                self.credentials_needed(cx, Owner::Account(self.id), realm);
            }
            FollowUp::NextServer => {
                let left = self.connection.leave(cx);
                self.connection.connect(cx);
                if let Some(Down::Connection(connection)) = left {
                    return PathChange::Lost(connection);
                }
            }
        }
        PathChange::Nothing
    }

    /// Our REGISTER got no final response. If nothing was received since it was sent, its connection is dead (RFC 5626 §4.4),
    /// even if the host has not noticed: over UDP it cannot.
    pub(crate) fn on_failed(&mut self, cx: &mut Cx<'_>, failed: &TxFailed) -> PathChange {
        if failed.why == TxFailure::ConnectionLost {
            // The connection reports that itself.
            return PathChange::Nothing;
        }
        let Some(asked_at) = self.registration.timed_out(cx, failed.tx) else {
            return PathChange::Nothing;
        };
        if !self.connection.silent_since(asked_at) {
            return PathChange::Nothing;
        }
        cx.mark(Machine::Registration(self.id), Mark::StaleConnection);
        let down = self.connection.timed_out(cx);
        self.on_down(cx, down)
    }

    /// A timer of the account fired.
    pub(crate) fn on_timer(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
        timer: AccountTimer,
    ) -> PathChange {
        match timer {
            AccountTimer::Connect | AccountTimer::Pong => {
                let down = self.connection.timed_out(cx);
                return self.on_down(cx, down);
            }
            AccountTimer::Reconnect => self.connection.connect(cx),
            AccountTimer::KeepAlive => self.connection.keep_alive(cx),
            AccountTimer::Register => {
                let (registration, mut registration_cx) = self.registration_cx(cx, txs);
                if let Reconnect::Now = registration.due(&mut registration_cx) {
                    self.connection.connect(cx);
                }
            }
        }
        PathChange::Nothing
    }

    /// Decides whether a final response 300–699 makes a request be sent again. `set` has the realms that challenged requests of its
    /// Call-ID.
    pub(crate) fn after(
        &mut self,
        cx: &mut Cx<'_>,
        restarts: &mut Restarts,
        request: Restartable<'_>,
        set: &mut RealmSet,
        response: &Message,
    ) -> Next {
        restarts.after(cx, &mut self.realms, request, set, response)
    }

    /// Whether a request that got no final response is sent to the next target of a redirection.
    pub(crate) fn after_timeout(
        &self,
        cx: &mut Cx<'_>,
        restarts: &mut Restarts,
        set: &mut RealmSet,
    ) -> Option<Bytes> {
        restarts.after_timeout(cx, &self.realms, set)
    }

    /// The credentials for a request of a Call-ID whose requests these realms challenged.
    pub(crate) fn credentials(
        &mut self,
        cx: &Cx<'_>,
        set: RealmSet,
        method: Method<'_>,
        uri: &[u8],
        body: &[u8],
    ) -> Credentials {
        self.realms.credentials(cx, set, method, uri, body)
    }

    fn registration_cx<'d, 'c>(
        &'d mut self,
        cx: &'d mut Cx<'c>,
        txs: &'d mut Transactions,
    ) -> (&'d mut Registration, RegistrationCx<'d, 'c>) {
        let Self { identity, connection, registration, realms, .. } = self;
        (registration, RegistrationCx { base: cx, txs, path: connection.path(), identity, realms })
    }
}
