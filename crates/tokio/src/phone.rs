//! The handle of a phone.

use crate::engine::{self, Request};
use crate::queue::{Queue, Taken};
use crate::{Call, CommandError, NotRegistered, Options, PhoneEvent, StartError};
use offhook::{AccountId, Command, Config, Dial, RegistrationState};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// A phone that runs: one task, with one `select!` over its connections, its timers and its user.
///
/// ```no_run
/// use offhook::{Account, Config, Password};
/// use offhook_tokio::{CallEvent, Phone};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let account = Account::new("sip:alice@example.com", Some(Password::plain("secret")), "wss://pbx.example.com")?;
/// let mut phone = Phone::start(Config::new(account)).await?;
/// phone.registered().await?;
/// let mut call = phone.dial("200").await?;
/// while let Some(event) = call.next().await {
///     match event {
///         CallEvent::Status(status) => println!("{status}"),
///         CallEvent::Ended(why) => println!("over: {}", why.cause),
///         _ => {}
///     }
/// }
/// phone.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// [`Phone::next`] gives what belongs to no call yet, at most 256 events at a time, the oldest dropped first (see
/// [`Call`] for the same rule): a phone never waits for its program.
///
/// Dropping the phone stops it in the background; [`Phone::stop`] waits for it.
#[derive(Debug)]
pub struct Phone {
    events: Queue<PhoneEvent>,
    requests: mpsc::Sender<Request>,
    registrations: watch::Receiver<Vec<RegistrationState>>,
    /// The accounts that are to be registered.
    registering: Vec<AccountId>,
    /// Dropped with the phone, which the task takes as the wish to stop.
    alive: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Phone {
    /// Starts a phone, which connects and registers at once. Needs to be called within a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] without randomness or cryptography. That a server is not there is no error here: the phone
    /// goes on trying, and tells.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Options::default()).await
    }

    /// Starts a phone with choices.
    ///
    /// # Errors
    /// As [`Phone::start`], and when the trusted certificates cannot be used.
    pub async fn start_with(config: Config, options: Options) -> Result<Self, StartError> {
        let registering = (0..).zip(&config.accounts).filter(|(_, account)| account.register);
        let registering = registering.map(|(place, _)| AccountId(place)).collect();
        let started = engine::start(config, options)?;
        Ok(Self {
            events: started.events,
            requests: started.requests,
            registrations: started.registrations,
            registering,
            alive: started.alive,
            task: started.task,
        })
    }

    /// The next event; `None` after the phone was stopped. Cancel-safe.
    pub async fn next(&mut self) -> Option<PhoneEvent> {
        Some(match self.events.next().await? {
            Taken::Item(event) => event,
            Taken::Missed(count) => PhoneEvent::Missed(count),
        })
    }

    /// Waits until every account that is to be registered is.
    ///
    /// # Errors
    /// [`NotRegistered`] when one has given up, which without
    /// [`max_registration_attempts`](offhook::Account::max_registration_attempts) only a refusal such as a wrong password
    /// brings about: bound the wait with [`tokio::time::timeout`] then.
    pub async fn registered(&self) -> Result<(), NotRegistered> {
        use RegistrationState::{Failed, Refreshing, Registered};
        let mut watched = self.registrations.clone();
        let mut failure = None;
        let wait = watched.wait_for(|states| {
            let mut wanted = self.registering.iter().filter_map(|account| states.get(usize::from(account.0)));
            failure = wanted.clone().find_map(|state| match state {
                Failed(why) => Some(*why),
                _ => None,
            });
            failure.is_some() || wanted.all(|state| matches!(state, Registered { .. } | Refreshing))
        });
        wait.await.map_err(|_| NotRegistered::Stopped)?;
        failure.map_or(Ok(()), |why| Err(NotRegistered::Failed(why)))
    }

    /// The registration of an account at this moment; `None` for an account that is not in the configuration.
    pub fn registration(&self, account: AccountId) -> Option<RegistrationState> {
        self.registrations.borrow().get(usize::from(account.0)).copied()
    }

    /// Calls a user or number of the first account's domain, or a SIP or tel URI.
    ///
    /// # Errors
    /// [`Misuse`](offhook::Misuse) when that is no address or there are too many calls; [`CommandError::Stopped`]
    /// when the phone is gone. What the network thinks of the call comes as its events.
    pub async fn dial(&self, to: &str) -> Result<Call, CommandError> {
        self.dial_with(Dial::to(to)).await
    }

    /// Calls with choices: the account, more headers.
    ///
    /// # Errors
    /// As [`Phone::dial`].
    pub async fn dial_with(&self, dial: Dial) -> Result<Call, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Dial { dial, reply }).await?;
        Ok(answer.await.map_err(|_| CommandError::Stopped)??)
    }

    /// Be registered: again after a failure, or at once instead of after the back-off.
    ///
    /// # Errors
    /// For an account that is not there, or when the phone is gone.
    pub async fn register(&self, account: AccountId) -> Result<(), CommandError> {
        self.command(Command::Register { account }).await
    }

    /// Be unregistered. Calls go on.
    ///
    /// # Errors
    /// As [`Phone::register`].
    pub async fn unregister(&self, account: AccountId) -> Result<(), CommandError> {
        self.command(Command::Unregister { account }).await
    }

    /// Hangs up every call, unregisters, closes the connections, and returns when that is done, or when the bound for
    /// it (three seconds for the peers' answers, two for the connections) is over.
    pub async fn stop(self) {
        drop(self.alive);
        // A task that panicked is over, too.
        let _ = self.task.await;
    }

    async fn command(&self, command: Command) -> Result<(), CommandError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Command { command, reply }).await?;
        Ok(answer.await.map_err(|_| CommandError::Stopped)??)
    }

    async fn send(&self, request: Request) -> Result<(), CommandError> {
        self.requests.send(request).await.map_err(|_| CommandError::Stopped)
    }
}
