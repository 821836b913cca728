//! SIP over UDP: a connected socket, so that the kernel drops datagrams of other sources and reports ICMP errors.

use super::socket::Limits;
use bytes::{Bytes, BytesMut};
use offhook::{ConnectionFailure, Hop};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll, ready};
use tokio::io::ReadBuf;
use tokio::net::{UdpSocket, lookup_host};

pub(super) struct Udp {
    socket: UdpSocket,
    local: SocketAddr,
    /// One byte more than the limit: a longer datagram fills it and is dropped.
    buffer: Box<[u8]>,
    failed: Option<ConnectionFailure>,
}

impl Udp {
    pub(super) async fn connect(hop: &Hop, limits: Limits) -> Result<Self, ConnectionFailure> {
        let host = hop.host.trim_start_matches('[').trim_end_matches(']');
        let found = lookup_host((host, hop.port)).await.map_err(|_| ConnectionFailure::Unreachable)?;
        for remote in found {
            if let Ok((socket, local)) = connected(remote).await {
                let buffer = vec![0; limits.message + 1].into_boxed_slice();
                return Ok(Self { socket, local, buffer, failed: None });
            }
        }
        Err(ConnectionFailure::Unreachable)
    }

    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    pub(super) fn send(&mut self, data: &[u8]) {
        match self.socket.try_send(data) {
            Ok(_) => {}
            // A full buffer is a lost datagram: SIP retransmits (RFC 3261 §17).
            Err(full) if full.kind() == ErrorKind::WouldBlock => {}
            Err(_) => self.failed = Some(ConnectionFailure::Unreachable),
        }
    }

    /// The next datagram. An ICMP error ends the connection without waiting for a timeout (RFC 3261 §18.4). Linux reports it to the next send,
    /// which is the first retransmission at the latest.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, ConnectionFailure>> {
        if let Some(failure) = self.failed {
            return Poll::Ready(Err(failure));
        }
        loop {
            let mut buffer = ReadBuf::new(&mut self.buffer);
            if ready!(self.socket.poll_recv(cx, &mut buffer)).is_err() {
                return Poll::Ready(Err(ConnectionFailure::Unreachable));
            }
            // A datagram beyond the limit is truncated, and dropped.
            if !buffer.filled().is_empty() && buffer.remaining() > 0 {
                return Poll::Ready(Ok(BytesMut::from(buffer.filled()).freeze()));
            }
        }
    }
}

async fn connected(remote: SocketAddr) -> std::io::Result<(UdpSocket, SocketAddr)> {
    let any: SocketAddr = match remote {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(remote).await?;
    // A new tokio socket counts as not writable until it is polled; else the first `try_send` fails.
    socket.writable().await?;
    let local = socket.local_addr()?;
    Ok((socket, local))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;

    async fn pair() -> (Udp, UdpSocket) {
        let server = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
        let hop = format!("udp://{}", server.local_addr().expect("bound")).parse().expect("a hop");
        (Udp::connect(&hop, Limits::new(1000)).await.expect("connects"), server)
    }

    #[tokio::test]
    async fn datagrams_are_exchanged_and_other_sources_dropped() {
        let (mut udp, server) = pair().await;
        assert!(udp.local().ip().is_loopback());
        let other = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
        other.send_to(b"other", udp.local()).await.expect("sent");
        udp.send(b"ping");
        let mut buffer = [0; 16];
        let (length, from) = server.recv_from(&mut buffer).await.expect("a datagram");
        assert_eq!((&buffer[..length], from), (&b"ping"[..], udp.local()));
        server.send_to(b"pong", from).await.expect("sent");
        assert_eq!(poll_fn(|cx| udp.poll(cx)).await, Ok(Bytes::from_static(b"pong")));
    }

    #[tokio::test]
    async fn long_and_empty_datagrams_are_dropped() {
        let (mut udp, server) = pair().await;
        for data in [&[b'x'; 1001][..], &[], &[b'y'; 1000]] {
            server.send_to(data, udp.local()).await.expect("sent");
        }
        assert_eq!(poll_fn(|cx| udp.poll(cx)).await.map(|data| data.len()), Ok(1000));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn closed_port_is_unreachable() {
        let (mut udp, server) = pair().await;
        drop(server);
        udp.send(b"anybody?");
        udp.send(b"anybody?");
        assert_eq!(poll_fn(|cx| udp.poll(cx)).await, Err(ConnectionFailure::Unreachable));
    }
}
