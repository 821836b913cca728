//! The task of a phone: passes inputs to the core and performs its outputs.

mod accounts;
mod calls;
mod perform;

use crate::call::Request;
use crate::connection::{ConnectionEvent, Connections, Limits};
use crate::media::MediaReport;
use crate::queue::Queue;
use crate::recorder::TrackSink;
use crate::{CallUpdate, Clock, Options, PhoneEvent, StartError, TappedMessage, credentials, entropy};
use accounts::Accounts;
pub(crate) use accounts::Registrations;
use calls::Calls;
use offhook::{
    AccountCommand, AccountId, CallCommand, Command, Config, ConnectionId, Credentials, EffectId,
    EffectResult, Input, Instant, Misuse, RequestId, RequestOutcome, SessionId,
};
use offhook_media::Certificate;
use offhook_recorder::Log;
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Queued requests of handles; further senders wait.
const REQUESTS: usize = 64;
/// Queued reports of media tasks; further senders wait.
const REPORTS: usize = 256;
/// How long a stopping phone waits for the responses to its BYEs and unregistrations.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// The media sessions that the media task of a call holds for its early dialogs. Each has its own audio and encryption.
const MEDIA_LEGS: usize = 4;
/// The index of the core's part of the seed; those of the calls' media count from zero.
const CORE: u64 = u64::MAX;

/// The channels and the task of a started phone, for its handle.
pub(crate) struct Started {
    pub(crate) events: Queue<PhoneEvent>,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) registrations: watch::Receiver<Registrations>,
    pub(crate) alive: oneshot::Sender<()>,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) fn start(mut config: Config, mut options: Options) -> Result<Started, StartError> {
    let seed = match options.seed {
        Some(seed) => seed,
        None => entropy::seed().map_err(|why| StartError::Entropy(why.to_string()))?,
    };
    if options.media.certificate.is_none() {
        options.media.certificate = Some(Certificate::generate().ok_or(StartError::Certificate)?);
    }
    config.media_legs = MEDIA_LEGS;
    let clock = options.clock.unwrap_or_else(Clock::start);
    let connections = Connections::new(Limits::new(config.limits.message), options.roots.client()?);
    let (accounts, registrations) = Accounts::new(&config);
    let (requests, waiting_requests) = mpsc::channel(REQUESTS);
    let (reports, waiting_reports) = mpsc::channel(REPORTS);
    let (dropped, dropped_calls) = mpsc::unbounded_channel();
    let (alive, gone) = oneshot::channel();
    let (answers, credentials) = mpsc::unbounded_channel();
    let events = Queue::new();
    let (now, core_seed) = (clock.now(), entropy::part(&seed, CORE));
    let mut log = options.recorder.as_ref().map(|track| track.begin(&mut config, &core_seed, now));
    let core = offhook::Phone::new(config, core_seed, now);
    if let Some(log) = &mut log {
        log.on_handled(&core, &Ok(()));
    }
    let engine = Engine {
        clock,
        core,
        log,
        connections,
        calls: Calls::new(seed, clock, options.clone(), requests.clone(), reports, dropped),
        options,
        accounts,
        events: events.clone(),
        pending: BTreeMap::new(),
        answers,
        stopping: None,
    };
    let inboxes =
        Inboxes { requests: waiting_requests, reports: waiting_reports, dropped_calls, credentials, gone };
    let task = tokio::spawn(engine.run(inboxes));
    Ok(Started { events, requests, registrations, alive, task })
}

struct Engine {
    clock: Clock,
    core: offhook::Phone,
    log: Option<Log<TrackSink>>,
    connections: Connections,
    calls: Calls,
    options: Options,
    accounts: Accounts,
    events: Queue<PhoneEvent>,
    /// The requests outside of a dialog without an outcome, and the places for their outcomes.
    pending: BTreeMap<RequestId, oneshot::Sender<Result<RequestOutcome, Misuse>>>,
    /// For the answers to requests for credentials.
    answers: credentials::Answers,
    stopping: Option<Instant>,
}

struct Inboxes {
    requests: mpsc::Receiver<Request>,
    reports: mpsc::Receiver<(SessionId, MediaReport)>,
    dropped_calls: mpsc::UnboundedReceiver<SessionId>,
    credentials: mpsc::UnboundedReceiver<(EffectId, Option<Credentials>)>,
    gone: oneshot::Receiver<()>,
}

impl Engine {
    async fn run(mut self, mut from: Inboxes) {
        loop {
            self.perform();
            if self.is_stopped() {
                break;
            }
            let deadline = self.core.deadline().map(|deadline| deadline.at);
            let deadline = deadline.into_iter().chain(self.stopping).min();
            tokio::select! {
                (connection, event) = self.connections.next() => self.connection(connection, event),
                Some((session, event)) = from.reports.recv() => self.report(session, event),
                Some(request) = from.requests.recv() => self.request(request),
                Some(session) = from.dropped_calls.recv() => self.hang_up(session),
                Some((effect, found)) = from.credentials.recv() => self.done(effect, EffectResult::Credentials(found)),
                () = self.clock.sleep_until(deadline) => self.feed(Input::Wake),
                _ = &mut from.gone, if self.stopping.is_none() => self.stop(),
            }
        }
        self.connections.close_all().await;
    }

    fn feed(&mut self, input: Input) {
        // Only a command can be a misuse; its result is returned where it matters.
        let _ = self.handle(input);
    }

    fn handle(&mut self, input: Input) -> Result<(), Misuse> {
        let now = self.clock.now();
        let Some(log) = &mut self.log else { return self.core.handle(now, input) };
        log.on_input(now, &input);
        let handled = self.core.handle(now, input);
        log.on_handled(&self.core, &handled);
        handled
    }

    /// Hangs up without a reply: the call may have ended.
    fn hang_up(&mut self, session: SessionId) {
        self.feed(Input::Command(Command::Call { session, command: CallCommand::HangUp }));
    }

    fn connection(&mut self, connection: ConnectionId, event: ConnectionEvent) {
        let input = match event {
            ConnectionEvent::Received(data) => {
                self.tap(false, connection, &data);
                Input::Received { connection, data }
            }
            ConnectionEvent::Change(change) => Input::Connection { connection, change },
        };
        self.feed(input);
    }

    fn request(&mut self, request: Request) {
        // The requester may be gone; the command is executed anyway.
        match request {
            Request::Command { command, reply } => {
                let handled = self.handle(Input::Command(command));
                self.reply(reply, handled);
            }
            Request::Dial { dial, reply } => {
                let account = dial.account;
                let session = self.core.next_session();
                let dialled = self.handle(Input::Command(Command::Dial { session, dial }));
                let local = self.accounts.local_address(account);
                let call = dialled.map(|()| self.calls.begin(session, local, None));
                self.reply(reply, call);
            }
            Request::Send { send, reply } => {
                let request = self.core.next_request();
                match self.handle(Input::Command(Command::Request { request, send })) {
                    Ok(()) => drop(self.pending.insert(request, reply)),
                    Err(misuse) => drop(reply.send(Err(misuse))),
                }
            }
            Request::AddAccount { config, reply } => {
                let (id, wanted) = (self.core.next_account(), config.register);
                let added = self.account(id, AccountCommand::Add(config));
                if added.is_ok() {
                    self.accounts.set_wanted(id, wanted);
                }
                self.reply(reply, added.map(|()| id));
            }
            Request::ReplaceAccount { account, config, reply } => {
                let wanted = config.register;
                let replaced = self.account(account, AccountCommand::Replace(config));
                if replaced.is_ok() {
                    self.accounts.set_wanted(account, wanted);
                }
                self.reply(reply, replaced);
            }
        }
    }

    /// Replies after the outputs of the command: a requester in another thread must not see the states before it.
    fn reply<T>(&mut self, reply: oneshot::Sender<Result<T, Misuse>>, result: Result<T, Misuse>) {
        self.perform();
        let _ = reply.send(result);
    }

    fn account(&mut self, account: AccountId, command: AccountCommand) -> Result<(), Misuse> {
        self.handle(Input::Command(Command::Account { account, command }))
    }

    fn report(&mut self, session: SessionId, report: MediaReport) {
        match report {
            MediaReport::Done { id, result } => self.done(id, result),
            MediaReport::Event { leg, event } => self.feed(Input::Media { session, leg, event }),
            MediaReport::Update(update) => self.calls.push(session, CallUpdate::Media(update)),
        }
    }

    fn tap(&self, sent: bool, connection: ConnectionId, data: &bytes::Bytes) {
        if let Some(tap) = &self.options.tap {
            tap.message(TappedMessage { at: self.clock.now(), sent, connection, data: data.clone() });
        }
    }

    /// Ends all calls and registrations, within a bounded time.
    fn stop(&mut self) {
        self.stopping = Some(self.clock.now() + STOP_TIMEOUT);
        let sessions: Vec<SessionId> = self.core.sessions().collect();
        for session in sessions {
            self.hang_up(session);
        }
        for account in self.accounts.ids() {
            // One that is being removed is unregistered already.
            let _ = self.account(account, AccountCommand::Unregister);
        }
    }

    fn is_stopped(&self) -> bool {
        let Some(bound) = self.stopping else { return false };
        let quiet = self.core.sessions().next().is_none() && self.accounts.are_unregistered();
        quiet || self.clock.now() >= bound
    }
}

impl Drop for Engine {
    /// Ends the waits of all handles, also after a panic.
    fn drop(&mut self) {
        self.events.close();
        self.calls.close();
    }
}
