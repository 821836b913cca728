//! A request outside of a dialog: MESSAGE (RFC 3428) or OPTIONS (RFC 3261 §11), from the command to its outcome.
//!
//! It is sent again after a challenge or a redirection. Exactly one [`Event::Request`](crate::Event::Request) is emitted for each.

mod capabilities;
mod machine;

use crate::account::ActiveAccount;
use crate::base::cx::Cx;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Machine, Owner, Timer};
use crate::base::timers::TimerId;
use crate::planted::planted;
use crate::request::headers::{Mandatory, identify};
use crate::request::realm_set::RealmSet;
use crate::request::respond::SDP;
use crate::request::restarts::{Next, Restartable, Restarts};
use crate::transaction::{Transactions, TxFailed, TxFailure};
use crate::{AccountId, Cause, Event, RequestId, RequestKind, RequestOutcome};
use bytes::Bytes;
use machine::{OUTSIDE, Phase, Trigger};
use offhook_wire::{HeaderName, Instant, Message, Method};

/// The table of the machine, for its diagram.
#[cfg(any(test, feature = "marks"))]
pub(crate) fn table() -> &'static dyn crate::base::machine::Edges {
    &OUTSIDE
}

/// The maximum length of a MESSAGE over UDP, with its header (RFC 3428 §8).
const MOST_OVER_UDP: usize = 1300;

/// The context of a request outside of a dialog.
pub(crate) struct OutsideCx<'e, 'c> {
    pub(crate) base: &'e mut Cx<'c>,
    pub(crate) txs: &'e mut Transactions,
    pub(crate) account: &'e mut ActiveAccount,
}

/// A request outside of a dialog.
pub(crate) struct OutsideRequest {
    id: RequestId,
    account: AccountId,
    kind: RequestKind,
    /// The user's header fields.
    headers: Vec<(Bytes, Bytes)>,
    /// The Request-URI.
    uri: Bytes,
    /// The URI in To: the first Request-URI.
    to: Bytes,
    call_id: [u8; 24],
    tag: [u8; 12],
    cseq: u32,
    /// The realms that challenged it.
    realms: RealmSet,
    restarts: Restarts,
    /// The end of its waits for credentials, from the first one on.
    waits_until: Option<Instant>,
    state: State,
}

enum State {
    New,
    /// The response is pending.
    Sent(ClientTx),
    /// The host is asked for credentials for this challenge, until the timer fires.
    Challenged {
        response: Box<Message>,
        limit: TimerId,
    },
    Ended,
}

impl OutsideRequest {
    /// Sends the request. It ends immediately if there is no connection.
    pub(crate) fn send(
        id: RequestId,
        cx: &mut OutsideCx<'_, '_>,
        uri: Bytes,
        headers: Vec<(Bytes, Bytes)>,
        kind: RequestKind,
    ) -> Self {
        let mut request = Self {
            id,
            account: cx.account.id(),
            kind,
            headers,
            to: uri.clone(),
            uri,
            call_id: cx.base.entropy.token(Label::Ids),
            tag: cx.base.entropy.token(Label::Ids),
            cseq: 0,
            realms: RealmSet::default(),
            restarts: Restarts::default(),
            waits_until: None,
            state: State::New,
        };
        request.transmit(cx, Trigger::Send);
        request
    }

    pub(crate) fn account(&self) -> AccountId {
        self.account
    }

    /// Whether it is a MESSAGE that was sent to this URI by the user or by a redirection.
    pub(crate) fn is_message_to(&self, uri: &Bytes) -> bool {
        matches!(self.kind, RequestKind::Message { .. }) && (self.to == uri || self.uri == uri)
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state, State::Ended)
    }

    fn transmit(&mut self, cx: &mut OutsideCx<'_, '_>, trigger: Trigger) {
        self.cseq += 1;
        let method = self.method();
        let body = self.body();
        let credentials = cx.account.credentials(cx.base, self.realms, method, &self.uri, &body);
        let Some(path) = cx.account.path() else {
            return self.fail(cx.base, Trigger::NoConnection, Cause::NotConnected, None);
        };
        let (from, config) = (cx.account.from(), cx.base.config);
        let most = match self.kind {
            RequestKind::Message { .. } if !path.transport.is_reliable() => MOST_OVER_UDP,
            _ => usize::MAX,
        };
        let tx = cx.txs.request_if(cx.base, path, Owner::Request(self.id), method, |via| {
            let mandatory = Mandatory {
                via: &[via],
                routes: [&[], &[]],
                from: &[from, b";tag=", &self.tag],
                to: &[b"<", &self.to, b">"],
                call_id: &self.call_id,
                cseq: self.cseq,
            };
            let mut b = mandatory.begin(method, &self.uri);
            identify(&mut b, config, &credentials);
            for (name, value) in &self.headers {
                b.untrusted(name, value).expect("checked when the command came in");
            }
            let message = match &self.kind {
                // RFC 3428 §4: a MESSAGE has no Contact.
                RequestKind::Message { content_type, body } => b.body(content_type, body),
                RequestKind::Options => {
                    b.header(HeaderName::Accept, SDP);
                    b.finish()
                }
            };
            (message.len() <= most).then_some(message)
        });
        match tx {
            Some(tx) => self.transition(cx.base, trigger, Phase::Sent, State::Sent(tx)),
            None => {
                cx.base.mark(Machine::Request(self.id), Mark::MessageTooLarge);
                self.fail(cx.base, Trigger::Refused, Cause::of_final(513), Some(513));
            }
        }
    }

    /// A response to it.
    pub(crate) fn on_response(&mut self, cx: &mut OutsideCx<'_, '_>, tx: ClientTx, message: &Message) {
        if !matches!(self.state, State::Sent(sent) if sent == tx) {
            return;
        }
        match message.status().unwrap_or(0) {
            ..=199 => {}
            code @ 200..=299 => {
                let outcome = match self.kind {
                    RequestKind::Message { .. } => RequestOutcome::Accepted { code },
                    RequestKind::Options => {
                        RequestOutcome::Capabilities(Box::new(capabilities::read(message)))
                    }
                };
                self.end(cx.base, Trigger::Accepted, outcome);
            }
            code => self.not_accepted(cx, code, message),
        }
    }

    /// The credentials may have changed: evaluates again the challenge that it waits with.
    pub(crate) fn retry_with_credentials(&mut self, cx: &mut OutsideCx<'_, '_>) {
        let State::Challenged { response, limit } = &self.state else { return };
        cx.base.timers.cancel(*limit);
        let response = response.clone();
        self.not_accepted(cx, response.status().unwrap_or(0), &response);
    }

    fn not_accepted(&mut self, cx: &mut OutsideCx<'_, '_>, code: u16, message: &Message) {
        let request = Restartable::Outside { uri: &self.uri };
        match cx.account.after(cx.base, &mut self.restarts, request, &mut self.realms, message) {
            Next::Again => self.transmit(cx, Trigger::Again),
            Next::Target(uri) => {
                self.uri = uri;
                self.transmit(cx, Trigger::Again);
            }
            Next::AwaitCredentials(realm) => {
                cx.account.credentials_needed(cx.base, Owner::Request(self.id), realm);
                // A user needs as long to type a password as to answer a call.
                let until = *self.waits_until.get_or_insert(cx.base.now + cx.base.config.no_answer);
                let limit = cx.base.timers.set(until, Timer::Request(self.id));
                let state = State::Challenged { response: Box::new(message.clone()), limit };
                self.transition(cx.base, Trigger::Again, Phase::Challenged, state);
            }
            Next::Final | Next::Interval(_) | Next::OtherServer => {
                // Nobody is alerted by a request outside of a dialog.
                let cause = if code == 408 { Cause::TimedOut } else { Cause::of_final(code) };
                self.fail(cx.base, Trigger::Refused, cause, Some(code));
            }
        }
    }

    /// It got no final response.
    pub(crate) fn on_failed(&mut self, cx: &mut OutsideCx<'_, '_>, failed: &TxFailed) {
        if !matches!(self.state, State::Sent(sent) if sent == failed.tx) {
            return;
        }
        match failed.why {
            TxFailure::TimedOut => {
                match cx.account.after_timeout(cx.base, &mut self.restarts, &mut self.realms) {
                    Some(uri) => {
                        self.uri = uri;
                        self.transmit(cx, Trigger::Again);
                    }
                    None => self.fail(cx.base, Trigger::Timeout, Cause::TimedOut, Some(408)),
                }
            }
            TxFailure::ConnectionLost => {
                self.fail(cx.base, Trigger::NoConnection, Cause::NotConnected, None);
            }
        }
    }

    /// The host has found no credentials in time.
    pub(crate) fn on_timer(&mut self, cx: &mut OutsideCx<'_, '_>) {
        if let State::Challenged { response, .. } = &self.state {
            let code = response.status();
            cx.account.credentials_not_needed(Owner::Request(self.id));
            self.fail(cx.base, Trigger::Timeout, Cause::Unauthorized, code);
        }
    }

    /// Its account is removed.
    pub(crate) fn drop_with_account(&mut self, cx: &mut OutsideCx<'_, '_>) {
        match self.state {
            State::Sent(tx) => cx.txs.detach_owner(tx),
            State::Challenged { limit, .. } => cx.base.timers.cancel(limit),
            State::New | State::Ended => return,
        }
        self.fail(cx.base, Trigger::NoConnection, Cause::NotConnected, None);
    }

    fn fail(&mut self, cx: &mut Cx<'_>, trigger: Trigger, cause: Cause, code: Option<u16>) {
        self.end(cx, trigger, RequestOutcome::Failed { cause, code });
    }

    fn end(&mut self, cx: &mut Cx<'_>, trigger: Trigger, outcome: RequestOutcome) {
        self.transition(cx, trigger, Phase::Ended, State::Ended);
        if trigger == Trigger::Timeout && planted!(cx.config, RequestOutcomeLost) {
            return;
        }
        let request = self.id;
        if planted!(cx.config, RequestOutcomeTwice) {
            cx.out.event(Event::Request { request, outcome: outcome.clone() });
        }
        cx.out.event(Event::Request { request, outcome });
    }

    /// Changes the state: the only place that does.
    fn transition(&mut self, cx: &mut Cx<'_>, trigger: Trigger, phase: Phase, state: State) {
        let from = self.phase();
        self.state = state;
        cx.trace.transition(cx.now, Machine::Request(self.id), &OUTSIDE, from, trigger, phase);
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::New => Phase::New,
            State::Sent(_) => Phase::Sent,
            State::Challenged { .. } => Phase::Challenged,
            State::Ended => Phase::Ended,
        }
    }

    fn method(&self) -> Method<'static> {
        match self.kind {
            RequestKind::Message { .. } => Method::Message,
            RequestKind::Options => Method::Options,
        }
    }

    fn body(&self) -> Bytes {
        match &self.kind {
            RequestKind::Message { body, .. } => body.clone(),
            RequestKind::Options => Bytes::new(),
        }
    }
}
