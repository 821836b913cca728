//! The registration of an account (RFC 3261 §10.2): made, refreshed, tried again by cause, and removed.
//!
//! Consecutive failed attempts are counted: a REGISTER that was refused for now, not answered, or lost with its
//! connection, and a connection that did not come up. A success resets the count; a mere disconnection does nothing
//! to it. At the limit, and at once when the registrar will not have us, everything stops until the user asks again.

mod cx;
mod machine;
mod request;
mod rest;

pub(super) use cx::Desk;

use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::entropy::{Entropy, Label};
use crate::base::marks::Mark;
use crate::base::name::{AccountTimer, ClientTx, Machine, Timer};
use crate::base::timers::TimerId;
use crate::connection::back_off;
use crate::planted::{patched, planted};
use crate::request::auth;
use crate::transaction::Transactions;
use crate::{Account, AccountId, Cause, Event, RegistrationFailure, RegistrationState};
use machine::{Phase, REGISTRATION, Step};
use offhook_wire::{HeaderName, Instant, Message, Method};
use request::Names;
use std::collections::VecDeque;
use std::time::Duration;

/// The table of the machine, for its diagram.
#[cfg(any(test, feature = "marks"))]
pub(crate) fn table() -> &'static dyn crate::base::machine::Edges {
    &REGISTRATION
}

/// How the connection is to go on when there is none.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Next {
    /// As it likes.
    Free,
    /// Not before the registration says so: it waits for its own time, or has given up.
    Hold,
}

/// The registration of one account.
pub(super) struct Registration {
    account: AccountId,
    state: State,
    names: Names,
    /// The lifetime to ask for, in seconds; raised by a 423.
    expires: u32,
    /// Consecutive failed attempts.
    failures: u32,
    /// Until when the registrar holds our binding, as far as we know.
    bound: Option<Instant>,
    budget: Budget,
}

enum State {
    Unregistered,
    /// `asking` is empty while there is no connection, or no budget.
    Registering {
        asking: Option<Asking>,
        paced: Option<TimerId>,
    },
    Registered {
        until: Instant,
        refresh: TimerId,
    },
    Refreshing {
        asking: Asking,
    },
    Waiting {
        until: Instant,
        timer: TimerId,
        why: RegistrationFailure,
    },
    Unregistering {
        asking: Asking,
    },
    Failed(RegistrationFailure),
}

/// A REGISTER that is on its way.
#[derive(Copy, Clone)]
struct Asking {
    tx: ClientTx,
    at: Instant,
    /// How many challenges it answered.
    tried: u8,
    /// It follows a 423.
    brief: bool,
}

/// [`RegistrationPolicy::flood_budget`](crate::RegistrationPolicy::flood_budget): when the REGISTERs of
/// the last minute went out.
#[derive(Default)]
struct Budget {
    spent: VecDeque<Instant>,
}

const BUDGET_PERIOD: Duration = Duration::from_secs(60);

impl Registration {
    pub(super) fn new(id: AccountId, account: &Account, entropy: &mut Entropy) -> Self {
        Self {
            account: id,
            state: State::Unregistered,
            names: Names::new(entropy),
            expires: u32::try_from(account.expires.as_secs()).unwrap_or(u32::MAX).max(1),
            failures: 0,
            bound: None,
            budget: Budget::default(),
        }
    }

    /// The user wants to be registered: now, whatever was waited for.
    pub(super) fn want(&mut self, desk: &mut Desk<'_, '_>) {
        match self.state {
            State::Registering { .. } | State::Refreshing { .. } => return,
            State::Registered { .. } => return self.refresh(desk, Step::Wanted),
            State::Unregistered | State::Failed(_) => self.failures = 0,
            State::Waiting { .. } | State::Unregistering { .. } => {}
        }
        self.leave(desk.cx, Some(&mut *desk.txs));
        self.attempt(desk, Step::Wanted);
    }

    /// The user wants to be registered no more.
    pub(super) fn want_no_more(&mut self, desk: &mut Desk<'_, '_>) -> Next {
        let next = if let State::Failed(_) = self.state { Next::Hold } else { Next::Free };
        let may_be_bound = match self.state {
            State::Unregistering { .. } => return next,
            State::Unregistered | State::Failed(_) => false,
            State::Registering { asking: Some(_), .. } | State::Refreshing { .. } => true,
            State::Registering { .. } | State::Registered { .. } | State::Waiting { .. } => {
                self.bound.is_some_and(|until| until > desk.cx.now)
            }
        };
        self.leave(desk.cx, Some(&mut *desk.txs));
        self.bound = None;
        // A REGISTER still on its way has a lower CSeq: if it comes late, the registrar ignores it (§10.3).
        let expires = patched!(desk.cx.config, BindingKept, 0, self.expires);
        let asking = if may_be_bound { self.send(desk, expires, None, Asking::first) } else { None };
        let state = asking.map_or(State::Unregistered, |asking| State::Unregistering { asking });
        self.enter(desk.cx, Step::NotWanted, state);
        next
    }

    /// There is a connection.
    pub(super) fn connected(&mut self, desk: &mut Desk<'_, '_>) {
        if let State::Registering { asking: None, paced: None } = self.state {
            let (asking, paced) = self.ask(desk);
            self.state = State::Registering { asking, paced };
            self.note(desk.cx, Step::Connected);
        }
    }

    /// A connection attempt failed.
    pub(super) fn not_connected(&mut self, cx: &mut Cx<'_>) -> Next {
        match self.state {
            State::Registering { .. } => self.fail(cx, Cause::NotConnected, None, Duration::ZERO),
            // The next attempt is not on yet: the connection tries for itself.
            _ => Next::Free,
        }
    }

    /// The connection is lost.
    pub(super) fn disconnected(&mut self, cx: &mut Cx<'_>) -> Next {
        if planted!(cx.config, DisconnectionIgnored) {
            return Next::Free;
        }
        match self.state {
            // Not a mere disconnection: an attempt that failed.
            State::Registering { asking: Some(_), .. } => {
                self.fail(cx, Cause::NotConnected, None, Duration::ZERO)
            }
            State::Registered { .. } | State::Refreshing { .. } => {
                self.leave(cx, None);
                self.enter(cx, Step::Disconnected, State::Registering { asking: None, paced: None });
                Next::Free
            }
            State::Unregistering { .. } => {
                self.enter(cx, Step::Disconnected, State::Unregistered);
                Next::Free
            }
            State::Failed(_) => Next::Hold,
            State::Registering { .. } | State::Waiting { .. } | State::Unregistered => Next::Free,
        }
    }

    /// A REGISTER got no answer. Returns when it was sent, if it was the current one.
    pub(super) fn timed_out(&mut self, cx: &mut Cx<'_>, tx: ClientTx) -> Option<Instant> {
        let asking = self.asking(tx)?;
        if let State::Unregistering { .. } = self.state {
            self.enter(cx, Step::Done, State::Unregistered);
        } else {
            let _ = self.fail(cx, Cause::TimedOut, None, Duration::ZERO);
        }
        Some(asking.at)
    }

    /// The registration timer fired.
    pub(super) fn due(&mut self, desk: &mut Desk<'_, '_>) -> Next {
        match self.state {
            State::Registered { .. } => self.refresh(desk, Step::Due),
            State::Waiting { .. } => self.attempt(desk, Step::Due),
            State::Registering { asking: None, .. } => {
                let (asking, paced) = self.ask(desk);
                self.state = State::Registering { asking, paced };
                self.note(desk.cx, Step::Due);
            }
            _ => return Next::Hold,
        }
        Next::Free
    }

    /// A response to a REGISTER.
    pub(super) fn answered(&mut self, desk: &mut Desk<'_, '_>, tx: ClientTx, message: &Message) {
        let Some(asking) = self.asking(tx) else { return };
        let code = message.status().unwrap_or(0);
        match code {
            ..=199 => {}
            401 | 407 => self.challenged(desk, asking, code, message),
            _ if matches!(self.state, State::Unregistering { .. }) => {
                self.enter(desk.cx, Step::Done, State::Unregistered);
            }
            200..=299 => self.granted(desk, message),
            423 => self.too_brief(desk, asking, message),
            _ => self.refused(desk.cx, code, message),
        }
    }

    /// Credentials once for each challenge, and then the password is wrong: no storm.
    fn challenged(&mut self, desk: &mut Desk<'_, '_>, asking: Asking, code: u16, message: &Message) {
        let uri = desk.identity.registrar();
        let header =
            desk.auth.answer(desk.cx, self.account, message, Method::Register, uri, b"", asking.tried);
        let removing = matches!(self.state, State::Unregistering { .. });
        match header {
            Some(header) => {
                let expires = if removing { 0 } else { self.expires };
                let next = self.send(desk, expires, Some(header), |tx, at| Asking {
                    tx,
                    at,
                    tried: asking.tried + 1,
                    ..asking
                });
                self.go_on(desk.cx, Step::Challenged, next, code);
            }
            None if removing => self.enter(desk.cx, Step::Done, State::Unregistered),
            // The password is right, and the server cannot keep its nonces: that passes.
            None if asking.tried > 0 && auth::is_stale(desk.cx.config, message) => {
                let _ = self.fail(desk.cx, Cause::OtherFailure, Some(code), Duration::ZERO);
            }
            None => self.give_up(desk.cx, Cause::Unauthorized, code),
        }
    }

    /// RFC 3261 §10.2.8: with the interval that the registrar wants, at once; but one that wants more and more has to wait.
    fn too_brief(&mut self, desk: &mut Desk<'_, '_>, asking: Asking, message: &Message) {
        let wanted = message.min_expires().ok().flatten();
        let wanted = wanted.filter(|least| (self.expires + 1..=bounds::LONGEST_MIN_EXPIRES).contains(least));
        let Some(least) = wanted else {
            return self.give_up(desk.cx, Cause::Rejected, 423);
        };
        self.expires = least;
        if asking.brief {
            let _ = self.fail(desk.cx, Cause::Rejected, Some(423), Duration::ZERO);
            return;
        }
        let next = self.send(desk, least, None, |tx, at| Asking { tx, at, tried: 0, brief: true });
        self.go_on(desk.cx, Step::TooBrief, next, 423);
    }

    /// The same attempt with another REGISTER; without budget for one it failed.
    fn go_on(&mut self, cx: &mut Cx<'_>, step: Step, next: Option<Asking>, code: u16) {
        match (next, &mut self.state) {
            (
                Some(next),
                State::Registering { asking: Some(asking), .. }
                | State::Refreshing { asking }
                | State::Unregistering { asking },
            ) => {
                *asking = next;
                self.note(cx, step);
            }
            (_, State::Unregistering { .. }) => self.enter(cx, Step::Done, State::Unregistered),
            _ => {
                let least = self.budget.refilled(cx).saturating_since(cx.now);
                let _ = self.fail(cx, Cause::Rejected, Some(code), least);
            }
        }
    }

    fn granted(&mut self, desk: &mut Desk<'_, '_>, message: &Message) {
        let seconds = request::granted(message, desk.identity.contact()).unwrap_or(self.expires);
        if seconds == 0 {
            // A 2xx that removes the binding it was asked for.
            desk.cx.mark(Machine::Registration(self.account), Mark::BindingRemoved);
            let _ = self.fail(desk.cx, Cause::OtherFailure, message.status(), Duration::ZERO);
            return;
        }
        let lifetime = Duration::from_secs(seconds.into());
        let until = desk.cx.now + lifetime;
        // Well before the end, and not in step with other phones.
        let after = desk.cx.entropy.between(Label::Pace, lifetime * 4 / 5, lifetime * 9 / 10);
        let after = patched!(desk.cx.config, RefreshTooLate, after, lifetime.mul_f64(1.25));
        let refresh = self.set(desk.cx, desk.cx.now + after.max(bounds::SHORTEST_REFRESH));
        if !planted!(desk.cx.config, FailuresNotReset) {
            self.failures = 0;
        }
        self.bound = Some(until);
        self.enter(desk.cx, Step::Granted, State::Registered { until, refresh });
    }

    /// Some refusals pass: what the server says of itself, and what says when to come back (RFC 3261 §20.33). The rest
    /// will be the same tomorrow.
    fn refused(&mut self, cx: &mut Cx<'_>, code: u16, message: &Message) {
        let retry_after = message.retry_after().ok().flatten();
        if retry_after.is_some() {
            cx.mark(Machine::Registration(self.account), Mark::RetryAfter);
        }
        let cause = match Cause::of_final(code) {
            Cause::NoAnswer => Cause::TimedOut,
            cause @ (Cause::NotFound | Cause::Unavailable) => cause,
            _ if (500..600).contains(&code) => Cause::OtherFailure,
            _ => Cause::Rejected,
        };
        if matches!(code, 408 | 480 | 500..=599) || retry_after.is_some() {
            let wait = Duration::from_secs(retry_after.unwrap_or(0).into()).min(bounds::LONGEST_RETRY_AFTER);
            let _ = self.fail(cx, cause, Some(code), wait);
        } else {
            self.give_up(cx, cause, code);
        }
    }

    /// A refresh; where it has to wait for budget or connection, the binding stands.
    fn refresh(&mut self, desk: &mut Desk<'_, '_>, step: Step) {
        let State::Registered { until, refresh } = self.state else { return };
        desk.cx.timers.cancel(refresh);
        match self.ask(desk) {
            (Some(asking), _) => self.enter(desk.cx, step, State::Refreshing { asking }),
            (None, paced) => {
                let again = desk.cx.now + bounds::SHORTEST_REFRESH;
                let refresh = paced.unwrap_or_else(|| self.set(desk.cx, again));
                self.state = State::Registered { until, refresh };
            }
        }
    }

    /// An attempt begins: with a REGISTER if it can be sent now.
    fn attempt(&mut self, desk: &mut Desk<'_, '_>, step: Step) {
        let (asking, paced) = self.ask(desk);
        self.enter(desk.cx, step, State::Registering { asking, paced });
    }

    /// The first REGISTER of an attempt, or the timer that waits for budget.
    fn ask(&mut self, desk: &mut Desk<'_, '_>) -> (Option<Asking>, Option<TimerId>) {
        if desk.path.is_none() {
            return (None, None);
        }
        match self.send(desk, self.expires, None, Asking::first) {
            Some(asking) => (Some(asking), None),
            None => {
                desk.cx.mark(Machine::Registration(self.account), Mark::BudgetSpent);
                let at = self.budget.refilled(desk.cx);
                (None, Some(self.set(desk.cx, at)))
            }
        }
    }

    fn send(
        &mut self,
        desk: &mut Desk<'_, '_>,
        expires: u32,
        credentials: Option<(HeaderName, String)>,
        asking: impl FnOnce(ClientTx, Instant) -> Asking,
    ) -> Option<Asking> {
        let path = desk.path.filter(|_| !self.budget.is_spent(desk.cx))?;
        self.budget.spent.push_back(desk.cx.now);
        // RFC 3261 §22.2: a known nonce, counted on, saves the round of a challenge.
        let credentials = credentials.or_else(|| {
            let value = desk.auth.foresee(desk.cx, self.account, desk.identity.registrar())?;
            Some((HeaderName::Authorization, value))
        });
        let tx = self.names.send(desk, path, self.account, expires, credentials);
        Some(asking(tx, desk.cx.now))
    }

    /// An attempt failed for now: the next one waits, at least `least`, unless it was the last.
    fn fail(&mut self, cx: &mut Cx<'_>, cause: Cause, code: Option<u16>, least: Duration) -> Next {
        self.leave(cx, None);
        self.failures = self.failures.saturating_add(1);
        let why = RegistrationFailure { cause, code, attempts: self.failures };
        let limit = self.limit(cx).filter(|_| !planted!(cx.config, AttemptsUnlimited));
        if limit.is_some_and(|limit| self.failures >= limit) {
            self.enter(cx, Step::Limit, State::Failed(why));
            return Next::Hold;
        }
        let until = cx.now + back_off(cx, self.failures).max(least);
        let timer = self.set(cx, until);
        if planted!(cx.config, AttemptForgotten) {
            cx.timers.cancel(timer);
        }
        self.enter(cx, Step::Failure, State::Waiting { until, timer, why });
        Next::Hold
    }

    /// The registrar will not have us, and asking again would not help.
    fn give_up(&mut self, cx: &mut Cx<'_>, cause: Cause, code: u16) {
        self.failures = self.failures.saturating_add(1);
        let why = RegistrationFailure { cause, code: Some(code), attempts: self.failures };
        self.enter(cx, Step::Refused, State::Failed(why));
    }

    /// Lets go of what the state holds: its timer, and its REGISTER if `txs` is there to be told.
    fn leave(&mut self, cx: &mut Cx<'_>, txs: Option<&mut Transactions>) {
        let asking = match self.state {
            State::Registering { asking, paced } => {
                if let Some(paced) = paced {
                    cx.timers.cancel(paced);
                }
                asking
            }
            State::Registered { refresh: timer, .. } | State::Waiting { timer, .. } => {
                cx.timers.cancel(timer);
                None
            }
            State::Refreshing { asking } | State::Unregistering { asking } => Some(asking),
            State::Unregistered | State::Failed(_) => None,
        };
        if let (Some(asking), Some(txs)) = (asking, txs) {
            txs.disown(asking.tx);
        }
    }

    /// The REGISTER on its way, if it is this one.
    fn asking(&self, tx: ClientTx) -> Option<Asking> {
        match self.state {
            State::Registering { asking: Some(asking), .. }
            | State::Refreshing { asking }
            | State::Unregistering { asking } => Some(asking).filter(|asking| asking.tx == tx),
            _ => None,
        }
    }

    fn limit(&self, cx: &Cx<'_>) -> Option<u32> {
        cx.config.accounts[usize::from(self.account.0)].max_registration_attempts
    }

    fn set(&self, cx: &mut Cx<'_>, at: Instant) -> TimerId {
        cx.timers.set(at, Timer::Line(self.account, AccountTimer::Register))
    }

    /// The only place where the state changes its kind: recorded, and told to the user.
    fn enter(&mut self, cx: &mut Cx<'_>, step: Step, state: State) {
        let from = self.phase();
        self.state = state;
        cx.trace.step(cx.now, Machine::Registration(self.account), &REGISTRATION, from, step, self.phase());
        let state = self.public(cx);
        cx.out.event(Event::Registration { account: self.account, state });
    }

    /// A step within the state.
    fn note(&self, cx: &mut Cx<'_>, step: Step) {
        let phase = self.phase();
        cx.trace.step(cx.now, Machine::Registration(self.account), &REGISTRATION, phase, step, phase);
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Unregistered => Phase::Unregistered,
            State::Registering { .. } => Phase::Registering,
            State::Registered { .. } => Phase::Registered,
            State::Refreshing { .. } => Phase::Refreshing,
            State::Waiting { .. } => Phase::Waiting,
            State::Unregistering { .. } => Phase::Unregistering,
            State::Failed(_) => Phase::Failed,
        }
    }

    fn public(&self, cx: &Cx<'_>) -> RegistrationState {
        let attempt = self.failures.saturating_add(1);
        match self.state {
            State::Unregistered => RegistrationState::Unregistered,
            State::Registering { .. } => RegistrationState::Registering { attempt },
            State::Registered { until, .. } => RegistrationState::Registered { until },
            State::Refreshing { .. } => RegistrationState::Refreshing,
            State::Waiting { until, why, .. } => {
                RegistrationState::Waiting { attempt, of: self.limit(cx), until, why }
            }
            State::Unregistering { .. } => RegistrationState::Unregistering,
            State::Failed(why) => RegistrationState::Failed(why),
        }
    }
}

impl Asking {
    fn first(tx: ClientTx, at: Instant) -> Self {
        Self { tx, at, tried: 0, brief: false }
    }
}

impl Budget {
    fn is_spent(&mut self, cx: &Cx<'_>) -> bool {
        while self.spent.front().is_some_and(|at| cx.now.saturating_since(*at) >= BUDGET_PERIOD) {
            self.spent.pop_front();
        }
        !planted!(cx.config, FloodBudgetIgnored)
            && self.spent.len() >= cx.config.registration.flood_budget as usize
    }

    /// When the next REGISTER may go out.
    fn refilled(&self, cx: &Cx<'_>) -> Instant {
        *self.spent.front().unwrap_or(&cx.now) + BUDGET_PERIOD
    }
}
