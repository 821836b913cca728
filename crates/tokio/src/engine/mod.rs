//! The task of a phone: passes inputs to the core and performs its outputs.

mod calls;
mod perform;

use crate::call::Request;
use crate::flow::{ConnectionEvent, Flows, Limits};
use crate::media::MediaReport;
use crate::queue::Queue;
use crate::recorder::TrackSink;
use crate::{CallEvent, Clock, Options, PhoneEvent, StartError, TappedMessage, entropy};
use calls::Calls;
use offhook::{AccountId, Command, Config, ConnectionId, Input, Instant, Misuse, RegistrationState, SessionId};
use offhook_media::Certificate;
use offhook_recorder::Log;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Queued requests of handles; further senders wait.
const REQUESTS: usize = 64;
/// Queued reports of media tasks; further senders wait.
const REPORTS: usize = 256;
/// How long a stopping phone waits for the responses to its BYEs and unregistrations.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);
/// The index of the core's part of the seed; those of the calls' media count from zero.
const CORE: u64 = u64::MAX;

/// The channels and the task of a started phone, for its handle.
pub(crate) struct Started {
    pub(crate) events: Queue<PhoneEvent>,
    pub(crate) requests: mpsc::Sender<Request>,
    pub(crate) registrations: watch::Receiver<Vec<RegistrationState>>,
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
    let clock = options.clock.unwrap_or_else(Clock::start);
    let connections = Flows::new(Limits::new(config.limits.message), options.roots.client()?);
    let accounts = config.accounts.len();
    let (requests, waiting_requests) = mpsc::channel(REQUESTS);
    let (reports, waiting_reports) = mpsc::channel(REPORTS);
    let (dropped, dropped_calls) = mpsc::unbounded_channel();
    let (alive, gone) = oneshot::channel();
    let (registrations, watched) = watch::channel(vec![RegistrationState::Unregistered; accounts]);
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
        local_addresses: vec![None; accounts],
        events: events.clone(),
        registrations,
        stopping: None,
    };
    let inboxes = Inboxes { requests: waiting_requests, reports: waiting_reports, dropped_calls, gone };
    let task = tokio::spawn(engine.run(inboxes));
    Ok(Started { events, requests, registrations: watched, alive, task })
}

struct Engine {
    clock: Clock,
    core: offhook::Phone,
    log: Option<Log<TrackSink>>,
    connections: Flows,
    calls: Calls,
    options: Options,
    /// The local address of each account's latest connection.
    local_addresses: Vec<Option<IpAddr>>,
    events: Queue<PhoneEvent>,
    registrations: watch::Sender<Vec<RegistrationState>>,
    stopping: Option<Instant>,
}

struct Inboxes {
    requests: mpsc::Receiver<Request>,
    reports: mpsc::Receiver<(SessionId, MediaReport)>,
    dropped_calls: mpsc::UnboundedReceiver<SessionId>,
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
                Some(session) = from.dropped_calls.recv() => self.command_if_possible(Command::HangUp { session }),
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

    /// A command without a reply: it may come too late.
    fn command_if_possible(&mut self, command: Command) {
        self.feed(Input::Command(command));
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
                let _ = reply.send(self.handle(Input::Command(command)));
            }
            Request::Dial { dial, reply } => {
                let account = dial.account;
                let session = self.core.next_session();
                let dialled = self.handle(Input::Command(Command::Dial { session, dial }));
                let _ = reply
                    .send(dialled.map(|()| self.calls.begin(session, self.local_address(account), None)));
            }
        }
    }

    fn report(&mut self, session: SessionId, event: MediaReport) {
        let event = match event {
            MediaReport::Done { id, result } => return self.feed(Input::Done { effect: id, result }),
            MediaReport::Event(event) => return self.feed(Input::Media { session, event }),
            MediaReport::Failed(cause) => CallEvent::MediaFailed(cause),
            MediaReport::FirstAudio => CallEvent::FirstAudio,
            MediaReport::Tone { hz, level_dbfs } => CallEvent::Tone { hz, level_dbfs },
            MediaReport::SourceEnded => CallEvent::SourceEnded,
        };
        self.calls.push_event(session, event);
    }

    /// The local address of the connection to the account's server.
    fn local_address(&self, account: AccountId) -> Option<IpAddr> {
        self.local_addresses.get(usize::from(account.0)).copied().flatten()
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
            self.command_if_possible(Command::HangUp { session });
        }
        for account in (0..).zip(&self.local_addresses).map(|(index, _)| AccountId(index)).collect::<Vec<_>>()
        {
            self.command_if_possible(Command::Unregister { account });
        }
    }

    fn is_stopped(&self) -> bool {
        use RegistrationState::{Failed, Unregistered};
        let Some(bound) = self.stopping else { return false };
        let quiet = self.core.sessions().next().is_none()
            && self.registrations.borrow().iter().all(|state| matches!(state, Unregistered | Failed(_)));
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
