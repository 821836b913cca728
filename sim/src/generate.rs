//! From a seed to a scenario.
//!
//! Swarms: each seed allows a random part of the faults and of the things that users do, with random weights. A run in
//! which everything happens a little seldom drives one thing far; a run with little else does.

use std::time::Duration;

use offhook::DtmfPath;

use crate::hash::Draw;
use crate::scenario::{
    Act, Codec, Deed, ExchangeSetup, Fault, Manner, MediaTrouble, PhoneSetup, Scenario, Span, Step,
    Transport, Way, Weather,
};

const NAMES: [&str; 8] = ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];

/// The scenario of a seed.
pub fn generate(seed: u64) -> Scenario {
    let mut scenario = Scenario::new(seed);
    let storm = Draw::new(seed, "span").millis(20_000, 240_000);
    scenario.span = Span { storm, ..Span::default() };
    if Draw::new(seed, "exchanges").chance(150) {
        scenario.exchanges.push(ExchangeSetup { name: "pbx2".to_owned() });
    }
    phones(&mut scenario, &mut Draw::new(seed, "phones"));
    let draw = &mut Draw::new(seed, "steps");
    let swarm = Swarm::draw(draw);
    let gap = draw.between(500, 8_000);
    let mut at = 1_000;
    while at < storm.as_millis() as u64 {
        let episode = swarm.pick(draw);
        Writer { scenario: &mut scenario, draw, at }.episode(episode);
        at += 1 + draw.below(2 * gap);
    }
    let end = scenario.span.storm;
    scenario.steps.retain(|step| step.at < end);
    scenario.steps.sort_by_key(|step| step.at);
    scenario
}

fn phones(scenario: &mut Scenario, draw: &mut Draw) {
    let count = *draw.pick(&[2, 2, 2, 3, 3, 4, 4, 5]);
    let udp = *draw.pick(&[0, 0, 300, 500, 1000]);
    // Half of the worlds have calm networks; faults of a single kind stand out there.
    let calm = draw.chance(500);
    for name in &NAMES[..count] {
        let mut phone = PhoneSetup::new(*name);
        if draw.chance(udp) {
            phone.transport = Transport::Udp;
        }
        if draw.chance(80)
            && let Some(other) = scenario.phones.last()
        {
            phone.user.clone_from(&other.user);
        }
        phone.weather.delay = draw.millis(1, 60);
        if !calm {
            phone.weather = weather(draw);
        }
        phone.drift = draw.between(0, 400) as i32 - 200;
        if draw.chance(60) {
            phone.codecs = vec![*draw.pick(&Codec::ALL)];
        }
        phone.telephone_event = !draw.chance(150);
        phone.right_password = !draw.chance(20);
        if draw.chance(80) {
            phone.attempts = Some(draw.between(1, 6) as u32);
        }
        phone.expires = Duration::from_secs(*draw.pick(&[60, 90, 120, 600, 600, 3600]));
        scenario.phones.push(phone);
    }
}

fn weather(draw: &mut Draw) -> Weather {
    let mut per_mille = |most| if draw.chance(500) { draw.below(most) as u16 } else { 0 };
    let (loss, duplicate, late) = (per_mille(250), per_mille(150), per_mille(150));
    let jitter = if draw.chance(700) { draw.millis(0, 120) } else { Duration::ZERO };
    Weather { delay: draw.millis(1, 80), jitter, loss, duplicate, late }
}

/// Something that takes one step or a few that belong together.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Episode {
    Call,
    AnswerAgainstCancel,
    CallNobody,
    Manner,
    HangUp,
    BothHangUp,
    Hold,
    Resume,
    HoldGlare,
    Digits,
    DigitsAcrossHold,
    Transfer,
    TransferDuringHold,
    HangUpDuringHold,
    Unregister,
    Drop,
    Rot,
    Cut,
    Crash,
    MediaTrouble,
    Die,
}

/// What a seed allows, and how much of each.
struct Swarm {
    weights: Vec<(Episode, u64)>,
}

impl Swarm {
    fn draw(draw: &mut Draw) -> Self {
        use Episode::{
            AnswerAgainstCancel, BothHangUp, Call, CallNobody, Crash, Cut, Die, Digits, DigitsAcrossHold,
            Drop, HangUp, HangUpDuringHold, Hold, HoldGlare, Manner, MediaTrouble, Resume, Rot, Transfer,
            TransferDuringHold, Unregister,
        };
        let users = [
            AnswerAgainstCancel,
            CallNobody,
            Manner,
            HangUp,
            BothHangUp,
            Hold,
            Resume,
            HoldGlare,
            Digits,
            DigitsAcrossHold,
            Transfer,
            TransferDuringHold,
            HangUpDuringHold,
            Unregister,
        ];
        let faults = [Drop, Rot, Cut, Crash, MediaTrouble];
        let mut weights = vec![(Call, 150)];
        weights
            .extend(users.map(|episode| (episode, if draw.chance(600) { draw.between(1, 100) } else { 0 })));
        weights
            .extend(faults.map(|episode| (episode, if draw.chance(400) { draw.between(1, 60) } else { 0 })));
        weights.push((Die, if draw.chance(100) { 5 } else { 0 }));
        Self { weights }
    }

    fn pick(&self, draw: &mut Draw) -> Episode {
        let total = self.weights.iter().map(|(_, weight)| weight).sum();
        let mut left = draw.below(total);
        for &(episode, weight) in &self.weights {
            if left < weight {
                return episode;
            }
            left -= weight;
        }
        Episode::Call
    }
}

/// Writes episodes into a scenario.
struct Writer<'a> {
    scenario: &'a mut Scenario,
    draw: &'a mut Draw,
    /// When the episode begins, in milliseconds.
    at: u64,
}

impl Writer<'_> {
    fn episode(&mut self, episode: Episode) {
        let (one, other) = self.pair();
        match episode {
            Episode::Call => self.call(one, other),
            Episode::AnswerAgainstCancel => {
                let answer = self.draw.between(0, 3_000);
                self.manner(other, Manner::Answer { after: Duration::from_millis(answer) });
                self.dial(one, other);
                let near = self.near(answer + 100);
                self.user(one, near, Deed::HangUp);
            }
            Episode::CallNobody => {
                let to = *self.draw.pick(&["nobody", "sip:alice@elsewhere.example", "tel:+15551234"]);
                self.user(one, 0, Deed::Dial(to.to_owned()));
            }
            Episode::Manner => {
                let manner = self.any_manner();
                self.manner(one, manner);
            }
            Episode::HangUp => self.user(one, 0, Deed::HangUp),
            Episode::BothHangUp => self.both(one, other, &Deed::HangUp, &Deed::HangUp),
            Episode::Hold => self.user(one, 0, Deed::Hold),
            Episode::Resume => self.user(one, 0, Deed::Resume),
            Episode::HoldGlare => self.both(one, other, &Deed::Hold, &Deed::Hold),
            Episode::Digits => {
                let digits = self.digits();
                self.user(one, 0, digits);
            }
            Episode::DigitsAcrossHold => {
                let digits = self.digits();
                self.both(one, other, &digits, &Deed::Hold);
            }
            Episode::Transfer => {
                let to = self.somebody();
                self.user(one, 0, Deed::Transfer(to));
            }
            Episode::TransferDuringHold => {
                let to = self.somebody();
                self.both(one, other, &Deed::Transfer(to), &Deed::Hold);
            }
            Episode::HangUpDuringHold => self.both(one, other, &Deed::Hold, &Deed::HangUp),
            Episode::Unregister => {
                self.user(one, 0, Deed::Unregister);
                if self.draw.chance(700) {
                    let after = self.draw.between(0, 10_000);
                    self.user(one, after, Deed::Register);
                }
            }
            Episode::Drop => self.fault(Fault::Drop { phone: one }),
            Episode::Rot => self.fault(Fault::Rot { phone: one }),
            Episode::Cut => {
                let way = *self.draw.pick(&[Way::Both, Way::Both, Way::Up, Way::Down]);
                let lasting = self.lasting(45_000);
                self.fault(Fault::Cut { phone: one, way, lasting });
            }
            Episode::Crash => {
                let lasting = self.lasting(60_000);
                let exchange = self.draw.below(self.scenario.exchanges.len() as u64) as usize;
                self.fault(Fault::Crash { exchange, lasting });
            }
            Episode::MediaTrouble => {
                let slow = MediaTrouble::Slow(self.draw.millis(100, 20_000));
                let trouble = *self.draw.pick(&[slow, slow, MediaTrouble::Broken, MediaTrouble::Pathless]);
                let lasting = self.lasting(30_000);
                self.fault(Fault::Media { phone: one, trouble, lasting });
            }
            Episode::Die => self.fault(Fault::Die { phone: one }),
        }
    }

    /// A call, and often how it is taken and how it ends.
    fn call(&mut self, one: usize, other: usize) {
        if self.draw.chance(400) {
            let manner = self.any_manner();
            self.manner(other, manner);
        }
        self.dial(one, other);
        if self.draw.chance(500) {
            let lasting = self.draw.between(200, 40_000);
            let who = if self.draw.chance(500) { one } else { other };
            self.user(who, lasting, Deed::HangUp);
        }
    }

    fn dial(&mut self, one: usize, other: usize) {
        let to = self.scenario.phones[other].user.clone();
        self.user(one, 0, Deed::Dial(to));
    }

    /// Two deeds that meet on the way.
    fn both(&mut self, one: usize, other: usize, first: &Deed, second: &Deed) {
        self.user(one, 0, first.clone());
        let near = self.near(0);
        self.user(other, near, second.clone());
    }

    /// A time near another one, as messages go.
    fn near(&mut self, millis: u64) -> u64 {
        let width = *self.draw.pick(&[1, 50, 200, 1_000]);
        millis + self.draw.below(width)
    }

    fn any_manner(&mut self) -> Manner {
        let after = *self.draw.pick(&[0, 50, 1_500, 5_000, 20_000]);
        let after = Duration::from_millis(self.draw.between(after / 2, after));
        match self.draw.below(10) {
            0..6 => Manner::Answer { after },
            6..9 => Manner::Reject { code: *self.draw.pick(&[486, 603, 480, 404, 302]), after },
            _ => Manner::Ignore,
        }
    }

    fn digits(&mut self) -> Deed {
        let length = self.draw.between(1, 12);
        let digits = (0..length).map(|_| char::from(*self.draw.pick(b"0123456789*#ABCD"))).collect();
        let path = *self.draw.pick(&[DtmfPath::Auto, DtmfPath::Auto, DtmfPath::Rtp, DtmfPath::Info]);
        let tone = Duration::from_millis(*self.draw.pick(&[40, 100, 250, 2_000]));
        Deed::Digits { digits, path, tone }
    }

    fn somebody(&mut self) -> String {
        if self.draw.chance(100) {
            return "nobody".to_owned();
        }
        let phone = self.draw.below(self.scenario.phones.len() as u64) as usize;
        self.scenario.phones[phone].user.clone()
    }

    /// Two phones that are not the same.
    fn pair(&mut self) -> (usize, usize) {
        let count = self.scenario.phones.len() as u64;
        let one = self.draw.below(count);
        let other = (one + 1 + self.draw.below(count - 1)) % count;
        (one as usize, other as usize)
    }

    fn manner(&mut self, phone: usize, manner: Manner) {
        self.user(phone, 0, Deed::Manner(manner));
    }

    fn user(&mut self, phone: usize, after: u64, deed: Deed) {
        let at = Duration::from_millis(self.at + after);
        self.scenario.steps.push(Step { at, act: Act::User { phone, deed } });
    }

    fn fault(&mut self, fault: Fault) {
        self.scenario.steps.push(Step { at: Duration::from_millis(self.at), act: Act::Fault(fault) });
    }

    /// A time up to `most` milliseconds, mostly short, that ends with the storm.
    fn lasting(&mut self, most: u64) -> Duration {
        let most = if self.draw.chance(500) { most / 10 } else { most };
        let rest = self.scenario.span.storm.as_millis() as u64 - self.at;
        self.draw.millis(10, most).min(Duration::from_millis(rest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_scenario_and_its_text_is_the_same_scenario() {
        for seed in 0..200 {
            let scenario = generate(seed);
            assert_eq!(scenario, generate(seed));
            assert_eq!(scenario.to_string().parse(), Ok(scenario));
        }
    }

    #[test]
    fn a_few_hundred_seeds_hold_everything() {
        let text: String = (0..300).map(|seed| generate(seed).to_string()).collect();
        for word in [
            " udp",
            "loss=",
            "no-telephone-event",
            "wrong-password",
            "codecs=",
            "attempts=",
            "dials nobody",
            "holds",
            "resumes",
            "hangs up",
            "by rtp",
            "transfers to",
            "unregisters",
            "registers",
            "will ignore",
            "will reject",
            "loses its connection\n",
            "silently",
            "to the network",
            "crashes",
            "exchange pbx2",
            "pathless",
            "broken",
            "slow",
            "dies",
        ] {
            assert!(text.contains(word), "{word}");
        }
    }
}
