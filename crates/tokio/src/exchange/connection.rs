//! The task of one WebSocket connection of the exchange.

use super::listen::CertifiedKey;
use super::origin::Origins;
use crate::connection::{Io, Limits, WebSocket};
use bytes::Bytes;
use offhook_exchange::FlowId;
use std::future::poll_fn;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::accept_hdr_async_with_config;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};

/// Messages queued for a connection; a connection whose queue is full is closed.
pub(super) const OUTBOX: usize = 256;
/// A connection that is idle for this time gets a ping, and is closed if it stays idle for the same time again.
const PING_INTERVAL: Duration = Duration::from_secs(45);
/// How long sending a ping or close frame may take.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const ORIGIN: &str = "Origin";

/// A report of a connection to the exchange.
pub(super) enum Report {
    /// The handshakes are complete.
    Open {
        flow: FlowId,
        outbox: mpsc::Sender<Bytes>,
    },
    Received {
        flow: FlowId,
        data: Bytes,
    },
    /// Sent for every accepted connection, upgraded or not.
    Down {
        flow: FlowId,
    },
}

/// An accepted TCP connection and its settings.
pub(super) struct Accepted {
    pub(super) flow: FlowId,
    pub(super) stream: TcpStream,
    pub(super) certified: Option<CertifiedKey>,
    pub(super) origins: Origins,
    pub(super) limits: Limits,
    pub(super) upgrade_timeout: Duration,
}

/// Runs a connection until its end; the last report is `Down`. Reports wait for room in their channel, so that TCP slows down a peer that
/// sends too fast.
pub(super) async fn run(accepted: Accepted, reports: mpsc::Sender<Report>) {
    let flow = accepted.flow;
    if let Ok(Some(socket)) = timeout(accepted.upgrade_timeout, open(accepted)).await {
        let (outbox, waiting) = mpsc::channel(OUTBOX);
        // A report fails only after the exchange has stopped.
        if reports.send(Report::Open { flow, outbox }).await.is_ok() {
            serve(flow, socket, waiting, &reports).await;
        }
    }
    let _ = reports.send(Report::Down { flow }).await;
}

async fn open(accepted: Accepted) -> Option<WebSocket> {
    // Nagle's algorithm would delay the end of a SIP message.
    accepted.stream.set_nodelay(true).ok()?;
    let stream: Box<dyn Io> = match accepted.certified {
        Some(certified) => {
            Box::new(tokio_rustls::TlsAcceptor::from(certified.0).accept(accepted.stream).await.ok()?)
        }
        None => Box::new(accepted.stream),
    };
    let origins = accepted.origins;
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let negotiate = |request: &Request, response: Response| negotiate(&origins, request, response);
    let upgraded =
        accept_hdr_async_with_config(stream, negotiate, Some(accepted.limits.websocket())).await.ok()?;
    Some(WebSocket::new(upgraded, accepted.limits))
}

/// A page of an origin that is not allowed is refused (RFC 6455 §4.2.2 item 4), and so is a peer without the `sip` subprotocol
/// (RFC 7118 §4). The Host header is not checked: with DNS rebinding it
/// has the same name as the page's origin.
#[expect(clippy::result_large_err, reason = "the library's signature")]
fn negotiate(
    origins: &Origins,
    request: &Request,
    mut response: Response,
) -> Result<Response, ErrorResponse> {
    if !request.headers().get_all(ORIGIN).iter().all(|origin| origins.allows(origin.as_bytes())) {
        return Err(refusal(StatusCode::FORBIDDEN, "this origin is not allowed\n"));
    }
    let offered = request.headers().get_all(PROTOCOL).iter().filter_map(|value| value.to_str().ok());
    if offered.flat_map(|list| list.split(',')).any(|token| token.trim().eq_ignore_ascii_case("sip")) {
        response.headers_mut().insert(PROTOCOL, HeaderValue::from_static("sip"));
        return Ok(response);
    }
    Err(refusal(StatusCode::BAD_REQUEST, "the subprotocol \"sip\" is required (RFC 7118)\n"))
}

fn refusal(status: StatusCode, text: &str) -> ErrorResponse {
    let mut refusal = ErrorResponse::new(Some(text.to_owned()));
    *refusal.status_mut() = status;
    refusal
}

async fn serve(
    flow: FlowId,
    mut socket: WebSocket,
    mut waiting: mpsc::Receiver<Bytes>,
    reports: &mpsc::Sender<Report>,
) {
    let mut ping_timer = interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
    let mut pinged = false;
    loop {
        tokio::select! {
            received = poll_fn(|cx| socket.poll(cx)) => match received {
                Ok(data) => {
                    if reports.send(Report::Received { flow, data }).await.is_err() {
                        return;
                    }
                }
                Err(_) => return,
            },
            data = waiting.recv() => match data {
                Some(data) => socket.send(data),
                // The exchange closes the connection. The close frame is best effort.
                None => return drop(timeout(CLOSE_TIMEOUT, Box::new(socket).close()).await),
            },
            _ = ping_timer.tick() => {
                let received = socket.take_received();
                if pinged && !received {
                    return;
                }
                pinged = !received;
                if pinged && !matches!(timeout(CLOSE_TIMEOUT, socket.ping()).await, Ok(Ok(()))) {
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The subprotocol agreed, or the status of the refusal.
    fn upgrade(protocols: &[&'static str]) -> Result<Option<HeaderValue>, StatusCode> {
        let mut request = Request::new(());
        for protocol in protocols {
            request.headers_mut().append(PROTOCOL, HeaderValue::from_static(protocol));
        }
        let agreed =
            negotiate(&Origins::any(), &request, Response::new(())).map_err(|refusal| refusal.status())?;
        Ok(agreed.headers().get(PROTOCOL).cloned())
    }

    #[test]
    fn sip_subprotocol_is_required_and_confirmed() {
        for good in [&["sip"][..], &["msrp, SIP"], &["msrp", "sip"]] {
            assert_eq!(upgrade(good), Ok(Some(HeaderValue::from_static("sip"))));
        }
        for bad in [&[][..], &["msrp"], &["sips"], &["sip2, x-sip"]] {
            assert_eq!(upgrade(bad), Err(StatusCode::BAD_REQUEST));
        }
    }
}
