//! Where an exchange listens.

use super::Origins;
use crate::TlsError;
use crate::flow::provider;
use offhook_exchange::MissingPassword;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, UdpSocket};

/// Where to listen, and how much to take. Port 0 is one of the system's choice.
#[derive(Clone, Debug)]
pub struct Listen {
    /// For WebSocket.
    pub ws: Option<SocketAddr>,
    /// For WebSocket over TLS, with the certificate to show.
    pub wss: Option<(SocketAddr, Certified)>,
    /// For UDP.
    pub udp: Option<SocketAddr>,
    /// Most bytes that may wait to be written to all connections together (default 32 MiB); beyond that the connection for which most
    /// waits is cut.
    pub queued: usize,
    /// The web pages that may open a WebSocket (default: [`Origins::any`]); others are refused with 403. What a page may do
    /// here does not depend on the browser that shows it: a WebSocket of SIP carries no cookies, and each registration and
    /// call of a user is proved by digest. A page does come from inside the network of its browser, though: list the
    /// origins where an exchange relies on who can reach it, as on the loopback, or lets guests call.
    pub origins: Origins,
    /// How long TLS and the WebSocket upgrade may take together (default 5 s).
    pub upgrade_timeout: Duration,
    /// The seed of the exchange. `None` asks the operating system.
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
    /// For WebSocket alone.
    pub fn ws(address: SocketAddr) -> Self {
        Self { ws: Some(address), ..Self::default() }
    }
}

/// The addresses on which an exchange listens, ports known.
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
    /// Something else listens there. Stop it, or choose another port; port 0 finds a free one.
    #[error("{address} ({transport}) is in use by another program; choose another port, or 0 for a free one")]
    Busy {
        /// `"ws"`, `"wss"` or `"udp"`.
        transport: &'static str,
        /// Where.
        address: SocketAddr,
    },
    /// The address is not of this machine, or the port is reserved.
    #[error("cannot listen on {address} ({transport}): {cause}")]
    Bind {
        /// `"ws"`, `"wss"` or `"udp"`.
        transport: &'static str,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        cause: io::Error,
    },
    /// The operating system gives no randomness.
    #[error("no randomness from the operating system: {0}")]
    Entropy(String),
    /// A phone of this user could not register with an algorithm that it is offered.
    #[error(transparent)]
    Users(#[from] MissingPassword),
}

/// A certificate chain and its private key.
#[derive(Clone)]
pub struct Certified(pub(super) Arc<rustls::ServerConfig>);

impl Certified {
    /// From two PEM texts.
    ///
    /// # Errors
    /// [`TlsError`] when they cannot be read, or do not belong together.
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

impl fmt::Debug for Certified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Certified(***)")
    }
}

/// The bound sockets.
pub(super) struct Bound {
    pub(super) ws: Option<TcpListener>,
    pub(super) wss: Option<(TcpListener, Certified)>,
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
            // tokio believes a new socket to be full until it is told otherwise.
            socket.writable().await.map_err(failed)?;
            bound.udp = Some(socket);
        }
        Ok(bound)
    }
}

fn failed(transport: &'static str, address: SocketAddr) -> impl Fn(io::Error) -> ExchangeError + Copy {
    move |cause| match cause.kind() {
        io::ErrorKind::AddrInUse => ExchangeError::Busy { transport, address },
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
    async fn a_busy_port_is_named() {
        let first =
            Bound::new(&Listen { udp: Some(free()), ..Listen::ws(free()) }).await.expect("free ports");
        let Addresses { ws, udp, .. } = first.addresses;
        let error = Bound::new(&Listen { ws, ..Listen::default() }).await.err().expect("busy");
        assert!(matches!(error, ExchangeError::Busy { transport: "ws", address } if Some(address) == ws));
        assert!(error.to_string().contains("is in use by another program"), "{error}");
        let error = Bound::new(&Listen { udp, ..Listen::default() }).await.err().expect("busy");
        assert!(matches!(error, ExchangeError::Busy { transport: "udp", address } if Some(address) == udp));
    }

    #[tokio::test]
    async fn an_address_of_another_machine_is_not_called_busy() {
        let elsewhere = "192.0.2.1:0".parse().expect("an address");
        let error = Bound::new(&Listen::ws(elsewhere)).await.err().expect("not ours");
        assert!(matches!(error, ExchangeError::Bind { transport: "ws", .. }), "{error}");
    }

    #[test]
    fn a_key_that_is_not_the_certificates_is_refused() {
        let one = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let two = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let (chain, key) = (one.cert.pem(), two.signing_key.serialize_pem());
        assert!(matches!(Certified::from_pem(chain.as_bytes(), key.as_bytes()), Err(TlsError::Unusable(_))));
        Certified::from_pem(chain.as_bytes(), one.signing_key.serialize_pem().as_bytes()).expect("a pair");
        assert!(matches!(Certified::from_pem(b"", b""), Err(TlsError::Pem)));
    }
}
