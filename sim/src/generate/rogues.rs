//! Rogues: one seed in four has one or two, which make and receive calls and send unsolicited messages.
//!
//! They are drawn separately: they do not change the rest of a scenario.

use std::time::Duration;

use crate::hash::Draw;
use crate::node::{Breach, UnsolicitedMessage};
use crate::scenario::{
    Action, Behaviour, Fault, MediaTrouble, RogueAction, RogueSetup, Scenario, Step, Transport, UserAction,
};

const NAMES: [&str; 2] = ["mallory", "trudy"];

/// Adds rogues to a scenario.
pub(super) fn draw(scenario: &mut Scenario) {
    let draw = &mut Draw::new(scenario.seed, "rogues");
    if !draw.chance(250) {
        return;
    }
    // With rogues that break no rule, oracles that assume correct peers are run, too.
    let conforming = draw.chance(300);
    let (breaches, messages) = if conforming {
        (Breach::CONFORMING, UnsolicitedMessage::CONFORMING)
    } else {
        (Breach::ALL, UnsolicitedMessage::ALL)
    };
    for name in &NAMES[..1 + usize::from(draw.chance(250))] {
        let most = *draw.pick(&[1, 3, 8, 20]);
        let restarting = draw.chance(350);
        let fits = |breach: &&Breach| {
            breaches.contains(breach) && (!restarting || Breach::RESTARTING.contains(breach))
        };
        let pool: Vec<Breach> = breaches.iter().filter(fits).copied().collect();
        let breaks = (0..draw.between(1, most)).map(|_| *draw.pick(&pool));
        let mut breaks: Vec<Breach> = breaks.collect();
        // Only such an INVITE gets an offer that a PRACK answers.
        if breaks.contains(&Breach::LateOfferReliably) && !conforming && draw.chance(500) {
            breaks.push(Breach::PrackGarbage);
        }
        let mut rogue = RogueSetup::new(*name, breaks);
        if draw.chance(300) {
            rogue.transport = Transport::Udp;
        }
        scenario.rogues.push(rogue);
    }
    let faults = scenario.phases.faults.as_millis() as u64;
    for _ in 0..draw.between(2, 14) {
        let mut episode = Episode {
            at: draw.between(1_500, faults),
            rogue: draw.below(scenario.rogues.len() as u64) as usize,
            phone: draw.below(scenario.phones.len() as u64) as usize,
            messages,
            scenario,
        };
        episode.write(draw);
    }
}

/// An episode between a phone and a rogue.
struct Episode<'a> {
    scenario: &'a mut Scenario,
    at: u64,
    rogue: usize,
    phone: usize,
    messages: &'static [UnsolicitedMessage],
}

impl Episode<'_> {
    fn write(&mut self, draw: &mut Draw) {
        let rogue = self.scenario.rogues[self.rogue].name.clone();
        let user = self.scenario.phones[self.phone].user.clone();
        let soon = draw.between(0, 3_000);
        if self.scenario.rogues[self.rogue].breaks.contains(&Breach::ByeWhileRinging) && draw.chance(700) {
            self.keep_waiting(draw);
        }
        if self.scenario.rogues[self.rogue].breaks.contains(&Breach::LateOfferReliably) && draw.chance(700) {
            self.rogue_action(0, RogueAction::Call(user.clone()));
            self.user_action(draw.between(200, 1_900), UserAction::EarlyMedia);
        }
        if self.scenario.rogues[self.rogue].breaks.contains(&Breach::UpdateRefused) && draw.chance(700) {
            self.hold_by_update(draw, rogue.clone());
        }
        if draw.chance(150) {
            self.hijack(draw, &user);
        }
        match draw.below(10) {
            0..4 => self.user_action(0, UserAction::Dial(rogue.clone())),
            4..8 => self.rogue_action(0, RogueAction::Call(user.clone())),
            _ => {}
        }
        for _ in 0..draw.between(0, 3) {
            let after = soon + draw.between(0, 20_000);
            match draw.below(15) {
                12 => self.user_action(after, UserAction::Message(rogue.clone())),
                13 => self.user_action(after, UserAction::AskCapabilities(rogue.clone())),
                14 => self.user_action(after, UserAction::Info { package: None }),
                0..4 => {
                    // Sometimes more than the limits of a phone.
                    let count = if draw.chance(8) { 1_500 } else { *draw.pick(&[1, 1, 2, 5, 60]) };
                    let with = *draw.pick(self.messages);
                    self.rogue_action(after, RogueAction::Flood { user: user.clone(), count, with });
                }
                4 => self.rogue_action(after, RogueAction::HangUp),
                5 => self.rogue_action(after, RogueAction::Cancel),
                6 => self.user_action(after, UserAction::Hold),
                7 => self.user_action(after, UserAction::Resume),
                8 => self.user_action(after, UserAction::HangUp),
                9 => self.user_action(after, UserAction::Transfer(rogue.clone())),
                10 => {
                    let tone = Duration::from_millis(100);
                    let path = offhook::DtmfPath::Info;
                    self.user_action(after, UserAction::Digits { digits: "12#".to_owned(), path, tone });
                }
                _ => {
                    let other = draw.below(self.scenario.phones.len() as u64) as usize;
                    let to = self.scenario.phones[other].user.clone();
                    self.user_action(after, UserAction::Transfer(to));
                }
            }
        }
    }

    /// The user answers soon, but the media engine is slow, so that a BYE may arrive before the 2xx.
    fn keep_waiting(&mut self, draw: &mut Draw) {
        let after = draw.millis(0, 2_000);
        self.user_action(0, UserAction::Behaviour(Behaviour::Answer { after }));
        let trouble = MediaTrouble::Slow(draw.millis(500, 8_000));
        let lasting = Duration::from_secs(10);
        self.step(0, Action::Fault(Fault::Media { phone: self.phone, trouble, lasting }));
    }

    /// A phone that changes media by UPDATE, if there is one, calls the rogue, and holds it.
    fn hold_by_update(&mut self, draw: &mut Draw, rogue: String) {
        let Some(phone) = self.scenario.phones.iter().position(|phone| phone.by_update) else { return };
        self.step(0, Action::User { phone, action: UserAction::Dial(rogue) });
        let holds = draw.between(1_800, 5_000);
        self.step(holds, Action::User { phone, action: UserAction::Hold });
    }

    /// A call to a user whose Contact the rogue registers, and whose connection is lost during the call.
    fn hijack(&mut self, draw: &mut Draw, user: &str) {
        let caller = draw.below(self.scenario.phones.len() as u64) as usize;
        self.step(0, Action::User { phone: caller, action: UserAction::Dial(user.to_owned()) });
        let claims = draw.between(0, 5_000);
        self.rogue_action(claims, RogueAction::Claim(user.to_owned()));
        let lost = draw.between(4_000, 12_000);
        self.step(lost, Action::Fault(Fault::Reset { phone: self.phone }));
        let tone = Duration::from_millis(100);
        let digits = UserAction::Digits { digits: "1".to_owned(), path: offhook::DtmfPath::Info, tone };
        let action = draw.pick(&[UserAction::HangUp, UserAction::Hold, digits]).clone();
        self.step(lost + draw.between(0, 1_500), Action::User { phone: caller, action });
    }

    fn user_action(&mut self, after: u64, action: UserAction) {
        self.step(after, Action::User { phone: self.phone, action });
    }

    fn rogue_action(&mut self, after: u64, action: RogueAction) {
        self.step(after, Action::Rogue { rogue: self.rogue, action });
    }

    fn step(&mut self, after: u64, action: Action) {
        self.scenario.steps.push(Step { at: Duration::from_millis(self.at + after), action });
    }
}
