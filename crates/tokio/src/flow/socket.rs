//! A WebSocket that is open: messages in, messages out, nothing unbounded. The client and the server use it.

use bytes::Bytes;
use futures_util::{Sink, SinkExt, Stream};
use offhook::FlowFailure;
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
    /// The largest message taken, in bytes.
    pub(crate) message: usize,
    /// The most that may wait to be sent, in bytes, before the peer counts as stuck.
    pub(crate) queue: usize,
}

impl Limits {
    /// A peer that lets this many messages of full size wait does not read any more.
    const QUEUED: usize = 16;

    pub(crate) fn new(message: usize) -> Self {
        Self { message, queue: message.saturating_mul(Self::QUEUED) }
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
    heard: bool,
}

impl WebSocket {
    pub(crate) fn new(stream: WebSocketStream<Box<dyn Io>>, limits: Limits) -> Self {
        Self { stream, waiting: VecDeque::new(), waiting_bytes: 0, limit: limits.queue, heard: false }
    }

    /// Queues one message; the next `poll` sends it.
    pub(crate) fn send(&mut self, data: Bytes) {
        self.waiting_bytes += data.len();
        self.waiting.push_back(data);
    }

    /// Sends what waits and returns the next message. After an error the socket is over. Cancel-safe.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, FlowFailure>> {
        loop {
            self.poll_send(cx)?;
            let message = match ready!(Pin::new(&mut self.stream).poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(_)) | None => return Poll::Ready(Err(FlowFailure::Closed)),
            };
            self.heard = true;
            match message {
                // RFC 7118 §4.2: a peer may use either kind.
                Message::Text(_) | Message::Binary(_) => return Poll::Ready(Ok(message.into_data())),
                // The answer to a ping, or to a close, is queued by now: around again to flush it.
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Fails when the socket did, or when the peer does not take what waits for it.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Result<(), FlowFailure> {
        let mut stream = Pin::new(&mut self.stream);
        while let Poll::Ready(ready) = stream.as_mut().poll_ready(cx) {
            ready.map_err(|_| FlowFailure::Closed)?;
            let Some(data) = self.waiting.pop_front() else { break };
            self.waiting_bytes -= data.len();
            stream.as_mut().start_send(outgoing(data)).map_err(|_| FlowFailure::Closed)?;
        }
        if let Poll::Ready(Err(_)) = stream.poll_flush(cx) {
            return Err(FlowFailure::Closed);
        }
        if self.waiting_bytes > self.limit { Err(FlowFailure::TimedOut) } else { Ok(()) }
    }

    /// Whether anything came in since this was asked last.
    pub(crate) fn take_heard(&mut self) -> bool {
        std::mem::take(&mut self.heard)
    }

    /// Asks the peer for a sign of life (RFC 6455 §5.5.2).
    pub(crate) async fn ping(&mut self) -> Result<(), FlowFailure> {
        self.stream.feed(Message::Ping(Bytes::new())).await.map_err(|_| FlowFailure::Closed)
    }

    /// Sends what waits and a close frame.
    pub(crate) async fn close(mut self: Box<Self>) {
        while let Some(data) = self.waiting.pop_front() {
            if self.stream.feed(outgoing(data)).await.is_err() {
                return;
            }
        }
        // Whether the peer heard it makes no difference to us any more.
        let _ = self.stream.close(None).await;
    }
}

/// Text where it is text, for peers that know no other; else binary.
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

    async fn next(socket: &mut WebSocket) -> Result<Bytes, FlowFailure> {
        poll_fn(|cx| socket.poll(cx)).await
    }

    async fn heard(peer: &mut Peer) -> Message {
        poll_fn(|cx| Pin::new(&mut *peer).poll_next(cx)).await.expect("open").expect("a message")
    }

    #[tokio::test]
    async fn text_and_binary_are_taken_and_pings_are_answered() {
        let (mut socket, mut peer) = pair(Limits::new(1000), 4096).await;
        peer.feed(Message::Ping(Bytes::from_static(b"there?"))).await.expect("sent");
        peer.feed(Message::text("one")).await.expect("sent");
        peer.send(Message::binary(&b"\xfftwo"[..])).await.expect("sent");
        assert_eq!(next(&mut socket).await, Ok(Bytes::from_static(b"one")));
        assert_eq!(next(&mut socket).await, Ok(Bytes::from_static(b"\xfftwo")));
        assert_eq!(heard(&mut peer).await, Message::Pong(Bytes::from_static(b"there?")));
    }

    #[tokio::test]
    async fn text_goes_as_text_and_other_bytes_as_binary() {
        let (mut socket, mut peer) = pair(Limits::new(1000), 4096).await;
        socket.send(Bytes::from_static(b"text"));
        socket.send(Bytes::from_static(b"\xff"));
        let both = async {
            assert_eq!(heard(&mut peer).await, Message::text("text"));
            assert_eq!(heard(&mut peer).await, Message::binary(&b"\xff"[..]));
        };
        tokio::select! {
            () = both => {}
            news = next(&mut socket) => panic!("{news:?}"),
        }
    }

    #[tokio::test]
    async fn a_message_above_the_limit_ends_the_connection() {
        let (mut socket, mut peer) = pair(Limits::new(1000), 4096).await;
        peer.send(Message::text("x".repeat(1000))).await.expect("sent");
        assert_eq!(next(&mut socket).await.map(|data| data.len()), Ok(1000));
        peer.send(Message::text("x".repeat(1001))).await.expect("sent");
        assert_eq!(next(&mut socket).await, Err(FlowFailure::Closed));
    }

    #[tokio::test]
    async fn a_length_without_the_bytes_is_refused_at_once() {
        let (ours, mut theirs) = tokio::io::duplex(4096);
        let limits = Limits::new(1000);
        let ours: Box<dyn Io> = Box::new(ours);
        let ours = WebSocketStream::from_raw_socket(ours, Role::Client, Some(limits.websocket())).await;
        let mut socket = WebSocket::new(ours, limits);
        // RFC 6455 §5.2: a final text frame, unmasked, of 2^32 bytes, none of which is ever sent.
        let header = [0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0];
        tokio::io::AsyncWriteExt::write_all(&mut theirs, &header).await.expect("sent");
        assert_eq!(next(&mut socket).await, Err(FlowFailure::Closed));
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_given_up_before_memory_is() {
        let (mut socket, _peer) = pair(Limits::new(1000), 64).await;
        for _ in 0..100 {
            socket.send(Bytes::from(vec![b'x'; 1000]));
        }
        assert_eq!(next(&mut socket).await, Err(FlowFailure::TimedOut));
    }

    #[tokio::test]
    async fn closing_sends_what_waits_and_says_so() {
        let (mut socket, mut peer) = pair(Limits::new(1000), 4096).await;
        socket.send(Bytes::from_static(b"bye"));
        Box::new(socket).close().await;
        assert_eq!(heard(&mut peer).await, Message::text("bye"));
        assert!(matches!(heard(&mut peer).await, Message::Close(_)));
    }
}
