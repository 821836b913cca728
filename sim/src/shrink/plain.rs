//! Simplifies phones, networks, durations and digits.

use std::time::Duration;

use offhook::DtmfPath;

use super::Shrinking;
use crate::scenario::{Action, Behaviour, Fault, PhoneSetup, UserAction, Way, Weather};

impl Shrinking<'_> {
    /// Sets phones, networks and steps to defaults.
    pub(super) fn simplify(&mut self) {
        self.attempt(|scenario| scenario.phones.iter_mut().for_each(|phone| phone.weather = Weather::CLEAR));
        for phone in 0..self.best.scenario.phones.len() {
            self.simplify_phone(phone);
        }
        for exchange in 0..self.best.scenario.exchanges.len() {
            self.attempt(|scenario| scenario.exchanges[exchange].drift = 0);
            self.attempt(|scenario| scenario.exchanges[exchange].two_homes = false);
            self.attempt(|scenario| scenario.exchanges[exchange].min_expires = None);
            self.attempt(|scenario| scenario.exchanges[exchange].says_trying = false);
        }
        for step in 0..self.best.scenario.steps.len() {
            for plainer in plainer(&self.best.scenario.steps[step].action) {
                if self.attempt(|scenario| scenario.steps[step].action = plainer) {
                    break;
                }
            }
        }
    }

    fn simplify_phone(&mut self, phone: usize) {
        let plain = PhoneSetup::new(self.best.scenario.phones[phone].name.as_str());
        let changes: [fn(&mut PhoneSetup, &PhoneSetup); 30] = [
            |phone, plain| phone.clone_from(plain),
            |phone, plain| phone.weather = plain.weather,
            |phone, plain| phone.transport = plain.transport,
            |phone, plain| phone.user.clone_from(&plain.user),
            |phone, plain| phone.weather.loss = plain.weather.loss,
            |phone, plain| phone.weather.duplicate = plain.weather.duplicate,
            |phone, plain| phone.weather.late = plain.weather.late,
            |phone, plain| phone.weather.tail = plain.weather.tail,
            |phone, plain| phone.weather.bursts = plain.weather.bursts,
            |phone, plain| phone.nat = plain.nat,
            |phone, plain| phone.weather.jitter = plain.weather.jitter,
            |phone, plain| phone.weather.delay = plain.weather.delay,
            |phone, plain| phone.streaming = plain.streaming,
            |phone, plain| phone.streaming.split = plain.streaming.split,
            |phone, plain| phone.streaming.gather = plain.streaming.gather,
            |phone, plain| phone.streaming.fragment = plain.streaming.fragment,
            |phone, plain| phone.streaming.ping = plain.streaming.ping,
            |phone, plain| phone.streaming.binary = plain.streaming.binary,
            |phone, plain| phone.drift = plain.drift,
            |phone, plain| phone.codecs.clone_from(&plain.codecs),
            |phone, plain| phone.telephone_event = plain.telephone_event,
            |phone, plain| phone.right_password = plain.right_password,
            |phone, plain| phone.late_password = plain.late_password,
            |phone, plain| phone.realms.clone_from(&plain.realms),
            |phone, plain| phone.packages.clone_from(&plain.packages),
            |phone, plain| phone.redirects = plain.redirects,
            |phone, plain| phone.reliable = plain.reliable,
            |phone, plain| phone.by_update = plain.by_update,
            |phone, plain| phone.legs = plain.legs,
            |phone, plain| (phone.attempts, phone.expires) = (plain.attempts, plain.expires),
        ];
        for change in changes {
            self.attempt(|scenario| change(&mut scenario.phones[phone], &plain));
        }
    }
}

/// Simpler variants of an action, the simplest first. No action is a variant of itself, so repeated simplification terminates.
fn plainer(action: &Action) -> Vec<Action> {
    match action.clone() {
        Action::User { phone, action } => {
            plainer_user_actions(action).into_iter().map(|action| Action::User { phone, action }).collect()
        }
        Action::Fault(fault) => plainer_faults(fault).into_iter().map(Action::Fault).collect(),
        Action::Rogue { rogue, action } => super::rogues::plainer(rogue, action),
    }
}

fn plainer_user_actions(action: UserAction) -> Vec<UserAction> {
    match action {
        UserAction::Behaviour(Behaviour::Answer { after }) => {
            from_nothing(after).map(|after| UserAction::Behaviour(Behaviour::Answer { after })).collect()
        }
        UserAction::Behaviour(Behaviour::Reject { code, after }) => from_nothing(after)
            .map(|after| UserAction::Behaviour(Behaviour::Reject { code, after }))
            .collect(),
        UserAction::Digits { digits, path, tone } => plainer_digits(&digits, path, tone),
        _ => Vec::new(),
    }
}

fn plainer_digits(digits: &str, path: DtmfPath, tone: Duration) -> Vec<UserAction> {
    let usual = tone.min(Duration::from_millis(100));
    let with = |length: usize, path, tone| UserAction::Digits {
        digits: digits.chars().take(length).collect(),
        path,
        tone,
    };
    let mut simpler = Vec::new();
    for length in [1, 2, digits.len() / 2, digits.len() * 3 / 4, digits.len().saturating_sub(1)] {
        if (1..digits.len()).contains(&length) {
            simpler.extend([with(length, DtmfPath::Auto, usual), with(length, path, tone)]);
        }
    }
    simpler.extend([with(digits.len(), DtmfPath::Auto, tone), with(digits.len(), path, usual)]);
    simpler
}

fn plainer_faults(fault: Fault) -> Vec<Fault> {
    let mut plainer = match fault {
        Fault::Cut { phone, lasting, .. } => vec![Fault::Cut { phone, way: Way::Both, lasting }],
        Fault::Stream { phone, trouble } => {
            trouble.plainer().into_iter().map(|trouble| Fault::Stream { phone, trouble }).collect()
        }
        Fault::Tamper { phone, corruption, share, way, lasting } => {
            let all = Fault::Tamper { phone, corruption, share: 1000, way, lasting };
            let both = Fault::Tamper { phone, corruption, share, way: Way::Both, lasting };
            vec![all, both]
        }
        Fault::Partition { phone, exchange, lasting, .. } => {
            vec![Fault::Partition { phone, exchange, way: Way::Both, lasting }]
        }
        _ => Vec::new(),
    };
    plainer.extend(with_simpler(&fault, Fault::lasting_mut));
    plainer.extend(with_simpler(&fault, Fault::strength_mut));
    plainer
}

/// The same fault with a simpler duration in one field.
fn with_simpler(fault: &Fault, place: impl Fn(&mut Fault) -> Option<&mut Duration>) -> Vec<Fault> {
    let Some(duration) = place(&mut fault.clone()).copied() else { return Vec::new() };
    let with = |duration| {
        let mut simpler = fault.clone();
        place(&mut simpler)?.clone_from(&duration);
        Some(simpler)
    };
    simpler(duration).filter_map(with).collect()
}

/// Shorter round durations, and the duration with fewer decimals.
fn simpler(duration: Duration) -> impl Iterator<Item = Duration> {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let round = [100, 1_000, 2_000, 5_000, 10_000, 20_000, 30_000];
    let cut = [1_000, 100, 10, 1].into_iter().map(move |grid| millis / grid * grid);
    let all = round.into_iter().chain(cut).map(Duration::from_millis);
    all.filter(move |&simple| !simple.is_zero() && simple < duration)
}

fn from_nothing(duration: Duration) -> impl Iterator<Item = Duration> {
    let nothing = (!duration.is_zero()).then_some(Duration::ZERO);
    nothing.into_iter().chain(simpler(duration))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;

    #[test]
    fn simpler_durations_are_shorter_and_not_zero() {
        let simple: Vec<Duration> = simpler(Duration::from_micros(1_234_567)).collect();
        assert_eq!(simple, [100, 1_000, 1_000, 1_200, 1_230, 1_234].map(Duration::from_millis));
        assert_eq!(simpler(Duration::from_millis(10)).count(), 0);
    }

    #[test]
    fn simplification_of_actions_terminates() {
        let steps = (0..100).flat_map(|seed| generate(seed).steps);
        for mut action in steps.map(|step| step.action) {
            let mut asked = 0;
            // The worst case takes the last variant.
            while let Some(plainer) = plainer(&action).into_iter().rfind(|plainer| *plainer != action) {
                asked += 1;
                assert!(asked < 300, "{action:?} and {plainer:?}");
                action = plainer;
            }
        }
    }
}
