//! The handle of a phone.

use crate::call::Request;
use crate::engine;
use crate::queue::{Popped, Queue};
use crate::{Call, CommandError, NotRegistered, Options, PhoneEvent, StartError};
use offhook::{AccountId, Command, Config, Dial, RegistrationState};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// A running phone: one task with one `select!` over its connections, timers and commands.
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
///         CallEvent::Ended(why) => println!("ended: {}", why.cause),
///         _ => {}
///     }
/// }
/// phone.stop().await;
/// # Ok(())
/// # }
/// ```
///
/// [`Phone::next`] returns the events that belong to no existing call. At most 256 are queued; beyond that the oldest are dropped (as for
/// [`Call`]): a phone never waits for its program.
///
/// Dropping the phone stops it in the background; [`Phone::stop`] waits for it.
#[derive(Debug)]
pub struct Phone {
    events: Queue<PhoneEvent>,
    requests: mpsc::Sender<Request>,
    registrations: watch::Receiver<Vec<RegistrationState>>,
    /// The accounts to register.
    registering: Vec<AccountId>,
    /// Dropped with the phone, which stops the task.
    alive: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Phone {
    /// Starts a phone, which connects and registers immediately. Needs to be called within a tokio runtime.
    ///
    /// # Errors
    /// [`StartError`] without randomness or cryptography. An unreachable server is not an error: the phone retries and reports events.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Options::default()).await
    }

    /// Starts a phone with options.
    ///
    /// # Errors
    /// As [`Phone::start`], and if the trusted certificates cannot be used.
    pub async fn start_with(config: Config, options: Options) -> Result<Self, StartError> {
        let registering = (0..).zip(&config.accounts).filter(|(_, account)| account.register);
        let registering = registering.map(|(index, _)| AccountId(index)).collect();
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
            Popped::Item(event) => event,
            Popped::Missed(count) => PhoneEvent::Missed(count),
        })
    }

    /// Waits until all accounts to register are registered.
    ///
    /// # Errors
    /// [`NotRegistered`] if an account has given up. Without
    /// [`max_registration_attempts`](offhook::Account::max_registration_attempts) it gives up only after a refusal such as a wrong password:
    /// limit the wait with [`tokio::time::timeout`] then.
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

    /// The present registration of an account; `None` for an account that is not in the configuration.
    pub fn registration(&self, account: AccountId) -> Option<RegistrationState> {
        self.registrations.borrow().get(usize::from(account.0)).copied()
    }

    /// Calls a user or number of the first account's domain, or a SIP or tel URI.
    ///
    /// # Errors
    /// [`Misuse`](offhook::Misuse) if it is not an address, or there are too many calls; [`CommandError::Stopped`] if the phone was stopped.
    /// A failure of the call itself is an event.
    pub async fn dial(&self, to: &str) -> Result<Call, CommandError> {
        self.dial_with(Dial::to(to)).await
    }

    /// Calls with options: the account, additional headers.
    ///
    /// # Errors
    /// As [`Phone::dial`].
    pub async fn dial_with(&self, dial: Dial) -> Result<Call, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.send(Request::Dial { dial, reply }).await?;
        Ok(answer.await.map_err(|_| CommandError::Stopped)??)
    }

    /// Registers an account: again after a failure, or immediately during the back-off.
    ///
    /// # Errors
    /// For an account that does not exist, or if the phone was stopped.
    pub async fn register(&self, account: AccountId) -> Result<(), CommandError> {
        self.command(Command::Register { account }).await
    }

    /// Unregisters an account. Calls continue.
    ///
    /// # Errors
    /// As [`Phone::register`].
    pub async fn unregister(&self, account: AccountId) -> Result<(), CommandError> {
        self.command(Command::Unregister { account }).await
    }

    /// Hangs up every call, unregisters, closes the connections, and returns when this is complete, or after a time limit (three seconds for
    /// the responses, two for the connections).
    pub async fn stop(self) {
        drop(self.alive);
        // A task that panicked has ended too.
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
