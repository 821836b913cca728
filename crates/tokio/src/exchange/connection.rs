//! One WebSocket connection of the exchange: a task that ends with it.

use super::Origins;
use super::listen::Certified;
use crate::flow::{Io, Limits, WebSocket};
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

/// Messages that may wait for a connection; one whose peer does not read them is closed.
pub(super) const OUTBOX: usize = 256;
/// A connection from which nothing came for this long is asked, and after the same time again, closed.
const SILENCE: Duration = Duration::from_secs(45);
/// How long a good-bye may take.
const CLOSING: Duration = Duration::from_secs(2);

const PROTOCOL: &str = "Sec-WebSocket-Protocol";
const ORIGIN: &str = "Origin";

/// What a connection tells the exchange.
pub(super) enum Report {
    /// The handshakes are done.
    Open {
        flow: FlowId,
        outbox: mpsc::Sender<Bytes>,
    },
    Received {
        flow: FlowId,
        data: Bytes,
    },
    /// Comes for every connection that was accepted, upgraded or not.
    Down {
        flow: FlowId,
    },
}

/// What a connection is made from.
pub(super) struct Accepted {
    pub(super) flow: FlowId,
    pub(super) stream: TcpStream,
    pub(super) certified: Option<Certified>,
    pub(super) origins: Origins,
    pub(super) limits: Limits,
    pub(super) upgrade_timeout: Duration,
}

/// Returns when the connection is over, which the last report says. A report waits for room: a peer that sends faster
/// than the exchange works is slowed down by TCP.
pub(super) async fn run(accepted: Accepted, reports: mpsc::Sender<Report>) {
    let flow = accepted.flow;
    if let Ok(Some(socket)) = timeout(accepted.upgrade_timeout, open(accepted)).await {
        let (outbox, waiting) = mpsc::channel(OUTBOX);
        // A report fails when the exchange is gone; so is the connection then.
        if reports.send(Report::Open { flow, outbox }).await.is_ok() {
            serve(flow, socket, waiting, &reports).await;
        }
    }
    let _ = reports.send(Report::Down { flow }).await;
}

async fn open(accepted: Accepted) -> Option<WebSocket> {
    // A SIP message is a burst that waits for an answer: Nagle's algorithm would hold back its end.
    accepted.stream.set_nodelay(true).ok()?;
    let stream: Box<dyn Io> = match accepted.certified {
        Some(certified) => {
            Box::new(tokio_rustls::TlsAcceptor::from(certified.0).accept(accepted.stream).await.ok()?)
        }
        None => Box::new(accepted.stream),
    };
    let origins = accepted.origins;
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let agree = |request: &Request, response: Response| agree(&origins, request, response);
    let upgraded =
        accept_hdr_async_with_config(stream, agree, Some(accepted.limits.websocket())).await.ok()?;
    Some(WebSocket::new(upgraded, accepted.limits))
}

/// A page of an origin that is not allowed is refused (RFC 6455 §4.2.2 item 4), and so is a peer without the `sip` subprotocol
/// (RFC 7118 §4). The Host header is not asked: a page whose name was pointed at this address later (DNS rebinding) names
/// itself in both.
#[expect(clippy::result_large_err, reason = "the library's signature")]
fn agree(origins: &Origins, request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
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
    let mut silence = interval_at(Instant::now() + SILENCE, SILENCE);
    let mut asked = false;
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
                // The exchange wants it closed. A peer that does not take the good-bye is left without.
                None => return drop(timeout(CLOSING, Box::new(socket).close()).await),
            },
            _ = silence.tick() => {
                let heard = socket.take_heard();
                if asked && !heard {
                    return;
                }
                asked = !heard;
                if asked && !matches!(timeout(CLOSING, socket.ping()).await, Ok(Ok(()))) {
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
            agree(&Origins::any(), &request, Response::new(())).map_err(|refusal| refusal.status())?;
        Ok(agreed.headers().get(PROTOCOL).cloned())
    }

    #[test]
    fn the_sip_subprotocol_is_required_and_confirmed() {
        for good in [&["sip"][..], &["msrp, SIP"], &["msrp", "sip"]] {
            assert_eq!(upgrade(good), Ok(Some(HeaderValue::from_static("sip"))));
        }
        for bad in [&[][..], &["msrp"], &["sips"], &["sip2, x-sip"]] {
            assert_eq!(upgrade(bad), Err(StatusCode::BAD_REQUEST));
        }
    }
}
