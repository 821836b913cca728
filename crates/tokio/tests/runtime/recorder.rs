//! Recordings of phones and their replays.

use crate::world::{
    BOUND, account, ended, event, exchange, fast, incoming, phone_with, register_again, status,
};
use offhook::{ConnectionFailure, DtmfPath, Status};
use offhook_recorder::Recording;
use offhook_recorder::replay::replay;
use offhook_tokio::{CallEvent, Options, Phone, Recorder, RecorderOptions};
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::timeout;

fn file(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("offhook-{name}-{}.offhook", std::process::id()))
}

fn recorded(recorder: &Recorder, name: &str) -> Options {
    Options::default().with_recorder(recorder.track(name))
}

fn expect_no_difference(recording: &Recording) {
    for track in &recording.phones {
        let again = replay(track).expect("from its beginning");
        assert_eq!(again.divergence, None, "{}", track.name);
        assert!(again.checks > 10 && again.trace.len() > 10, "{}", track.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recording_replays_without_difference() {
    let path = file("call");
    let recorder = Recorder::start(RecorderOptions::default().with_file(&path)).expect("a file");
    let mut exchange = exchange().await;
    let mut alice = phone_with(&exchange, "alice", recorded(&recorder, "alice")).await;
    let mut bob = phone_with(&exchange, "bob", recorded(&recorder, "alice")).await;
    let mut out = alice.dial("bob").await.expect("dialled");
    let mut inn = incoming(&mut bob).await;
    inn.answer().await.expect("answered");
    status(&mut out, Status::Established).await;
    status(&mut inn, Status::Established).await;
    out.digits("739", Duration::from_millis(60), DtmfPath::Info).await.expect("queued");
    let mut heard = String::new();
    while heard.len() < 3 {
        heard.push(
            event(&mut inn, |event| match event {
                CallEvent::Digit { digit, .. } => Some(*digit),
                _ => None,
            })
            .await,
        );
    }
    assert_eq!(heard, "739");
    out.answer().await.expect_err("it was a call of ours");
    out.hang_up().await.expect("hung up");
    tokio::join!(ended(&mut out), ended(&mut inn));
    exchange.drop_connections().await;
    exchange.stop().await;
    exchange.restart().await.expect("again");
    register_again(&mut alice).await;

    // During the calls, as a program does after an unexpected event.
    let dump = Recording::read(recorder.dump().expect("runs").as_bytes()).expect("readable");
    expect_no_difference(&dump);
    timeout(BOUND, alice.stop()).await.expect("stops");
    timeout(BOUND, bob.stop()).await.expect("stops");
    recorder.finish().expect("written");

    let text = std::fs::read_to_string(&path).expect("there");
    std::fs::remove_file(path).expect("ours");
    for secret in ["a-pw", "b-pw", "Signal=7", "digits 0.0 info 0.06s 739"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(text.contains("digits 0.0 info 0.06s 000") && text.contains("a=ice-pwd:xxxx"));
    let recording = Recording::read(text.as_bytes()).expect("readable");
    assert!(recording.complete);
    let names: Vec<&str> = recording.phones.iter().map(|track| track.name.as_str()).collect();
    assert_eq!(names, ["alice", "alice-2"]);
    assert!(text.contains(" alice down 1 closed"), "{:?} was recorded", ConnectionFailure::Closed);
    expect_no_difference(&recording);
}

/// The ring is too small for all calls: the replay begins at a checkpoint.
///
/// A call is at least 6 inputs of alice and some 4 kB of recording, so 14 calls of 40 are left. A checkpoint is recorded after the first
/// call that ends at least 32 inputs after the previous one: the first one in the ring follows at most 7 calls, and 7 calls follow it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn overflowed_ring_replays_from_a_checkpoint() {
    let recorder = Recorder::start(RecorderOptions::default().with_memory(60_000)).expect("a thread");
    let exchange = exchange().await;
    let mut alice = phone_with(&exchange, "alice", recorded(&recorder, "alice")).await;
    let bob = phone_with(&exchange, "bob", Options::default()).await;
    for _ in 0..40 {
        let mut out = bob.dial("alice").await.expect("dialled");
        let mut inn = incoming(&mut alice).await;
        inn.answer().await.expect("answered");
        status(&mut out, Status::Established).await;
        status(&mut inn, Status::Established).await;
        inn.hang_up().await.expect("hung up");
        tokio::join!(ended(&mut out), ended(&mut inn));
    }
    timeout(BOUND, alice.stop()).await.expect("stops");
    let dump = recorder.dump().expect("runs");
    assert!(dump.len() < 62_000, "{}", dump.len());
    let recording = Recording::read(dump.as_bytes()).expect("readable");
    let track = &recording.phones[0];
    let again = replay(track).expect("it rested between two calls");
    assert_eq!(again.divergence, None);
    assert!(track.forgotten > 50 && again.skipped >= track.forgotten && again.inputs > 30, "{again:?}");
    timeout(BOUND, bob.stop()).await.expect("stops");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn phone_continues_without_its_recorder() {
    let recorder = Recorder::start(RecorderOptions::default()).expect("a thread");
    let exchange = exchange().await;
    let server = format!("ws://{}", exchange.addresses().ws.expect("listens"));
    let options = recorded(&recorder, "alice");
    let again = recorder.clone();
    recorder.finish().expect("no file to fail");
    let phone = Phone::start_with(fast(account("alice", &server)), options).await.expect("starts");
    timeout(BOUND, phone.registered()).await.expect("in time").expect("registered");
    assert_eq!(again.dump(), None);
    again.finish().expect("nothing to do");
    timeout(BOUND, phone.stop()).await.expect("stops");
}

#[test]
fn unwritable_file_is_an_error() {
    let nowhere = RecorderOptions::default().with_file("/nowhere/at/all.offhook");
    assert!(Recorder::start(nowhere).is_err());
}
