//! Offers that cannot be used, early media, and restarts of media.

use crate::world::{
    BOUND, account, ended, event, exchange, fast, incoming, phone, phone_with, status, tone, until,
};
use offhook::{EndedBy, MediaFault, Status};
use offhook_media::Source;
use offhook_tokio::{
    AccountEvent, Call, CallEvent, CallUpdate, MediaUpdate, Options, Phone, PhoneEvent, Tap,
};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::UdpSocket;
use tokio::time::timeout;

const PLAIN_RTP: &str =
    "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 8\r\n";

/// The value of a header field of a message.
fn field<'a>(message: &'a str, name: &str) -> &'a str {
    let row = message.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    row.unwrap_or_else(|| panic!("no {name} in {message}"))
}

/// The next message that is not a keep-alive.
async fn message(server: &UdpSocket, starts: &str) -> (String, SocketAddr) {
    let mut buffer = vec![0; 4096];
    loop {
        let received = timeout(BOUND, server.recv_from(&mut buffer)).await.expect("in time");
        let (length, from) = received.expect("a datagram");
        let text = String::from_utf8_lossy(&buffer[..length]).into_owned();
        if text.starts_with(starts) {
            return (text, from);
        }
    }
}

/// An INVITE of a phone that has plain RTP only is refused before the user is alerted.
#[tokio::test]
async fn plain_rtp_is_refused_without_an_alert() {
    let server = UdpSocket::bind("127.0.0.1:0").await.expect("loopback");
    let address = server.local_addr().expect("bound");
    let mut bob = Phone::start(fast(account("bob", &format!("udp://{address}")))).await.expect("starts");
    let (register, at) = message(&server, "REGISTER").await;
    let contact = field(&register, "Contact").split(['<', '>']).nth(1).expect("a URI");
    let invite = format!(
        "INVITE {contact} SIP/2.0\r\nVia: SIP/2.0/UDP {address};branch=z9hG4bKplain\r\nMax-Forwards: 70\r\n\
         From: <sip:carol@offhook.test>;tag=c\r\nTo: <sip:bob@offhook.test>\r\nCall-ID: plain\r\nCSeq: 1 INVITE\r\n\
         Contact: <sip:carol@{address}>\r\nContent-Type: application/sdp\r\nContent-Length: {}\r\n\r\n{PLAIN_RTP}",
        PLAIN_RTP.len()
    );
    server.send_to(invite.as_bytes(), at).await.expect("sent");
    let (refusal, _) = message(&server, "SIP/2.0 4").await;
    assert!(refusal.starts_with("SIP/2.0 488 "), "{refusal}");
    assert!(field(&refusal, "Warning").starts_with("302 "), "{refusal}");
    loop {
        match timeout(BOUND, bob.next()).await.expect("in time").expect("runs") {
            PhoneEvent::Incoming(call) => panic!("{call:?}"),
            PhoneEvent::Account { event: AccountEvent::InviteRefused { from, fault }, .. } => {
                assert_eq!((from.as_str(), fault), ("sip:carol@offhook.test", MediaFault::NoCommonTransport));
                break;
            }
            _ => {}
        }
    }
}

/// The methods of the requests that a phone sends, in order.
fn tapped(options: Options) -> (Options, Arc<Mutex<Vec<String>>>) {
    let methods = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&methods);
    let tap = Tap::new(move |message| {
        let text = String::from_utf8_lossy(&message.data);
        let method = text.split(' ').next().unwrap_or_default();
        if message.sent {
            seen.lock().expect("no panic").push(method.to_owned());
        }
    });
    (options.with_tap(tap), methods)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caller_hears_early_media_before_the_answer() {
    let exchange = exchange().await;
    let (options, sent) = tapped(Options::default().with_play(Source::tone(440.0)));
    let alice = phone_with(&exchange, "alice", options).await;
    let mut bob = phone(&exchange, "bob", 880.0).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let mut inn = incoming(&mut bob).await;
    inn.early_media().await.expect("it rings");
    let heard = tone(&mut out).await;
    assert!((heard - 880.0).abs() < 8.0, "{heard}");
    assert_ne!(out.status(), Status::Established);
    assert!(inn.early_media().await.is_err(), "once");
    assert!(sent.lock().expect("no panic").iter().any(|method| method == "PRACK"));
    inn.answer().await.expect("answered");
    tokio::join!(status(&mut out, Status::Established), status(&mut inn, Status::Established));
    expect_steady(&out, 880.0).await;
    inn.hang_up().await.expect("hung up");
    ended(&mut out).await;
}

/// Both branches of a call have early media; the first one is accepted after the second one was heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn early_media_of_two_branches_is_told_apart() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    let (mut first, mut second) =
        (phone(&exchange, "bob", 880.0).await, phone(&exchange, "bob", 660.0).await);
    let mut out = alice.dial("bob").await.expect("dialled");
    let (mut one, mut other) = (incoming(&mut first).await, incoming(&mut second).await);
    one.early_media().await.expect("it rings");
    expect_tone(&mut out, 880.0).await;
    other.early_media().await.expect("it rings");
    expect_tone(&mut out, 660.0).await;
    // What the caller plays is sent to both.
    tokio::join!(expect_tone(&mut one, 440.0), expect_tone(&mut other, 440.0));
    out.play(Source::tone(550.0)).await.expect("runs");
    tokio::join!(expect_tone(&mut one, 550.0), expect_tone(&mut other, 550.0));
    one.answer().await.expect("answered");
    expect_tone(&mut out, 880.0).await;
    assert_eq!(ended(&mut other).await.by, EndedBy::Peer);
    assert_eq!(out.status(), Status::Established);
    expect_steady(&out, 880.0).await;
    out.hang_up().await.expect("hung up");
    ended(&mut one).await;
}

async fn expect_tone(call: &mut Call, hz: f32) {
    until(call, |update| match update {
        CallUpdate::Media(MediaUpdate::Tone { hz: Some(heard), .. }) => {
            ((heard - hz).abs() < 8.0).then_some(())
        }
        _ => None,
    })
    .await;
}

/// Waits for the outcome of a restart, and then for audio of this tone.
async fn expect_restarted(call: &mut Call, hz: f32) {
    let outcome = event(call, |event| match event {
        CallEvent::MediaRestarted { accepted, code } => Some((*accepted, *code)),
        _ => None,
    });
    assert!(outcome.await.0, "accepted");
    expect_steady(call, hz).await;
}

/// Waits until half a second of audio was received from now on, after which the tone is this one.
async fn expect_steady(call: &Call, hz: f32) {
    let received = async || call.statistics().await.expect("statistics").received.packets;
    let before = received().await;
    let arrived = async {
        while received().await < before + 25 {
            tokio::task::yield_now().await;
        }
    };
    timeout(BOUND, arrived).await.expect("audio in time");
    let heard = call.heard().await.expect("runs").hz.expect("a tone");
    assert!((heard - hz).abs() < 8.0, "{heard}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn audio_continues_after_a_restart() {
    let exchange = exchange().await;
    let alice = phone(&exchange, "alice", 440.0).await;
    let mut bob = phone(&exchange, "bob", 880.0).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let mut inn = incoming(&mut bob).await;
    inn.answer().await.expect("answered");
    tokio::join!(tone(&mut out), tone(&mut inn));
    out.restart_media().await.expect("established");
    expect_restarted(&mut out, 880.0).await;
    inn.restart_media().await.expect("established");
    expect_restarted(&mut inn, 440.0).await;
    let heard = out.heard().await.expect("runs").hz.expect("a tone");
    assert!((heard - 880.0).abs() < 8.0, "{heard}");
    out.hang_up().await.expect("hung up");
    let lost = until(&mut out, |update| match update {
        CallUpdate::Media(MediaUpdate::Failed(_)) => Some(true),
        update => update.ended().map(|_| false),
    });
    assert!(!lost.await);
}
