//! The task of the exchange: it feeds the machines, and sends what they say.

use super::connection::{self, Accepted, Report};
use super::listen::{Bound, Certified, ExchangeError, Listen};
use super::{Command, Origins, Running};
use crate::flow::Limits;
use crate::queue::Queue;
use crate::{Clock, entropy};
use bytes::Bytes;
use offhook_exchange::{Config, Event, Exchange, FlowChange, FlowId, Input, Output, Transport};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::sync::mpsc;
use tokio::task::{AbortHandle, JoinSet};

/// Reports that may wait; the connections wait for room.
const REPORTS: usize = 256;
/// How long a system without file descriptors is left alone.
const EXHAUSTED: Duration = Duration::from_millis(100);

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
        most: listen.connections,
        upgrade_timeout: listen.upgrade_timeout,
        next_flow: 0,
        tasks: JoinSet::new(),
        connections: BTreeMap::new(),
        remotes: BTreeMap::new(),
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
    wss: Option<(TcpListener, Certified)>,
    udp: Option<UdpSocket>,
    limits: Limits,
    origins: Origins,
    most: usize,
    upgrade_timeout: Duration,
    next_flow: u64,
    /// The connections, those that are not upgraded yet among them.
    tasks: JoinSet<()>,
    connections: BTreeMap<FlowId, Connection>,
    /// The UDP flows, one for each remote address.
    remotes: BTreeMap<SocketAddr, FlowId>,
    events: Queue<Event>,
    reports: mpsc::Sender<Report>,
}

/// How to reach a flow.
enum Connection {
    Upgrading(AbortHandle),
    WebSocket { outbox: mpsc::Sender<Bytes>, task: AbortHandle },
    Datagram(SocketAddr),
}

impl Server {
    async fn run(mut self, mut reports: mpsc::Receiver<Report>, mut commands: mpsc::Receiver<Command>) {
        // One byte more than a message may have: a longer datagram is recognised by filling it.
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
                    self.datagram(remote, &datagram[..length]);
                }
                Some(report) = reports.recv() => self.report(report),
                // The set must not keep what is over; the last report said what there is to know.
                Some(_) = self.tasks.join_next() => {}
                () = self.clock.sleep_until(deadline) => self.feed(Input::Wake),
                command = commands.recv() => match command {
                    Some(command) => self.command(command),
                    None => return self.tasks.shutdown().await,
                },
            }
        }
    }

    /// An answer that cannot be sent has no receiver any more.
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
            Command::Load { reply } => drop(reply.send(self.exchange.load())),
        }
    }

    fn feed(&mut self, input: Input) {
        self.exchange.handle(self.clock.now(), input);
    }

    fn accept(&mut self, stream: TcpStream, remote: SocketAddr, certified: Option<Certified>) {
        if self.tasks.len() >= self.most {
            // Dropping the stream closes it: the phone waits and comes again.
            return;
        }
        let flow = self.new_flow();
        let (limits, upgrade_timeout) = (self.limits, self.upgrade_timeout);
        let origins = self.origins.clone();
        let accepted = Accepted { flow, stream, remote, certified, origins, limits, upgrade_timeout };
        let task = self.tasks.spawn(connection::run(accepted, self.reports.clone()));
        self.connections.insert(flow, Connection::Upgrading(task));
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Up { flow, transport, remote, outbox } => {
                // A connection that was cut meanwhile has no entry, and ends when its outbox is dropped here.
                if let Some(Connection::Upgrading(task)) = self.connections.remove(&flow) {
                    self.connections.insert(flow, Connection::WebSocket { outbox, task });
                    self.up(flow, transport, remote);
                }
            }
            Report::Received { flow, data } => {
                if self.connections.contains_key(&flow) {
                    self.feed(Input::Received { flow, data });
                }
            }
            Report::Down { flow } => {
                if let Some(Connection::WebSocket { .. }) = self.connections.remove(&flow) {
                    self.down(flow);
                }
            }
        }
    }

    fn datagram(&mut self, remote: SocketAddr, data: &[u8]) {
        if data.is_empty() || data.len() > self.limits.message {
            return;
        }
        let flow = match self.remotes.get(&remote) {
            Some(&flow) => flow,
            None => {
                let flow = self.new_flow();
                self.remotes.insert(remote, flow);
                self.connections.insert(flow, Connection::Datagram(remote));
                self.up(flow, Transport::Udp, remote);
                flow
            }
        };
        self.feed(Input::Received { flow, data: Bytes::copy_from_slice(data) });
    }

    fn perform(&mut self) {
        while let Some(output) = self.exchange.poll() {
            match output {
                Output::Transmit { flow, data } => self.transmit(flow, data),
                Output::Close { flow } => self.close(flow),
                Output::Event(event) => self.events.push(event),
            }
        }
    }

    fn transmit(&mut self, flow: FlowId, data: Bytes) {
        match self.connections.get(&flow) {
            Some(Connection::WebSocket { outbox, task }) => {
                if outbox.try_send(data).is_err() {
                    // Its peer does not read any more.
                    task.abort();
                    self.connections.remove(&flow);
                    self.down(flow);
                }
            }
            Some(Connection::Datagram(remote)) => {
                if let Some(udp) = &self.udp {
                    // A full buffer is a lost datagram: SIP retransmits (RFC 3261 §17).
                    let _ = udp.try_send_to(&data, *remote);
                }
            }
            Some(Connection::Upgrading(_)) | None => {}
        }
    }

    /// Dropping the outbox makes the connection say good-bye and end.
    fn close(&mut self, flow: FlowId) {
        if let Some(Connection::Datagram(remote)) = self.connections.remove(&flow) {
            self.remotes.remove(&remote);
        }
    }

    fn drop_connections(&mut self) {
        let connections = std::mem::take(&mut self.connections);
        for (flow, connection) in connections {
            match connection {
                Connection::Upgrading(task) => task.abort(),
                Connection::WebSocket { task, .. } => {
                    task.abort();
                    self.down(flow);
                }
                Connection::Datagram(_) => {
                    self.connections.insert(flow, connection);
                }
            }
        }
    }

    fn up(&mut self, flow: FlowId, transport: Transport, remote: SocketAddr) {
        self.feed(Input::Flow { flow, change: FlowChange::Up { transport, remote: remote.to_string() } });
    }

    fn down(&mut self, flow: FlowId) {
        self.feed(Input::Flow { flow, change: FlowChange::Down });
    }

    fn new_flow(&mut self) -> FlowId {
        self.next_flow += 1;
        FlowId(self.next_flow)
    }
}

/// The next connection. Without a listener there is none. Cancel-safe.
async fn accept(listener: Option<&TcpListener>) -> (TcpStream, SocketAddr) {
    let Some(listener) = listener else { return std::future::pending().await };
    loop {
        match listener.accept().await {
            Ok(accepted) => return accepted,
            // The peer left while it waited, which is nothing, or the system has no descriptor left, which would be
            // reported again at once and for ever.
            Err(_) => tokio::time::sleep(EXHAUSTED).await,
        }
    }
}

/// The next datagram. Without a socket there is none. Cancel-safe.
async fn receive(udp: Option<&UdpSocket>, buffer: &mut [u8]) -> (usize, SocketAddr) {
    let Some(udp) = udp else { return std::future::pending().await };
    loop {
        // An error is about a datagram that was sent before (ICMP): its transaction times out.
        if let Ok(received) = udp.recv_from(buffer).await {
            return received;
        }
    }
}
