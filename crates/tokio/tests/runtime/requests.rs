//! Requests outside of dialogs, and INFO within a call.

use crate::world::{BOUND, account, account_event, config, event, exchange, fast, incoming, phone, status};
use offhook::{Cause, Misuse, Request, RequestKind, RequestOutcome, Status};
use offhook_tokio::{AccountEvent, Call, CallEvent, CommandError, ExchangeServer, Listen, Phone};
use tokio::time::timeout;

#[tokio::test]
async fn message_is_delivered_through_the_exchange() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    let mut bob = phone(&exchange, "bob", 880.0).await;
    let sent = timeout(BOUND, alice.message("bob", "see you\nat eight")).await.expect("in time");
    assert_eq!(sent, Ok(RequestOutcome::Accepted { code: 200 }));
    let (from, content_type, body) = account_event(&mut bob, |_, event| match event {
        AccountEvent::Message { from, content_type, body } => {
            Some((from.clone(), content_type.clone(), body.clone()))
        }
        _ => None,
    })
    .await;
    assert_eq!(
        (from.as_str(), content_type.as_str()),
        ("sip:alice@offhook.test", "text/plain;charset=utf-8")
    );
    assert_eq!(body, "see you\nat eight");

    let nobody = timeout(BOUND, alice.message("nobody", "hello")).await.expect("in time");
    assert_eq!(nobody, Ok(RequestOutcome::Failed { cause: Cause::NotFound, code: Some(404) }));
}

#[tokio::test]
async fn options_returns_the_capabilities_of_the_peer() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    let _bob = with_packages(&exchange, "bob", &["weather"]).await;
    let outcome = timeout(BOUND, alice.options("bob")).await.expect("in time");
    let Ok(RequestOutcome::Capabilities(peer)) = outcome else { panic!("{outcome:?}") };
    assert!(peer.methods.iter().any(|method| method == "INVITE"), "{peer:?}");
    assert!(peer.media_types.iter().any(|media| media == "application/sdp"), "{peer:?}");
    assert_eq!(peer.info_packages, ["weather"]);
}

#[tokio::test]
async fn many_requests_have_one_outcome_each() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    let _bob = phone(&exchange, "bob", 880.0).await;
    // The futures do not borrow the phone: they run while it is used.
    let (first, second) =
        (alice.request(Request::message("bob", "1")), alice.request(Request::options("bob")));
    let (first, second) = tokio::join!(tokio::spawn(first), tokio::spawn(second));
    assert!(matches!(first, Ok(Ok(RequestOutcome::Accepted { .. }))), "{first:?}");
    assert!(matches!(second, Ok(Ok(RequestOutcome::Capabilities(_)))), "{second:?}");

    let waiting = alice.request(Request::message("bob", "unheard"));
    timeout(BOUND, alice.stop()).await.expect("bounded");
    assert_eq!(waiting.await, Err(CommandError::Stopped));
}

#[tokio::test]
async fn malformed_request_is_a_misuse() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    assert_eq!(alice.message("no such\naddress", "x").await, Err(CommandError::Misuse(Misuse::BadAddress)));
    let kind =
        RequestKind::Message { content_type: "text/plain".to_owned(), body: vec![b'x'; 100_000].into() };
    let long = alice.request(Request::new("bob", kind)).await;
    assert!(matches!(long, Err(CommandError::Misuse(Misuse::TooLong(_)))), "{long:?}");
}

/// RFC 3428 §8: a MESSAGE over UDP is no longer than 1300 bytes.
#[tokio::test]
async fn long_message_is_refused_over_udp() {
    let udp = Some("127.0.0.1:0".parse().expect("an address"));
    let exchange =
        ExchangeServer::start(config(), Listen { udp, ..Listen::default() }).await.expect("starts");
    let server = format!("udp://{}", exchange.addresses().udp.expect("listens"));
    let alice = Phone::start(fast(account("alice", &server))).await.expect("starts");
    timeout(BOUND, alice.registered()).await.expect("in time").expect("registered");
    let long = timeout(BOUND, alice.message("alice", &"x".repeat(1300))).await.expect("in time");
    assert!(matches!(long, Ok(RequestOutcome::Failed { code: Some(513), .. })), "{long:?}");
    let short = timeout(BOUND, alice.message("alice", "to myself")).await.expect("in time");
    assert_eq!(short, Ok(RequestOutcome::Accepted { code: 200 }));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn info_is_sent_with_and_without_a_package() {
    let exchange = exchange().await;
    let alice = with_packages(&exchange, "alice", &["weather"]).await;
    let mut bob = with_packages(&exchange, "bob", &["weather", "tides"]).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let mut inn = incoming(&mut bob).await;
    inn.answer().await.expect("answered");
    status(&mut out, Status::Established).await;
    status(&mut inn, Status::Established).await;

    for (package, sent) in [(None, "legacy"), (Some("tides"), "high")] {
        let number = out.info(package, "text/plain", sent).await.expect("sent");
        assert_eq!(outcome(&mut out).await, (number, Some(200)));
        let received = event(&mut inn, |event| match event {
            CallEvent::Info { package, content_type, body } => {
                Some((package.clone(), content_type.clone(), body.clone()))
            }
            _ => None,
        })
        .await;
        assert_eq!(received, (package.map(str::to_owned), "text/plain".to_owned(), sent.into()));
    }
    // Alice does not support it, and said so with Recv-Info.
    let refused = inn.info(Some("tides"), "text/plain", "high").await;
    assert_eq!(refused, Err(CommandError::Misuse(Misuse::PackageNotSupported)));
}

async fn outcome(call: &mut Call) -> (u32, Option<u16>) {
    event(call, |event| match event {
        CallEvent::InfoOutcome { info, code } => Some((*info, *code)),
        _ => None,
    })
    .await
}

async fn with_packages(exchange: &ExchangeServer, user: &str, packages: &[&str]) -> Phone {
    let server = format!("ws://{}", exchange.addresses().ws.expect("listens"));
    let mut config = fast(account(user, &server));
    config.info_packages = packages.iter().map(|package| (*package).to_owned()).collect();
    let phone = Phone::start(config).await.expect("starts");
    timeout(BOUND, phone.registered()).await.expect("in time").expect("registered");
    phone
}
