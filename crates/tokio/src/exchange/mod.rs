//! The embedded exchange on real sockets.

mod connection;
mod listen;
mod origin;
mod outbox;
mod server;

pub use listen::{Addresses, Certified, ExchangeError, Listen};
pub use origin::{Origin, OriginError, Origins};

use crate::queue::{Queue, Taken};
use listen::Bound;
use offhook_exchange::{Config, Event, UserChanges};
use offhook_wire::digest::Password;
use std::collections::BTreeMap;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

/// An exchange that runs: registrar and proxy over WebSocket and UDP, in a task of its own, with one more for each
/// connection.
///
/// ```no_run
/// use offhook_exchange::Config;
/// use offhook_tokio::{ExchangeServer, Listen};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::new("example.com").with_user("alice", "secret").with_user("bob", "hidden");
/// let mut exchange = ExchangeServer::start(config, Listen::ws("127.0.0.1:0".parse()?)).await?;
/// println!("ws://{}", exchange.addresses().ws.expect("asked for"));
/// while let Some(event) = exchange.next().await {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// At most 256 events wait for [`ExchangeServer::next`]; then the oldest are dropped. Dropping the server stops it.
#[derive(Debug)]
pub struct ExchangeServer {
    config: Config,
    /// With the ports that were found, so that a restart finds them again.
    listen: Listen,
    addresses: Addresses,
    events: Queue<Event>,
    running: Option<Running>,
}

#[derive(Debug)]
struct Running {
    commands: mpsc::Sender<Command>,
    task: JoinHandle<()>,
}

/// What the handle asks of the task. When the handle is gone, the task ends.
enum Command {
    DropConnections { done: oneshot::Sender<()> },
    Load { reply: oneshot::Sender<ServerLoad> },
    SetUsers { users: BTreeMap<String, Vec<Password>>, done: oneshot::Sender<()> },
}

/// How much a running exchange holds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLoad {
    /// What the exchange itself holds.
    pub exchange: offhook_exchange::Load,
    /// Bytes that wait to be written to connections.
    pub queued: usize,
}

impl ExchangeServer {
    /// Binds the sockets and starts the exchange. Needs to be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ExchangeError::Busy`] and [`ExchangeError::Bind`] for a socket, [`ExchangeError::Entropy`] without a seed,
    /// [`ExchangeError::Users`] for a user that could not register.
    pub async fn start(config: Config, mut listen: Listen) -> Result<Self, ExchangeError> {
        covered(&config)?;
        let bound = Bound::new(&listen).await?;
        let addresses = bound.addresses;
        listen.ws = addresses.ws;
        listen.udp = addresses.udp;
        if let (Some(port), Some((address, _))) = (addresses.wss, &mut listen.wss) {
            *address = port;
        }
        let events = Queue::new();
        let running = server::start(config.clone(), &listen, bound, events.clone())?;
        Ok(Self { config, listen, addresses, events, running: Some(running) })
    }

    /// Where it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The next event. Cancel-safe. Never `None`, so that a stopped exchange can be restarted by somebody else.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.events.next().await? {
                Taken::Item(event) => return Some(event),
                Taken::Missed(_) => {}
            }
        }
    }

    /// Cuts every connection, without a good-bye, as a crashing network does. Registrations over them are lost; the
    /// exchange goes on and takes new ones.
    pub async fn drop_connections(&self) {
        let Some(running) = &self.running else { return };
        let (done, cut) = oneshot::channel();
        if running.commands.send(Command::DropConnections { done }).await.is_ok() {
            // An exchange that stopped meanwhile has no connections either.
            let _ = cut.await;
        }
    }

    /// How much it holds at the moment; nothing if it is stopped.
    pub async fn load(&self) -> Option<ServerLoad> {
        let (reply, load) = oneshot::channel();
        self.running.as_ref()?.commands.send(Command::Load { reply }).await.ok()?;
        load.await.ok()
    }

    /// Replaces the list of users, also for later restarts. A user that is gone or has other passwords loses its
    /// registrations; all others keep theirs, and calls go on: see [`Exchange::set_users`](offhook_exchange::Exchange::set_users).
    ///
    /// # Errors
    /// [`ExchangeError::Users`] for a user that could not register; then nothing has changed.
    pub async fn set_users(
        &mut self,
        users: BTreeMap<String, Vec<Password>>,
    ) -> Result<UserChanges, ExchangeError> {
        let mut config = self.config.clone();
        let changes = config.set_users(users.clone());
        covered(&config)?;
        self.config = config;
        if let Some(running) = &self.running {
            let (done, set) = oneshot::channel();
            if running.commands.send(Command::SetUsers { users, done }).await.is_ok() {
                // An exchange that stopped meanwhile has no registrations either.
                let _ = set.await;
            }
        }
        Ok(changes)
    }

    /// Stops it: connections are cut, sockets closed, bindings, dialogs and nonces forgotten.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            drop(running.commands);
            // A task that panicked is over, too.
            let _ = running.task.await;
        }
    }

    /// Stops it if it runs, and starts it on the same addresses, knowing nothing of what was.
    ///
    /// # Errors
    /// As [`ExchangeServer::start`].
    pub async fn restart(&mut self) -> Result<(), ExchangeError> {
        self.stop().await;
        let bound = Bound::new(&self.listen).await?;
        self.running = Some(server::start(self.config.clone(), &self.listen, bound, self.events.clone())?);
        Ok(())
    }
}

/// Every user has a password for every algorithm that is offered.
fn covered(config: &Config) -> Result<(), ExchangeError> {
    config.missing_password().map_or(Ok(()), |uncovered| Err(uncovered.into()))
}
