//! One account at work: its connection, its registration, its credentials, and the names it goes by.

mod auth;
mod flow;
mod identity;
mod registration;

use crate::cx::Cx;
use crate::path::Path;
use crate::transaction::{ClientTx, Transactions, TxFailed};
use crate::{Account, AccountId, FlowChange, FlowId, Why};
use auth::Auth;
use bytes::Bytes;
use flow::{Change, Flow};
use identity::Identity;
use offhook_wire::{HeaderName, KeepAlive, Message, Method};
use registration::{Hands, Next, Registration};

/// The timers of an account.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum LineTimer {
    /// The connection attempt took too long.
    Connect,
    /// The next connection attempt of an account that does not register.
    Reconnect,
    /// A keep-alive is due.
    KeepAlive,
    /// The answer to a keep-alive did not come.
    Pong,
    /// The next registration attempt, or the refresh of the binding.
    Register,
}

impl LineTimer {
    pub(crate) fn why(self) -> Why {
        match self {
            LineTimer::Register => Why::Registration,
            LineTimer::Connect | LineTimer::Reconnect | LineTimer::KeepAlive | LineTimer::Pong => Why::Flow,
        }
    }
}

/// What the change of a flow means for the calls.
#[must_use]
pub(crate) enum LineChange {
    Nothing,
    /// A connection came up: what waited can go out.
    Up,
    /// This one is gone, and what was on it.
    Lost(FlowId),
}

/// An account at work.
pub(crate) struct Line {
    id: AccountId,
    flow: Flow,
    registration: Registration,
    identity: Identity,
    auth: Auth,
}

impl Line {
    pub(crate) fn new(id: AccountId, account: &Account, cx: &mut Cx<'_>) -> Self {
        let identity = Identity::new(account, cx.entropy);
        Self {
            id,
            flow: Flow::new(id, account),
            registration: Registration::new(id, account.register, cx.entropy),
            identity,
            auth: Auth::default(),
        }
    }

    /// Connects, and registers where that is wanted.
    pub(crate) fn start(&mut self, cx: &mut Cx<'_>) {
        if self.registration.is_wanted() {
            self.registration.begin(cx);
        }
        self.flow.open(cx);
    }

    pub(crate) fn id(&self) -> AccountId {
        self.id
    }

    /// The way to the server, when it is up.
    pub(crate) fn path(&self) -> Option<&Path> {
        self.flow.path()
    }

    pub(crate) fn knows(&self, flow: FlowId) -> bool {
        self.flow.id() == Some(flow)
    }

    /// The value of our Contact, the same for the phone's life wherever it can be.
    pub(crate) fn contact(&self) -> &Bytes {
        &self.identity.contact
    }

    /// The value of our From, without a tag.
    pub(crate) fn from(&self) -> &Bytes {
        &self.identity.from
    }

    pub(crate) fn flow_changed(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
        flow: FlowId,
        change: FlowChange,
    ) -> LineChange {
        if !self.knows(flow) {
            return LineChange::Nothing;
        }
        match change {
            FlowChange::Up { local } => {
                if !self.flow.came_up(cx, &mut self.identity, local.as_deref()) {
                    return LineChange::Nothing;
                }
                let (registration, mut hands) = self.hands(txs);
                registration.flow_up(cx, &mut hands);
                LineChange::Up
            }
            FlowChange::Down(why) => {
                let change = self.flow.went_down(cx, why);
                self.down(cx, change)
            }
        }
    }

    /// A connection is gone, or did not come about: try the next server, when and if that is wanted.
    fn down(&mut self, cx: &mut Cx<'_>, change: Change) -> LineChange {
        let (lost, short) = match change {
            Change::None => return LineChange::Nothing,
            Change::Failed => (None, true),
            Change::Lost { flow, short } => (Some(flow), short),
        };
        if self.registration.is_wanted() {
            match self.registration.flow_down(cx, lost.is_some(), short) {
                Next::Connect => self.flow.open(cx),
                Next::Wait => {}
            }
        } else if !cx.config.accounts[usize::from(self.id.0)].register {
            self.flow.open_later(cx, short);
        }
        lost.map_or(LineChange::Nothing, LineChange::Lost)
    }

    /// Something came in: the connection lives.
    pub(crate) fn traffic(&mut self, cx: &mut Cx<'_>) {
        self.flow.traffic(cx);
    }

    pub(crate) fn keep_alive_received(&mut self, cx: &mut Cx<'_>, kind: KeepAlive) {
        self.flow.keep_alive(cx, kind);
    }

    pub(crate) fn register(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions) {
        let (registration, mut hands) = self.hands(txs);
        registration.want(cx, &mut hands);
        if self.flow.is_down() {
            self.flow.open(cx);
        }
    }

    pub(crate) fn unregister(&mut self, cx: &mut Cx<'_>, txs: &mut Transactions) {
        let (registration, mut hands) = self.hands(txs);
        registration.unwant(cx, &mut hands);
    }

    pub(crate) fn on_response(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
        tx: ClientTx,
        message: &Message,
    ) {
        let (registration, mut hands) = self.hands(txs);
        registration.on_response(cx, &mut hands, tx, message);
    }

    pub(crate) fn on_failed(&mut self, cx: &mut Cx<'_>, failed: &TxFailed) {
        self.registration.on_failed(cx, failed);
    }

    pub(crate) fn on_timer(
        &mut self,
        cx: &mut Cx<'_>,
        txs: &mut Transactions,
        timer: LineTimer,
    ) -> LineChange {
        match timer {
            LineTimer::Connect | LineTimer::Pong => {
                let change = self.flow.timed_out(cx);
                self.down(cx, change)
            }
            LineTimer::KeepAlive => {
                self.flow.send_keep_alive(cx);
                LineChange::Nothing
            }
            LineTimer::Reconnect => {
                self.flow.open(cx);
                LineChange::Nothing
            }
            LineTimer::Register => {
                let (registration, mut hands) = self.hands(txs);
                if let Next::Connect = registration.due(cx, &mut hands) {
                    self.flow.open(cx);
                }
                LineChange::Nothing
            }
        }
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

    fn hands<'l>(&'l mut self, txs: &'l mut Transactions) -> (&'l mut Registration, Hands<'l>) {
        let hands = Hands { txs, path: self.flow.path(), identity: &self.identity, auth: &mut self.auth };
        (&mut self.registration, hands)
    }
}
