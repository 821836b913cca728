//! Misbehaving peers of an exchange on real sockets.

use crate::world::{BOUND, config, exchange, phone, register_again};
use offhook_tokio::{ExchangeError, ExchangeServer, Listen, Origins};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

/// Opens a WebSocket on a plain TCP stream, so that any bytes can follow.
async fn websocket(at: SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(at).await.expect("connects");
    let answer = upgrade(&mut stream, "Sec-WebSocket-Protocol: sip\r\n").await;
    assert!(
        answer.starts_with("HTTP/1.1 101 ") && answer.to_lowercase().contains("sec-websocket-protocol: sip")
    );
    stream
}

async fn upgrade(stream: &mut TcpStream, more: &str) -> String {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
    );
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(timeout(BOUND, stream.read_u8()).await.expect("in time").expect("an answer"));
    }
    String::from_utf8(answer).expect("text")
}

/// Returns when the other end has closed the connection.
async fn closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    // A reset counts as a close.
    let _ = timeout(BOUND, stream.read_to_end(&mut rest)).await.expect("closed in time");
}

/// A masked text frame (RFC 6455 §5.2), masked with zeros.
fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(u16::try_from(text.len()).expect("short").to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text);
    frame
}

fn register(user: &str, transport: &str) -> Vec<u8> {
    format!(
        "REGISTER sip:offhook.test SIP/2.0\r\nVia: SIP/2.0/{transport} x.invalid;branch=z9hG4bK7;rport\r\n\
         From: <sip:{user}@offhook.test>;tag=1\r\nTo: <sip:{user}@offhook.test>\r\nCall-ID: raw\r\n\
         CSeq: 1 REGISTER\r\nMax-Forwards: 70\r\nContact: <sip:{user}@x.invalid>\r\nContent-Length: 0\r\n\r\n"
    )
    .into_bytes()
}

#[tokio::test]
async fn upgrade_without_the_subprotocol_is_a_bad_request() {
    let exchange = exchange().await;
    let mut stream = TcpStream::connect(exchange.addresses().ws.expect("listens")).await.expect("connects");
    let answer = upgrade(&mut stream, "").await;
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
}

#[tokio::test]
async fn page_of_an_unlisted_origin_is_refused() {
    let listed = Origins::none().with("https://phone.example.com".parse().expect("an origin")).with_host("x");
    for (origins, header, status) in [
        (&listed, "Origin: https://phone.example.com\r\n", "101"),
        (&listed, "Origin: http://x:5173\r\n", "101"),
        (&listed, "", "101"),
        (&listed, "Origin: https://evil.example\r\n", "403"),
        (&listed, "Origin: null\r\n", "403"),
        (&listed, "Origin: https://phone.example.com\r\nOrigin: https://evil.example\r\n", "403"),
        (&listed.clone().with("null".parse().expect("an origin")), "Origin: null\r\n", "101"),
        (&Origins::any(), "Origin: https://evil.example\r\n", "101"),
    ] {
        let listen = Listen { origins: origins.clone(), ..Listen::ws(free()) };
        let exchange = ExchangeServer::start(config(), listen).await.expect("starts");
        let mut stream =
            TcpStream::connect(exchange.addresses().ws.expect("listens")).await.expect("connects");
        let answer = upgrade(&mut stream, &format!("{header}Sec-WebSocket-Protocol: sip\r\n")).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{header}{answer}");
    }
}

#[tokio::test]
async fn connection_continues_after_garbage() {
    let exchange = exchange().await;
    let mut stream = websocket(exchange.addresses().ws.expect("listens")).await;
    for garbage in
        [&b"\0\xff\xfe"[..], b"INVITE\r\n\r\n", b"REGISTER sip:x SIP/2.0\r\nVia: ;;;\r\n\r\n", b"\r\n\r\n"]
    {
        let mut binary = frame(garbage);
        binary[0] = 0x82;
        stream.write_all(&binary).await.expect("sent");
    }
    stream.write_all(&frame(&register("alice", "WS"))).await.expect("sent");
    let mut heard = Vec::new();
    while !heard.windows(11).any(|bytes| bytes == b"SIP/2.0 401") {
        let mut some = [0; 1024];
        let count = timeout(BOUND, stream.read(&mut some)).await.expect("in time").expect("open");
        assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&heard));
        heard.extend(&some[..count]);
    }
}

#[tokio::test]
async fn frame_above_the_limit_closes_only_its_connection() {
    let exchange = exchange().await;
    let mut stream = websocket(exchange.addresses().ws.expect("listens")).await;
    // A length of 2^40 bytes, without any of them.
    stream.write_all(&[0x81, 0x80 | 127, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]).await.expect("sent");
    closed(&mut stream).await;
    phone(&exchange, "alice", 440.0).await.stop().await;
}

#[tokio::test]
async fn incomplete_upgrades_time_out() {
    let listen = Listen { upgrade_timeout: Duration::from_millis(100), ..Listen::ws(free()) };
    let exchange = ExchangeServer::start(config(), listen).await.expect("starts");
    let mut stream = TcpStream::connect(exchange.addresses().ws.expect("listens")).await.expect("connects");
    stream.write_all(b"GET / HTTP/1.1\r\nHost").await.expect("sent");
    closed(&mut stream).await;
}

/// An unauthenticated connection is closed for a new one, before or after its handshake.
#[tokio::test]
async fn oldest_unauthenticated_connection_is_closed_for_a_new_one() {
    let mut config = config();
    config.limits.unauthenticated_per_source = 2;
    let exchange = ExchangeServer::start(config, Listen::ws(free())).await.expect("starts");
    let at = exchange.addresses().ws.expect("listens");
    let mut slow = TcpStream::connect(at).await.expect("connects");
    slow.write_all(b"GET / HTTP/1.1\r\n").await.expect("sent");
    let mut idle = websocket(at).await;
    let registered = phone(&exchange, "alice", 440.0).await;
    closed(&mut slow).await;
    // The phone is authenticated, so it does not count and stays connected.
    let _second = websocket(at).await;
    let _third = websocket(at).await;
    closed(&mut idle).await;
    registered.stop().await;
}

/// The timeout is shorter here than the default of 64*T1 (RFC 3261 §17.1.1.2).
#[tokio::test]
async fn unauthenticated_connection_times_out() {
    let mut config = config();
    config.limits.authentication_timeout = Duration::from_millis(100);
    let exchange = ExchangeServer::start(config, Listen::ws(free())).await.expect("starts");
    let mut idle = websocket(exchange.addresses().ws.expect("listens")).await;
    closed(&mut idle).await;
}

#[tokio::test]
async fn udp_server_drops_garbage_and_oversized_datagrams() {
    let listen = Listen { udp: Some(free()), ..Listen::default() };
    let exchange = ExchangeServer::start(config(), listen).await.expect("starts");
    let peer = UdpSocket::bind(free()).await.expect("loopback");
    peer.connect(exchange.addresses().udp.expect("listens")).await.expect("connects");
    for garbage in [&b"\0"[..], b"", b"SIP/2.0 200 OK\r\n\r\n", &vec![b'x'; 65_000]] {
        peer.send(garbage).await.expect("sent");
    }
    peer.send(&register("alice", "UDP")).await.expect("sent");
    let mut buffer = vec![0; 4096];
    let answer = async {
        loop {
            let count = peer.recv(&mut buffer).await.expect("open");
            if buffer[..count].starts_with(b"SIP/2.0 401 ") {
                return;
            }
        }
    };
    timeout(BOUND, answer).await.expect("challenged in time");
}

#[tokio::test]
async fn load_is_reported_while_running() {
    let mut exchange = exchange().await;
    let load = exchange.load().await.expect("runs").exchange;
    assert_eq!((load.flows, load.bindings, load.transactions), (0, 0, 0));
    let alice = phone(&exchange, "alice", 440.0).await;
    let load = exchange.load().await.expect("runs").exchange;
    assert_eq!((load.flows, load.bindings), (1, 1));
    alice.stop().await;
    exchange.stop().await;
    assert_eq!(exchange.load().await, None);
}

#[tokio::test]
async fn port_in_use_is_a_typed_error() {
    let exchange = exchange().await;
    let at = exchange.addresses().ws.expect("listens");
    let error = ExchangeServer::start(config(), Listen::ws(at)).await.expect_err("busy");
    assert!(
        matches!(error, ExchangeError::AddressInUse { transport: "ws", address } if address == at),
        "{error}"
    );
}

#[tokio::test]
async fn phones_reconnect_to_the_same_port_after_a_restart() {
    let mut exchange = exchange().await;
    let mut alice = phone(&exchange, "alice", 440.0).await;
    exchange.drop_connections().await;
    register_again(&mut alice).await;
    exchange.restart().await.expect("the same port");
    register_again(&mut alice).await;
    alice.stop().await;
}

fn free() -> SocketAddr {
    "127.0.0.1:0".parse().expect("an address")
}
