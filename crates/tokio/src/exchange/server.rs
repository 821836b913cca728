//! The task of the exchange: it feeds the machines, and sends what they say.

use super::connection::{self, Accepted, Report};
use super::listen::{Bound, Certified, ExchangeError, Listen};
use super::outbox::{Outboxes, Queued};
use super::{Command, Origins, Running, ServerLoad};
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
const REPORTS: usize = 64;
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
    wss: Option<(TcpListener, Certified)>,
    udp: Option<UdpSocket>,
    limits: Limits,
    origins: Origins,
    upgrade_timeout: Duration,
    next_flow: u64,
    /// The connections, those that are not upgraded yet among them.
    tasks: JoinSet<()>,
    connections: BTreeMap<FlowId, Connection>,
    outboxes: Outboxes,
    events: Queue<Event>,
    reports: mpsc::Sender<Report>,
}

/// How to reach a flow.
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
                    if length <= self.limits.message {
                        let data = Bytes::copy_from_slice(&datagram[..length]);
                        self.feed(Input::Datagram { remote, data });
                    }
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
            Command::Load { reply } => {
                let load = ServerLoad { exchange: self.exchange.load(), queued: self.outboxes.bytes() };
                // Whoever asked may have left.
                let _ = reply.send(load);
            }
        }
    }

    fn feed(&mut self, input: Input) {
        self.exchange.handle(self.clock.now(), input);
    }

    fn accept(&mut self, stream: TcpStream, remote: SocketAddr, certified: Option<Certified>) {
        let flow = self.new_flow();
        let transport = if certified.is_some() { Transport::Wss } else { Transport::Ws };
        let (limits, upgrade_timeout) = (self.limits, self.upgrade_timeout);
        let origins = self.origins.clone();
        let accepted = Accepted { flow, stream, certified, origins, limits, upgrade_timeout };
        let task = self.tasks.spawn(connection::run(accepted, self.reports.clone()));
        self.connections.insert(flow, Connection::Upgrading(task));
        // The handshakes count as time without credentials. Where there is no room, the exchange closes it.
        self.feed(Input::Flow { flow, change: FlowChange::Up { transport, remote } });
    }

    fn report(&mut self, report: Report) {
        match report {
            Report::Open { flow, outbox } => {
                // A connection that was cut meanwhile has no entry, and ends when its outbox is dropped here.
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
        // The exchange answers requests, and none comes over a connection that is not open.
        let Some(Connection::WebSocket { outbox, queued, .. }) = self.connections.get(&flow) else { return };
        let sent = self.outboxes.queue(queued, data).is_some_and(|data| outbox.try_send(data).is_ok());
        if !sent {
            // Its peer does not read any more.
            self.cut(flow);
        } else if self.outboxes.is_over() {
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

    /// Ends a connection without a good-bye, as the peer of a broken network sees it.
    fn cut(&mut self, flow: FlowId) {
        if let Some(connection) = self.connections.remove(&flow) {
            connection.abort();
            self.down(flow);
        }
    }

    /// Dropping the outbox makes an open connection say good-bye and end; one that is not open yet has nothing to say.
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
