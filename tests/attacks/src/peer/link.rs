//! A connection or socket of a peer on its own loopback address.

use std::io::{self, Error, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpSocket, TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

/// The time limit of a connection, and of its upgrade.
const CONNECT: Duration = Duration::from_secs(5);
/// The receive buffer of a peer that does not read, in bytes.
const UNREAD: u32 = 4096;
/// The largest datagram.
const DATAGRAM: usize = 65_535;

/// The transport of a peer.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Ws,
    Udp,
}

/// The addresses of the exchange.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Target {
    pub(crate) ws: SocketAddr,
    pub(crate) udp: SocketAddr,
}

impl Target {
    fn of(self, kind: Kind) -> SocketAddr {
        match kind {
            Kind::Ws => self.ws,
            Kind::Udp => self.udp,
        }
    }
}

pub(crate) enum Link {
    Ws(Box<WebSocketStream<TcpStream>>),
    Udp { socket: UdpSocket, local: SocketAddr },
}

impl Link {
    /// Opens a link from a free port of `from`.
    ///
    /// # Errors
    /// Those of the sockets; `ConnectionRefused` if the upgrade is refused, `TimedOut` if either takes longer than 5 s.
    pub(crate) async fn open(kind: Kind, from: IpAddr, target: Target) -> io::Result<Self> {
        let to = target.of(kind);
        only_loopback(from)?;
        only_loopback(to.ip())?;
        match kind {
            Kind::Ws => upgrade(connect(from, to).await?, to).await,
            Kind::Udp => {
                let socket = UdpSocket::bind((from, 0)).await?;
                socket.connect(to).await?;
                let local = socket.local_addr()?;
                Ok(Link::Udp { socket, local })
            }
        }
    }

    /// A WebSocket with a small receive buffer, so that unread data soon blocks the exchange's writes.
    pub(crate) async fn unread(from: IpAddr, target: Target) -> io::Result<Self> {
        upgrade(connect_with(from, target.ws, Some(UNREAD)).await?, target.ws).await
    }

    pub(crate) fn kind(&self) -> Kind {
        match self {
            Link::Ws(_) => Kind::Ws,
            Link::Udp { .. } => Kind::Udp,
        }
    }

    /// The start of a Via value, without a branch.
    pub(crate) fn via(&self) -> String {
        match self {
            Link::Ws(_) => "SIP/2.0/WS peer.invalid".to_owned(),
            Link::Udp { local, .. } => format!("SIP/2.0/UDP {local};rport"),
        }
    }

    /// The host and port of a Contact: for a WebSocket an unresolvable name (RFC 7118 §5.1).
    pub(crate) fn host(&self, name: &str) -> String {
        match self {
            Link::Ws(_) => format!("{name}.invalid;transport=ws"),
            Link::Udp { local, .. } => local.to_string(),
        }
    }

    pub(crate) async fn send(&mut self, data: Bytes) -> io::Result<()> {
        match self {
            Link::Ws(socket) => socket.send(Frame::Binary(data)).await.map_err(closed),
            Link::Udp { socket, .. } => socket.send(&data).await.map(drop),
        }
    }

    /// Writes raw bytes to the stream of a WebSocket.
    pub(crate) async fn raw(&mut self, data: &[u8]) -> io::Result<()> {
        match self {
            Link::Ws(socket) => socket.get_mut().write_all(data).await,
            Link::Udp { .. } => Err(ErrorKind::Unsupported.into()),
        }
    }

    /// The next message. Answers pings. Cancel-safe.
    pub(crate) async fn receive(&mut self) -> io::Result<Bytes> {
        match self {
            Link::Ws(socket) => loop {
                match socket.next().await {
                    Some(Ok(frame @ (Frame::Text(_) | Frame::Binary(_)))) => return Ok(frame.into_data()),
                    Some(Ok(_)) => {}
                    Some(Err(why)) => return Err(closed(why)),
                    None => return Err(ErrorKind::ConnectionAborted.into()),
                }
            },
            Link::Udp { socket, .. } => {
                let mut buffer = BytesMut::with_capacity(DATAGRAM);
                socket.recv_buf(&mut buffer).await?;
                Ok(buffer.freeze())
            }
        }
    }
}

/// A TCP connection from a free port of `from`.
pub(crate) async fn connect(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    connect_with(from, to, None).await
}

async fn connect_with(from: IpAddr, to: SocketAddr, buffer: Option<u32>) -> io::Result<TcpStream> {
    only_loopback(from)?;
    only_loopback(to.ip())?;
    let socket = TcpSocket::new_v4()?;
    if let Some(bytes) = buffer {
        socket.set_recv_buffer_size(bytes)?;
    }
    socket.bind((from, 0).into())?;
    match timeout(CONNECT, socket.connect(to)).await {
        Ok(connected) => connected,
        Err(_) => Err(ErrorKind::TimedOut.into()),
    }
}

async fn upgrade(stream: TcpStream, to: SocketAddr) -> io::Result<Link> {
    stream.set_nodelay(true)?;
    let mut request = format!("ws://{to}").into_client_request().map_err(closed)?;
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
    match timeout(CONNECT, client_async(request, stream)).await {
        Ok(Ok((socket, _))) => Ok(Link::Ws(Box::new(socket))),
        Ok(Err(_)) => Err(ErrorKind::ConnectionRefused.into()),
        Err(_) => Err(ErrorKind::TimedOut.into()),
    }
}

fn closed(_: tokio_tungstenite::tungstenite::Error) -> Error {
    ErrorKind::ConnectionAborted.into()
}

/// Refuses any address but a loopback address.
fn only_loopback(address: IpAddr) -> io::Result<()> {
    if address.is_loopback() {
        return Ok(());
    }
    Err(Error::new(ErrorKind::PermissionDenied, format!("{address} is not a loopback address")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_is_attacked() {
        for address in ["127.0.0.1", "127.66.1.2", "::1"] {
            assert!(only_loopback(address.parse().expect("an address")).is_ok());
        }
        for address in ["192.0.2.1", "0.0.0.0", "::", "2001:db8::1"] {
            assert!(only_loopback(address.parse().expect("an address")).is_err());
        }
    }
}
