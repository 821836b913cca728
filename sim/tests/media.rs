//! Real media over the simulated networks: ICE, DTLS-SRTP, audio and digits, with all oracles.

use std::time::Duration;

use offhook::{AccountEvent, CallEvent, DtmfPath, Event};
use offhook_sim::World;
use offhook_sim::media::HeardAudio;
use offhook_sim::oracle;
use offhook_sim::run::{Verdict, run};
use offhook_sim::scenario::{
    Behaviour, Codec, Fault, Fidelity, MediaTrouble, PhoneSetup, Scenario, UserAction, Weather,
};
use offhook_sim::tape::EntryKind;

const SECOND: Duration = Duration::from_secs(1);

/// An established call with audio in both directions.
fn call(alice: PhoneSetup, bob: PhoneSetup) -> World {
    let mut world = World::builder().real_media().setup(alice).setup(bob).start();
    world.behaviour("bob", Behaviour::Answer { after: SECOND });
    world.dial("alice", "bob");
    world.run_until("both talk", 10 * SECOND, |world| world.talks("alice") && world.talks("bob"));
    world.run_until("both hear", 10 * SECOND, both_hear);
    world
}

fn both_hear(world: &World) -> bool {
    world.heard_audio("alice") == HeardAudio::Peer && world.heard_audio("bob") == HeardAudio::Peer
}

fn nobody_hears(world: &World) -> bool {
    world.heard_audio("alice") == HeardAudio::Nothing && world.heard_audio("bob") == HeardAudio::Nothing
}

fn phone(name: &str) -> PhoneSetup {
    PhoneSetup::new(name)
}

fn lossy(name: &str) -> PhoneSetup {
    let weather = Weather { jitter: Duration::from_millis(30), loss: 100, duplicate: 50, ..Weather::CLEAR };
    PhoneSetup { weather, ..phone(name) }
}

fn digits(digits: &str) -> UserAction {
    UserAction::Digits { digits: digits.to_owned(), path: DtmfPath::Rtp, tone: Duration::from_millis(100) }
}

#[test]
fn audio_flows_in_both_directions() {
    let mut world = call(phone("alice"), phone("bob"));
    world.run_for(2 * SECOND);
    assert!(both_hear(&world));
    world.user("bob", UserAction::HangUp);
    world.finish();
}

#[test]
fn hold_is_silent_and_resume_restores_audio() {
    let mut world = call(phone("alice"), phone("bob"));
    world.user("alice", UserAction::Hold);
    world.run_until("silence", 3 * SECOND, nobody_hears);
    world.run_for(2 * SECOND);
    assert!(nobody_hears(&world));
    world.user("alice", UserAction::Resume);
    world.run_until("sound again", 3 * SECOND, both_hear);
    world.user("alice", UserAction::HangUp);
    world.finish();
}

#[test]
fn digits_survive_packet_loss_of_a_fifth() {
    let mut world = call(lossy("alice"), lossy("bob"));
    world.user("alice", digits("0123456789*#ABCD"));
    world.run_until("all are heard", 10 * SECOND, |world| world.digits("bob") == "0123456789*#ABCD");
    world.user("alice", UserAction::HangUp);
    world.finish();
}

#[test]
fn a_call_survives_a_cut_of_10_s() {
    let mut world = call(phone("alice"), phone("bob"));
    world.cut("bob", 10 * SECOND);
    world.run_until("silence", 10 * SECOND, nobody_hears);
    world.run_until("sound again", 10 * SECOND, both_hear);
    assert!(world.talks("alice") && world.talks("bob"), "the call survives");
    world.user("bob", UserAction::HangUp);
    world.finish();
}

fn trouble(world: &mut World, name: &str, trouble: MediaTrouble, lasting: Duration) {
    let phone = world.scenario().phone(name).expect("a phone of that name");
    world.fault(&Fault::Media { phone, trouble, lasting });
}

#[test]
fn forged_datagrams_have_no_effect() {
    let mut world = call(phone("alice"), phone("bob"));
    trouble(&mut world, "bob", MediaTrouble::StrayDatagrams, 20 * SECOND);
    world.user("alice", digits("159"));
    world.run_until("all are heard", 3 * SECOND, |world| world.digits("bob") == "159");
    world.run_for(8 * SECOND);
    assert!(both_hear(&world));
    world.user("alice", UserAction::HangUp);
    world.finish();
}

#[test]
fn audio_recovers_from_a_nat_rebinding() {
    for name in ["alice", "bob"] {
        let mut world = call(phone("alice"), phone("bob"));
        trouble(&mut world, name, MediaTrouble::Rebound, 60 * SECOND);
        world.run_until("one direction is silent", 3 * SECOND, |world| !both_hear(world));
        world.run_until("sound again", 5 * SECOND, both_hear);
        world.user("alice", UserAction::HangUp);
        world.finish();
    }
}

#[test]
fn a_call_without_a_common_codec_fails() {
    let alice = PhoneSetup { codecs: vec![Codec::Opus], ..phone("alice") };
    let bob = PhoneSetup { codecs: vec![Codec::Pcma], ..phone("bob") };
    let mut world = World::builder().real_media().setup(alice).setup(bob).start();
    world.dial("alice", "bob");
    world.run_for(10 * SECOND);
    assert!(!world.talks("alice") && !world.talks("bob"));
    world.finish();
}

/// A call with loss from the first packet on, so that handshakes are retransmitted.
const STORY: &str = "\
offhook-scenario 1
seed 7
span storm=12s settle=10s quiesce=10s
media real
phone alice ws loss=200 jitter=20ms drift=150
phone bob udp loss=100 late=50 duplicate=50

1s bob will answer after 0.5s
1.5s alice dials bob
5s alice sends 12 by rtp for 100ms
7s bob holds
9s bob resumes
";

fn story(seed: u64, media: Fidelity) -> Scenario {
    Scenario { seed, media, ..STORY.parse().expect("a good story") }
}

#[test]
fn runs_with_different_keys_have_the_same_hash() {
    for seed in 0..2 {
        let Verdict { hash, violation, .. } = run(&story(seed, Fidelity::Real));
        assert_eq!(violation, None);
        assert_eq!(run(&story(seed, Fidelity::Real)).hash, hash, "seed {seed}");
    }
}

/// The events of each phone, except for those of the media path and registration, whose times differ. A lost path may be reported by the
/// engine or by a timer of the phone.
fn told(scenario: Scenario) -> Vec<Vec<String>> {
    let mut told = vec![Vec::new(); scenario.phones.len()];
    let mut world = World::new(scenario, oracle::all(), true);
    world.play();
    assert_eq!(world.violation(), None, "{}", world.ladder());
    for entry in world.tape().entries() {
        match &entry.what {
            EntryKind::Event {
                event:
                    Event::Call { event: CallEvent::Media { .. }, .. }
                    | Event::Account { event: AccountEvent::Registration(_), .. },
                ..
            } => {}
            EntryKind::Event { phone, event } => {
                let text = format!("{event:?}");
                told[*phone].push(text.replace("the media path failed", "no media path in time"));
            }
            _ => {}
        }
    }
    told
}

/// The ends of calls, holds, digits and refusals do not hang on how media is made.
#[test]
fn both_fidelities_tell_users_the_same() {
    for story in [
        "1s alice dials bob\n4s alice sends 159 by rtp for 100ms\n6s bob hangs up\n",
        "1s alice dials bob\n4s alice holds\n6s bob holds\n7s alice resumes\n8s bob resumes\n9s bob hangs up\n",
        "1s alice dials bob\n4s bob sends 7# by info for 100ms\n5s alice sends 1 by auto for 40ms\n6s alice hangs up\n",
        "1s bob will reject 486 after 0.5s\n1s alice dials bob\n3s bob will ignore\n4s alice dials bob\n6s alice hangs up\n",
        "1s alice dials bob\n3s alice has broken media for 3s\n4s alice holds\n8s alice holds\n9s bob hangs up\n",
        "1s alice dials bob\n4s alice transfers to carol\n12s bob hangs up\n",
        "1s alice dials carol\n4s carol is cut off both ways for 39s\n",
        "1s alice dials carol\n4s carol is cut off both ways for 9s\n16s alice sends 5 by rtp for 40ms\n20s alice hangs up\n",
    ] {
        let setting = "offhook-scenario 1\nspan storm=45s settle=20s quiesce=40s\n";
        let phones = "phone alice ws\nphone bob udp\nphone carol ws codecs=pcmu,pcma\n";
        let manners = "0.5s bob will answer after 0.5s\n0.5s carol will answer after 0.5s\n";
        let scenario: Scenario = format!("{setting}{phones}{manners}{story}").parse().expect(story);
        let model = told(Scenario { media: Fidelity::Model, ..scenario.clone() });
        let real = told(Scenario { media: Fidelity::Real, ..scenario });
        assert!(model.iter().any(|told| told.len() > 5), "{model:?}");
        assert_eq!(model, real, "{story}");
    }
}

/// Two branches have early media at the same address of the caller, one of them answers, and its path is restarted.
#[test]
fn branches_with_early_media_have_sessions_of_their_own() {
    let story = "offhook-scenario 1\nseed 7\nspan storm=20s settle=20s quiesce=40s\nmedia real\n\
         phone alice ws legs=3\nphone bob ws\nphone carol ws user=bob\n\
         0.5s bob will ignore\n0.5s carol will ignore\n1s alice dials bob\n2s bob sends early media\n\
         2.2s carol sends early media\n6s carol answers\n10s alice restarts media\n14s carol hangs up\n";
    let told = told(story.parse().expect("a good story"));
    let progress = |leg: u8| told[0].iter().any(|event| event.contains(&format!("leg: Some(LegId({leg}))")));
    assert!(progress(0) && progress(1), "{told:?}");
    assert!(told[0].iter().any(|event| event.contains("MediaRestarted { accepted: true")), "{told:?}");
}
