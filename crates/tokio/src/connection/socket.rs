//! An open WebSocket with bounded buffers, for client and server.

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream};
use offhook::ConnectionFailure;
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

/// A byte stream: TCP, or TLS over it.
pub(crate) trait Io: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Io for T {}

/// Bounds of one connection.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Limits {
    /// The largest accepted message, in bytes.
    pub(crate) message: usize,
    /// The most that may be queued for sending, in bytes; beyond it the connection fails.
    pub(crate) queue: usize,
}

impl Limits {
    /// The size of the queue in messages of full size.
    const MAX_QUEUED: usize = 16;

    pub(crate) fn new(message: usize) -> Self {
        Self { message, queue: message.saturating_mul(Self::MAX_QUEUED) }
    }

    /// Frames and messages above the limit are refused when their length is read, before they are buffered.
    pub(crate) fn websocket(self) -> WebSocketConfig {
        WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_write_buffer_size(self.queue)
            .max_message_size(Some(self.message))
            .max_frame_size(Some(self.message))
    }
}

/// A WebSocket with its `sip` subprotocol agreed (RFC 7118 §4).
pub(crate) struct WebSocket {
    stream: WebSocketStream<Box<dyn Io>>,
    waiting: VecDeque<Bytes>,
    waiting_bytes: usize,
    limit: usize,
    received: bool,
}

impl WebSocket {
    pub(crate) fn new(stream: WebSocketStream<Box<dyn Io>>, limits: Limits) -> Self {
        Self { stream, waiting: VecDeque::new(), waiting_bytes: 0, limit: limits.queue, received: false }
    }

    /// Queues one message; the next `poll` sends it.
    pub(crate) fn send(&mut self, data: Bytes) {
        self.waiting_bytes += data.len();
        self.waiting.push_back(data);
    }

    /// Sends queued messages and returns the next received one. After an error the socket is closed. Cancel-safe.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, ConnectionFailure>> {
        loop {
            self.poll_send(cx)?;
            let message = match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(_)) | None => return Poll::Ready(Err(ConnectionFailure::Closed)),
            };
            self.received = true;
            match message {
                // RFC 7118 §4.2: a peer may use either kind.
                Message::Text(_) | Message::Binary(_) => return Poll::Ready(Ok(message.into_data())),
                // The reply to a ping or close is queued now: loop to flush it.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Fails if the socket failed, or if the peer does not read and the queue is full.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), ConnectionFailure> {
        let mut stream = Pin::new(&mut self.stream);
        while let Poll::Ready(ready) = stream.as_mut().poll_ready(cx) {
            ready.map_err(|_| ConnectionFailure::Closed)?;
            let Some(data) = self.waiting.pop_front() else { break };
            self.waiting_bytes -= data.len();
            stream.as_mut().start_send(outgoing(data)).map_err(|_| ConnectionFailure::Closed)?;
        }
        if let Poll::Ready(Err(_)) = stream.poll_flush(cx) {
            return Err(ConnectionFailure::Closed);
        }
        if self.waiting_bytes > self.limit { Err(ConnectionFailure::TimedOut) } else { Ok(()) }
    }

    /// Whether anything was received since the last call.
    pub(crate) fn take_received(&mut self) -> bool {
        std::mem::take(&mut self.received)
    }

    /// Sends a ping (RFC 6455 §5.5.2).
    pub(crate) async fn ping(&mut self) -> Result<(), ConnectionFailure> {
        self.stream.feed(Message::Ping(Bytes::new())).await.map_err(|_| ConnectionFailure::Closed)
    }

    /// Sends queued messages and a close frame.
    pub(crate) async fn close(mut self: Box<Self>) {
        while let Some(data) = self.waiting.pop_front() {
            if self.stream.feed(outgoing(data)).await.is_err() {
                return;
            }
        }
        // Best effort.
        let _ = self.stream.close(None).await;
    }
}

/// A text message if the data is UTF-8, for peers that support only text; else binary.
fn outgoing(data: Bytes) -> Message {
    match Utf8Bytes::try_from(data.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(data),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::poll_fn;
    use tokio_tungstenite::tungstenite::protocol::Role;

    type Peer = WebSocketStream<tokio::io::DuplexStream>;

    async fn pair(limits: Limits, pipe: usize) -> (WebSocket, Peer) {
        let (ours, theirs) = tokio::io::duplex(pipe);
        let ours: Box<dyn Io> = Box::new(ours);
        let ours = WebSocketStream::from_raw_socket(ours, Role::Client, Some(limits.websocket())).await;
        let theirs = WebSocketStream::from_raw_socket(theirs, Role::Server, None).await;
        (WebSocket::new(ours, limits), theirs)
    }

    async fn next(socket: &mut WebSocket) -> Result<Bytes, ConnectionFailure> {
        poll_fn(|cx| socket.poll(cx)).await
    }

    async fn receive(peer: &mut Peer) -> Message {
        poll_fn(|cx| Pin::new(&mut *peer).poll_next(cx)).await.expect("open").expect("a message")
    }

    #[tokio::test]
    async fn text_and_binary_are_received_and_pings_answered() {
        let (mut socket, mut peer) = pair(Limits::new(1000), 4096).await;
        peer.feed(Message::Ping(Bytes::from_static(b"there?"))).await.expect("sent");
        peer.feed(Message::text("one")).await.expect("sent");
        peer.send(Message::binary(&b"\xfftwo"[..])).await.expect("sent");
        assert_eq!(next(&mut socket).await, Ok(Bytes::from_static(b"one")));
        assert_eq!(next(&mut socket).await, Ok(Bytes::from_static(b"\xfftwo")));
        assert_eq!(receive(&mut peer).await, Message::Pong(Bytes::from_static(b"there?")));
    }

    #[tokio::test]
    async fn utf8_is_sent_as_text_and_other_bytes_as_binary() {
        let (mut socket, mut peer) = pair(Limits::new(1000), 4096).await;
        socket.send(Bytes::from_static(b"text"));
        socket.send(Bytes::from_static(b"\xff"));
        let both = async {
            assert_eq!(receive(&mut peer).await, Message::text("text"));
            assert_eq!(receive(&mut peer).await, Message::binary(&b"\xff"[..]));
        };
        tokio::select! {
            () = both => {}
            news = next(&mut socket) => panic!("{news:?}"),
        }
    }

    #[tokio::test]
    async fn message_above_the_limit_closes_the_connection() {
        let (mut socket, mut peer) = pair(Limits::new(1000), 4096).await;
        peer.send(Message::text("x".repeat(1000))).await.expect("sent");
        assert_eq!(next(&mut socket).await.map(|data| data.len()), Ok(1000));
        peer.send(Message::text("x".repeat(1001))).await.expect("sent");
        assert_eq!(next(&mut socket).await, Err(ConnectionFailure::Closed));
    }

    #[tokio::test]
    async fn length_above_the_limit_is_refused_immediately() {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let limits = Limits::new(1000);
        let ours: Box<dyn Io> = Box::new(ours);
        let ours = WebSocketStream::from_raw_socket(ours, Role::Client, Some(limits.websocket())).await;
        let mut socket = WebSocket::new(ours, limits);
        // RFC 6455 §5.2: a final text frame, unmasked, of 2^32 bytes, none of which is ever sent.
        let header = [0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0];
        tokio::io::AsyncWriteExt::write_all(&mut theirs, &header).await.expect("sent");
        assert_eq!(next(&mut socket).await, Err(ConnectionFailure::Closed));
    }

    #[tokio::test]
    async fn queue_for_a_peer_that_does_not_read_is_bounded() {
        let (mut socket, _peer) = pair(Limits::new(1000), 64).await;
        for _ in 0..100 {
            socket.send(Bytes::from(vec![b'x'; 1000]));
        }
        assert_eq!(next(&mut socket).await, Err(ConnectionFailure::TimedOut));
    }

    #[tokio::test]
    async fn close_sends_the_queue_and_a_close_frame() {
        let (mut socket, mut peer) = pair(Limits::new(1000), 4096).await;
        socket.send(Bytes::from_static(b"bye"));
        Box::new(socket).close().await;
        assert_eq!(receive(&mut peer).await, Message::text("bye"));
        assert!(matches!(receive(&mut peer).await, Message::Close(_)));
    }
}
