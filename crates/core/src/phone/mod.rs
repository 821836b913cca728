//! The phone: owns every machine, routes every input, and keeps the one queue of outputs.

mod address;
mod commands;
mod machines;
mod receive;
mod snapshot;

#[cfg(any(test, feature = "marks"))]
pub use machines::Marks;

use crate::account::{ActiveAccount, ConnectionChange};
use crate::api::trace::Record;
use crate::base::cx::{Cx, Outbox};
use crate::base::entropy::Entropy;
use crate::base::marks::Mark;
use crate::base::name::{Machine, Owner, Timer};
use crate::base::timers::Timers;
use crate::base::trace::Trace;
use crate::call::{CallAction, CallCx, Invitation, Referrer, Session};
use crate::planted::planted;
use crate::transaction::{Transactions, TxFailed};
use crate::{
    AccountId, Config, Deadline, DeadlineKind, EffectId, EffectResult, Event, FlowChange, FlowId, Input,
    Instant, MediaEvent, Misuse, Output, PendingTimer, SessionId, Status,
};
use bytes::Bytes;
use slab::Slab;

/// A telephone: a plain value without sockets, threads or a clock.
///
/// - [`handle`](Phone::handle) takes everything that happens: bytes, connections, time, media, the user's wishes.
/// - [`poll`](Phone::poll) gives what is to be done, in order, until it gives `None`. It may be called at any time.
/// - [`deadline`](Phone::deadline) says when [`Input::Wake`] is due.
///
/// The same configuration, seed and inputs give the same outputs, on every machine. Time that runs backwards is
/// taken as standing still. Nothing that arrives from a network makes it panic, grow without bound, or loop.
pub struct Phone {
    config: Config,
    now: Instant,
    entropy: Entropy,
    timers: Timers,
    trace: Trace,
    out: Outbox,
    txs: Transactions,
    accounts: Vec<ActiveAccount>,
    sessions: Slab<Session>,
    generation: u32,
    counters: Counters,
}

struct Parts<'p> {
    cx: Cx<'p>,
    txs: &'p mut Transactions,
    accounts: &'p mut [ActiveAccount],
    sessions: &'p mut Slab<Session>,
}

/// What was ignored, and why. For operators: a phone in good company has zeros here.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Messages that could not be read, or broke a rule of RFC 3261 §8.
    pub malformed: u64,
    /// Responses and ACKs that belong to nothing.
    pub stray: u64,
    /// Inputs whose time was before that of an earlier one.
    pub clock_backwards: u64,
}

/// What a phone holds. For operators and tests: one that has rested for a minute and has no call holds no transactions
/// but for its registration, and a handful of timers.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Holdings {
    /// Calls that are not over.
    pub calls: usize,
    /// Requests of ours that are not forgotten.
    pub client_transactions: usize,
    /// Requests of others that are not forgotten.
    pub server_transactions: usize,
    /// Timers that are set.
    pub timers: usize,
    /// Those of them that are for calls.
    pub call_timers: usize,
}

impl Phone {
    /// A phone that starts to connect, and to register where the configuration says so, with its first outputs.
    ///
    /// `seed` is all the randomness it will ever have: 32 bytes of the operating system in life, any number in a
    /// simulation. Who knows it can forge the phone's tags and branches.
    pub fn new(config: Config, seed: [u8; 32], now: Instant) -> Self {
        let mut entropy = Entropy::new(seed);
        let txs = Transactions::new(config.times, &mut entropy);
        let mut phone = Self {
            now,
            txs,
            entropy,
            timers: Timers::new(),
            trace: Trace::new(config.trace),
            out: Outbox::default(),
            accounts: Vec::with_capacity(config.accounts.len()),
            sessions: Slab::new(),
            generation: 0,
            counters: Counters::default(),
            config,
        };
        for n in 0..phone.config.accounts.len() {
            let id = AccountId(u16::try_from(n).expect("fewer than 65,536 accounts"));
            let mut cx = phone.parts().cx;
            let account = ActiveAccount::new(id, &cx.config.accounts[n], &mut cx);
            phone.accounts.push(account);
            phone.with_account(id, |account, cx, txs| account.start(cx, txs));
        }
        phone
    }

    /// Takes in what happened, at `now`. Outputs may still be queued; more come.
    ///
    /// # Errors
    /// [`Misuse`] when a command asks for what cannot be; then nothing was changed. No other input ever fails.
    pub fn handle(&mut self, now: Instant, input: Input) -> Result<(), Misuse> {
        if now < self.now {
            self.counters.clock_backwards += 1;
            self.trace.mark(self.now, None, Mark::ClockBackwards);
        }
        self.now = if planted!(self.config, TimeRunsBack) { now } else { self.now.max(now) };
        if let Input::Received { flow, .. } = input {
            // Before anything is due: a host that slept has the alarm and what came meanwhile, and the connection lives.
            self.on_traffic(flow);
        }
        self.expire();
        match input {
            Input::Wake => {}
            Input::Received { flow, data } => self.receive(flow, data),
            Input::Flow { flow, change } => self.flow_changed(flow, change),
            Input::Media { session, event } => self.media(session, event),
            Input::Done { effect, result } => self.done(effect, result),
            Input::Command(command) => self.command(command)?,
        }
        if self.is_idle() {
            self.rest();
        }
        Ok(())
    }

    /// The next thing to do.
    pub fn poll(&mut self) -> Option<Output> {
        let output = self.out.pop();
        if output.is_none() && self.is_idle() {
            self.out.shrink();
        }
        output
    }

    /// Without calls and transactions.
    fn is_idle(&self) -> bool {
        self.sessions.is_empty() && self.txs.is_idle()
    }

    /// Gives back the room that calls took: most phones wait most of the time, and a farm holds a hundred thousand. The places
    /// of the next ones are counted from zero again, and they are part of what is sent: so this must not depend on when the
    /// host polls.
    fn rest(&mut self) {
        self.sessions.shrink_to_fit();
        self.txs.shrink(self.now);
    }

    /// When to send [`Input::Wake`]; `None`: never, as things stand.
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

    /// The timers that are set, in no order.
    pub fn pending_timers(&self) -> impl Iterator<Item = PendingTimer> {
        self.timers.iter()
    }

    /// The calls that are not over, in the order of their slots.
    pub fn sessions(&self) -> impl Iterator<Item = SessionId> + '_ {
        self.sessions.iter().map(|(_, session)| session.id())
    }

    /// The status of a call; `None` when it is over.
    pub fn status(&self, session: SessionId) -> Option<Status> {
        self.session(session).map(Session::status)
    }

    /// The last transitions and marks of all machines, oldest first; as many as [`Config::trace`] says.
    pub fn trace(&self) -> impl Iterator<Item = Record> {
        self.trace.records()
    }

    /// Those of [`trace`](Phone::trace) that came after the first `count` lines.
    pub fn trace_after(&self, count: u64) -> impl Iterator<Item = Record> {
        self.trace.records_after(count)
    }

    /// How many lines the trace had so far, those that [`trace`](Phone::trace) has forgotten included.
    pub fn traced(&self) -> u64 {
        self.trace.count()
    }

    /// Which places of the machines were reached so far.
    #[cfg(any(test, feature = "marks"))]
    pub fn marks(&self) -> Marks {
        Marks::of(self.trace.reached())
    }

    /// What it holds now.
    pub fn holdings(&self) -> Holdings {
        let (client_transactions, server_transactions) = self.txs.count();
        Holdings {
            calls: self.sessions.len(),
            client_transactions,
            server_transactions,
            timers: self.timers.len(),
            call_timers: self.timers.of_calls(),
        }
    }

    /// What was ignored so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    fn session(&self, id: SessionId) -> Option<&Session> {
        self.sessions.get(id.slot()).filter(|session| session.id() == id)
    }

    /// The phone in the pieces that are borrowed at the same time.
    fn parts(&mut self) -> Parts<'_> {
        let cx = Cx {
            now: self.now,
            config: &self.config,
            entropy: &mut self.entropy,
            timers: &mut self.timers,
            trace: &mut self.trace,
            out: &mut self.out,
        };
        Parts { cx, txs: &mut self.txs, accounts: &mut self.accounts, sessions: &mut self.sessions }
    }

    fn with_account<T>(
        &mut self,
        id: AccountId,
        f: impl FnOnce(&mut ActiveAccount, &mut Cx<'_>, &mut Transactions) -> T,
    ) -> T {
        let Parts { mut cx, txs, accounts, .. } = self.parts();
        f(&mut accounts[usize::from(id.0)], &mut cx, txs)
    }

    /// Runs `f` with what a call of this account may touch, and then does what the calls want of the phone.
    fn with_call_cx<T>(
        &mut self,
        account: AccountId,
        session: Option<SessionId>,
        f: impl FnOnce(&mut Slab<Session>, &mut CallCx<'_, '_>) -> T,
    ) -> T {
        let mut actions = Vec::new();
        let Parts { mut cx, txs, accounts, sessions } = self.parts();
        let account = &mut accounts[usize::from(account.0)];
        let value = f(sessions, &mut CallCx { base: &mut cx, txs, account, actions: &mut actions, session });
        for action in actions {
            self.perform(action);
        }
        value
    }

    /// Lets one call act, and forgets it if that was its end. Calls that are gone do not act.
    fn with_session(&mut self, id: SessionId, f: impl FnOnce(&mut Session, &mut CallCx<'_, '_>)) {
        let Some(account) = self.session(id).map(Session::account) else { return };
        self.with_call_cx(account, Some(id), |sessions, cx| {
            f(&mut sessions[id.slot()], cx);
            if sessions[id.slot()].has_ended() && !planted!(cx.base.config, CallLeaked) {
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
                let Some(account) = self.session(by.session).map(Session::account) else { return };
                // A call that is being transferred makes room for the one that takes its place, but for one only.
                if !self.has_room_beside(Some(by.session)) {
                    self.trace.mark(self.now, Some(Machine::Session(by.session)), Mark::ReferNoRoom);
                    return self.with_session(by.session, |session, cx| session.on_report(cx, by.id, 486));
                }
                let id = self.new_session();
                let target = Bytes::from(target);
                let text = String::from_utf8_lossy(&target).into_owned();
                self.out.event(Event::Referred { session: id, by: by.session, target: text });
                let headers =
                    referred_by.map(|value| (Bytes::from_static(b"Referred-By"), Bytes::from(value)));
                let invitation = Invitation { uri: target, headers: headers.into_iter().collect() };
                self.start(id, account, invitation, Some(by));
            }
        }
    }

    /// The name of the next call.
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
                let slot = sessions.insert(session);
                assert_eq!(slot, id.slot(), "the next slot of a slab is the one it gives");
            }
        });
    }

    /// Everything that is due.
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
                Timer::Session(id, timer) => self.with_session(id, |session, cx| session.on_timer(cx, timer)),
            }
        }
    }

    fn failed(&mut self, failed: &TxFailed) {
        match failed.owner {
            Owner::Session(id) => self.with_session(id, |session, cx| session.on_failed(cx, failed)),
            Owner::Account(account) => {
                let change = self.with_account(account, |account, cx, _| account.on_failed(cx, failed));
                self.on_connection_change(account, change);
            }
            Owner::None => {}
        }
    }

    fn flow_changed(&mut self, flow: FlowId, change: FlowChange) {
        let Some(account) = self.account_of(flow) else { return };
        let change =
            self.with_account(account, |account, cx, txs| account.flow_changed(cx, txs, flow, change));
        self.on_connection_change(account, change);
    }

    fn on_connection_change(&mut self, account: AccountId, change: ConnectionChange) {
        match change {
            ConnectionChange::Nothing => {}
            ConnectionChange::Up => self.each_session_of(account, |session, cx| session.flow_up(cx)),
            ConnectionChange::Lost(flow) => self.flow_lost(account, flow),
        }
    }

    fn flow_lost(&mut self, account: AccountId, flow: FlowId) {
        let failed = self.with_account(account, |_, cx, txs| txs.on_flow_lost(cx, flow));
        for failed in &failed {
            self.failed(failed);
        }
        self.each_session_of(account, |session, cx| session.flow_lost(cx, flow));
    }

    fn each_session_of(&mut self, account: AccountId, mut f: impl FnMut(&mut Session, &mut CallCx<'_, '_>)) {
        let of_account =
            |(_, session): (usize, &Session)| (session.account() == account).then(|| session.id());
        let ids: Vec<SessionId> = self.sessions.iter().filter_map(of_account).collect();
        for id in ids {
            self.with_session(id, &mut f);
        }
    }

    fn account_of(&self, flow: FlowId) -> Option<AccountId> {
        self.accounts.iter().find(|line| line.owns(flow)).map(ActiveAccount::id)
    }

    fn media(&mut self, session: SessionId, event: MediaEvent) {
        self.with_session(session, |session, cx| session.on_media(cx, event));
    }

    fn done(&mut self, effect: EffectId, result: EffectResult) {
        if let Some(session) = self.sessions.get(effect.slot()).map(Session::id) {
            self.with_session(session, |session, cx| session.on_done(cx, effect, result));
        }
    }
}
