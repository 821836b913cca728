//! The sockets and settings of an exchange server.

use super::origin::Origins;
use crate::TlsError;
use crate::connection::provider;
use offhook_exchange::MissingPassword;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};

/// The addresses and limits of a server. Port 0 is a free port.
#[derive(Clone, Debug)]
pub struct Listen {
    /// For WebSocket.
    pub ws: Option<SocketAddr>,
    /// For WebSocket over TLS, with its certificate.
    pub wss: Option<(SocketAddr, CertifiedKey)>,
    /// For UDP.
    pub udp: Option<SocketAddr>,
    /// The maximum of bytes queued for all connections (default 32 MiB); beyond it the connection with the longest queue is aborted.
    pub queued: usize,
    /// The web pages that may open a WebSocket (default: [`Origins::any`]); others are refused with 403. A page has no
    /// additional rights from its browser: a SIP WebSocket carries no cookies, and each registration and call of a user needs digest
    /// credentials. But a page connects from inside the network of its browser: list the allowed origins if the exchange relies on
    /// reachability, as on the loopback, or allows guests.
    pub origins: Origins,
    /// The time limit for TLS and the WebSocket upgrade together (default 5 s).
    pub upgrade_timeout: Duration,
    /// The seed of the exchange. `None` takes one from the operating system.
    pub seed: Option<[u8; 32]>,
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            ws: None,
            wss: None,
            udp: None,
            queued: 32 * 1024 * 1024,
            origins: Origins::any(),
            upgrade_timeout: Duration::from_secs(5),
            seed: None,
        }
    }
}

impl Listen {
    /// For WebSocket only.
    pub fn ws(address: SocketAddr) -> Self {
        Self { ws: Some(address), ..Self::default() }
    }
}

/// The addresses on which an exchange listens, with the actual ports.
#[derive(Copy, Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// For WebSocket.
    pub ws: Option<SocketAddr>,
    /// For WebSocket over TLS.
    pub wss: Option<SocketAddr>,
    /// For UDP.
    pub udp: Option<SocketAddr>,
}

/// An exchange could not be started.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExchangeError {
    /// Another program uses the port. Choose another one; port 0 is a free one.
    #[error("{address} ({transport}) is in use by another program; choose another port, or 0 for a free one")]
    AddressInUse {
        /// `"ws"`, `"wss"` or `"udp"`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
    },
    /// The address is not local, or the port is reserved.
    #[error("cannot listen on {address} ({transport}): {cause}")]
    Bind {
        /// `"ws"`, `"wss"` or `"udp"`.
        transport: &'static str,
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        cause: io::Error,
    },
    /// The operating system has no randomness.
    #[error("no randomness from the operating system: {0}")]
    Entropy(String),
    /// A user has no password for an offered algorithm.
    #[error(transparent)]
    Users(#[from] MissingPassword),
}

/// A certificate chain and its private key.
#[derive(Clone)]
pub struct CertifiedKey(pub(super) Arc<rustls::ServerConfig>);

impl CertifiedKey {
    /// Parses two PEM texts.
    ///
    /// # Errors
    /// [`TlsError`] if they are malformed or do not match.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, TlsError> {
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(chain).collect();
        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::Pem)?;
        let unusable = |why: rustls::Error| TlsError::Unusable(why.to_string());
        let config = rustls::ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_no_client_auth()
            .with_single_cert(chain.map_err(|_| TlsError::Pem)?, key)
            .map_err(unusable)?;
        Ok(Self(Arc::new(config)))
    }
}

impl fmt::Debug for CertifiedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CertifiedKey(***)")
    }
}

/// The bound sockets.
pub(super) struct Bound {
    pub(super) ws: Option<TcpListener>,
    pub(super) wss: Option<(TcpListener, CertifiedKey)>,
    pub(super) udp: Option<UdpSocket>,
    pub(super) addresses: Addresses,
}

impl Bound {
    pub(super) async fn new(listen: &Listen) -> Result<Self, ExchangeError> {
        let mut bound = Bound { ws: None, wss: None, udp: None, addresses: Addresses::default() };
        if let Some(address) = listen.ws {
            let failed = failed("ws", address);
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            bound.addresses.ws = Some(listener.local_addr().map_err(failed)?);
            bound.ws = Some(listener);
        }
        if let Some((address, certified)) = &listen.wss {
            let failed = failed("wss", *address);
            let listener = TcpListener::bind(address).await.map_err(failed)?;
            bound.addresses.wss = Some(listener.local_addr().map_err(failed)?);
            bound.wss = Some((listener, certified.clone()));
        }
        if let Some(address) = listen.udp {
            let failed = failed("udp", address);
            let socket = UdpSocket::bind(address).await.map_err(failed)?;
            bound.addresses.udp = Some(socket.local_addr().map_err(failed)?);
            // A new tokio socket counts as not writable until it is polled.
            socket.writable().await.map_err(failed)?;
            bound.udp = Some(socket);
        }
        Ok(bound)
    }
}

fn failed(transport: &'static str, address: SocketAddr) -> impl Fn(io::Error) -> ExchangeError + Copy {
    move |cause| match cause.kind() {
        io::ErrorKind::AddrInUse => ExchangeError::AddressInUse { transport, address },
        _ => ExchangeError::Bind { transport, address, cause },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn free() -> SocketAddr {
        "127.0.0.1:0".parse().expect("an address")
    }

    #[tokio::test]
    async fn port_in_use_is_reported() {
        let first =
            Bound::new(&Listen { udp: Some(free()), ..Listen::ws(free()) }).await.expect("free ports");
        let Addresses { ws, udp, .. } = first.addresses;
        let error = Bound::new(&Listen { ws, ..Listen::default() }).await.err().expect("busy");
        assert!(
            matches!(error, ExchangeError::AddressInUse { transport: "ws", address } if Some(address) == ws)
        );
        assert!(error.to_string().contains("is in use by another program"), "{error}");
        let error = Bound::new(&Listen { udp, ..Listen::default() }).await.err().expect("busy");
        assert!(
            matches!(error, ExchangeError::AddressInUse { transport: "udp", address } if Some(address) == udp)
        );
    }

    #[tokio::test]
    async fn foreign_address_is_a_bind_error() {
        let elsewhere = "192.0.2.1:0".parse().expect("an address");
        let error = Bound::new(&Listen::ws(elsewhere)).await.err().expect("not ours");
        assert!(matches!(error, ExchangeError::Bind { transport: "ws", .. }), "{error}");
    }

    #[test]
    fn key_of_another_certificate_is_refused() {
        let one = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let two = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (chain, key) = (one.cert.pem(), two.signing_key.serialize_pem());
        assert!(matches!(
            CertifiedKey::from_pem(chain.as_bytes(), key.as_bytes()),
            Err(TlsError::Unusable(_))
        ));
        CertifiedKey::from_pem(chain.as_bytes(), one.signing_key.serialize_pem().as_bytes()).expect("a pair");
        assert!(matches!(CertifiedKey::from_pem(b"", b""), Err(TlsError::Pem)));
    }
}
