//! Connecting to a hop: TCP, TLS and the WebSocket upgrade.

use super::socket::{Io, Limits, WebSocket};
use offhook::{ConnectionFailure, Hop, Transport};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// The time limit for one address of several: enough for any distance, and short enough that an unreachable IPv6 address does not block
/// the IPv4 one after it. (RFC 8305 is faster, but needs more tasks.)
const ADDRESS_TIMEOUT: Duration = Duration::from_secs(2);

/// Connects to the first address of the host that accepts.
pub(super) async fn tcp(hop: &Hop) -> Result<TcpStream, ConnectionFailure> {
    let host = hop.host.trim_start_matches('[').trim_end_matches(']');
    let found = lookup_host((host, hop.port)).await.map_err(|_| ConnectionFailure::Unreachable)?;
    let addresses: Vec<SocketAddr> = found.collect();
    // A single address is limited only by the core's timeout.
    let each = if addresses.len() > 1 { ADDRESS_TIMEOUT } else { Duration::MAX };
    for address in addresses {
        let Ok(Ok(stream)) = timeout(each, TcpStream::connect(address)).await else { continue };
        // Nagle's algorithm would delay the end of a SIP message.
        stream.set_nodelay(true).map_err(|_| ConnectionFailure::Unreachable)?;
        return Ok(stream);
    }
    Err(ConnectionFailure::Unreachable)
}

/// TLS for `wss`, then the upgrade. The core limits the time, and drops the future after it.
pub(super) async fn websocket(
    stream: TcpStream,
    hop: &Hop,
    limits: Limits,
    tls: Arc<rustls::ClientConfig>,
) -> Result<WebSocket, ConnectionFailure> {
    let (scheme, stream): (&str, Box<dyn Io>) = match hop.transport {
        Transport::Wss => ("wss", Box::new(secure(stream, hop, tls).await?)),
        _ => ("ws", Box::new(stream)),
    };
    let uri = format!("{scheme}://{}:{}{}", hop.host, hop.port, hop.path);
    let mut request = uri.into_client_request().map_err(|_| ConnectionFailure::Refused)?;
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
    // A response without the subprotocol is an error (RFC 7118 §4.1).
    match client_async_with_config(request, stream, Some(limits.websocket())).await {
        Ok((stream, _)) => Ok(WebSocket::new(stream, limits)),
        Err(_) => Err(ConnectionFailure::Refused),
    }
}

async fn secure(
    stream: TcpStream,
    hop: &Hop,
    tls: Arc<rustls::ClientConfig>,
) -> Result<impl Io + use<>, ConnectionFailure> {
    let host = hop.host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(|_| ConnectionFailure::Untrusted)?;
    tokio_rustls::TlsConnector::from(tls).connect(name, stream).await.map_err(|error| {
        let by_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
        if by_tls { ConnectionFailure::Untrusted } else { ConnectionFailure::Closed }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn nagle_is_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let hop = format!("ws://127.0.0.1:{port}").parse().expect("a hop");
        let stream = tcp(&hop).await.expect("connects");
        assert!(stream.nodelay().expect("known"));
    }

    #[tokio::test]
    async fn brackets_of_ipv6_hops_are_removed() {
        let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
        let port = listener.local_addr().expect("bound").port();
        tcp(&format!("ws://[::1]:{port}").parse().expect("a hop")).await.expect("connects");
    }

    #[tokio::test]
    async fn closed_port_is_unreachable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let hop = format!("ws://127.0.0.1:{port}").parse().expect("a hop");
        assert_eq!(tcp(&hop).await.err(), Some(ConnectionFailure::Unreachable));
    }

    #[tokio::test]
    async fn server_without_the_sip_subprotocol_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let hop: Hop = format!("ws://{}", listener.local_addr().expect("bound")).parse().expect("a hop");
        let serve = async {
            let (stream, _) = listener.accept().await.expect("a client");
            // A WebSocket server without a subprotocol.
            let _ = tokio_tungstenite::accept_async(stream).await;
        };
        let client = async {
            let stream = tcp(&hop).await.expect("connects");
            let tls = super::super::Roots::default().client().expect("a configuration");
            websocket(stream, &hop, Limits::new(1000), tls).await.err()
        };
        let ((), failure) = tokio::join!(serve, client);
        assert_eq!(failure, Some(ConnectionFailure::Refused));
    }
}
