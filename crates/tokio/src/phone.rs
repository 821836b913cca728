//! The handle of a phone.

use crate::call::Request;
use crate::engine::{self, Registrations};
use crate::queue::{Popped, Queue};
use crate::{Call, CommandError, NotRegistered, Options, PhoneEvent, StartError};
use offhook::{
    Account, AccountCommand, AccountId, Command, Config, Credentials, Dial, Misuse, RegistrationState,
    RequestOutcome,
};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// A running phone: one task with one `select!` over its connections, timers and commands.
///
/// ```no_run
/// use offhook::{Account, Config, Password};
/// use offhook_tokio::{CallUpdate, Phone};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let account = Account::new("sip:alice@example.com", Some(Password::plain("secret")), "wss://pbx.example.com")?;
/// let mut phone = Phone::start(Config::new(account)).await?;
/// phone.registered().await?;
/// let mut call = phone.dial("200").await?;
/// while let Some(update) = call.next().await {
///     match update {
///         CallUpdate::Event(event) => println!("{event}"),
///         CallUpdate::Media(media) => println!("{media:?}"),
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
    registrations: watch::Receiver<Registrations>,
    /// Dropped with the phone, which stops the task.
    alive: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Phone {
    /// Starts a phone, which connects and registers immediately. Needs to be called within a tokio runtime.
    ///
    /// [`Config::media_legs`] is set to 4, whatever `config` has: that many media sessions the runtime holds for one call.
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
        let started = engine::start(config, options)?;
        Ok(Self {
            events: started.events,
            requests: started.requests,
            registrations: started.registrations,
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
        let wait = watched.wait_for(|list| {
            let mut wanted = list.values().filter(|one| one.wanted).map(|one| one.state);
            failure = wanted.clone().find_map(|state| match state {
                Failed(why) => Some(why),
                _ => None,
            });
            failure.is_some() || wanted.all(|state| matches!(state, Registered { .. } | Refreshing))
        });
        wait.await.map_err(|_| NotRegistered::Stopped)?;
        failure.map_or(Ok(()), |why| Err(NotRegistered::Failed(why)))
    }

    /// The present registration of an account; `None` if there is no such account.
    pub fn registration(&self, account: AccountId) -> Option<RegistrationState> {
        self.registrations.borrow().get(&account).map(|one| one.state)
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
        ask(self.requests.clone(), |reply| Request::Dial { dial, reply }).await
    }

    /// Sends text to a user or number of the first account's domain, or to a SIP URI (MESSAGE, RFC 3428), and waits for the outcome.
    ///
    /// # Errors
    /// As [`Phone::request`].
    pub async fn message(&self, to: &str, text: &str) -> Result<RequestOutcome, CommandError> {
        self.request(offhook::Request::message(to, text)).await
    }

    /// Queries the capabilities of a user, a number or a server (OPTIONS, RFC 3261 §11), and waits for the outcome.
    ///
    /// # Errors
    /// As [`Phone::request`].
    pub async fn options(&self, to: &str) -> Result<RequestOutcome, CommandError> {
        self.request(offhook::Request::options(to)).await
    }

    /// Sends a request outside of a dialog with options: the account, the content type, additional headers. Waits for the outcome, which
    /// comes at the latest 32 s after the request was last sent (64·T1, RFC 3261 §17.1.2.2): it is sent again after a challenge and to each
    /// target of a redirection, of which there are at most five. Before that it may wait for credentials, for at most
    /// [`Config::no_answer`]. The future does not borrow the phone. If it is dropped after its first poll, the request is sent nevertheless.
    ///
    /// # Errors
    /// [`Misuse`](offhook::Misuse) if the recipient is not an address, a header field is malformed, the body is too large, there are too
    /// many requests, or a MESSAGE to the same address is pending; [`CommandError::Stopped`] if the phone was stopped. A refused request is not
    /// an error: its outcome is `Failed`.
    pub fn request(
        &self,
        send: offhook::Request,
    ) -> impl Future<Output = Result<RequestOutcome, CommandError>> + Send + use<> {
        ask(self.requests.clone(), |reply| Request::Send { send, reply })
    }

    /// Adds an account, which connects and registers as its configuration says.
    ///
    /// # Errors
    /// [`Misuse::TooManyAccounts`](offhook::Misuse) after 65,535 accounts, or if the phone was stopped.
    pub async fn add_account(&self, config: Account) -> Result<AccountId, CommandError> {
        ask(self.requests.clone(), |reply| Request::AddAccount { config: Box::new(config), reply }).await
    }

    /// Replaces the configuration of an account; see [`AccountCommand::Replace`]. Calls continue.
    ///
    /// # Errors
    /// For an account that does not exist or is being removed, or if the phone was stopped.
    pub async fn replace_account(&self, account: AccountId, config: Account) -> Result<(), CommandError> {
        ask(self.requests.clone(), |reply| Request::ReplaceAccount {
            account,
            config: Box::new(config),
            reply,
        })
        .await
    }

    /// Removes an account: its calls are ended and its binding is removed; [`AccountEvent::Removed`](offhook::AccountEvent) follows.
    ///
    /// # Errors
    /// As [`Phone::replace_account`].
    pub async fn remove_account(&self, account: AccountId) -> Result<(), CommandError> {
        self.command(account, AccountCommand::Remove).await
    }

    /// Sets the credentials of an account. Requests that wait for credentials are sent with them. A registration that has failed is not retried:
    /// see [`Phone::register`].
    ///
    /// # Errors
    /// As [`Phone::replace_account`].
    pub async fn set_credentials(
        &self,
        account: AccountId,
        credentials: Credentials,
    ) -> Result<(), CommandError> {
        self.command(account, AccountCommand::SetCredentials(credentials)).await
    }

    /// Registers an account: again after a failure, or immediately during the back-off.
    ///
    /// # Errors
    /// For an account that does not exist, or if the phone was stopped.
    pub async fn register(&self, account: AccountId) -> Result<(), CommandError> {
        self.command(account, AccountCommand::Register).await
    }

    /// Unregisters an account. Calls continue.
    ///
    /// # Errors
    /// As [`Phone::register`].
    pub async fn unregister(&self, account: AccountId) -> Result<(), CommandError> {
        self.command(account, AccountCommand::Unregister).await
    }

    /// Hangs up every call, unregisters, closes the connections, and returns when this is complete, or after a time limit (three seconds for
    /// the responses, two for the connections).
    pub async fn stop(self) {
        drop(self.alive);
        // A task that panicked has ended too.
        let _ = self.task.await;
    }

    async fn command(&self, account: AccountId, command: AccountCommand) -> Result<(), CommandError> {
        let command = Command::Account { account, command };
        ask(self.requests.clone(), |reply| Request::Command { command, reply }).await
    }
}

/// Sends a request to the task of the phone, and waits for the reply.
async fn ask<T>(
    requests: mpsc::Sender<Request>,
    request: impl FnOnce(oneshot::Sender<Result<T, Misuse>>) -> Request,
) -> Result<T, CommandError> {
    let (reply, answer) = oneshot::channel();
    requests.send(request(reply)).await.map_err(|_| CommandError::Stopped)?;
    Ok(answer.await.map_err(|_| CommandError::Stopped)??)
}
