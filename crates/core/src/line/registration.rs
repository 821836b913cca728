//! Keeping a binding at the registrar (RFC 3261 §10.2): by cause, capped, jittered, and counted.

use super::LineTimer;
use super::auth::Auth;
use super::flow::back_off;
use super::identity::Identity;
use crate::cx::Cx;
use crate::dialog::decimal;
use crate::entropy::{Entropy, Label};
use crate::machine::{Table, words};
use crate::path::Path;
use crate::timer::{Timer, TimerId};
use crate::trace::Machine;
use crate::transaction::{ClientTx, Owner, Transactions, TxFailed, TxFailure};
use crate::uas::ALLOW;
use crate::{AccountId, Cause, Event, RegistrationFailure, RegistrationState, bounds};
use bytes::Bytes;
use offhook_wire::{Builder, Contact, HeaderName, Instant, Message, Method};
use std::collections::VecDeque;
use std::time::Duration;

pub(super) struct Registration {
    account: AccountId,
    wanted: bool,
    /// The same for all REGISTERs of an account (RFC 3261 §10.2.4).
    call_id: Bytes,
    tag: Bytes,
    cseq: u32,
    /// Consecutive failed attempts: what `re_registry_phone_times` limits. A success resets it, a disconnection does not.
    failures: u32,
    /// The registrar's Min-Expires, once it has asked for one.
    min_expires: Option<u32>,
    /// When the last REGISTERs went out: the flood budget.
    sent: VecDeque<Instant>,
    state: State,
}

enum State {
    Unregistered,
    /// An attempt waits for its connection.
    Connecting,
    Registering(Request),
    Registered {
        until: Instant,
        refresh: TimerId,
    },
    Refreshing {
        until: Instant,
        request: Request,
    },
    Waiting {
        timer: TimerId,
    },
    Unregistering(Request),
    Failed,
}

/// A REGISTER that is out.
#[derive(Copy, Clone)]
struct Request {
    tx: ClientTx,
    /// How many challenges it has answered.
    tried: u8,
    /// Whether it was told once that its interval is too brief.
    raised: bool,
}

/// What a registration needs to act.
pub(super) struct Hands<'h> {
    pub(super) txs: &'h mut Transactions,
    pub(super) path: Option<&'h Path>,
    pub(super) identity: &'h Identity,
    pub(super) auth: &'h mut Auth,
}

/// What is to be done about the connection.
#[must_use]
pub(super) enum Next {
    Connect,
    Wait,
}

words! {
    enum Phase {
        Unregistered = "unregistered", Connecting = "connecting", Registering = "registering", Registered = "registered",
        Refreshing = "refreshing", Waiting = "waiting", Unregistering = "unregistering", Failed = "failed",
    }
}

words! {
    enum Step {
        Want = "want", Unwant = "unwant", Up = "up", Down = "down", Send = "send", Accepted = "accepted",
        Refused = "refused", Silent = "silent", Due = "due", GiveUp = "give up",
    }
}

static EDGES: Table<Phase, Step> = {
    use Phase::{
        Connecting, Failed, Refreshing, Registered, Registering, Unregistered, Unregistering, Waiting,
    };
    Table(&[
        (Unregistered, Step::Want, Connecting),
        (Connecting, Step::Up, Registering),
        (Connecting, Step::Up, Waiting),
        (Connecting, Step::Down, Waiting),
        (Connecting, Step::GiveUp, Failed),
        (Connecting, Step::Unwant, Unregistered),
        (Registering, Step::Send, Registering),
        (Registering, Step::Accepted, Registered),
        (Registering, Step::Refused, Waiting),
        (Registering, Step::Silent, Waiting),
        (Registering, Step::Down, Waiting),
        (Registering, Step::GiveUp, Failed),
        (Registering, Step::Unwant, Unregistering),
        (Registering, Step::Unwant, Unregistered),
        (Registered, Step::Due, Refreshing),
        (Registered, Step::Due, Waiting),
        (Registered, Step::Down, Connecting),
        (Registered, Step::Down, Waiting),
        (Registered, Step::Unwant, Unregistering),
        (Registered, Step::Unwant, Unregistered),
        (Refreshing, Step::Send, Refreshing),
        (Refreshing, Step::Accepted, Registered),
        (Refreshing, Step::Refused, Waiting),
        (Refreshing, Step::Silent, Waiting),
        (Refreshing, Step::Down, Connecting),
        (Refreshing, Step::Down, Waiting),
        (Refreshing, Step::GiveUp, Failed),
        (Refreshing, Step::Unwant, Unregistering),
        (Refreshing, Step::Unwant, Unregistered),
        (Waiting, Step::Due, Registering),
        (Waiting, Step::Due, Connecting),
        (Waiting, Step::Due, Waiting),
        (Waiting, Step::Want, Connecting),
        (Waiting, Step::Unwant, Unregistering),
        (Waiting, Step::Unwant, Unregistered),
        (Unregistering, Step::Send, Unregistering),
        (Unregistering, Step::Accepted, Unregistered),
        (Unregistering, Step::Refused, Unregistered),
        (Unregistering, Step::Silent, Unregistered),
        (Unregistering, Step::Down, Unregistered),
        (Unregistering, Step::Want, Connecting),
        (Failed, Step::Want, Connecting),
        (Failed, Step::Unwant, Unregistered),
    ])
};

impl Registration {
    pub(super) fn new(account: AccountId, wanted: bool, entropy: &mut Entropy) -> Self {
        let call_id: [u8; 24] = entropy.token(Label::Ids);
        let tag: [u8; 12] = entropy.token(Label::Ids);
        Self {
            account,
            wanted,
            call_id: Bytes::copy_from_slice(&call_id),
            tag: Bytes::copy_from_slice(&tag),
            cseq: 0,
            failures: 0,
            min_expires: None,
            sent: VecDeque::new(),
            state: State::Unregistered,
        }
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted && !matches!(self.state, State::Failed)
    }

    /// The first attempt waits for the connection.
    pub(super) fn begin(&mut self, cx: &mut Cx<'_>) {
        self.advance(cx, Step::Want, State::Connecting);
        self.event(cx, RegistrationState::Registering { attempt: self.failures + 1 });
    }

    /// The user wants to be registered: now, not after the back-off.
    pub(super) fn want(&mut self, cx: &mut Cx<'_>, hands: &mut Hands<'_>) {
        self.wanted = true;
        match &self.state {
            State::Connecting | State::Registering(_) | State::Refreshing { .. } => return,
            State::Registered { refresh, .. } => {
                cx.timers.cancel(*refresh);
                return self.refresh(cx, hands);
            }
            State::Waiting { timer } => cx.timers.cancel(*timer),
            State::Unregistering(request) => hands.txs.disown(request.tx),
            State::Unregistered | State::Failed => {}
        }
        self.failures = 0;
        self.begin(cx);
        if hands.path.is_some() {
            self.flow_up(cx, hands);
        }
    }

    /// The user wants to be gone.
    pub(super) fn unwant(&mut self, cx: &mut Cx<'_>, hands: &mut Hands<'_>) {
        self.wanted = false;
        let bound = match &self.state {
            State::Unregistered | State::Unregistering(_) => return,
            State::Connecting | State::Failed => false,
            State::Registering(request) => {
                hands.txs.disown(request.tx);
                true
            }
            State::Registered { refresh, .. } => {
                cx.timers.cancel(*refresh);
                true
            }
            State::Refreshing { request, .. } => {
                hands.txs.disown(request.tx);
                true
            }
            State::Waiting { timer } => {
                cx.timers.cancel(*timer);
                true
            }
        };
        let request = if bound { self.send(cx, hands, 0, None) } else { None };
        match request {
            Some(tx) => {
                let request = Request { tx, tried: 0, raised: false };
                self.advance(cx, Step::Unwant, State::Unregistering(request));
                self.event(cx, RegistrationState::Unregistering);
            }
            None => {
                self.advance(cx, Step::Unwant, State::Unregistered);
                self.event(cx, RegistrationState::Unregistered);
            }
        }
    }

    /// A connection is up.
    pub(super) fn flow_up(&mut self, cx: &mut Cx<'_>, hands: &mut Hands<'_>) {
        if let State::Connecting = self.state {
            self.attempt(cx, hands, Step::Up);
        }
    }

    /// The connection is gone (`lost`), or did not come about; `short` when it had not lasted.
    pub(super) fn flow_down(&mut self, cx: &mut Cx<'_>, lost: bool, short: bool) -> Next {
        match &self.state {
            State::Registered { refresh, .. } => cx.timers.cancel(*refresh),
            State::Refreshing { .. } => {}
            State::Connecting | State::Registering(_) => {
                self.failed(cx, Step::Down, Cause::NotConnected, None, None);
                return Next::Wait;
            }
            State::Waiting { .. } => return Next::Wait,
            State::Unregistered | State::Unregistering(_) | State::Failed => return Next::Wait,
        }
        // The binding went with its connection: a new one at once, on the next server.
        if lost && !short {
            self.advance(cx, Step::Down, State::Connecting);
            self.event(cx, RegistrationState::Registering { attempt: self.failures + 1 });
            return Next::Connect;
        }
        self.failed(cx, Step::Down, Cause::NotConnected, None, None);
        Next::Wait
    }

    /// The timer of the refresh, or of the next attempt.
    pub(super) fn due(&mut self, cx: &mut Cx<'_>, hands: &mut Hands<'_>) -> Next {
        match self.state {
            State::Registered { .. } => self.refresh(cx, hands),
            State::Waiting { .. } if hands.path.is_some() => self.attempt(cx, hands, Step::Due),
            State::Waiting { .. } => {
                self.advance(cx, Step::Due, State::Connecting);
                self.event(cx, RegistrationState::Registering { attempt: self.failures + 1 });
                return Next::Connect;
            }
            _ => {}
        }
        Next::Wait
    }

    fn refresh(&mut self, cx: &mut Cx<'_>, hands: &mut Hands<'_>) {
        let State::Registered { until, .. } = self.state else { return };
        if let Some(wait) = self.over_budget(cx) {
            return self.wait_for_budget(cx, Step::Due, wait);
        }
        let expires = self.expires(cx);
        let Some(tx) = self.send(cx, hands, expires, None) else { return };
        let request = Request { tx, tried: 0, raised: false };
        self.advance(cx, Step::Due, State::Refreshing { until, request });
        self.event(cx, RegistrationState::Refreshing);
    }

    fn attempt(&mut self, cx: &mut Cx<'_>, hands: &mut Hands<'_>, step: Step) {
        if let Some(wait) = self.over_budget(cx) {
            return self.wait_for_budget(cx, step, wait);
        }
        let expires = self.expires(cx);
        let Some(tx) = self.send(cx, hands, expires, None) else { return };
        let request = Request { tx, tried: 0, raised: false };
        if step == Step::Due {
            self.event(cx, RegistrationState::Registering { attempt: self.failures + 1 });
        }
        self.advance(cx, step, State::Registering(request));
    }

    /// The lifetime that we ask for, in seconds.
    fn expires(&self, cx: &Cx<'_>) -> u32 {
        let wanted = cx.config.accounts[usize::from(self.account.0)].expires.as_secs();
        u32::try_from(wanted).unwrap_or(u32::MAX).max(self.min_expires.unwrap_or(0))
    }

    fn send(
        &mut self,
        cx: &mut Cx<'_>,
        hands: &mut Hands<'_>,
        expires: u32,
        credentials: Option<(HeaderName, String)>,
    ) -> Option<ClientTx> {
        let path = hands.path?;
        self.cseq += 1;
        self.sent.push_back(cx.now);
        self.sent.truncate(cx.config.registration.flood_budget as usize + 1);
        let identity = hands.identity;
        let uri = &identity.registrar;
        let credentials = credentials.or_else(|| {
            hands.auth.foresee(cx, self.account, uri).map(|value| (HeaderName::Authorization, value))
        });
        let (owner, config) = (Owner::Line(self.account), cx.config);
        Some(hands.txs.request(cx, path, owner, Method::Register, |via| {
            let mut b = Builder::request(Method::Register, uri);
            let mut digits = [0; 10];
            b.header(HeaderName::Via, via);
            b.header(HeaderName::MaxForwards, b"70");
            b.parts(HeaderName::From, &[&identity.from, b";tag=", &self.tag]);
            b.header(HeaderName::To, &identity.to);
            b.header(HeaderName::CallId, &self.call_id);
            b.parts(HeaderName::CSeq, &[decimal(self.cseq, &mut digits), b" REGISTER"]);
            b.parts(HeaderName::Contact, &[&identity.contact, b";expires=", decimal(expires, &mut [0; 10])]);
            b.header(HeaderName::Expires, decimal(expires, &mut [0; 10]));
            b.header(HeaderName::Allow, ALLOW);
            b.header(HeaderName::UserAgent, &config.user_agent);
            if let Some((name, value)) = &credentials {
                b.header(*name, value);
            }
            b.finish()
        }))
    }

    pub(super) fn on_response(
        &mut self,
        cx: &mut Cx<'_>,
        hands: &mut Hands<'_>,
        tx: ClientTx,
        message: &Message,
    ) {
        let Some(code @ 200..) = message.status() else { return };
        let (State::Registering(request) | State::Refreshing { request, .. } | State::Unregistering(request)) =
            &mut self.state
        else {
            return;
        };
        if request.tx != tx {
            return;
        }
        let mut request = *request;
        let leaving = matches!(self.state, State::Unregistering(_));
        match code {
            200..=299 if leaving => self.gone(cx, Step::Accepted),
            200..=299 => self.accepted(cx, hands.identity, message),
            401 | 407 => {
                let uri = hands.identity.registrar.clone();
                let answer =
                    hands.auth.answer(cx, self.account, message, Method::Register, &uri, b"", request.tried);
                match answer {
                    Some(credentials) => {
                        request.tried += 1;
                        self.again(cx, hands, request, Some(credentials));
                    }
                    None if leaving => self.gone(cx, Step::Refused),
                    None => self.give_up(cx, Cause::Unauthorized, Some(code)),
                }
            }
            423 if !leaving && !request.raised => match message.min_expires() {
                Ok(Some(least)) if least <= bounds::LONGEST_MIN_EXPIRES => {
                    self.min_expires = Some(least);
                    request.raised = true;
                    self.again(cx, hands, request, None);
                }
                _ => self.give_up(cx, Cause::Rejected, Some(code)),
            },
            _ if leaving => self.gone(cx, Step::Refused),
            // What another try may cure: the server is overloaded, restarting, or its own peer is.
            408 | 480 | 500 | 502..=504 | 599 => {
                let after = message.retry_after().ok().flatten().map(|s| Duration::from_secs(s.into()));
                self.failed(cx, Step::Refused, temporary(code), Some(code), after);
            }
            _ => self.give_up(cx, permanent(code), Some(code)),
        }
    }

    /// The same request once more, with credentials or a longer interval.
    fn again(
        &mut self,
        cx: &mut Cx<'_>,
        hands: &mut Hands<'_>,
        request: Request,
        credentials: Option<(HeaderName, String)>,
    ) {
        let expires = if matches!(self.state, State::Unregistering(_)) { 0 } else { self.expires(cx) };
        let Some(tx) = self.send(cx, hands, expires, credentials) else { return };
        let request = Request { tx, ..request };
        let state = match self.state {
            State::Refreshing { until, .. } => State::Refreshing { until, request },
            State::Unregistering(_) => State::Unregistering(request),
            _ => State::Registering(request),
        };
        self.advance(cx, Step::Send, state);
    }

    fn accepted(&mut self, cx: &mut Cx<'_>, identity: &Identity, message: &Message) {
        let granted = granted(message, identity).unwrap_or_else(|| self.expires(cx));
        let granted = Duration::from_secs(granted.into()).max(bounds::SHORTEST_BINDING);
        let until = cx.now + granted;
        // Between 80 and 90 % of the lifetime, so that the phones of a server that restarted spread out again.
        let wait = cx.entropy.between(Label::Pace, granted * 8 / 10, granted * 9 / 10);
        let refresh = self.timer(cx, wait);
        self.failures = 0;
        self.advance(cx, Step::Accepted, State::Registered { until, refresh });
        self.event(cx, RegistrationState::Registered { until });
    }

    fn gone(&mut self, cx: &mut Cx<'_>, step: Step) {
        self.advance(cx, step, State::Unregistered);
        self.event(cx, RegistrationState::Unregistered);
    }

    pub(super) fn on_failed(&mut self, cx: &mut Cx<'_>, failed: &TxFailed) {
        let (State::Registering(request) | State::Refreshing { request, .. } | State::Unregistering(request)) =
            &self.state
        else {
            return;
        };
        if request.tx != failed.tx {
            return;
        }
        let (step, cause, code) = match failed.why {
            TxFailure::TimedOut => (Step::Silent, Cause::TimedOut, Some(408)),
            TxFailure::FlowLost => (Step::Down, Cause::NotConnected, None),
        };
        if matches!(self.state, State::Unregistering(_)) {
            self.gone(cx, step);
        } else {
            self.failed(cx, step, cause, code, None);
        }
    }

    /// An attempt failed in a way that the next one may not.
    fn failed(
        &mut self,
        cx: &mut Cx<'_>,
        step: Step,
        cause: Cause,
        code: Option<u16>,
        after: Option<Duration>,
    ) {
        let limit = cx.config.accounts[usize::from(self.account.0)].re_registry_phone_times;
        if limit.is_some_and(|limit| self.failures + 1 >= limit) {
            return self.give_up(cx, cause, code);
        }
        self.failures = self.failures.saturating_add(1);
        let wait =
            back_off(cx, self.failures).max(after.unwrap_or_default().min(bounds::LONGEST_RETRY_AFTER));
        let timer = self.timer(cx, wait);
        let until = cx.now + wait;
        self.advance(cx, step, State::Waiting { timer });
        let why = RegistrationFailure { cause, code, attempts: self.failures };
        let attempt = self.failures + 1;
        self.event(cx, RegistrationState::Waiting { attempt, of: limit, until, why });
    }

    /// No attempt will do better, or no more are allowed.
    fn give_up(&mut self, cx: &mut Cx<'_>, cause: Cause, code: Option<u16>) {
        self.failures = self.failures.saturating_add(1);
        self.advance(cx, Step::GiveUp, State::Failed);
        let why = RegistrationFailure { cause, code, attempts: self.failures };
        self.event(cx, RegistrationState::Failed(why));
    }

    /// How long the flood budget is used up, if it is.
    fn over_budget(&mut self, cx: &Cx<'_>) -> Option<Duration> {
        const MINUTE: Duration = Duration::from_secs(60);
        while self.sent.front().is_some_and(|at| cx.now.saturating_since(*at) >= MINUTE) {
            self.sent.pop_front();
        }
        let full = self.sent.len() >= cx.config.registration.flood_budget as usize;
        self.sent.front().filter(|_| full).map(|oldest| (*oldest + MINUTE).saturating_since(cx.now))
    }

    fn wait_for_budget(&mut self, cx: &mut Cx<'_>, step: Step, wait: Duration) {
        let timer = self.timer(cx, wait);
        let until = cx.now + wait;
        self.advance(cx, step, State::Waiting { timer });
        let of = cx.config.accounts[usize::from(self.account.0)].re_registry_phone_times;
        let why = RegistrationFailure { cause: Cause::Unavailable, code: None, attempts: self.failures };
        self.event(cx, RegistrationState::Waiting { attempt: self.failures + 1, of, until, why });
    }

    fn timer(&self, cx: &mut Cx<'_>, after: Duration) -> TimerId {
        cx.timers.set(cx.now + after, Timer::Line(self.account, LineTimer::Register))
    }

    fn event(&self, cx: &mut Cx<'_>, state: RegistrationState) {
        cx.out.event(Event::Registration { account: self.account, state });
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Unregistered => Phase::Unregistered,
            State::Connecting => Phase::Connecting,
            State::Registering(_) => Phase::Registering,
            State::Registered { .. } => Phase::Registered,
            State::Refreshing { .. } => Phase::Refreshing,
            State::Waiting { .. } => Phase::Waiting,
            State::Unregistering(_) => Phase::Unregistering,
            State::Failed => Phase::Failed,
        }
    }

    fn advance(&mut self, cx: &mut Cx<'_>, step: Step, state: State) {
        let from = self.phase();
        self.state = state;
        cx.trace.step(cx.now, Machine::Registration(self.account), &EDGES, from, step, self.phase());
    }
}

/// The lifetime of our binding: the `expires` of our own Contact among those that the registrar lists, else `Expires`
/// (RFC 3261 §10.2.4).
fn granted(message: &Message, identity: &Identity) -> Option<u32> {
    let ours = |contact: &Contact<'_>| match contact {
        Contact::Address(address) if identity.contact[1..].starts_with(address.uri) => {
            let digits = address.param("expires").flatten()?;
            std::str::from_utf8(digits).ok()?.parse().ok()
        }
        _ => None,
    };
    let listed = message.contacts().filter_map(Result::ok).find_map(|contact| ours(&contact));
    listed.or_else(|| message.expires().ok().flatten())
}

fn temporary(code: u16) -> Cause {
    match code {
        408 => Cause::TimedOut,
        480 | 502..=504 => Cause::Unavailable,
        _ => Cause::ServerError,
    }
}

fn permanent(code: u16) -> Cause {
    match code {
        404 | 410 | 604 => Cause::NotFound,
        300..=399 => Cause::Redirected,
        500..=599 => Cause::ServerError,
        _ => Cause::Rejected,
    }
}
