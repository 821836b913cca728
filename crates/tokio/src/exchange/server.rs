//! The task of the exchange: passes inputs to it and performs its outputs.

use super::connection::{self, Accepted, Report};
use super::listen::{Bound, CertifiedKey, ExchangeError, Listen};
use super::origin::Origins;
use super::outbox::{Outboxes, Queued};
use crate::connection::Limits;
use crate::queue::Queue;
use crate::{Clock, entropy};
use bytes::Bytes;
use offhook_exchange::{Config, Event, Exchange, FlowChange, FlowId, Input, Output, Transport};
use offhook_wire::digest::Password;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};

/// Queued reports of connections; further senders wait.
const REPORTS: usize = 64;
/// The pause after a failed accept, for example without file descriptors.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) struct Running {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) task: JoinHandle<()>,
}

/// A command of the handle to the task. The task ends when the handle is dropped.
pub(super) enum Command {
    DropConnections { done: oneshot::Sender<()> },
    Load { reply: oneshot::Sender<ServerLoad> },
    SetUsers { users: BTreeMap<String, Vec<Password>>, done: oneshot::Sender<()> },
}

/// The load of a running exchange server.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerLoad {
    /// The load of the exchange itself.
    pub exchange: offhook_exchange::Load,
    /// Bytes queued for connections.
    pub queued: usize,
}

pub(super) fn start(
    config: Config,
    listen: &Listen,
    bound: Bound,
    events: Queue<Event>,
) -> Result<Running, ExchangeError> {
    let seed = match listen.seed {
        Some(seed) => seed,
        None => entropy::seed().map_err(|why| ExchangeError::Entropy(why.to_string()))?,
    };
    let clock = Clock::start();
    let (reports, waiting_reports) = mpsc::channel(REPORTS);
    let (commands, waiting_commands) = mpsc::channel(1);
    let message = config.limits.message.message;
    let server = Server {
        clock,
        exchange: Exchange::new(config, seed, clock.now()),
        ws: bound.ws,
        wss: bound.wss,
        udp: bound.udp,
        limits: Limits::new(message),
        origins: listen.origins.clone(),
        upgrade_timeout: listen.upgrade_timeout,
        next_flow: 0,
        tasks: JoinSet::new(),
        connections: BTreeMap::new(),
        outboxes: Outboxes::new(listen.queued),
        events,
        reports,
    };
    let task = tokio::spawn(server.run(waiting_reports, waiting_commands));
    Ok(Running { commands, task })
}

struct Server {
    clock: Clock,
    exchange: Exchange,
    ws: Option<TcpListener>,
    wss: Option<(TcpListener, CertifiedKey)>,
    udp: Option<UdpSocket>,
    limits: Limits,
    origins: Origins,
    upgrade_timeout: Duration,
    next_flow: u64,
    /// The tasks of all connections, including those not upgraded yet.
    tasks: JoinSet<()>,
    connections: BTreeMap<FlowId, Connection>,
    outboxes: Outboxes,
    events: Queue<Event>,
    reports: mpsc::Sender<Report>,
}

/// The state of a connection.
enum Connection {
    Upgrading(AbortHandle),
    WebSocket { outbox: mpsc::Sender<Bytes>, queued: Queued, task: AbortHandle },
}

impl Connection {
    fn abort(&self) {
        let (Connection::Upgrading(task) | Connection::WebSocket { task, .. }) = self;
        task.abort();
    }
}

impl Server {
    async fn run(mut self, mut reports: mpsc::Receiver<Report>, mut commands: mpsc::Receiver<Command>) {
        // One byte more than the limit: a longer datagram fills it and is dropped.
        let mut datagram = vec![0; self.limits.message + 1];
        loop {
            self.perform();
            let deadline = self.exchange.deadline();
            tokio::select! {
                (stream, remote) = accept(self.ws.as_ref()) => self.accept(stream, remote, None),
                (stream, remote) = accept(self.wss.as_ref().map(|(listener, _)| listener)) => {
                    let certified = self.wss.as_ref().map(|(_, certified)| certified.clone());
                    self.accept(stream, remote, certified);
                }
                (length, remote) = receive(self.udp.as_ref(), &mut datagram) => {
                    if length <= self.limits.message {
                        let data = Bytes::copy_from_slice(&datagram[..length]);
                        self.feed(Input::Datagram { remote, data });
                    }
                }
                Some(report) = reports.recv() => self.report(report),
                // Removes ended tasks from the set; their last report was handled.
                Some(_) = self.tasks.join_next() => {}
                () = self.clock.sleep_until(deadline) => self.feed(Input::Wake),
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return self.tasks.shutdown().await,
                },
            }
        }
    }

    /// A reply fails only if its receiver was dropped.
    fn command(&mut self, command: Command) {
        match command {
            Command::DropConnections { done } => {
                self.drop_connections();
                let _ = done.send(());
            }
            Command::SetUsers { users, done } => {
                self.exchange.set_users(users);
                let _ = done.send(());
            }
            Command::Load { reply } => {
                let load = ServerLoad { exchange: self.exchange.load(), queued: self.outboxes.bytes() };
                let _ = reply.send(load);
            }
        }
    }

    fn feed(&mut self, input: Input) {
        self.exchange.handle(self.clock.now(), input);
    }

    fn accept(&mut self, stream: TcpStream, remote: SocketAddr, certified: Option<CertifiedKey>) {
        let flow = self.new_flow();
        let transport = if certified.is_some() { Transport::Wss } else { Transport::Ws };
        let (limits, upgrade_timeout) = (self.limits, self.upgrade_timeout);
        let origins = self.origins.clone();
        let accepted = Accepted { flow, stream, certified, origins, limits, upgrade_timeout };
        let task = self.tasks.spawn(connection::run(accepted, self.reports.clone()));
        self.connections.insert(flow, Connection::Upgrading(task));
        // The handshakes count towards the authentication timeout. At a bound, the exchange closes the connection.
        self.feed(Input::Flow { flow, change: FlowChange::Up { transport, remote } });
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Open { flow, outbox } => {
                // A connection aborted meanwhile has no entry, and ends when its outbox is dropped here.
                if let Some(Connection::Upgrading(task)) = self.connections.remove(&flow) {
                    let queued = Queued::default();
                    self.connections.insert(flow, Connection::WebSocket { outbox, queued, task });
                }
            }
            Report::Received { flow, data } => {
                if self.connections.contains_key(&flow) {
                    self.feed(Input::Received { flow, data });
                }
            }
            Report::Down { flow } => {
                if self.connections.remove(&flow).is_some() {
                    self.down(flow);
                }
            }
        }
    }

    fn perform(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Transmit { flow, data } => self.transmit(flow, data),
                Output::Datagram { remote, data } => {
                    if let Some(udp) = &self.udp {
                        // A full buffer is a lost datagram: SIP retransmits (RFC 3261 §17).
                        let _ = udp.try_send_to(&data, remote);
                    }
                }
                Output::Close { flow } => self.close(flow),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    fn transmit(&mut self, flow: FlowId, data: Bytes) {
        // The exchange sends nothing before a request, and none comes before the upgrade.
        let Some(Connection::WebSocket { outbox, queued, .. }) = self.connections.get(&flow) else { return };
        let sent = self.outboxes.queue(queued, data).is_some_and(|data| outbox.try_send(data).is_ok());
        if !sent {
            // The peer does not read.
            self.cut(flow);
        } else if self.outboxes.is_full() {
            let queue = |connection: &Connection| match connection {
                Connection::WebSocket { queued, .. } => queued.bytes(),
                Connection::Upgrading(_) => 0,
            };
            let slowest = self.connections.iter().max_by_key(|(_, connection)| queue(connection));
            if let Some(flow) = slowest.map(|(flow, _)| *flow) {
                self.cut(flow);
            }
        }
    }

    /// Aborts a connection without a close frame.
    fn cut(&mut self, flow: FlowId) {
        if let Some(connection) = self.connections.remove(&flow) {
            connection.abort();
            self.down(flow);
        }
    }

    /// Closes a connection: dropping the outbox makes an open one send a close frame and end.
    fn close(&mut self, flow: FlowId) {
        if let Some(Connection::Upgrading(task)) = self.connections.remove(&flow) {
            task.abort();
        }
    }

    fn drop_connections(&mut self) {
        let flows: Vec<FlowId> = self.connections.keys().copied().collect();
        for flow in flows {
            self.cut(flow);
        }
    }

    fn down(&mut self, flow: FlowId) {
        self.feed(Input::Flow { flow, change: FlowChange::Down });
    }

    fn new_flow(&mut self) -> FlowId {
        self.next_flow += 1;
        FlowId(self.next_flow)
    }
}

/// The next connection; pending without a listener. Cancel-safe.
async fn accept(listener: Option<&TcpListener>) -> (TcpStream, SocketAddr) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The peer left before the accept, or there is no file descriptor: then the error would repeat immediately.
            Err(_) => tokio::time::sleep(ACCEPT_RETRY).await,
        }
    }
}

/// The next datagram; pending without a socket. Cancel-safe.
async fn receive(udp: Option<&UdpSocket>, buffer: &mut [u8]) -> (usize, SocketAddr) {
    let Some(udp) = udp else { return std::future::pending().await };
    loop {
        // An error is an ICMP message about an earlier datagram: its transaction times out.
        if let Ok(received) = udp.recv_from(buffer).await {
            return received;
        }
    }
}
