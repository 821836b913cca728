//! The registration of an account (RFC 3261 §10.2): created, refreshed, retried by cause, and removed.
//!
//! Consecutive failed attempts are counted: a REGISTER that was temporarily refused, timed out, or was lost with its
//! connection, and a connection that did not come up. A success resets the count; a disconnection does not change it. At the
//! limit, or immediately after a permanent refusal, the registration fails until the user registers again.

mod cx;
mod machine;
mod request;
mod snapshot;

pub(super) use cx::RegistrationCx;

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
use crate::{Account, AccountEvent, AccountId, Cause, RegistrationFailure, RegistrationState};
use machine::{Phase, REGISTRATION, Trigger};
use offhook_wire::{HeaderName, Instant, Message, Method};
use request::RegisterIds;
use std::collections::VecDeque;
use std::time::Duration;

/// The table of the machine, for its diagram.
#[cfg(any(test, feature = "marks"))]
pub(crate) fn table() -> &'static dyn crate::base::machine::Edges {
    &REGISTRATION
}

/// When the account may reconnect.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Reconnect {
    /// As the connection's own back-off allows.
    Now,
    /// When the registration says so: it waits for its own back-off, or has failed.
    Later,
}

/// The registration of one account.
pub(super) struct Registration {
    account: AccountId,
    state: State,
    ids: RegisterIds,
    /// The lifetime to request, in seconds; raised by a 423.
    expires: u32,
    /// Consecutive failed attempts.
    failures: u32,
    /// When our binding at the registrar expires, if there is one.
    bound: Option<Instant>,
    budget: Budget,
}

enum State {
    Unregistered,
    /// `pending` is empty while there is no connection, or no flood budget.
    Registering {
        pending: Option<PendingRegister>,
        budget_timer: Option<TimerId>,
    },
    Registered {
        until: Instant,
        refresh: TimerId,
    },
    Refreshing {
        pending: PendingRegister,
    },
    Waiting {
        until: Instant,
        timer: TimerId,
        why: RegistrationFailure,
    },
    Unregistering {
        pending: PendingRegister,
    },
    Failed(RegistrationFailure),
}

/// A pending REGISTER.
#[derive(Copy, Clone)]
struct PendingRegister {
    tx: ClientTx,
    sent_at: Instant,
    /// How many times it was sent with credentials for a challenge.
    auth_attempts: u8,
    /// Whether it follows a 423.
    after_423: bool,
}

/// [`RegistrationPolicy::flood_budget`](crate::RegistrationPolicy::flood_budget): when the REGISTERs of
/// the last minute were sent.
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
            ids: RegisterIds::new(entropy),
            expires: lifetime(account),
            failures: 0,
            bound: None,
            budget: Budget::default(),
        }
    }

    /// Whether it has no binding and makes no attempt.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Unregistered | State::Failed(_))
    }

    /// Takes another lifetime to request.
    pub(super) fn reconfigure(&mut self, account: &Account) {
        self.expires = lifetime(account);
    }

    /// Registers now, whatever it waits for.
    pub(super) fn register(&mut self, cx: &mut RegistrationCx<'_, '_>) {
        match self.state {
            State::Registering { .. } | State::Refreshing { .. } => return,
            State::Registered { .. } => return self.refresh(cx, Trigger::Register),
            State::Unregistered | State::Failed(_) => self.failures = 0,
            State::Waiting { .. } | State::Unregistering { .. } => {}
        }
        self.release(cx.base, Some(&mut *cx.txs));
        self.attempt(cx, Trigger::Register);
    }

    /// Removes the binding.
    pub(super) fn unregister(&mut self, cx: &mut RegistrationCx<'_, '_>) -> Reconnect {
        let next = if let State::Failed(_) = self.state { Reconnect::Later } else { Reconnect::Now };
        let may_be_bound = match self.state {
            State::Unregistering { .. } => return next,
            State::Unregistered | State::Failed(_) => false,
            State::Registering { pending: Some(_), .. } | State::Refreshing { .. } => true,
            State::Registering { .. } | State::Registered { .. } | State::Waiting { .. } => {
                self.bound.is_some_and(|until| until > cx.base.now)
            }
        };
        self.release(cx.base, Some(&mut *cx.txs));
        self.bound = None;
        // A pending REGISTER has a lower CSeq: if it arrives later, the registrar ignores it (§10.3).
        let expires = patched!(cx.base.config, BindingKept, 0, self.expires);
        let pending = if may_be_bound { self.send(cx, expires, None, PendingRegister::first) } else { None };
        let state = pending.map_or(State::Unregistered, |pending| State::Unregistering { pending });
        self.transition(cx.base, Trigger::Unregister, state);
        next
    }

    /// The connection came up.
    pub(super) fn connected(&mut self, cx: &mut RegistrationCx<'_, '_>) {
        if let State::Registering { pending: None, budget_timer: None } = self.state {
            let (pending, budget_timer) = self.send_first(cx);
            self.state = State::Registering { pending, budget_timer };
            self.transition_within(cx.base, Trigger::Connected);
        }
    }

    /// A connection attempt failed.
    pub(super) fn not_connected(&mut self, cx: &mut Cx<'_>) -> Reconnect {
        match self.state {
            State::Registering { .. } => self.fail(cx, Cause::NotConnected, None, Duration::ZERO),
            // There is no attempt now: the connection retries by itself.
            _ => Reconnect::Now,
        }
    }

    /// The connection was lost.
    pub(super) fn disconnected(&mut self, cx: &mut Cx<'_>) -> Reconnect {
        if planted!(cx.config, DisconnectionIgnored) {
            return Reconnect::Now;
        }
        match self.state {
            // With a pending REGISTER, it is a failed attempt.
            State::Registering { pending: Some(_), .. } => {
                self.fail(cx, Cause::NotConnected, None, Duration::ZERO)
            }
            State::Registered { .. } | State::Refreshing { .. } => {
                self.release(cx, None);
                self.transition(
                    cx,
                    Trigger::Disconnected,
                    State::Registering { pending: None, budget_timer: None },
                );
                Reconnect::Now
            }
            State::Unregistering { .. } => {
                self.transition(cx, Trigger::Disconnected, State::Unregistered);
                Reconnect::Now
            }
            State::Failed(_) => Reconnect::Later,
            State::Registering { .. } | State::Waiting { .. } | State::Unregistered => Reconnect::Now,
        }
    }

    /// A REGISTER got no final response. Returns when it was sent, if it is the pending one.
    pub(super) fn timed_out(&mut self, cx: &mut Cx<'_>, tx: ClientTx) -> Option<Instant> {
        let pending = self.pending(tx)?;
        if let State::Unregistering { .. } = self.state {
            self.transition(cx, Trigger::Done, State::Unregistered);
        } else {
            let _ = self.fail(cx, Cause::TimedOut, None, Duration::ZERO);
        }
        Some(pending.sent_at)
    }

    /// The registration timer fired.
    pub(super) fn due(&mut self, cx: &mut RegistrationCx<'_, '_>) -> Reconnect {
        match self.state {
            State::Registered { .. } => self.refresh(cx, Trigger::Due),
            State::Waiting { .. } => self.attempt(cx, Trigger::Due),
            State::Registering { pending: None, .. } => {
                let (pending, budget_timer) = self.send_first(cx);
                self.state = State::Registering { pending, budget_timer };
                self.transition_within(cx.base, Trigger::Due);
            }
            _ => return Reconnect::Later,
        }
        Reconnect::Now
    }

    /// A response to a REGISTER.
    pub(super) fn on_response(&mut self, cx: &mut RegistrationCx<'_, '_>, tx: ClientTx, message: &Message) {
        let Some(pending) = self.pending(tx) else { return };
        let code = message.status().unwrap_or(0);
        match code {
            ..=199 => {}
            401 | 407 => self.challenged(cx, pending, code, message),
            _ if matches!(self.state, State::Unregistering { .. }) => {
                self.transition(cx.base, Trigger::Done, State::Unregistered);
            }
            200..=299 => self.granted(cx, message),
            423 => self.interval_too_brief(cx, pending, message),
            _ => self.refused(cx.base, code, message),
        }
    }

    /// Sends credentials once; a second challenge means that the password is wrong, unless the nonce is stale.
    fn challenged(
        &mut self,
        cx: &mut RegistrationCx<'_, '_>,
        pending: PendingRegister,
        code: u16,
        message: &Message,
    ) {
        let uri = cx.identity.registrar();
        let header =
            cx.auth.answer(cx.base, self.account, message, Method::Register, uri, b"", pending.auth_attempts);
        let removing = matches!(self.state, State::Unregistering { .. });
        match header {
            Some(header) => {
                let expires = if removing { 0 } else { self.expires };
                let next = self.send(cx, expires, Some(header), |tx, at| PendingRegister {
                    tx,
                    sent_at: at,
                    auth_attempts: pending.auth_attempts + 1,
                    ..pending
                });
                self.continue_attempt(cx.base, Trigger::Challenged, next, code);
            }
            None if removing => self.transition(cx.base, Trigger::Done, State::Unregistered),
            // The password is right, but the server does not accept its own nonces: a temporary failure.
            None if pending.auth_attempts > 0 && auth::is_stale(cx.base.config, message) => {
                let _ = self.fail(cx.base, Cause::OtherFailure, Some(code), Duration::ZERO);
            }
            None => self.give_up(cx.base, Cause::Unauthorized, code),
        }
    }

    /// RFC 3261 §10.2.8: retries immediately with the registrar's Min-Expires; a second 423 is a temporary failure.
    fn interval_too_brief(
        &mut self,
        cx: &mut RegistrationCx<'_, '_>,
        pending: PendingRegister,
        message: &Message,
    ) {
        let wanted = message.min_expires().ok().flatten();
        let wanted = wanted.filter(|least| (self.expires + 1..=bounds::LONGEST_MIN_EXPIRES).contains(least));
        let Some(least) = wanted else {
            return self.give_up(cx.base, Cause::Rejected, 423);
        };
        self.expires = least;
        if pending.after_423 {
            let _ = self.fail(cx.base, Cause::Rejected, Some(423), Duration::ZERO);
            return;
        }
        let next = self.send(cx, least, None, |tx, at| PendingRegister {
            tx,
            sent_at: at,
            auth_attempts: 0,
            after_423: true,
        });
        self.continue_attempt(cx.base, Trigger::TooBrief, next, 423);
    }

    /// Continues the attempt with another REGISTER; without flood budget the attempt has failed.
    fn continue_attempt(
        &mut self,
        cx: &mut Cx<'_>,
        trigger: Trigger,
        next: Option<PendingRegister>,
        code: u16,
    ) {
        match (next, &mut self.state) {
            (
                Some(next),
                State::Registering { pending: Some(pending), .. }
                | State::Refreshing { pending }
                | State::Unregistering { pending },
            ) => {
                *pending = next;
                self.transition_within(cx, trigger);
            }
            (_, State::Unregistering { .. }) => self.transition(cx, Trigger::Done, State::Unregistered),
            _ => {
                let least = self.budget.refilled(cx).saturating_since(cx.now);
                let _ = self.fail(cx, Cause::Rejected, Some(code), least);
            }
        }
    }

    fn granted(&mut self, cx: &mut RegistrationCx<'_, '_>, message: &Message) {
        let seconds = request::granted(message, cx.identity.contact()).unwrap_or(self.expires);
        if seconds == 0 {
            // A 2xx without the binding that was requested.
            cx.base.mark(Machine::Registration(self.account), Mark::BindingRemoved);
            let _ = self.fail(cx.base, Cause::OtherFailure, message.status(), Duration::ZERO);
            return;
        }
        let lifetime = Duration::from_secs(seconds.into());
        let until = cx.base.now + lifetime;
        // Before it expires, and not simultaneously with other phones.
        let after = cx.base.entropy.between(Label::Jitter, lifetime * 4 / 5, lifetime * 9 / 10);
        let after = patched!(cx.base.config, RefreshTooLate, after, lifetime.mul_f64(1.25));
        let refresh = self.set(cx.base, cx.base.now + after.max(bounds::SHORTEST_REFRESH));
        if !planted!(cx.base.config, FailuresNotReset) {
            self.failures = 0;
        }
        self.bound = Some(until);
        self.transition(cx.base, Trigger::Granted, State::Registered { until, refresh });
    }

    /// Whether a refusal is temporary: one about the server itself, or with Retry-After (RFC 3261 §20.33). Others are permanent.
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

    /// Refreshes the binding, or waits for the flood budget or a connection while the binding exists.
    fn refresh(&mut self, cx: &mut RegistrationCx<'_, '_>, trigger: Trigger) {
        let State::Registered { until, refresh } = self.state else { return };
        cx.base.timers.cancel(refresh);
        match self.send_first(cx) {
            (Some(pending), _) => self.transition(cx.base, trigger, State::Refreshing { pending }),
            (None, budget_timer) => {
                let again = cx.base.now + bounds::SHORTEST_REFRESH;
                let refresh = budget_timer.unwrap_or_else(|| self.set(cx.base, again));
                self.state = State::Registered { until, refresh };
            }
        }
    }

    /// Begins an attempt, with a REGISTER if it can be sent now.
    fn attempt(&mut self, cx: &mut RegistrationCx<'_, '_>, trigger: Trigger) {
        let (pending, budget_timer) = self.send_first(cx);
        self.transition(cx.base, trigger, State::Registering { pending, budget_timer });
    }

    /// Sends the first REGISTER of an attempt, or sets the timer that waits for the flood budget.
    fn send_first(&mut self, cx: &mut RegistrationCx<'_, '_>) -> (Option<PendingRegister>, Option<TimerId>) {
        if cx.path.is_none() {
            return (None, None);
        }
        match self.send(cx, self.expires, None, PendingRegister::first) {
            Some(pending) => (Some(pending), None),
            None => {
                cx.base.mark(Machine::Registration(self.account), Mark::BudgetSpent);
                let at = self.budget.refilled(cx.base);
                (None, Some(self.set(cx.base, at)))
            }
        }
    }

    fn send(
        &mut self,
        cx: &mut RegistrationCx<'_, '_>,
        expires: u32,
        credentials: Option<(HeaderName, String)>,
        pending: impl FnOnce(ClientTx, Instant) -> PendingRegister,
    ) -> Option<PendingRegister> {
        let path = cx.path.filter(|_| !self.budget.is_spent(cx.base))?;
        self.budget.spent.push_back(cx.base.now);
        // RFC 3261 §22.2: pre-emptive credentials save the round trip of a challenge.
        let credentials = credentials.or_else(|| {
            let value = cx.auth.preemptive_authorization(cx.base, self.account, cx.identity.registrar())?;
            Some((HeaderName::Authorization, value))
        });
        let tx = self.ids.send(cx, path, self.account, expires, credentials);
        Some(pending(tx, cx.base.now))
    }

    /// An attempt failed temporarily: the next one is made after at least `least`, unless the limit is reached.
    fn fail(&mut self, cx: &mut Cx<'_>, cause: Cause, code: Option<u16>, least: Duration) -> Reconnect {
        self.release(cx, None);
        self.failures = self.failures.saturating_add(1);
        let why = RegistrationFailure { cause, code, attempts: self.failures };
        let limit = self.limit(cx).filter(|_| !planted!(cx.config, AttemptsUnlimited));
        if limit.is_some_and(|limit| self.failures >= limit) {
            self.transition(cx, Trigger::Limit, State::Failed(why));
            return Reconnect::Later;
        }
        let until = cx.now + back_off(cx, self.failures).max(least);
        let timer = self.set(cx, until);
        if planted!(cx.config, AttemptForgotten) {
            cx.timers.cancel(timer);
        }
        self.transition(cx, Trigger::Failure, State::Waiting { until, timer, why });
        Reconnect::Later
    }

    /// The registrar refused permanently.
    fn give_up(&mut self, cx: &mut Cx<'_>, cause: Cause, code: u16) {
        self.failures = self.failures.saturating_add(1);
        let why = RegistrationFailure { cause, code: Some(code), attempts: self.failures };
        self.transition(cx, Trigger::Refused, State::Failed(why));
    }

    /// Releases what the state owns: its timer, and with `txs` its REGISTER.
    fn release(&mut self, cx: &mut Cx<'_>, txs: Option<&mut Transactions>) {
        let pending = match self.state {
            State::Registering { pending, budget_timer } => {
                if let Some(budget_timer) = budget_timer {
                    cx.timers.cancel(budget_timer);
                }
                pending
            }
            State::Registered { refresh: timer, .. } | State::Waiting { timer, .. } => {
                cx.timers.cancel(timer);
                None
            }
            State::Refreshing { pending } | State::Unregistering { pending } => Some(pending),
            State::Unregistered | State::Failed(_) => None,
        };
        if let (Some(pending), Some(txs)) = (pending, txs) {
            txs.detach_owner(pending.tx);
        }
    }

    /// The pending REGISTER, if it is this one.
    fn pending(&self, tx: ClientTx) -> Option<PendingRegister> {
        match self.state {
            State::Registering { pending: Some(pending), .. }
            | State::Refreshing { pending }
            | State::Unregistering { pending } => Some(pending).filter(|pending| pending.tx == tx),
            _ => None,
        }
    }

    fn limit(&self, cx: &Cx<'_>) -> Option<u32> {
        cx.config.accounts[usize::from(self.account.0)].max_registration_attempts
    }

    fn set(&self, cx: &mut Cx<'_>, at: Instant) -> TimerId {
        cx.timers.set(at, Timer::Account(self.account, AccountTimer::Register))
    }

    /// Changes the state: the only place that does. Records the transition and emits the event.
    fn transition(&mut self, cx: &mut Cx<'_>, trigger: Trigger, state: State) {
        let from = self.phase();
        self.state = state;
        cx.trace.transition(
            cx.now,
            Machine::Registration(self.account),
            &REGISTRATION,
            from,
            trigger,
            self.phase(),
        );
        let state = self.public(cx);
        cx.out.account_event(self.account, AccountEvent::Registration(state));
    }

    /// Records a transition to the same state.
    fn transition_within(&self, cx: &mut Cx<'_>, trigger: Trigger) {
        let phase = self.phase();
        cx.trace.transition(
            cx.now,
            Machine::Registration(self.account),
            &REGISTRATION,
            phase,
            trigger,
            phase,
        );
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

/// The lifetime to request, in seconds.
fn lifetime(account: &Account) -> u32 {
    u32::try_from(account.expires.as_secs()).unwrap_or(u32::MAX).max(1)
}

impl PendingRegister {
    fn first(tx: ClientTx, at: Instant) -> Self {
        Self { tx, sent_at: at, auth_attempts: 0, after_423: false }
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

    /// When the next REGISTER may be sent.
    fn refilled(&self, cx: &Cx<'_>) -> Instant {
        *self.spent.front().unwrap_or(&cx.now) + BUDGET_PERIOD
    }
}
