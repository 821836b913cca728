//! An account at work: its connection, its registration, its credentials, and its names.

mod identity;
pub(crate) mod registration;
mod rest;
#[cfg(test)]
mod tests;

use crate::base::cx::Cx;
use crate::base::marks::Mark;
use crate::base::name::{AccountTimer, ClientTx, Machine};
use crate::base::path::Path;
use crate::connection::{Down, Flow};
use crate::request::auth::Auth;
use crate::transaction::{Transactions, TxFailed, TxFailure};
use crate::{Account, AccountId, FlowChange, FlowId};
use bytes::Bytes;
use identity::Identity;
use offhook_wire::{HeaderName, KeepAlive, Message, Method};
use registration::{Desk, Next, Registration};

/// What happened to the connection, for the calls on it.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum LineChange {
    Nothing,
    /// There is one, and there was none.
    Up,
    /// This one is gone, and with it the transactions on it.
    Lost(FlowId),
}

/// One account of a phone.
pub(crate) struct Line {
    id: AccountId,
    identity: Identity,
    flow: Flow,
    registration: Registration,
    auth: Auth,
}

impl Line {
    pub(crate) fn new(id: AccountId, account: &Account, cx: &mut Cx<'_>) -> Self {
        Self {
            id,
            identity: Identity::new(account, cx.entropy),
            flow: Flow::new(id),
            registration: Registration::new(id, account, cx.entropy),
            auth: Auth::default(),
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
        self.flow.path()
    }

    /// Whether this is our connection, up or coming up.
    pub(crate) fn knows(&self, flow: FlowId) -> bool {
        self.flow.knows(flow)
    }

    /// Connects, and registers where the account says so.
    pub(crate) fn start(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions) {
        self.flow.connect(cx);
        if cx.config.accounts[usize::from(self.id.0)].register {
            self.register(cx, txs);
        }
    }

    /// [`Command::Register`](crate::Command::Register).
    pub(crate) fn register(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions) {
        let (registration, mut desk) = self.desk(cx, txs);
        registration.want(&mut desk);
        self.flow.connect(cx);
    }

    /// [`Command::Unregister`](crate::Command::Unregister).
    pub(crate) fn unregister(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions) {
        let (registration, mut desk) = self.desk(cx, txs);
        if let Next::Free = registration.want_no_more(&mut desk) {
            self.flow.again(cx);
        }
    }

    /// The host says something about a flow. What is not about ours is ignored: it crossed our own decision.
    pub(crate) fn flow_changed(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
        flow: FlowId,
        change: FlowChange,
    ) -> LineChange {
        match change {
            FlowChange::Up { local } => {
                let Some(transport) = self.flow.connecting(flow) else { return LineChange::Nothing };
                let sent_by = self.identity.appear(transport, local.as_deref());
                self.flow.up(cx, sent_by);
                let (registration, mut desk) = self.desk(cx, txs);
                registration.connected(&mut desk);
                LineChange::Up
            }
            FlowChange::Down(why) => {
                let down = self.flow.down(cx, flow, why);
                self.went_down(cx, down)
            }
        }
    }

    /// A flow or an attempt ended; the registration says how it goes on.
    fn went_down(&mut self, cx: &mut Cx<'_>, down: Option<Down>) -> LineChange {
        let (next, change) = match down {
            None => return LineChange::Nothing,
            Some(Down::Attempt) => (self.registration.not_connected(cx), LineChange::Nothing),
            Some(Down::Flow(flow)) => (self.registration.disconnected(cx), LineChange::Lost(flow)),
        };
        if let Next::Free = next {
            self.flow.again(cx);
        }
        change
    }

    /// A keep-alive came in.
    pub(crate) fn keep_alive_received(&mut self, cx: &mut Cx<'_>, kind: KeepAlive) {
        self.flow.keep_alive_received(cx, kind);
    }

    /// Anything came in.
    pub(crate) fn traffic(&mut self, cx: &mut Cx<'_>) {
        self.flow.heard(cx);
    }

    /// A response to a REGISTER of ours.
    pub(crate) fn on_response(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
        tx: ClientTx,
        message: &Message,
    ) {
        let (registration, mut desk) = self.desk(cx, txs);
        registration.answered(&mut desk, tx, message);
    }

    /// A REGISTER of ours got no answer. If nothing else came in since it was sent, its connection is dead, whatever the
    /// host believes (RFC 5626 §4.4): over UDP nothing else would tell.
    pub(crate) fn on_failed(&mut self, cx: &mut Cx<'_>, failed: &TxFailed) -> LineChange {
        if failed.why == TxFailure::FlowLost {
            // Said by the flow itself.
            return LineChange::Nothing;
        }
        let Some(asked_at) = self.registration.timed_out(cx, failed.tx) else { return LineChange::Nothing };
        if !self.flow.silent_since(asked_at) {
            return LineChange::Nothing;
        }
        cx.mark(Machine::Registration(self.id), Mark::StaleFlow);
        let down = self.flow.overdue(cx);
        self.went_down(cx, down)
    }

    /// A timer of ours fired.
    pub(crate) fn on_timer(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
        timer: AccountTimer,
    ) -> LineChange {
        match timer {
            AccountTimer::Connect | AccountTimer::Pong => {
                let down = self.flow.overdue(cx);
                return self.went_down(cx, down);
            }
            AccountTimer::Reconnect => self.flow.connect(cx),
            AccountTimer::KeepAlive => self.flow.keep_alive(cx),
            AccountTimer::Register => {
                let (registration, mut desk) = self.desk(cx, txs);
                if let Next::Free = registration.due(&mut desk) {
                    self.flow.connect(cx);
                }
            }
        }
        LineChange::Nothing
    }

    /// Answers a 401 or 407 to a request of ours (RFC 3261 §22): the header to send it again with. `tried` counts the
    /// answers that this request has had already: credentials are given once, and again only for a stale nonce.
    pub(crate) fn authorize(
        &mut self,
        cx: &mut Cx<'_>,
        response: &Message,
        method: Method<'_>,
        uri: &[u8],
        body: &[u8],
        tried: u8,
    ) -> Option<(HeaderName, String)> {
        self.auth.answer(cx, self.id, response, method, uri, body, tried)
    }

    fn desk<'d, 'c>(
        &'d mut self,
        cx: &'d mut Cx<'c>,
        txs: &'d mut Transactions,
    ) -> (&'d mut Registration, Desk<'d, 'c>) {
        let Self { identity, flow, registration, auth, .. } = self;
        (registration, Desk { cx, txs, path: flow.path(), identity, auth })
    }
}
