//! Scenarios: the nodes of a world, their networks, and the user actions and faults with their times.
//!
//! A scenario is explicit: a run draws no random numbers except for the fates of packets, which depend only on the packet itself
//! ([`crate::fate`]). So removing a step leaves the rest of the run unchanged.

mod action;
mod corruption;
mod fault;
mod fault_text;
mod json;
mod network;
mod phase;
mod read;
mod rogue;
mod setup;
mod stream;
mod trouble;
mod user_text;
mod value;
mod way;
mod write;

pub use action::{Action, Behaviour, GivenPassword, Replacement, RogueAction, Step, UserAction};
pub use corruption::Corruption;
pub use fault::{Fault, MediaTrouble};
pub use network::{Codec, Transport, Weather};
pub use phase::{Phase, PhaseLengths};
pub use read::ScenarioError;
pub use rogue::RogueSetup;
pub use setup::{ExchangeSetup, Fidelity, PhoneSetup, Scenario};
pub use stream::{End, StreamTrouble, Streaming};
pub use trouble::{ClockStep, ExchangeTrouble, SuspensionKind};
pub use value::{Seconds, parse_duration};
pub use way::Way;

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "\
offhook-scenario 1
seed 42
span storm=60s settle=240s quiesce=120s
exchange pbx min-expires=90s says-trying
exchange pbx2 drift=-50000 two-homes
phone alice ws
phone bob udp user=robert delay=5ms jitter=30ms loss=50 duplicate=10 late=20 tail=5 bursts=30 nat=30s drift=-200 codecs=pcma,opus no-telephone-event attempts=3 expires=60s transfers=ask
phone carol ws redirects=follow late-password realms=trunk.example packages=conference,trigger
phone mallory ws split=1 gather=2 fragment=3 ping=4 binary=5 wrong-password
rogue trudy udp breaks=final-twice,no-ack
rogue eve ws

0.5s bob will answer after 1.5s
0.75s bob will reject 603 after 0s
1s bob will ignore
1.2s alice dials bob
2s bob answers
2s bob rejects 486
2.25s alice holds
2.5s alice resumes
2.5s alice sends 159# by info for 100ms
3s alice sends 42 by auto for 40ms
3s alice transfers to carol
3.25s alice messages bob
3.25s alice messages bob at length
3.25s alice asks bob for its capabilities
3.5s alice sends an info
3.5s alice sends an info of conference
4s carol gives the right password
4s carol gives a wrong password
4s carol gives no password
4s bob replaces its account
4s bob replaces its account by one with reversed servers
4s bob replaces its account by one of another user
4s bob replaces its account by one without a password
4s bob removes its account
4s bob adds an account
4s bob accepts the transfer
4s bob rejects the transfer
4s alice unregisters
4.001s alice registers
5s alice hangs up
6s alice loses its connection
6s bob loses its connection silently
6s alice loses its connection at this end
6s alice loses its connection at the far end
6s alice is closed with 1001
6s alice is closed without a word
6s alice is refused for 10s
6s alice is stalled both ways for 5s
6s alice trickles from the network for 5s
6s alice breaks off after 300 bytes to the network
7s bob is cut off both ways for 12s
8s bob is cut off from the network for 4s
8s bob is cut off to the network for 4s
9s pbx crashes for 4s
9s alice has slow media of 2s for 10s
9s alice has broken media for 10s
9s alice has pathless media for 10s
9s alice has deaf media for 10s
10s bob dies
11s alice freezes for 20s
11s alice sleeps for 7200s
11s alice sleeps without counting for 20s
12s alice sets its clock forward by 30s
12s alice sets its clock back by 30s
13s alice is parted from pbx for ever
13s alice cannot reach pbx for 5s
13s alice cannot hear pbx for 5s
14s pbx forgets its bindings
14s pbx forgets its nonces
14s pbx forgets its transactions
15s pbx is overloaded for 10s and says to come back after 3s
15s pbx grants no bindings for 10s
15s pbx wants bindings of 300s for 60s
15s pbx lags by 31s for 5s
15s pbx freezes for 5s
15s pbx finds each nonce stale for 5s
15s pbx sets its clock back by 2s
16s pbx2 dies
16s trudy calls bob
16s trudy floods bob with 60 refer-to-self
16s trudy claims bob
17s trudy cancels
17s bob gets another port
17s bob suffers flips of 200 both ways for 5s
17s bob suffers injections of 1000 to the network for 5s
18s eve hangs up
";

    #[test]
    fn text_and_json_round_trip() {
        let scenario: Scenario = EXAMPLE.parse().expect("the example is a scenario");
        assert_eq!(scenario.to_string(), EXAMPLE);
        assert_eq!(Scenario::from_json(&scenario.to_json()), Ok(scenario.clone()));
        assert_eq!(scenario.steps.len(), 76);
        assert_eq!(scenario.phones[1].user, "robert");
        assert_eq!(scenario.phones[1].weather.loss, 50);
    }

    #[test]
    fn a_syntax_error_has_its_line() {
        for (line, wrong) in [
            (1, "scenario 1"),
            (2, "offhook-scenario 1\nphone"),
            (2, "offhook-scenario 1\nphone alice pigeon"),
            (2, "offhook-scenario 1\nphone alice ws loss=lots"),
            (3, "offhook-scenario 1\nphone alice ws\nphone alice ws"),
            (2, "offhook-scenario 1\n1s bob dials alice"),
            (3, "offhook-scenario 1\nphone bob ws\n1x bob dials alice"),
            (3, "offhook-scenario 1\nphone bob ws\n1s bob dances"),
            (3, "offhook-scenario 1\nphone bob ws\n1s bob answers now"),
            (2, "offhook-scenario 1\nseed x"),
            (2, "offhook-scenario 1\nrogue eve ws breaks=hearts"),
            (3, "offhook-scenario 1\nrogue eve ws\n1s eve sings"),
            (3, "offhook-scenario 1\nphone eve ws\nrogue eve ws"),
        ] {
            let refused = wrong.parse::<Scenario>().expect_err(wrong);
            assert_eq!(refused.line(), line, "{wrong}: {refused}");
        }
    }

    #[test]
    fn a_step_without_its_s_is_suggested() {
        let refused =
            "offhook-scenario 1\nphone bob ws\n1s bob dial carol".parse::<Scenario>().expect_err("no `s`");
        assert_eq!(refused.to_string(), "line 3: unknown step `dial carol`; did you mean `dials carol`?");
    }

    #[test]
    fn real_media_needs_its_feature() {
        let read = |media: &str| format!("offhook-scenario 1\nmedia {media}\n").parse::<Scenario>();
        assert_eq!(read("model").map(|scenario| scenario.media), Ok(Fidelity::Model));
        assert_eq!(read("silent").map_err(|refused| refused.line()), Err(2));
        #[cfg(feature = "media")]
        {
            let scenario = read("real").expect("a scenario");
            assert_eq!(scenario.media, Fidelity::Real);
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
        #[cfg(not(feature = "media"))]
        assert!(read("real").is_err_and(|refused| refused.to_string().contains("`media`")));
    }

    #[test]
    fn comments_and_blank_lines_are_ignored() {
        let text = "# why\noffhook-scenario 1\n\n  # the key\nseed 3\nphone a ws\n\n1s a hangs up\n";
        assert_eq!(text.parse::<Scenario>().map(|s| (s.seed, s.steps.len())), Ok((3, 1)));
    }
}
