//! Muting: the media sessions of a call send nothing of the muted types; the peer is not informed.

use offhook::{CallEffect, Dial, Direction, Effect, LegId, MediaTypes, Misuse, SessionId};
use offhook_testkit::peer::{in_call, incoming_call, response};
use offhook_testkit::{TestPhone, config, sdp};
use std::time::Duration;

fn alice(media_legs: u8) -> TestPhone {
    let mut settings = config("alice", "ws://pbx.test");
    settings.media_legs = media_legs.into();
    TestPhone::new(settings, 1)
}

fn mute(alice: &mut TestPhone, id: SessionId, types: MediaTypes) {
    alice.phone.mute(alice.now, id, types).expect("a call");
    alice.pump();
}

/// What the media sessions were told of muting.
fn muted(alice: &mut TestPhone) -> Vec<(LegId, MediaTypes)> {
    let effects = std::mem::take(&mut alice.effects);
    let mute = |effect| match effect {
        Effect::Call { leg, effect: CallEffect::Mute { types }, .. } => Some((leg, types)),
        _ => None,
    };
    effects.into_iter().filter_map(|(_, effect)| mute(effect)).collect()
}

#[test]
fn an_established_call_is_muted_and_unmuted() {
    let mut alice = alice(1);
    let (id, _) = in_call(&mut alice);
    alice.effects.clear();
    alice.events.clear();
    for types in [MediaTypes::AUDIO, MediaTypes::AUDIO_VIDEO, MediaTypes::VIDEO, MediaTypes::NONE] {
        mute(&mut alice, id, types);
        assert_eq!(muted(&mut alice), [(LegId(0), types)]);
    }
    alice.pass(Duration::from_secs(60));
    assert_eq!((alice.sent.len(), alice.events.len()), (0, 0), "the peer is not informed");
}

/// It holds for the session of the answer, which is created later, and is said once.
#[test]
fn a_call_that_rings_is_muted() {
    let mut alice = alice(1);
    let (id, _) = incoming_call(&mut alice);
    mute(&mut alice, id, MediaTypes::AUDIO);
    assert_eq!(muted(&mut alice), [], "it has no media session");
    alice.phone.answer(alice.now, id).expect("it rings");
    alice.pump();
    alice.next_response(200);
    assert_eq!(muted(&mut alice), [(LegId(0), MediaTypes::AUDIO)]);
}

/// A caller has a media session for each early dialog.
#[test]
fn each_fork_is_muted() {
    let mut alice = alice(3);
    let id = alice.phone.dial(alice.now, Dial::to("bob")).expect("a call");
    alice.pump();
    let invite = alice.next_request("INVITE");
    alice.receive_bytes(response(&invite, 183, "bob", Some(&sdp(Direction::SendRecv))));
    alice.receive_bytes(response(&invite, 183, "mobile", Some(&sdp(Direction::SendRecv))));
    alice.effects.clear();
    mute(&mut alice, id, MediaTypes::AUDIO);
    assert_eq!(muted(&mut alice), [(LegId(0), MediaTypes::AUDIO), (LegId(1), MediaTypes::AUDIO)]);
    alice.receive_bytes(response(&invite, 183, "home", Some(&sdp(Direction::SendRecv))));
    assert_eq!(muted(&mut alice), [(LegId(2), MediaTypes::AUDIO)]);
    mute(&mut alice, id, MediaTypes::NONE);
    assert_eq!(muted(&mut alice).len(), 3);
    alice.receive_bytes(response(&invite, 200, "work", Some(&sdp(Direction::SendRecv))));
    alice.next_request("ACK");
    assert_eq!(muted(&mut alice), [], "nothing is muted");
}

#[test]
fn a_call_that_ends_is_not_muted() {
    let mut alice = alice(1);
    let (id, _) = in_call(&mut alice);
    alice.phone.hang_up(alice.now, id).expect("a call");
    alice.pump();
    assert!(matches!(alice.phone.mute(alice.now, id, MediaTypes::AUDIO), Err(Misuse::WrongStatus(_))));
    alice.pass(Duration::from_secs(60));
    assert!(matches!(alice.phone.mute(alice.now, id, MediaTypes::AUDIO), Err(Misuse::UnknownSession(_))));
}
