//! The UDP sockets of one call: one for each local address, on free ports.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::task::Poll;
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

/// The largest datagram in bytes: that of a jumbo frame; DTLS, SRTP and STUN stay below 1,500.
const MAX_DATAGRAM: usize = 9_216;

pub(super) struct Sockets {
    list: Vec<(SocketAddr, UdpSocket)>,
    buffer: Box<[u8]>,
    /// The socket to poll first, so that a flooded one does not starve the others.
    next: usize,
}

/// A received datagram.
pub(super) struct Datagram<'a> {
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) data: &'a [u8],
}

impl Sockets {
    /// Binds a socket on each address, skipping those that fail.
    pub(super) async fn bind(addresses: &[IpAddr]) -> Self {
        let buffer = vec![0; MAX_DATAGRAM].into_boxed_slice();
        let mut sockets = Self { list: Vec::new(), buffer, next: 0 };
        sockets.rebind(addresses).await;
        sockets
    }

    /// Closes the sockets of all other addresses, and binds those of new ones.
    pub(super) async fn rebind(&mut self, addresses: &[IpAddr]) {
        let list = &mut self.list;
        list.retain(|(local, _)| addresses.contains(&local.ip()));
        let is_new = |ip: &&IpAddr| !list.iter().any(|(local, _)| local.ip() == **ip);
        let new: Vec<IpAddr> = addresses.iter().filter(is_new).copied().collect();
        for ip in new {
            let Ok(socket) = UdpSocket::bind((ip, 0)).await else { continue };
            // A new tokio socket counts as not writable until it is polled.
            if let (Ok(local), Ok(())) = (socket.local_addr(), socket.writable().await) {
                list.push((local, socket));
            }
        }
    }

    pub(super) fn local(&self) -> impl Iterator<Item = SocketAddr> {
        self.list.iter().map(|(local, _)| *local)
    }

    /// Sends a datagram, or drops it if the buffer is full: late audio is useless, and STUN and DTLS retransmit.
    pub(super) fn send(&self, local: SocketAddr, remote: SocketAddr, data: &[u8]) {
        if let Some((_, socket)) = self.list.iter().find(|(known, _)| *known == local) {
            let _ = socket.try_send_to(data, remote);
        }
    }

    /// The next datagram. Cancel-safe.
    pub(super) async fn receive(&mut self) -> Datagram<'_> {
        let count = self.list.len();
        let (index, remote, length) = poll_fn(|cx| {
            for step in 0..count {
                let index = (self.next + step) % count;
                loop {
                    let mut buffer = ReadBuf::new(&mut self.buffer);
                    match self.list[index].1.poll_recv_from(cx, &mut buffer) {
                        Poll::Ready(Ok(remote)) => {
                            return Poll::Ready((index, remote, buffer.filled().len()));
                        }
                        // An ICMP error about an earlier datagram: left to ICE.
                        Poll::Ready(Err(_)) => {}
                        Poll::Pending => break,
                    }
                }
            }
            Poll::Pending
        })
        .await;
        self.next = (index + 1) % count;
        Datagram { local: self.list[index].0, remote, data: &self.buffer[..length] }
    }

    /// A datagram that has already arrived.
    pub(super) fn try_receive(&mut self) -> Option<Datagram<'_>> {
        let (local, remote, length) =
            self.list.iter().find_map(|(local, socket)| match socket.try_recv_from(&mut self.buffer) {
                Ok((length, remote)) => Some((*local, remote, length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => None,
                Err(_) => None,
            })?;
        Some(Datagram { local, remote, data: &self.buffer[..length] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;
    use std::time::Duration;

    #[tokio::test]
    async fn all_sockets_receive_and_foreign_addresses_are_skipped() {
        let loopback: IpAddr = Ipv4Addr::LOCALHOST.into();
        let elsewhere = "192.0.2.1".parse().expect("an address");
        let mut sockets = Sockets::bind(&[loopback, elsewhere, loopback]).await;
        let locals: Vec<SocketAddr> = sockets.local().collect();
        assert_eq!(locals.len(), 2);
        let peer = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
        for local in &locals {
            peer.send_to(b"hello", local).await.expect("sent");
        }
        let mut seen = Vec::new();
        for _ in &locals {
            let datagram = sockets.receive().await;
            assert_eq!((datagram.data, datagram.remote), (&b"hello"[..], peer.local_addr().expect("bound")));
            seen.push(datagram.local);
        }
        seen.sort();
        let mut expected = locals.clone();
        expected.sort();
        assert_eq!(seen, expected);
        assert!(sockets.try_receive().is_none());
        sockets.send(locals[1], peer.local_addr().expect("bound"), b"back");
        let mut buffer = [0; 8];
        let (length, from) = peer.recv_from(&mut buffer).await.expect("a datagram");
        assert_eq!((&buffer[..length], from), (&b"back"[..], locals[1]));
    }

    #[tokio::test]
    async fn sockets_of_kept_addresses_stay() {
        let [one, other, third] =
            ["127.0.0.1", "127.0.0.2", "127.0.0.3"].map(|ip| ip.parse().expect("an address"));
        let mut sockets = Sockets::bind(&[one, other]).await;
        let before: Vec<SocketAddr> = sockets.local().collect();
        if before.len() < 2 {
            // Not every system has all of 127.0.0.0/8.
            return;
        }
        sockets.rebind(&[third, other]).await;
        let after: Vec<SocketAddr> = sockets.local().collect();
        assert_eq!((after[0], after[1].ip()), (before[1], third));
    }

    #[tokio::test]
    async fn no_sockets_never_receive() {
        let mut sockets = Sockets::bind(&[]).await;
        assert!(tokio::time::timeout(Duration::from_millis(10), sockets.receive()).await.is_err());
    }
}
