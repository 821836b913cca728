//! The connections of one phone. They are polled by its task; none is spawned.

mod connect;
mod socket;
mod tls;
mod udp;

pub(crate) use socket::{Io, Limits, WebSocket};
pub(crate) use tls::provider;
pub use tls::{Roots, TlsError};

use bytes::Bytes;
use offhook::{ConnectionChange, ConnectionFailure, ConnectionId, Hop, Transport};
use std::future::{Future, poll_fn};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use udp::Udp;

/// How long a closing connection may take to send its queue and a close frame.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

type Task<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// All connections of a phone, by the id that the core assigned.
pub(crate) struct Connections {
    list: Vec<(ConnectionId, Connection)>,
    limits: Limits,
    tls: Arc<rustls::ClientConfig>,
}

enum Connection {
    Connecting(Task<Result<Connected, ConnectionFailure>>),
    Ws { socket: Box<WebSocket>, local: Option<SocketAddr> },
    Udp(Udp),
    Closing(Task<()>),
}

enum Connected {
    Ws { socket: Box<WebSocket>, local: Option<SocketAddr> },
    Udp(Udp),
}

/// An event of a connection.
#[derive(Debug)]
pub(crate) enum ConnectionEvent {
    Change(ConnectionChange),
    Received(Bytes),
}

impl Connections {
    pub(crate) fn new(limits: Limits, tls: Arc<rustls::ClientConfig>) -> Self {
        Self { list: Vec::new(), limits, tls }
    }

    pub(crate) fn open(&mut self, id: ConnectionId, hop: Hop) {
        let (limits, tls) = (self.limits, Arc::clone(&self.tls));
        let connecting = Connection::Connecting(Box::pin(async move {
            if hop.transport == Transport::Udp {
                return Udp::connect(&hop, limits).await.map(Connected::Udp);
            }
            let stream = connect::tcp(&hop).await?;
            let local = stream.local_addr().ok();
            let socket = connect::websocket(stream, &hop, limits, tls).await?;
            Ok(Connected::Ws { socket: Box::new(socket), local })
        }));
        self.list.push((id, connecting));
    }

    /// Queues data. On a closed connection it is dropped: the core retransmits, or has been notified of the end.
    pub(crate) fn send(&mut self, id: ConnectionId, data: Bytes) {
        match self.find(id) {
            Some(Connection::Ws { socket, .. }) => socket.send(data),
            Some(Connection::Udp(udp)) => udp.send(&data),
            Some(Connection::Connecting(_) | Connection::Closing(_)) | None => {}
        }
    }

    /// Closes a connection without further events: a WebSocket sends its queue and a close frame, within a bounded time.
    pub(crate) fn close(&mut self, id: ConnectionId) {
        let open = |(known, connection): &(ConnectionId, Connection)| {
            *known == id && !matches!(connection, Connection::Closing(_))
        };
        let Some(at) = self.list.iter().position(open) else { return };
        if let (_, Connection::Ws { socket, .. }) = self.list.swap_remove(at) {
            let closing = async move {
                // The close frame is best effort.
                let _ = tokio::time::timeout(CLOSE_TIMEOUT, socket.close()).await;
            };
            self.list.push((id, Connection::Closing(Box::pin(closing))));
        }
    }

    /// The local address, if the connection is up.
    pub(crate) fn local(&self, id: ConnectionId) -> Option<IpAddr> {
        self.list.iter().find(|(known, _)| *known == id).and_then(|(_, connection)| match connection {
            Connection::Ws { local, .. } => local.map(|local| local.ip()),
            Connection::Udp(udp) => Some(udp.local().ip()),
            Connection::Connecting(_) | Connection::Closing(_) => None,
        })
    }

    /// Closes all connections and waits for their close frames, each within its own bound.
    pub(crate) async fn close_all(&mut self) {
        let open: Vec<ConnectionId> = self.list.iter().map(|(id, _)| *id).collect();
        for id in open {
            self.close(id);
        }
        poll_fn(|cx| {
            self.list.retain_mut(|(_, connection)| connection.poll(cx).is_pending());
            if self.list.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// The next event of any connection; pending without connections. Cancel-safe.
    pub(crate) async fn next(&mut self) -> (ConnectionId, ConnectionEvent) {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<(ConnectionId, ConnectionEvent)> {
        // The connection with the last event moves to the end, so that a busy one does not starve the others.
        let mut at = 0;
        while at < self.list.len() {
            let (id, connection) = &mut self.list[at];
            let id = *id;
            match connection.poll(cx) {
                Poll::Pending => at += 1,
                Poll::Ready(Some(news)) => {
                    let entry = self.list.remove(at);
                    if !matches!(news, ConnectionEvent::Change(ConnectionChange::Down(_))) {
                        self.list.push(entry);
                    }
                    return Poll::Ready((id, news));
                }
                Poll::Ready(None) => {
                    self.list.remove(at);
                }
            }
        }
        Poll::Pending
    }

    fn find(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.list.iter_mut().find(|(known, _)| *known == id).map(|(_, connection)| connection)
    }
}

impl Connection {
    /// `None` when a closing connection has closed.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<ConnectionEvent>> {
        let received = match self {
            Connection::Connecting(connecting) => {
                let change = match std::task::ready!(connecting.as_mut().poll(cx)) {
                    Ok(Connected::Ws { socket, local }) => {
                        *self = Connection::Ws { socket, local };
                        ConnectionChange::Up { local: local.map(|local| local.to_string()) }
                    }
                    Ok(Connected::Udp(udp)) => {
                        let local = Some(udp.local().to_string());
                        *self = Connection::Udp(udp);
                        ConnectionChange::Up { local }
                    }
                    Err(failure) => ConnectionChange::Down(failure),
                };
                return Poll::Ready(Some(ConnectionEvent::Change(change)));
            }
            Connection::Ws { socket, .. } => socket.poll(cx),
            Connection::Udp(udp) => udp.poll(cx),
            Connection::Closing(closing) => return closing.as_mut().poll(cx).map(|()| None),
        };
        received.map(|received| {
            Some(match received {
                Ok(data) => ConnectionEvent::Received(data),
                Err(failure) => ConnectionEvent::Change(ConnectionChange::Down(failure)),
            })
        })
    }
}
