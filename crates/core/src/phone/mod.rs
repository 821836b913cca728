//! The phone: owns all machines, routes the inputs, and has the queue of outputs.

mod accounts;
mod address;
mod commands;
mod machines;
mod pending;
mod receive;
mod requests;
mod snapshot;

#[cfg(any(test, feature = "marks"))]
pub use machines::Marks;

use crate::account::{ActiveAccount, PathChange};
use crate::api::trace::Record;
use crate::base::cx::{Cx, Outbox};
use crate::base::entropy::Entropy;
use crate::base::marks::Mark;
use crate::base::name::{Machine, Owner, Timer};
use crate::base::timers::Timers;
use crate::base::trace::Trace;
use crate::base::waiter::Waiter;
use crate::call::{CallAction, CallCx, Invitation, Referrer, Session};
use crate::planted::planted;
use crate::transaction::{Transactions, TxFailed};
use crate::{
    AccountId, CallEvent, Config, ConnectionChange, ConnectionId, Deadline, DeadlineKind, EffectId,
    EffectResult, Input, Instant, LegId, MediaEvent, Misuse, Output, PendingTimer, SessionId, Status,
};
use bytes::Bytes;
use pending::Requests;
use slab::Slab;

/// A SIP phone: a value without sockets, threads or a clock.
///
/// - [`handle`](Phone::handle) processes an input: received bytes, a change of a connection, time, a media event, a command.
/// - [`poll`](Phone::poll) returns the next output, in order, or `None`. It may be called at any time.
/// - [`deadline`](Phone::deadline) returns when [`Input::Wake`] is due.
///
/// The same configuration, seed and inputs give the same outputs on every platform. An earlier time than that of the last input
/// counts as the same time. Input from the network causes no panic, no unbounded growth and no endless loop.
pub struct Phone {
    config: Config,
    now: Instant,
    entropy: Entropy,
    timers: Timers,
    trace: Trace,
    out: Outbox,
    txs: Transactions,
    /// By identifier; a removed one leaves its place empty.
    accounts: Vec<Option<ActiveAccount>>,
    /// How many accounts retire.
    retiring: usize,
    sessions: Slab<Session>,
    generation: u32,
    requests: Requests,
    counters: Counters,
}

struct Parts<'p> {
    cx: Cx<'p>,
    txs: &'p mut Transactions,
    accounts: &'p mut [Option<ActiveAccount>],
    sessions: &'p mut Slab<Session>,
    requests: &'p mut Requests,
}

/// Counters of ignored inputs, for operators.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that were malformed, or violated RFC 3261 §8.
    pub malformed: u64,
    /// Responses and ACKs without a transaction or call.
    pub stray: u64,
    /// Inputs with an earlier time than the input before.
    pub clock_backwards: u64,
}

/// The number of objects in a phone, for operators and tests. One minute after its last call an idle phone has no transactions
/// except for its registration, and a few timers.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Calls that have not ended.
    pub calls: usize,
    /// Client transactions.
    pub client_transactions: usize,
    /// Server transactions.
    pub server_transactions: usize,
    /// Pending timers.
    pub timers: usize,
    /// Pending timers of calls.
    pub call_timers: usize,
    /// Pending requests outside of dialogs.
    pub requests: usize,
}

impl Phone {
    /// Creates a phone, which begins to connect and to register as configured: its first outputs are queued.
    ///
    /// `seed` is the source of all its randomness: 32 bytes from the operating system, or any value in a simulation. Anyone who
    /// knows the seed can forge the phone's tags and branches.
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        let mut phone = Self::without_accounts(config, seed, now);
        for n in 0..phone.config.accounts.len() {
            let id = AccountId(u16::try_from(n).expect("fewer than 65,536 accounts"));
            phone.activate(id);
            phone.start_account(id);
        }
        phone
    }

    fn without_accounts(config: Config, seed: [u8; 32], now: Instant) -> Self {
        let mut entropy = Entropy::new(seed);
        let txs = Transactions::new(config.times, &mut entropy);
        Self {
            now,
            txs,
            entropy,
            timers: Timers::new(),
            trace: Trace::new(config.trace),
            out: Outbox::default(),
            accounts: Vec::with_capacity(config.accounts.len()),
            retiring: 0,
            sessions: Slab::new(),
            generation: 0,
            requests: Requests::default(),
            counters: Counters::default(),
            config,
        }
    }

    /// Processes an input at `now`. Outputs may still be queued; new ones are appended.
    ///
    /// # Errors
    /// [`Misuse`] if a command is not possible; it has changed nothing. No other input fails.
    pub fn handle(&mut self, now: Instant, input: Input) -> Result<(), Misuse> {
        if now < self.now {
            self.counters.clock_backwards += 1;
            self.trace.mark(self.now, None, Mark::ClockBackwards);
        }
        self.now = if planted!(self.config, TimeRunsBack) { now } else { self.now.max(now) };
        if let Input::Received { connection, .. } = input {
            // Before timers that are due: after a suspension the host has both, and the received bytes show that the connection is alive.
            self.on_traffic(connection);
        }
        self.expire();
        let mut outcome = Ok(());
        match input {
            Input::Wake => {}
            Input::Received { connection, data } => self.receive(connection, data),
            Input::Connection { connection, change } => self.connection_changed(connection, change),
            Input::Media { session, leg, event } => self.media(session, leg, event),
            Input::Done { effect, result } => self.done(effect, result),
            Input::Command(command) => outcome = self.command(command),
        }
        // Also after a command that was refused: a timer may have fired before it.
        if self.retiring > 0 {
            self.finish_retirements();
        }
        if self.is_idle() {
            self.release_memory();
        }
        outcome
    }

    /// The next output.
    #[inline]
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.out.pop();
        if output.is_none() {
            self.polled();
        }
        output
    }

    /// All outputs were polled.
    fn polled(&mut self) {
        if self.is_idle() {
            self.out.shrink();
        }
    }

    /// Whether it has neither calls nor requests nor transactions.
    fn is_idle(&self) -> bool {
        self.sessions.is_empty() && self.txs.is_idle() && self.requests.len() == 0
    }

    /// Releases the memory of ended calls: a process may have a hundred thousand idle phones. The next slots are counted from zero
    /// again, and slots are part of what is sent: so this must not depend on when the host polls.
    fn release_memory(&mut self) {
        self.sessions.shrink_to_fit();
        self.txs.shrink(self.now);
    }

    /// When to send [`Input::Wake`]; `None`: no timer is pending.
    pub fn deadline(&self) -> Option<Deadline> {
        if planted!(self.config, WakesWithoutEnd) && !self.sessions.is_empty() {
            return Some(Deadline { at: self.now, kind: DeadlineKind::Output });
        }
        if self.out.is_empty() {
            self.timers.next()
        } else {
            Some(Deadline { at: self.now, kind: DeadlineKind::Output })
        }
    }

    /// The pending timers, in no order.
    pub fn pending_timers(&self) -> impl Iterator<Item = PendingTimer> {
        self.timers.iter()
    }

    /// The calls that have not ended, in the order of their slots.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.sessions.iter().map(|(_, session)| session.id())
    }

    /// The status of a call; `None` after its end.
    pub fn status(&self, session: SessionId) -> Option<Status> {
        self.session(session).map(Session::status)
    }

    /// The last transitions and marks of all machines, oldest first; at most [`Config::trace`] lines.
    pub fn trace(&self) -> impl Iterator<Item = Record> {
        self.trace.records()
    }

    /// Like [`trace`](Phone::trace), without the first `count` lines.
    pub fn trace_after(&self, count: u64) -> impl Iterator<Item = Record> {
        self.trace.records_after(count)
    }

    /// How many lines were added to the trace, including those that [`trace`](Phone::trace) no longer has.
    pub fn traced(&self) -> u64 {
        self.trace.count()
    }

    /// The marks and edges that were reached so far.
    #[cfg(any(test, feature = "marks"))]
    pub fn marks(&self) -> Marks {
        Marks::of(self.trace.reached())
    }

    /// The number of objects in it.
    pub fn holdings(&self) -> Holdings {
        let (client_transactions, server_transactions) = self.txs.count();
        Holdings {
            calls: self.sessions.len(),
            client_transactions,
            server_transactions,
            timers: self.timers.len(),
            call_timers: self.timers.of_calls(),
            requests: self.requests.len(),
        }
    }

    /// The counters of ignored inputs.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(id.slot()).filter(|session| session.id() == id)
    }

    /// The parts of the phone, to borrow several of them.
    fn parts(&mut self) -> Parts<'_> {
        let cx = Cx {
            now: self.now,
            config: &self.config,
            entropy: &mut self.entropy,
            timers: &mut self.timers,
            trace: &mut self.trace,
            out: &mut self.out,
        };
        let Self { txs, accounts, sessions, requests, .. } = self;
        Parts { cx, txs, accounts, sessions, requests }
    }

    fn active(&self, id: AccountId) -> Option<&ActiveAccount> {
        self.accounts.get(usize::from(id.0))?.as_ref()
    }

    /// Runs `f` with an account; without it, returns the default.
    fn with_account<T: Default>(
        &mut self,
        id: AccountId,
        f: impl FnOnce(&mut ActiveAccount, &mut Cx<'_>, &mut Transactions) -> T,
    ) -> T {
        let Parts { mut cx, txs, accounts, .. } = self.parts();
        match accounts.get_mut(usize::from(id.0)) {
            Some(Some(account)) => f(account, &mut cx, txs),
            _ => T::default(),
        }
    }

    /// Runs `f` with the context of a call of this account, then performs the actions of the calls.
    fn with_call_cx<T>(
        &mut self,
        account: AccountId,
        session: Option<SessionId>,
        f: impl FnOnce(&mut Slab<Session>, &mut CallCx<'_, '_>) -> T,
    ) -> T {
        let mut actions = Vec::new();
        let Parts { mut cx, txs, accounts, sessions, .. } = self.parts();
        let account = accounts[usize::from(account.0)].as_mut().expect("an account outlives its calls");
        let value = f(sessions, &mut CallCx { base: &mut cx, txs, account, actions: &mut actions, session });
        for action in actions {
            self.perform(action);
        }
        value
    }

    /// Runs `f` with a call, and removes the call if it has ended. Does nothing without such a call.
    fn with_session(&mut self, id: SessionId, f: impl FnOnce(&mut Session, &mut CallCx<'_, '_>)) {
        let Some(account) = self.session(id).map(Session::account) else { return };
        self.with_call_cx(account, Some(id), |sessions, cx| {
            f(&mut sessions[id.slot()], cx);
            if sessions[id.slot()].has_ended() && !planted!(cx.base.config, CallLeaked) {
                cx.account.call_ended();
                sessions.remove(id.slot());
            }
        });
    }

    fn perform(&mut self, action: CallAction) {
        match action {
            CallAction::Report { to, code } => {
                self.with_session(to.session, |session, cx| session.on_report(cx, to.id, code));
            }
            CallAction::Refer { by, target, referred_by } => {
                let Some(session) = self.session(by.session) else { return };
                let (account, types) = (session.account(), session.types());
                // The call that a REFER creates replaces the call with the REFER, so that one does not count; but only once.
                if !self.has_room_beside(Some(by.session)) {
                    self.trace.mark(self.now, Some(Machine::Session(by.session)), Mark::ReferNoRoom);
                    return self.with_session(by.session, |session, cx| session.on_report(cx, by.id, 486));
                }
                let id = self.new_session();
                let target = Bytes::from(target);
                let text = String::from_utf8_lossy(&target).into_owned();
                self.out.call_event(id, CallEvent::Referred { by: by.session, target: text });
                let headers =
                    referred_by.map(|value| (Bytes::from_static(b"Referred-By"), Bytes::from(value)));
                let invitation = Invitation { uri: target, headers: headers.into_iter().collect(), types };
                self.start(id, account, invitation, Some(by));
            }
        }
    }

    /// The identifier of a new call.
    fn new_session(&mut self) -> SessionId {
        let id = self.next_session();
        self.generation += 1;
        id
    }

    fn start(
        &mut self,
        id: SessionId,
        account: AccountId,
        invitation: Invitation,
        referred_by: Option<Referrer>,
    ) {
        self.with_call_cx(account, Some(id), |sessions, cx| {
            let session = Session::dial(id, cx, invitation, referred_by);
            if !session.has_ended() {
                cx.account.call_begins();
                let slot = sessions.insert(session);
                assert_eq!(slot, id.slot(), "the next slot of a slab is the one it gives");
            }
        });
    }

    /// Fires the timers that are due.
    fn expire(&mut self) {
        let late = |due: Deadline| self.now.saturating_since(due.at).as_secs() >= 60;
        let asleep = planted!(self.config, TimersLostInSleep) && self.timers.next().is_some_and(late);
        while let Some(timer) = self.timers.due(self.now) {
            if asleep {
                continue;
            }
            match timer {
                Timer::Client(tx, timer) => {
                    let Parts { mut cx, txs, .. } = self.parts();
                    if let Some(failed) = txs.expire_client(&mut cx, tx, timer) {
                        self.failed(&failed);
                    }
                }
                Timer::Server(tx, timer) => {
                    let Parts { mut cx, txs, .. } = self.parts();
                    txs.expire_server(&mut cx, tx, timer);
                }
                Timer::Account(account, timer) => {
                    let change =
                        self.with_account(account, |account, cx, txs| account.on_timer(cx, txs, timer));
                    self.on_connection_change(account, change);
                }
                Timer::Request(id) => self.with_request(id, |request, cx| request.on_timer(cx)),
                Timer::Session(id, timer) => self.with_session(id, |session, cx| session.on_timer(cx, timer)),
            }
        }
    }

    fn failed(&mut self, failed: &TxFailed) {
        match failed.owner {
            Owner::Session(id) => self.with_session(id, |session, cx| session.on_failed(cx, failed)),
            Owner::Request(id) => self.with_request(id, |request, cx| request.on_failed(cx, failed)),
            Owner::Account(account) => {
                let change = self.with_account(account, |account, cx, _| account.on_failed(cx, failed));
                self.on_connection_change(account, change);
            }
            Owner::None => {}
        }
    }

    fn connection_changed(&mut self, connection: ConnectionId, change: ConnectionChange) {
        let Some(account) = self.account_of(connection) else { return };
        let change = self.with_account(account, |account, cx, txs| {
            account.connection_changed(cx, txs, connection, change)
        });
        self.on_connection_change(account, change);
    }

    fn on_connection_change(&mut self, account: AccountId, change: PathChange) {
        match change {
            PathChange::Nothing => {}
            PathChange::Up => self.each_session_of(account, |session, cx| session.connection_up(cx)),
            PathChange::Lost(connection) => self.connection_lost(account, connection),
        }
    }

    fn connection_lost(&mut self, account: AccountId, connection: ConnectionId) {
        let failed = self.with_account(account, |_, cx, txs| txs.on_connection_lost(cx, connection));
        for failed in &failed {
            self.failed(failed);
        }
        self.each_session_of(account, |session, cx| session.connection_lost(cx, connection));
    }

    fn each_session_of(&mut self, account: AccountId, mut f: impl FnMut(&mut Session, &mut CallCx<'_, '_>)) {
        let of_account =
            |(_, session): (usize, &Session)| (session.account() == account).then(|| session.id());
        let ids: Vec<SessionId> = self.sessions.iter().filter_map(of_account).collect();
        for id in ids {
            self.with_session(id, &mut f);
        }
    }

    fn account_of(&self, connection: ConnectionId) -> Option<AccountId> {
        self.accounts.iter().flatten().find(|account| account.owns(connection)).map(ActiveAccount::id)
    }

    fn media(&mut self, session: SessionId, leg: LegId, event: MediaEvent) {
        self.with_session(session, |session, cx| session.on_media(cx, leg, event));
    }

    fn done(&mut self, effect: EffectId, result: EffectResult) {
        match Waiter::of(effect) {
            Some(Waiter::Call(slot, waiter)) => {
                if let Some(session) = self.sessions.get(slot).map(Session::id) {
                    self.with_session(session, |session, cx| session.on_done(cx, waiter, effect, result));
                }
            }
            Some(Waiter::Account(account)) => self.credentials_found(account, effect, result),
            None => {}
        }
    }
}
