//! The registration of an account (RFC 3261 §10.2): created, refreshed, retried by cause, and removed.
//!
//! Consecutive failed attempts are counted: a REGISTER that was temporarily refused, timed out, or was lost with its
//! connection, and a connection that did not come up. A success resets the count; a disconnection does not change it. At the
//! limit, or immediately after a permanent refusal, the registration fails until the user registers again.

mod cx;
mod machine;
mod request;
mod response;
mod snapshot;

pub(super) use cx::RegistrationCx;

use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::entropy::Entropy;
use crate::base::marks::Mark;
use crate::base::name::{AccountTimer, ClientTx, Machine, Timer};
use crate::base::timers::TimerId;
use crate::connection::back_off;
use crate::planted::{patched, planted};
use crate::request::restarts::Restarts;
use crate::transaction::Transactions;
use crate::{Account, AccountEvent, AccountId, Cause, RegistrationFailure, RegistrationState};
use machine::{Phase, REGISTRATION, Trigger};
use offhook_wire::{Instant, Message, Method};
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
    /// The restarts of the pending attempt.
    restarts: Restarts,
    /// How many servers answered the pending attempt with 503.
    servers_refused: u32,
}

enum State {
    Unregistered,
    Registering(Step),
    Registered { until: Instant, refresh: TimerId },
    Refreshing { pending: PendingRegister },
    Waiting { until: Instant, timer: TimerId, why: RegistrationFailure },
    Unregistering { pending: PendingRegister },
    Failed(RegistrationFailure),
}

/// What an attempt waits for.
enum Step {
    /// The response.
    Sent(PendingRegister),
    NoConnection,
    /// The flood budget.
    NoBudget(TimerId),
    /// Credentials for the challenge of this response.
    NoCredentials(Box<Message>),
}

/// A pending REGISTER.
#[derive(Copy, Clone)]
struct PendingRegister {
    tx: ClientTx,
    sent_at: Instant,
}

/// What the account has to do after a response.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum FollowUp {
    Nothing,
    /// Move to the next server.
    NextServer,
    /// Ask for credentials for this realm.
    AskCredentials(String),
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
            restarts: Restarts::default(),
            servers_refused: 0,
        }
    }

    /// Whether it has no binding and makes no attempt.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Unregistered | State::Failed(_))
    }

    /// The registration of the same account with other servers follows `before`: it has the same flood budget.
    pub(super) fn follow(&mut self, before: &Self) {
        self.budget.spent.clone_from(&before.budget.spent);
    }

    /// Takes another lifetime to request.
    pub(super) fn reconfigure(&mut self, account: &Account) {
        self.expires = lifetime(account);
    }

    /// Registers now, whatever it waits for.
    pub(super) fn register(&mut self, cx: &mut RegistrationCx<'_, '_>) {
        match self.state {
            State::Registering(_) | State::Refreshing { .. } => return,
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
            State::Registering(Step::Sent(_)) | State::Refreshing { .. } => true,
            State::Registering(_) | State::Registered { .. } | State::Waiting { .. } => {
                self.bound.is_some_and(|until| until > cx.base.now)
            }
        };
        self.release(cx.base, Some(&mut *cx.txs));
        self.servers_refused = 0;
        self.bound = None;
        // A pending REGISTER has a lower CSeq: if it arrives later, the registrar ignores it (§10.3).
        let expires = patched!(cx.base.config, BindingKept, 0, self.expires);
        self.restarts = Restarts::default();
        let pending = if may_be_bound { self.send(cx, expires) } else { None };
        let state = pending.map_or(State::Unregistered, |pending| State::Unregistering { pending });
        self.transition(cx.base, Trigger::Unregister, state);
        next
    }

    /// The connection came up.
    pub(super) fn connected(&mut self, cx: &mut RegistrationCx<'_, '_>) {
        if let State::Registering(Step::NoConnection) = self.state {
            self.state = State::Registering(self.send_first(cx));
            self.transition_within(cx.base, Trigger::Connected);
        }
    }

    /// A connection attempt failed.
    pub(super) fn not_connected(&mut self, cx: &mut Cx<'_>) -> Reconnect {
        match self.state {
            State::Registering(_) => self.fail(cx, Cause::NotConnected, None, Duration::ZERO),
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
            State::Registering(Step::Sent(_)) => self.fail(cx, Cause::NotConnected, None, Duration::ZERO),
            State::Registered { .. } | State::Refreshing { .. } => {
                self.release(cx, None);
                self.transition(cx, Trigger::Disconnected, State::Registering(Step::NoConnection));
                Reconnect::Now
            }
            State::Registering(Step::NoCredentials(_)) => {
                // The challenge was that of the lost connection; the next one is asked about again.
                self.state = State::Registering(Step::NoConnection);
                Reconnect::Now
            }
            State::Unregistering { .. } => {
                self.transition(cx, Trigger::Disconnected, State::Unregistered);
                Reconnect::Now
            }
            State::Failed(_) => Reconnect::Later,
            State::Registering(_) | State::Waiting { .. } | State::Unregistered => Reconnect::Now,
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
            State::Registering(Step::NoBudget(_)) => {
                self.state = State::Registering(self.send_first(cx));
                self.transition_within(cx.base, Trigger::Due);
            }
            _ => return Reconnect::Later,
        }
        Reconnect::Now
    }

    /// Refreshes the binding, or waits for the flood budget or a connection while the binding exists.
    fn refresh(&mut self, cx: &mut RegistrationCx<'_, '_>, trigger: Trigger) {
        let State::Registered { until, refresh } = self.state else { return };
        cx.base.timers.cancel(refresh);
        let refresh = match self.send_first(cx) {
            Step::Sent(pending) => {
                return self.transition(cx.base, trigger, State::Refreshing { pending });
            }
            Step::NoBudget(timer) => timer,
            _ => self.set(cx.base, cx.base.now + bounds::SHORTEST_REFRESH),
        };
        self.state = State::Registered { until, refresh };
    }

    /// Begins an attempt, with a REGISTER if it can be sent now.
    fn attempt(&mut self, cx: &mut RegistrationCx<'_, '_>, trigger: Trigger) {
        let step = self.send_first(cx);
        self.transition(cx.base, trigger, State::Registering(step));
    }

    /// Sends the first REGISTER of an attempt, or sets the timer that waits for the flood budget.
    fn send_first(&mut self, cx: &mut RegistrationCx<'_, '_>) -> Step {
        if cx.path.is_none() {
            return Step::NoConnection;
        }
        self.restarts = Restarts::default();
        match self.send(cx, self.expires) {
            Some(pending) => Step::Sent(pending),
            None => {
                cx.base.mark(Machine::Registration(self.account), Mark::BudgetSpent);
                let at = self.budget.refilled(cx.base);
                Step::NoBudget(self.set(cx.base, at))
            }
        }
    }

    /// Sends a REGISTER, with credentials for the realms that challenged earlier ones: that saves a round trip (RFC 3261 §22.2).
    fn send(&mut self, cx: &mut RegistrationCx<'_, '_>, expires: u32) -> Option<PendingRegister> {
        let path = cx.path.filter(|_| !self.budget.is_spent(cx.base))?;
        self.budget.spent.push_back(cx.base.now);
        let realms = cx.realms.of_registers();
        let credentials =
            cx.realms.credentials(cx.base, realms, Method::Register, cx.identity.registrar(), b"");
        let tx = self.ids.send(cx, path, self.account, expires, &credentials);
        Some(PendingRegister { tx, sent_at: cx.base.now })
    }

    /// An attempt failed temporarily: the next one is made after at least `least`, unless the limit is reached.
    fn fail(&mut self, cx: &mut Cx<'_>, cause: Cause, code: Option<u16>, least: Duration) -> Reconnect {
        self.release(cx, None);
        self.servers_refused = 0;
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
        self.servers_refused = 0;
        self.failures = self.failures.saturating_add(1);
        let why = RegistrationFailure { cause, code: Some(code), attempts: self.failures };
        self.transition(cx, Trigger::Refused, State::Failed(why));
    }

    /// Releases what the state owns: its timer, and with `txs` its REGISTER.
    fn release(&mut self, cx: &mut Cx<'_>, txs: Option<&mut Transactions>) {
        let pending = match self.state {
            State::Registering(Step::NoBudget(timer)) => {
                cx.timers.cancel(timer);
                None
            }
            State::Registering(Step::Sent(pending)) => Some(pending),
            State::Registered { refresh: timer, .. } | State::Waiting { timer, .. } => {
                cx.timers.cancel(timer);
                None
            }
            State::Refreshing { pending } | State::Unregistering { pending } => Some(pending),
            State::Registering(_) | State::Unregistered | State::Failed(_) => None,
        };
        if let (Some(pending), Some(txs)) = (pending, txs) {
            txs.detach_owner(pending.tx);
        }
    }

    /// The pending REGISTER, if it is this one.
    fn pending(&self, tx: ClientTx) -> Option<PendingRegister> {
        match self.state {
            State::Registering(Step::Sent(pending))
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
            State::Registering(_) => Phase::Registering,
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
            State::Registering(_) => RegistrationState::Registering { attempt },
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
