//! The one task of a phone: it feeds the core, and does what the core asks for.

mod calls;
mod perform;

use crate::flow::{Flows, Limits, News};
use crate::queue::Queue;
use crate::recorder::Desktop;
use crate::{Call, CallEvent, Clock, Options, PhoneEvent, StartError, Tapped, entropy, media};
use calls::Calls;
use offhook::{
    AccountId, Command, Config, Dial, FlowId, Input, Instant, Misuse, RegistrationState, SessionId,
};
use offhook_media::Certificate;
use offhook_recorder::Log;
use std::net::IpAddr;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Requests that may wait; whoever sends more waits for room.
const REQUESTS: usize = 64;
/// News of media that may wait; the calls' tasks wait for room.
const REPORTS: usize = 256;
/// How long a stopping phone waits for the answers to its BYEs and unregistrations.
const GOODBYE: Duration = Duration::from_secs(3);
/// The part of the seed that is the core's; those of the calls' media are counted from zero.
const CORE: u64 = u64::MAX;

/// What the handles ask of the task.
pub(crate) enum Request {
    Command { command: Command, reply: oneshot::Sender<Result<(), Misuse>> },
    Dial { dial: Dial, reply: oneshot::Sender<Result<Call, Misuse>> },
}

/// The ends of a started phone that its handle keeps.
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
    let flows = Flows::new(Limits::new(config.limits.message), options.roots.client()?);
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
        flows,
        calls: Calls::new(seed, clock, options.clone(), requests.clone(), reports, dropped),
        options,
        links: vec![None; accounts],
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
    log: Option<Log<Desktop>>,
    flows: Flows,
    calls: Calls,
    options: Options,
    /// Our end of each account's latest connection.
    links: Vec<Option<IpAddr>>,
    events: Queue<PhoneEvent>,
    registrations: watch::Sender<Vec<RegistrationState>>,
    stopping: Option<Instant>,
}

struct Inboxes {
    requests: mpsc::Receiver<Request>,
    reports: mpsc::Receiver<(SessionId, media::News)>,
    dropped_calls: mpsc::UnboundedReceiver<SessionId>,
    gone: oneshot::Receiver<()>,
}

impl Engine {
    async fn run(mut self, mut from: Inboxes) {
        loop {
            self.perform();
            if self.is_over() {
                break;
            }
            let deadline = self.core.deadline().map(|deadline| deadline.at);
            let deadline = deadline.into_iter().chain(self.stopping).min();
            tokio::select! {
                (flow, news) = self.flows.next() => self.flow(flow, news),
                Some((session, news)) = from.reports.recv() => self.report(session, news),
                Some(request) = from.requests.recv() => self.request(request),
                Some(session) = from.dropped_calls.recv() => self.command_quietly(Command::HangUp { session }),
                () = self.clock.sleep_until(deadline) => self.feed(Input::Wake),
                _ = &mut from.gone, if self.stopping.is_none() => self.stop(),
            }
        }
        self.flows.close_all().await;
    }

    fn feed(&mut self, input: Input) {
        // Only a command can be misused, and those that matter are answered.
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

    /// For commands that nobody waits for: too late is not an error then.
    fn command_quietly(&mut self, command: Command) {
        self.feed(Input::Command(command));
    }

    fn flow(&mut self, flow: FlowId, news: News) {
        let input = match news {
            News::Received(data) => {
                self.show(false, flow, &data);
                Input::Received { flow, data }
            }
            News::Change(change) => Input::Flow { flow, change },
        };
        self.feed(input);
    }

    fn request(&mut self, request: Request) {
        // Whoever asked may have left: the command stands all the same.
        match request {
            Request::Command { command, reply } => {
                let _ = reply.send(self.handle(Input::Command(command)));
            }
            Request::Dial { dial, reply } => {
                let account = dial.account;
                let session = self.core.next_session();
                let dialled = self.handle(Input::Command(Command::Dial { session, dial }));
                let _ = reply.send(dialled.map(|()| self.calls.begin(session, self.link(account), None)));
            }
        }
    }

    fn report(&mut self, session: SessionId, news: media::News) {
        let event = match news {
            media::News::Done { id, result } => return self.feed(Input::Done { effect: id, result }),
            media::News::Event(event) => return self.feed(Input::Media { session, event }),
            media::News::Failed(cause) => CallEvent::MediaFailed(cause),
            media::News::FirstAudio => CallEvent::FirstAudio,
            media::News::Tone { hz, level_dbfs } => CallEvent::Tone { hz, level_dbfs },
            media::News::SourceEnded => CallEvent::SourceEnded,
        };
        self.calls.tell(session, event);
    }

    /// Our end of the connection to the account's server.
    fn link(&self, account: AccountId) -> Option<IpAddr> {
        self.links.get(usize::from(account.0)).copied().flatten()
    }

    fn show(&self, sent: bool, flow: FlowId, data: &bytes::Bytes) {
        if let Some(tap) = &self.options.tap {
            tap.show(Tapped { at: self.clock.now(), sent, flow, data: data.clone() });
        }
    }

    /// Asks the core to end everything, and gives it a bounded time for that.
    fn stop(&mut self) {
        self.stopping = Some(self.clock.now() + GOODBYE);
        let sessions: Vec<SessionId> = self.core.sessions().collect();
        for session in sessions {
            self.command_quietly(Command::HangUp { session });
        }
        for account in (0..).zip(&self.links).map(|(place, _)| AccountId(place)).collect::<Vec<_>>() {
            self.command_quietly(Command::Unregister { account });
        }
    }

    fn is_over(&self) -> bool {
        use RegistrationState::{Failed, Unregistered};
        let Some(bound) = self.stopping else { return false };
        let quiet = self.core.sessions().next().is_none()
            && self.registrations.borrow().iter().all(|state| matches!(state, Unregistered | Failed(_)));
        quiet || self.clock.now() >= bound
    }
}

impl Drop for Engine {
    /// However the task ends, nobody waits for it for ever.
    fn drop(&mut self) {
        self.events.close();
        self.calls.close();
    }
}
