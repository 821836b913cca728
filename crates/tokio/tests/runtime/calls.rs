//! Whole calls.

use crate::world::{BOUND, exchange, incoming, phone, tone, until};
use offhook::{DtmfPath, Status};
use offhook_tokio::CallEvent;
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_phones_talk_press_keys_and_hang_up() {
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
            until(&mut inn, |event| match event {
                CallEvent::Digit { digit, path, .. } => Some((*digit, *path)),
                _ => None,
            })
            .await,
        );
    }
    assert_eq!(heard, [('1', DtmfPath::Rtp), ('#', DtmfPath::Rtp), ('4', DtmfPath::Info)]);
    out.hang_up().await.expect("hung up");
    let ended = |event: &CallEvent| matches!(event, CallEvent::Ended(_)).then_some(());
    tokio::join!(until(&mut out, ended), until(&mut inn, ended));
    assert_eq!(out.next().await, None);
    assert!(inn.statistics().await.expect("statistics").received.packets > 0);
    timeout(BOUND, alice.stop()).await.expect("stops");
    timeout(BOUND, bob.stop()).await.expect("stops");
}
