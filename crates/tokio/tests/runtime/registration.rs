//! Failing registrations, and registrations over other transports.

use crate::world::{BOUND, account, config, exchange, fast};
use futures_util::{SinkExt, Stream};
use offhook::{AccountId, Cause, RegistrationState};
use offhook_tokio::{
    AccountEvent, CertifiedKey, ExchangeServer, Listen, NotRegistered, Options, Phone, PhoneEvent, Roots,
};
use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

/// All registration states up to `Failed`.
async fn until_failed(phone: &mut Phone) -> Vec<RegistrationState> {
    let mut states = Vec::new();
    loop {
        let event = timeout(BOUND, phone.next()).await.expect("in time").expect("runs");
        if let PhoneEvent::Account { event: AccountEvent::Registration(state), .. } = event {
            states.push(state);
            if matches!(state, RegistrationState::Failed(_)) {
                return states;
            }
        }
    }
}

#[tokio::test]
async fn unreachable_server_fails_once_after_the_allowed_attempts() {
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("loopback").local_addr().expect("bound");
    let mut account = account("alice", &format!("ws://{gone}"));
    account.max_registration_attempts = Some(3);
    let mut phone = Phone::start(fast(account)).await.expect("starts");
    let states = until_failed(&mut phone).await;
    let Some(RegistrationState::Failed(why)) = states.last() else { panic!("failed") };
    assert_eq!((why.cause, why.code, why.attempts), (Cause::NotConnected, None, 3));
    let tries = states.iter().filter(|state| matches!(state, RegistrationState::Registering { .. })).count();
    assert_eq!(tries, 3, "{states:?}");
    assert_eq!(phone.registered().await, Err(NotRegistered::Failed(*why)));
    phone.stop().await;
}

#[tokio::test]
async fn wrong_password_fails_immediately_without_retries() {
    let mut exchange = exchange().await;
    let server = format!("ws://{}", exchange.addresses().ws.expect("listens"));
    let mut account = account("alice", &server);
    account.password = Some(offhook::Password::plain("guess"));
    let mut phone = Phone::start(fast(account)).await.expect("starts");
    let states = until_failed(&mut phone).await;
    let Some(RegistrationState::Failed(why)) = states.last() else { panic!("failed") };
    assert_eq!(why.cause, Cause::Unauthorized);
    let denied = timeout(BOUND, exchange.next()).await.expect("in time").expect("runs");
    assert!(matches!(denied, offhook_exchange::Event::Denied { .. }), "{denied:?}");
    // Retries would have begun by now: the first wait of this phone is 50 ms.
    assert!(timeout(Duration::from_millis(300), exchange.next()).await.is_err());
    phone.stop().await;
}

#[tokio::test]
async fn silent_server_times_out() {
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let mut account = account("alice", &format!("ws://{}", silent.local_addr().expect("bound")));
    account.max_registration_attempts = Some(1);
    let mut config = fast(account);
    config.registration.connect_timeout = Duration::from_millis(100);
    let mut phone = Phone::start(config).await.expect("starts");
    let states = until_failed(&mut phone).await;
    assert!(matches!(states.last(), Some(RegistrationState::Failed(why)) if why.attempts == 1), "{states:?}");
    phone.stop().await;
}

#[tokio::test]
async fn silent_udp_server_times_out_after_retransmissions() {
    let silent = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let mut account = account("alice", &format!("udp://{}", silent.local_addr().expect("bound")));
    account.max_registration_attempts = Some(1);
    let mut config = fast(account);
    config.times.t1 = Duration::from_millis(5);
    let mut phone = Phone::start(config).await.expect("starts");
    let states = until_failed(&mut phone).await;
    let Some(RegistrationState::Failed(why)) = states.last() else { panic!("failed") };
    assert_eq!((why.cause, why.attempts), (Cause::TimedOut, 1));
    let mut buffer = [0; 2048];
    let mut registers = 0;
    while let Ok(count) = silent.try_recv(&mut buffer) {
        registers += u32::from(buffer[..count].starts_with(b"REGISTER "));
    }
    assert!(registers > 2, "{registers}");
    phone.stop().await;
}

#[tokio::test]
async fn garbage_from_the_server_does_not_stop_a_udp_phone() {
    let exchange = ExchangeServer::start(config(), Listen { udp: Some(free()), ..Listen::default() }).await;
    let exchange = exchange.expect("starts");
    // A relay between the phone and the exchange that adds garbage to every response.
    let (front, back) =
        (UdpSocket::bind(free()).await.expect("bound"), UdpSocket::bind(free()).await.expect("bound"));
    back.connect(exchange.addresses().udp.expect("listens")).await.expect("connects");
    let server = format!("udp://{}", front.local_addr().expect("bound"));
    let meddle = async {
        let (mut there, mut here) = (vec![0; 65_536], vec![0; 65_536]);
        let mut phone: Option<SocketAddr> = None;
        loop {
            tokio::select! {
                received = front.recv_from(&mut there) => {
                    let (count, from) = received.expect("open");
                    phone = Some(from);
                    back.send(&there[..count]).await.expect("sent");
                }
                received = back.recv(&mut here) => {
                    let (count, phone) = (received.expect("open"), phone.expect("spoke first"));
                    for garbage in [&b"\0\x01"[..], b"SIP/2.0 200", b"INVITE x SIP/2.0\r\n\r\n", &vec![b'y'; 65_000]] {
                        front.send_to(garbage, phone).await.expect("sent");
                    }
                    front.send_to(&here[..count], phone).await.expect("sent");
                }
            }
        }
    };
    let register = async {
        let phone = Phone::start(fast(account("alice", &server))).await.expect("starts");
        timeout(BOUND, phone.registered()).await.expect("in time").expect("registered");
        phone.stop().await;
    };
    tokio::select! {
        () = register => {}
        () = meddle => {}
    }
}

/// The server's end of a WebSocket with the `sip` subprotocol.
async fn accept(listener: &TcpListener) -> WebSocketStream<TcpStream> {
    let (stream, _) = timeout(BOUND, listener.accept()).await.expect("in time").expect("a phone");
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let agree = |_: &Request, mut response: Response| {
        response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("sip"));
        Ok(response)
    };
    tokio_tungstenite::accept_hdr_async(stream, agree).await.expect("upgraded")
}

#[tokio::test]
async fn garbage_of_a_websocket_server_is_ignored_and_a_long_message_closes_the_connection() {
    let listener = TcpListener::bind(free()).await.expect("loopback");
    let server = format!("ws://{}", listener.local_addr().expect("bound"));
    let phone = Phone::start(fast(account("alice", &server))).await.expect("starts");
    let mut socket = accept(&listener).await;
    for garbage in [&b"\0\xff"[..], b"SIP/2.0 200 OK\r\n\r\n", b"INVITE sip:x SIP/2.0\r\n\r\n", b""] {
        socket.send(Message::binary(garbage)).await.expect("sent");
    }
    let register = poll_fn(|cx| Pin::new(&mut socket).poll_next(cx));
    let register = timeout(BOUND, register).await.expect("in time").expect("open").expect("a message");
    assert!(register.into_data().starts_with(b"REGISTER "));
    // The ping is answered, so the phone has read the garbage and the connection is open.
    socket.send(Message::Ping(b"there?"[..].into())).await.expect("sent");
    loop {
        let answer = poll_fn(|cx| Pin::new(&mut socket).poll_next(cx));
        match timeout(BOUND, answer).await.expect("in time").expect("open").expect("a message") {
            Message::Pong(data) => {
                assert_eq!(data, b"there?"[..]);
                break;
            }
            other => assert!(!other.is_close(), "{other:?}"),
        }
    }
    // The phone may close before it has read everything.
    let _ = socket.send(Message::binary(vec![b'x'; 1 << 20])).await;
    let mut again = accept(&listener).await;
    let register = poll_fn(|cx| Pin::new(&mut again).poll_next(cx));
    assert!(timeout(BOUND, register).await.expect("in time").expect("open").is_ok());
    drop(phone);
}

#[tokio::test]
async fn wss_requires_a_trusted_certificate() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
    let certified = CertifiedKey::from_pem(chain.as_bytes(), key.as_bytes()).expect("a pair");
    let listen = Listen { wss: Some((free(), certified)), ..Listen::default() };
    let exchange = ExchangeServer::start(config(), listen).await.expect("starts");
    let server = format!("wss://localhost:{}", exchange.addresses().wss.expect("listens").port());

    let roots = Roots::only_pem(chain.as_bytes()).expect("readable");
    let options = Options::default().with_roots(roots);
    let trusting = Phone::start_with(fast(account("alice", &server)), options).await.expect("starts");
    timeout(BOUND, trusting.registered()).await.expect("in time").expect("registered");

    let mut account = account("bob", &server);
    account.max_registration_attempts = Some(1);
    let mut wary = Phone::start(fast(account)).await.expect("starts");
    let untrusted = async {
        loop {
            let event = wary.next().await.expect("runs");
            let down = offhook::ConnectionState::Down(offhook::ConnectionFailure::Untrusted);
            if let PhoneEvent::Account { event: AccountEvent::Connection { state, .. }, .. } = event
                && state == down
            {
                return;
            }
        }
    };
    timeout(BOUND, untrusted).await.expect("told in time");
    assert!(wary.registered().await.is_err());
    tokio::join!(trusting.stop(), wary.stop());
}

/// Waits until a binding is removed; the reason.
async fn unregistered(exchange: &mut ExchangeServer) -> offhook_exchange::Unregistered {
    loop {
        let event = timeout(BOUND, exchange.next()).await.expect("in time").expect("runs");
        if let offhook_exchange::Event::Unregistered { reason, .. } = event {
            return reason;
        }
    }
}

#[tokio::test]
async fn dropped_phone_unregisters() {
    let mut exchange = exchange().await;
    let server = format!("ws://{}", exchange.addresses().ws.expect("listens"));
    let phone = Phone::start(fast(account("alice", &server))).await.expect("starts");
    timeout(BOUND, phone.registered()).await.expect("in time").expect("registered");
    drop(phone);
    assert_eq!(unregistered(&mut exchange).await, offhook_exchange::Unregistered::Removed);
}

#[tokio::test]
async fn stopped_phone_unregisters_and_reports_it() {
    let mut exchange = exchange().await;
    let server = format!("ws://{}", exchange.addresses().ws.expect("listens"));
    let phone = Phone::start(fast(account("alice", &server))).await.expect("starts");
    timeout(BOUND, phone.registered()).await.expect("in time").expect("registered");
    assert!(matches!(phone.registration(AccountId(0)), Some(RegistrationState::Registered { .. })));
    assert_eq!(phone.registration(AccountId(1)), None);
    timeout(BOUND, phone.stop()).await.expect("bounded");
    assert_eq!(unregistered(&mut exchange).await, offhook_exchange::Unregistered::Removed);
}

fn free() -> SocketAddr {
    "127.0.0.1:0".parse().expect("an address")
}
