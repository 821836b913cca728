//! The check of an offer before the user is alerted (RFC 3261 §13.3.1.3, §20.43).

use offhook::{AccountEvent, AccountId, Cause, Direction, Event, MediaFault, Status};
use offhook_testkit::peer::{cancel, invite};
use offhook_testkit::{MediaBehaviour, TestPhone, config};
use offhook_wire::HeaderName;
use std::time::Duration;

fn alice(behaviour: MediaBehaviour) -> TestPhone {
    let mut alice = TestPhone::new(config("alice", "ws://pbx.test"), 1);
    alice.media.behaviour = behaviour;
    alice
}

fn is_alerted(alice: &TestPhone) -> bool {
    alice.events.iter().filter_map(Event::of_call).any(|(_, event)| event.incoming().is_some())
}

#[test]
fn an_unusable_offer_gets_488_with_a_warning_and_alerts_nobody() {
    for (fault, warning) in [
        (MediaFault::NoCommonTransport, "302 offhook \"Incompatible transport protocol\""),
        (MediaFault::NoCommonMedia, "304 offhook \"Media type not available\""),
        (MediaFault::NoCommonCodec, "305 offhook \"Incompatible media format\""),
        (MediaFault::BadDescription, "399 offhook \"Malformed session description\""),
    ] {
        let mut alice = alice(MediaBehaviour::CannotUse(fault));
        alice.receive(&invite(Some(Direction::SendRecv)));
        alice.next_response(100);
        let refusal = alice.next_response(488);
        assert_eq!(refusal.header(HeaderName::Warning), Some(warning.as_bytes()));
        assert!(
            alice.events.iter().all(|event| event.of_call().is_none()),
            "the user does not know the call"
        );
        let from = "sip:bob@example.com".to_owned();
        let event = AccountEvent::InviteRefused { from, fault };
        assert!(alice.events.contains(&Event::Account { account: AccountId(0), event }));
        assert_eq!(alice.phone.holdings().calls, 0);
        assert!(alice.effects.is_empty(), "no media session is to be released");
    }
}

/// An engine that does not work says nothing about the offer.
#[test]
fn a_check_that_fails_alerts_the_user() {
    let mut alice = alice(MediaBehaviour::CannotUse(MediaFault::Engine));
    alice.receive(&invite(Some(Direction::SendRecv)));
    alice.next_response(100);
    alice.next_response(180);
    assert!(is_alerted(&alice));
}

#[test]
fn a_late_check_alerts_the_user() {
    let mut alice = alice(MediaBehaviour::NeverChecks);
    alice.receive(&invite(Some(Direction::SendRecv)));
    alice.next_response(100);
    alice.pass(Duration::from_millis(199));
    assert!(!is_alerted(&alice) && alice.sent.is_empty());
    alice.pass(Duration::from_millis(1));
    alice.next_response(180);
    let id = alice.incoming();
    assert_eq!(alice.phone.status(id), Some(Status::Establishing));
    // The limit of the ringing begins with the alert.
    alice.pass(Duration::from_secs(119));
    assert_eq!(alice.phone.status(id), Some(Status::Establishing));
    alice.pass(Duration::from_secs(1));
    assert_eq!(alice.ended(id).cause, Cause::NoAnswer);
}

#[test]
fn an_invite_can_be_cancelled_during_the_check() {
    let mut alice = alice(MediaBehaviour::NeverChecks);
    alice.receive(&invite(Some(Direction::SendRecv)));
    alice.next_response(100);
    alice.receive(&cancel(""));
    alice.next_response(200);
    alice.next_response(487);
    assert!(!is_alerted(&alice));
    assert_eq!(alice.phone.holdings().calls, 0);
}

#[test]
fn an_invite_without_an_offer_is_not_checked() {
    let mut alice = alice(MediaBehaviour::CannotUse(MediaFault::NoCommonCodec));
    alice.receive(&invite(None));
    alice.next_response(100);
    alice.next_response(180);
    assert!(is_alerted(&alice));
}
