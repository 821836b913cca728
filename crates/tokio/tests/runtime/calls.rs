//! Whole calls.

use crate::world::{
    BOUND, account, account_event, config, ended, event, exchange, fast, incoming, phone, phone_with, status,
    tone,
};
use offhook::{Cause, DtmfPath, EndedBy, MediaFault, Status};
use offhook_media::{Codec, MediaConfig, Source};
use offhook_tokio::{AccountEvent, Bind, CallEvent, CommandError, ExchangeServer, Listen, Options, Phone};
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn call_with_audio_digits_and_hang_up() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    let mut bob = phone(&exchange, "bob", 880.0).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let mut inn = incoming(&mut bob).await;
    assert!(inn.incoming().expect("incoming").from.contains("alice"));
    inn.answer().await.expect("answered");
    let (at_alice, at_bob) = tokio::join!(tone(&mut out), tone(&mut inn));
    assert!((at_alice - 880.0).abs() < 8.0, "{at_alice}");
    assert!((at_bob - 440.0).abs() < 8.0, "{at_bob}");
    assert_eq!(out.status(), Status::Established);
    out.digits("1#", Duration::from_millis(100), DtmfPath::Rtp).await.expect("queued");
    out.digits("4", Duration::from_millis(100), DtmfPath::Info).await.expect("queued");
    let mut heard = Vec::new();
    while heard.len() < 3 {
        heard.push(
            event(&mut inn, |event| match event {
                CallEvent::Digit { digit, path, .. } => Some((*digit, *path)),
                _ => None,
            })
            .await,
        );
    }
    assert_eq!(heard, [('1', DtmfPath::Rtp), ('#', DtmfPath::Rtp), ('4', DtmfPath::Info)]);
    out.hang_up().await.expect("hung up");
    let (at_alice, at_bob) = tokio::join!(ended(&mut out), ended(&mut inn));
    assert_eq!((at_alice.by, at_alice.cause), (EndedBy::Us, Cause::HungUp));
    assert_eq!((at_bob.by, at_bob.cause), (EndedBy::Peer, Cause::HungUp));
    assert_eq!(out.next().await, None);
    assert!(inn.statistics().await.expect("statistics").received.packets > 0);
    timeout(BOUND, alice.stop()).await.expect("stops");
    timeout(BOUND, bob.stop()).await.expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn call_over_udp_has_audio() {
    let udp = Some("127.0.0.1:0".parse().expect("an address"));
    let exchange =
        ExchangeServer::start(config(), Listen { udp, ..Listen::default() }).await.expect("starts");
    let server = format!("udp://{}", exchange.addresses().udp.expect("listens"));
    let start = async |user: &str, hz| {
        let options = Options::default().with_play(Source::tone(hz));
        let phone = Phone::start_with(fast(account(user, &server)), options).await.expect("starts");
        timeout(BOUND, phone.registered()).await.expect("in time").expect("registered");
        phone
    };
    let (alice, mut bob) = (start("alice", 440.0).await, start("bob", 880.0).await);
    let mut out = alice.dial("bob").await.expect("dialled");
    let mut inn = incoming(&mut bob).await;
    inn.answer().await.expect("answered");
    tokio::join!(tone(&mut out), tone(&mut inn));
    inn.hang_up().await.expect("hung up");
    assert_eq!(ended(&mut out).await.cause, Cause::HungUp);
}

#[tokio::test]
async fn dropped_call_hangs_up_and_detached_call_continues() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    let mut bob = phone(&exchange, "bob", 880.0).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let inn = incoming(&mut bob).await;
    inn.answer().await.expect("answered");
    inn.detach();
    tone(&mut out).await;
    drop(out);
    // Only the drop of the caller's handle can have ended it.
    let mut again = alice.dial("bob").await.expect("dialled");
    let inn = incoming(&mut bob).await;
    drop(inn);
    let why = ended(&mut again).await;
    assert_eq!(why.by, EndedBy::Peer);
    assert_eq!(again.next().await, None);
}

#[tokio::test]
async fn unanswered_call_times_out() {
    let exchange = exchange().await;
    let server = format!("ws://{}", exchange.addresses().ws.expect("listens"));
    let mut impatient = fast(account("alice", &server));
    impatient.no_answer = Duration::from_millis(300);
    let alice = Phone::start(impatient).await.expect("starts");
    timeout(BOUND, alice.registered()).await.expect("in time").expect("registered");
    let mut bob = phone(&exchange, "bob", 880.0).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let mut inn = incoming(&mut bob).await;
    assert_eq!(ended(&mut out).await.cause, Cause::NoAnswer);
    assert_eq!(ended(&mut inn).await.cause, Cause::Cancelled);
}

#[tokio::test]
async fn unknown_callee_is_not_found() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    let why = ended(&mut alice.dial("nobody").await.expect("dialled")).await;
    assert_eq!((why.cause, why.code), (Cause::NotFound, Some(404)));
}

#[tokio::test]
async fn no_common_codec_is_not_acceptable() {
    let exchange = exchange().await;
    let speaks =
        |codec| Options::default().with_media(MediaConfig { codecs: vec![codec], ..MediaConfig::default() });
    let alice = phone_with(&exchange, "alice", speaks(Codec::Opus)).await;
    let mut bob = phone_with(&exchange, "bob", speaks(Codec::Pcma)).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let why = ended(&mut out).await;
    assert_eq!((why.cause, why.code), (Cause::NotAcceptable, Some(488)));
    let refused = account_event(&mut bob, |_, event| match event {
        AccountEvent::InviteRefused { from, fault } => Some((from.clone(), *fault)),
        _ => None,
    });
    assert_eq!(refused.await, ("sip:alice@offhook.test".to_owned(), MediaFault::NoCommonCodec));
}

#[tokio::test]
async fn missing_media_path_ends_the_call() {
    let exchange = exchange().await;
    // ::1 and 127.0.0.1 cannot reach each other.
    let media = MediaConfig { connect_timeout: Duration::from_millis(500), ..MediaConfig::default() };
    let on = |ip: &str| {
        let bind = Bind::Addresses(vec![ip.parse().expect("an address")]);
        Options::default().with_bind(bind).with_media(media.clone())
    };
    if tokio::net::UdpSocket::bind("[::1]:0").await.is_err() {
        return;
    }
    let alice = phone_with(&exchange, "alice", on("127.0.0.1")).await;
    let mut bob = phone_with(&exchange, "bob", on("::1")).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let mut inn = incoming(&mut bob).await;
    inn.answer().await.expect("answered");
    let (at_alice, at_bob) = tokio::join!(ended(&mut out), ended(&mut inn));
    let causes = [at_alice.cause, at_bob.cause];
    // The end that detects the failure first hangs up, possibly before the other detects it.
    assert!(causes.contains(&Cause::MediaFailed), "{causes:?}");
}

#[tokio::test]
async fn commands_to_a_stopped_phone_are_errors() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    let mut bob = phone(&exchange, "bob", 880.0).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let inn = incoming(&mut bob).await;
    inn.answer().await.expect("answered");
    status(&mut out, Status::Established).await;
    timeout(BOUND, bob.stop()).await.expect("bounded");
    assert_eq!(inn.hold().await, Err(CommandError::Stopped));
    // Stopping has hung up.
    assert_eq!(ended(&mut out).await.cause, Cause::HungUp);
    assert!(matches!(alice.dial("no such\naddress").await, Err(CommandError::Misuse(_))));
}
