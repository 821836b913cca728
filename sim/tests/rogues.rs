//! Peers that break one rule at a time, with all oracles.

use std::time::Duration;

use offhook::{CallEvent, Cause, EndReason, EndedBy, Event, Status};
use offhook_exchange::Memory;
use offhook_sim::World;
use offhook_sim::node::{Breach, UnsolicitedMessage};
use offhook_sim::scenario::{Behaviour, ExchangeTrouble, PhoneSetup, RogueAction, Scenario, UserAction};
use offhook_sim::tape::{EntryKind, Node};

const SOON: Duration = Duration::from_secs(10);

/// Alice, and a rogue with one breach.
fn world(breach: Breach) -> World {
    let mut world = World::builder().phone("alice").rogue("mallory", [breach]).start();
    world.run_for(Duration::from_secs(2));
    world
}

/// The reasons for the ends of calls.
fn ends(world: &World) -> Vec<EndReason> {
    let entries = world.tape().entries().iter();
    let ended = entries.filter_map(|entry| match &entry.what {
        EntryKind::Event { event: Event::Call { event: CallEvent::Ended(why), .. }, .. } => Some(why.clone()),
        _ => None,
    });
    ended.collect()
}

/// The number of messages of Alice with this prefix.
fn sent(world: &World, start: &str) -> usize {
    let by_alice = |what: &EntryKind| match what {
        EntryKind::Sent { from: Node::Phone(0), data, .. } => data.starts_with(start.as_bytes()),
        _ => false,
    };
    world.tape().entries().iter().filter(|entry| by_alice(&entry.what)).count()
}

/// A rogue without breaches is a correct phone.
#[test]
fn a_rogue_without_breaches_makes_and_receives_calls() {
    let mut world = World::builder().phone("alice").rogue("mallory", []).start();
    world.run_for(SOON);
    world.dial("alice", "mallory");
    world.run_until("alice talks", SOON, |world| world.talks("alice"));
    world.user("alice", UserAction::Hold);
    world.run_until("alice holds", SOON, |world| world.call("alice").is_some_and(|call| call.local_hold));
    world.rogue("mallory", &RogueAction::HangUp);
    world.run_until("it is over", SOON, |world| world.call("alice").is_none());
    world.rogue("mallory", &RogueAction::Call("alice".to_owned()));
    world.run_until("alice talks again", SOON, |world| world.talks("alice"));
    world.user("alice", UserAction::HangUp);
    world.run_until("it is over", SOON, |world| world.call("alice").is_none());
    world.finish();
}

/// RFC 3261 §13.3.1.4: without an ACK the 2xx is repeated, and after 64·T1 the dialog is ended with a BYE.
#[test]
fn a_2xx_without_an_ack_ends_the_call() {
    let mut world = world(Breach::NoAck);
    world.rogue("mallory", &RogueAction::Call("alice".to_owned()));
    world.run_for(Duration::from_secs(40));
    assert!(sent(&world, "SIP/2.0 200") >= 8, "{}", world.ladder());
    assert_eq!(sent(&world, "BYE"), 1);
    assert_eq!(
        ends(&world).first().map(|why| (why.by, why.cause)),
        Some((EndedBy::Network, Cause::TimedOut))
    );
    world.finish();
}

/// RFC 3261 §15.1.1: a call ends with its BYE, whatever the response.
#[test]
fn a_call_ends_whatever_the_response_to_its_bye() {
    for breach in [Breach::ByeIgnored, Breach::ByeRefused, Breach::ByeChallenged, Breach::GoesOnAfterBye] {
        let mut world = world(breach);
        world.dial("alice", "mallory");
        world.run_until("alice talks", SOON, |world| world.talks("alice"));
        world.user("alice", UserAction::HangUp);
        world.run_until("it is over", Duration::from_secs(40), |world| world.call("alice").is_none());
        world.finish();
    }
}

/// RFC 3261 §9.1: an INVITE ends 64·T1 after an unsuccessful CANCEL; a 2xx that crosses it gets a BYE.
#[test]
fn a_cancelled_call_ends_without_a_final_response() {
    for breach in [Breach::TryingOnly, Breach::RingsForEver, Breach::CancelIgnored, Breach::AnswerAfterCancel]
    {
        let mut world = world(breach);
        world.dial("alice", "mallory");
        world.run_for(Duration::from_millis(150));
        world.user("alice", UserAction::HangUp);
        world.run_until("it is over", Duration::from_secs(70), |world| world.call("alice").is_none());
        assert_eq!(ends(&world).first().map(|why| why.by), Some(EndedBy::Us), "{breach}");
        world.finish();
    }
}

/// RFC 3261 §12.1.2, §13.2.2.4: a 2xx without a tag or Contact makes a dialog, with the null tag or the last target.
#[test]
fn a_2xx_without_a_tag_or_contact_makes_a_call() {
    for breach in [Breach::NoTag, Breach::NoContact, Breach::BadRoutes, Breach::TagChanges] {
        let mut world = world(breach);
        world.dial("alice", "mallory");
        world.run_until("alice talks", SOON, |world| world.talks("alice"));
        world.user("alice", UserAction::Hold);
        world.run_until("alice holds", SOON, |world| world.call("alice").is_some_and(|call| call.local_hold));
        world.user("alice", UserAction::HangUp);
        world.run_until("it is over", SOON, |world| world.call("alice").is_none());
        world.finish();
    }
}

/// RFC 3261 §13.2.2.4: one 2xx makes the call; the others get an ACK and a BYE.
#[test]
fn other_forks_get_a_bye() {
    let mut world = world(Breach::Forks);
    world.dial("alice", "mallory");
    world.run_for(SOON);
    assert!(world.talks("alice"));
    assert_eq!(sent(&world, "BYE"), 3, "{}", world.ladder());
    world.finish();
}

/// RFC 7616 §3.3: stale nonces are retried a limited number of times.
#[test]
fn challenges_are_answered_a_limited_number_of_times() {
    let mut world = world(Breach::Challenges);
    world.dial("alice", "mallory");
    world.run_until("it is over", SOON, |world| world.call("alice").is_none());
    assert!(sent(&world, "INVITE") <= 8, "{}", world.ladder());
    world.finish();
}

/// RFC 3261 §14.1: after several 491 the hold fails.
#[test]
fn a_hold_fails_after_several_491() {
    let mut world = world(Breach::AlwaysPending);
    world.dial("alice", "mallory");
    world.run_until("alice talks", SOON, |world| world.talks("alice"));
    world.user("alice", UserAction::Hold);
    world.run_for(Duration::from_secs(60));
    let failed = |what: &EntryKind| {
        matches!(
            what,
            EntryKind::Event {
                event: Event::Call { event: CallEvent::HoldFailed { code: Some(491), .. }, .. },
                ..
            }
        )
    };
    assert_eq!(world.tape().entries().iter().filter(|entry| failed(&entry.what)).count(), 1);
    assert!(world.talks("alice"), "the call continues");
    world.finish();
}

/// RFC 3261 §12.2.1.2: a 481 ends the call.
#[test]
fn a_481_ends_the_call() {
    let mut world = world(Breach::ForgetsDialog);
    world.dial("alice", "mallory");
    world.run_until("alice talks", SOON, |world| world.talks("alice"));
    let tone = Duration::from_millis(40);
    world.user("alice", UserAction::Digits { digits: "1".to_owned(), path: offhook::DtmfPath::Info, tone });
    world.run_until("it is over", SOON, |world| world.call("alice").is_none());
    assert_eq!(ends(&world).first().map(|why| why.code), Some(Some(481)));
    world.finish();
}

/// RFC 3261 §8.2.2.2: a merged INVITE is refused with 482.
#[test]
fn a_merged_invite_makes_one_call() {
    let mut world = world(Breach::Merged);
    world.rogue("mallory", &RogueAction::Call("alice".to_owned()));
    world.run_for(Duration::from_secs(2));
    assert_eq!(world.phone("alice").calls.len(), 1);
    world.finish();
}

/// RFC 3261 §15: a caller may end an early dialog with a BYE; the INVITE is refused as if it had been cancelled.
#[test]
fn a_bye_ends_an_early_dialog() {
    let mut world = world(Breach::ByeWhileRinging);
    world.behaviour("alice", offhook_sim::scenario::Behaviour::Ignore);
    world.rogue("mallory", &RogueAction::Call("alice".to_owned()));
    world.run_until("it rings", SOON, |world| world.call("alice").is_some());
    world.run_until("it is over", Duration::from_secs(11), |world| world.call("alice").is_none());
    assert_eq!(ends(&world).first().map(|why| (why.by, why.cause)), Some((EndedBy::Peer, Cause::Cancelled)));
    assert_eq!(sent(&world, "SIP/2.0 487"), 1, "{}", world.ladder());
    world.finish();
}

/// RFC 3515 §2.4.4: without a NOTIFY the transfer fails, and the call continues.
#[test]
fn a_transfer_without_a_notify_fails() {
    let mut world = world(Breach::ReferSilent);
    world.dial("alice", "mallory");
    world.run_until("alice talks", SOON, |world| world.talks("alice"));
    world.user("alice", UserAction::Transfer("nobody".to_owned()));
    world.run_for(Duration::from_secs(200));
    assert_eq!(world.call("alice").map(|call| call.status), Some(Status::Established));
    world.finish();
}

/// RFC 3261 §12.2.2: a request with one wrong tag matches no dialog.
#[test]
fn a_request_with_a_wrong_tag_gets_481() {
    let mut world = World::builder().phone("alice").rogue("mallory", []).start();
    world.run_for(Duration::from_secs(2));
    world.dial("alice", "mallory");
    world.run_until("alice talks", SOON, |world| world.talks("alice"));
    world.rogue(
        "mallory",
        &RogueAction::Flood { user: "alice".to_owned(), count: 20, with: UnsolicitedMessage::NearMiss },
    );
    world.run_for(SOON);
    assert_eq!(sent(&world, "SIP/2.0 481"), 20, "{}", world.ladder());
    assert!(world.talks("alice"));
    world.finish();
}

/// RFC 3261 §12.2: a re-INVITE and its 2xx refresh the remote target.
#[test]
fn the_remote_target_is_refreshed() {
    for breach in [Breach::Moves, Breach::AnswersElsewhere] {
        let mut world = world(breach);
        world.dial("alice", "mallory");
        world.run_until("alice talks", SOON, |world| world.talks("alice"));
        world.user("alice", UserAction::Hold);
        world.run_for(SOON);
        world.user("alice", UserAction::HangUp);
        world.run_until("it is over", SOON, |world| world.call("alice").is_none());
        assert_eq!(sent(&world, "BYE sip:mallory.elsewhere@"), 1, "{breach}:\n{}", world.ladder());
        world.finish();
    }
}

/// Unsolicited messages do not affect registrations, and create at most two calls.
#[test]
fn floods_do_not_affect_registrations() {
    for message in UnsolicitedMessage::ALL {
        let mut world = World::builder().phone("alice").udp_phone("bob").rogue("mallory", []).start();
        world.run_for(Duration::from_secs(2));
        for user in ["alice", "bob"] {
            world.rogue("mallory", &RogueAction::Flood { user: user.to_owned(), count: 300, with: *message });
        }
        world.run_for(Duration::from_secs(5));
        for name in ["alice", "bob"] {
            assert!(world.phone(name).calls.len() <= 2, "{message}: {name}");
            assert!(world.phone(name).is_registered(), "{message}: {name}");
        }
        world.finish();
    }
}

/// A call in each direction with hold, digits, transfer and hang-up, for each breach.
#[test]
fn each_breach_is_clean() {
    let mut bad = Vec::new();
    for breach in Breach::ALL {
        for (seed, transport, end) in [(1, "ws", "alice"), (2, "udp", "mallory"), (3, "udp", "bob")] {
            let text = format!(
                "offhook-scenario 1\nseed {seed}\nphone alice {transport}\nphone bob ws\nrogue mallory ws breaks={breach}\n\
                 2s alice dials mallory\n5s alice holds\n7s alice sends 1 by info for 40ms\n9s alice transfers to bob\n\
                 20s {end} hangs up\n40s mallory calls alice\n45s alice holds\n48s alice resumes\n50s {end} hangs up\n"
            );
            let scenario: Scenario = text.parse().expect("a scenario");
            if let Some(violation) = offhook_sim::run::run(&scenario).violation {
                bad.push(format!("{breach} {seed}: {violation}"));
            }
        }
    }
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// RFC 3261 §16.5: in-dialog requests reach the phone of the dialog, even if another user registered its Contact.
#[test]
fn a_claimed_contact_does_not_receive_calls() {
    let claim = RogueAction::Claim("bob".to_owned());
    let mut world = World::builder().phone("alice").phone("bob").rogue("mallory", []).start();
    world.run_for(Duration::from_secs(2));
    world.dial("alice", "bob");
    world.run_until("both talk", SOON, |world| world.talks("alice") && world.talks("bob"));
    world.rogue("mallory", &claim);
    world.run_for(SOON);
    assert_eq!(world.contacts("pbx", "mallory"), 2, "{}", world.ladder());
    world.reset_connection("bob");
    world.user("alice", UserAction::Hold);
    world.run_until("bob is held", SOON, |world| world.call("bob").is_some_and(|call| call.remote_hold));
    // After the restart mallory registers before bob.
    world.crash_exchange("pbx", Duration::from_secs(1));
    world.run_for(SOON);
    assert_eq!(world.contacts("pbx", "mallory"), 2, "{}", world.ladder());
    world.user("alice", UserAction::HangUp);
    world.run_until("bob is hung up", SOON, |world| world.call("bob").is_none());
    world.finish();
}

/// Wrong credentials and floods count against their sender: no other binding is added, and the phone of the user stays registered.
#[test]
fn guesses_and_floods_do_not_affect_the_user() {
    let mut world = World::builder().phone("alice").udp_phone("bob").rogue("mallory", []).start();
    world.run_for(Duration::from_secs(2));
    for user in ["alice", "bob"] {
        for with in [UnsolicitedMessage::Guess, UnsolicitedMessage::Register] {
            world.rogue("mallory", &RogueAction::Flood { user: user.to_owned(), count: 200, with });
        }
    }
    for _ in 0..5 {
        world.reset_connection("alice");
        world.trouble_exchange("pbx", ExchangeTrouble::Forgets(Memory::Nonces));
        world.run_for(Duration::from_secs(4));
        for user in ["alice", "bob"] {
            assert_eq!(world.contacts("pbx", user), 1, "{user}");
            assert!(world.phone(user).is_registered(), "{user}:\n{}", world.ladder());
        }
    }
    world.finish();
}

/// RFC 3311 §5.1: a peer that lists UPDATE and refuses it gets a re-INVITE with the same offer.
#[test]
fn a_refused_update_is_followed_by_a_reinvite() {
    let alice = PhoneSetup { by_update: true, ..PhoneSetup::new("alice") };
    let mut world = World::builder().setup(alice).rogue("mallory", [Breach::UpdateRefused]).start();
    world.run_for(Duration::from_secs(2));
    world.dial("alice", "mallory");
    world.run_until("alice talks", SOON, |world| world.talks("alice"));
    let invites = sent(&world, "INVITE");
    world.user("alice", UserAction::Hold);
    world.run_until("alice holds", SOON, |world| world.call("alice").is_some_and(|call| call.local_hold));
    assert_eq!((sent(&world, "UPDATE"), sent(&world, "INVITE")), (1, invites + 1), "{}", world.ladder());
    world.finish();
}

/// RFC 3262 §5: the offer of a reliable response gets an invalid answer, while the user is alerted.
#[test]
fn an_invalid_answer_in_a_prack_ends_the_call() {
    let breaks = [Breach::LateOfferReliably, Breach::PrackGarbage];
    let mut ended = 0;
    for seed in 0..20 {
        let mut world = World::builder().seed(seed).phone("alice").rogue("mallory", breaks).start();
        world.behaviour("alice", Behaviour::Ignore);
        world.run_for(Duration::from_secs(2));
        world.rogue("mallory", &RogueAction::Call("alice".to_owned()));
        world.run_for(Duration::from_secs(1));
        world.user("alice", UserAction::EarlyMedia);
        world.run_for(Duration::from_secs(1));
        let unusable = |why: &EndReason| why.by == EndedBy::Us && why.code == Some(488);
        ended += ends(&world).iter().filter(|why| unusable(why)).count();
        world.finish();
    }
    assert!(ended > 0);
}
