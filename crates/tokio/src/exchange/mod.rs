//! The embedded exchange on real sockets.

mod connection;
mod listen;
mod origin;
mod outbox;
mod server;

pub use listen::{Addresses, CertifiedKey, ExchangeError, Listen};
pub use origin::{Origin, OriginError, Origins};
pub use server::ServerLoad;

use crate::queue::{Popped, Queue};
use listen::Bound;
use offhook_exchange::{Config, Event, UserChanges};
use offhook_wire::digest::Password;
use server::{Command, Running};
use std::collections::BTreeMap;
use tokio::sync::oneshot;

/// A running exchange: registrar and proxy over WebSocket and UDP, in one task, and one more for each connection.
///
/// ```no_run
/// use offhook_exchange::Config;
/// use offhook_tokio::{ExchangeServer, Listen};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::new("example.com").with_user("alice", "secret").with_user("bob", "hidden");
/// let mut exchange = ExchangeServer::start(config, Listen::ws("127.0.0.1:0".parse()?)).await?;
/// println!("ws://{}", exchange.addresses().ws.expect("a WebSocket address"));
/// while let Some(event) = exchange.next().await {
///     println!("{event:?}");
/// }
/// # Ok(())
/// # }
/// ```
///
/// At most 256 events are queued for [`ExchangeServer::next`]; beyond that the oldest are dropped. Dropping the server stops it.
#[derive(Debug)]
pub struct ExchangeServer {
    config: Config,
    /// With the actual ports, so that a restart uses the same ones.
    listen: Listen,
    addresses: Addresses,
    events: Queue<Event>,
    running: Option<Running>,
}

impl ExchangeServer {
    /// Binds the sockets and starts the exchange. Needs to be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ExchangeError::AddressInUse`] and [`ExchangeError::Bind`] for a socket, [`ExchangeError::Entropy`] without a seed,
    /// [`ExchangeError::Users`] for a user without a password for an offered algorithm.
    pub async fn start(config: Config, mut listen: Listen) -> Result<Self, ExchangeError> {
        check_passwords(&config)?;
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

    /// The addresses on which it listens.
    pub fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The next event. Cancel-safe. Never `None`: a stopped exchange can be restarted.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            match self.events.next().await? {
                Popped::Item(event) => return Some(event),
                Popped::Missed(_) => {}
            }
        }
    }

    /// Aborts every connection without a close frame. Registrations over them are lost; the exchange accepts new connections.
    pub async fn drop_connections(&self) {
        let Some(running) = &self.running else { return };
        let (done, cut) = oneshot::channel();
        if running.commands.send(Command::DropConnections { done }).await.is_ok() {
            // No reply: the exchange has stopped and has no connections.
            let _ = cut.await;
        }
    }

    /// The present load; `None` if it is stopped.
    pub async fn load(&self) -> Option<ServerLoad> {
        let (reply, load) = oneshot::channel();
        self.running.as_ref()?.commands.send(Command::Load { reply }).await.ok()?;
        load.await.ok()
    }

    /// Replaces the list of users, also for later restarts. A user that was removed or has different passwords loses its
    /// registrations; other users keep theirs, and calls continue: see [`Exchange::set_users`](offhook_exchange::Exchange::set_users).
    ///
    /// # Errors
    /// [`ExchangeError::Users`] for a user without a password for an offered algorithm; nothing is changed.
    pub async fn set_users(
        &mut self,
        users: BTreeMap<String, Vec<Password>>,
    ) -> Result<UserChanges, ExchangeError> {
        let mut config = self.config.clone();
        let changes = config.set_users(users.clone());
        check_passwords(&config)?;
        self.config = config;
        if let Some(running) = &self.running {
            let (done, set) = oneshot::channel();
            if running.commands.send(Command::SetUsers { users, done }).await.is_ok() {
                // No reply: the exchange has stopped and has no registrations.
                let _ = set.await;
            }
        }
        Ok(changes)
    }

    /// Stops it: aborts connections, closes sockets, and drops bindings, dialogs and nonces.
    pub async fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            drop(running.commands);
            // A task that panicked has ended too.
            let _ = running.task.await;
        }
    }

    /// Stops it if it runs, and starts it on the same addresses without any former state.
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

/// Checks that every user has a password for every offered algorithm.
fn check_passwords(config: &Config) -> Result<(), ExchangeError> {
    config.missing_password().map_or(Ok(()), |missing| Err(missing.into()))
}
