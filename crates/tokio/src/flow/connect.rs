//! From a target to an open WebSocket.

use super::socket::{Io, Limits, WebSocket};
use offhook::{FlowFailure, Target, Transport};
use rustls::pki_types::ServerName;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_tungstenite::client_async_with_config;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// How long one address of several may take: enough for the far side of the world, and little enough that an IPv6
/// address which leads nowhere does not hide the IPv4 one behind it. (RFC 8305 is more eager, and needs more tasks.)
const EACH: Duration = Duration::from_secs(2);

/// Connects to the first address of the host that takes it.
pub(super) async fn tcp(target: &Target) -> Result<TcpStream, FlowFailure> {
    let host = target.host.trim_start_matches('[').trim_end_matches(']');
    let found = lookup_host((host, target.port)).await.map_err(|_| FlowFailure::Unreachable)?;
    let addresses: Vec<SocketAddr> = found.collect();
    // Whoever has one address has all the time that the core allows.
    let each = if addresses.len() > 1 { EACH } else { Duration::MAX };
    for address in addresses {
        let Ok(Ok(stream)) = timeout(each, TcpStream::connect(address)).await else { continue };
        // A SIP message is a burst that waits for an answer: Nagle's algorithm would hold back its end.
        stream.set_nodelay(true).map_err(|_| FlowFailure::Unreachable)?;
        return Ok(stream);
    }
    Err(FlowFailure::Unreachable)
}

/// TLS if the target wants it, then the upgrade. The core bounds the time, and drops this when it is over.
pub(super) async fn websocket(
    stream: TcpStream,
    target: &Target,
    limits: Limits,
    tls: Arc<rustls::ClientConfig>,
) -> Result<WebSocket, FlowFailure> {
    let (scheme, stream): (&str, Box<dyn Io>) = match target.transport {
        Transport::Wss => ("wss", Box::new(secure(stream, target, tls).await?)),
        _ => ("ws", Box::new(stream)),
    };
    let uri = format!("{scheme}://{}:{}{}", target.host, target.port, target.path);
    let mut request = uri.into_client_request().map_err(|_| FlowFailure::Refused)?;
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
    // A server that does not answer with the subprotocol is an error here (RFC 7118 §4.1).
    match client_async_with_config(request, stream, Some(limits.websocket())).await {
        Ok((stream, _)) => Ok(WebSocket::new(stream, limits)),
        Err(_) => Err(FlowFailure::Refused),
    }
}

async fn secure(
    stream: TcpStream,
    target: &Target,
    tls: Arc<rustls::ClientConfig>,
) -> Result<impl Io + use<>, FlowFailure> {
    let host = target.host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(host.to_owned()).map_err(|_| FlowFailure::Untrusted)?;
    tokio_rustls::TlsConnector::from(tls).connect(name, stream).await.map_err(|error| {
        let by_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
        if by_tls { FlowFailure::Untrusted } else { FlowFailure::Closed }
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
        let target = format!("ws://127.0.0.1:{port}").parse().expect("a target");
        let stream = tcp(&target).await.expect("connects");
        assert!(stream.nodelay().expect("known"));
    }

    #[tokio::test]
    async fn ipv6_targets_lose_their_brackets() {
        let Ok(listener) = TcpListener::bind("[::1]:0").await else { return };
        let port = listener.local_addr().expect("bound").port();
        tcp(&format!("ws://[::1]:{port}").parse().expect("a target")).await.expect("connects");
    }

    #[tokio::test]
    async fn nobody_at_home_is_unreachable() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        drop(listener);
        let target = format!("ws://127.0.0.1:{port}").parse().expect("a target");
        assert_eq!(tcp(&target).await.err(), Some(FlowFailure::Unreachable));
    }

    #[tokio::test]
    async fn a_server_without_the_sip_subprotocol_is_refused() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let target: Target =
            format!("ws://{}", listener.local_addr().expect("bound")).parse().expect("a target");
        let serve = async {
            let (stream, _) = listener.accept().await.expect("a client");
            // A WebSocket server as the world has them: no subprotocol in its answer.
            let _ = tokio_tungstenite::accept_async(stream).await;
        };
        let client = async {
            let stream = tcp(&target).await.expect("connects");
            let tls = super::super::Roots::default().client().expect("a configuration");
            websocket(stream, &target, Limits::new(1000), tls).await.err()
        };
        let ((), failure) = tokio::join!(serve, client);
        assert_eq!(failure, Some(FlowFailure::Refused));
    }
}
