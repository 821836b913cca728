//! Additional steps of a scenario with real media.

use std::time::Duration;

use offhook::DtmfPath;

use super::writer::Writer;
use crate::hash::Draw;
use crate::scenario::{Fault, MediaTrouble, Scenario, UserAction};

/// Adds steps that have no effect in the model of media: forged datagrams, NAT rebinding, and more digits by RTP.
pub fn enliven(scenario: &mut Scenario) {
    let draw = &mut Draw::new(scenario.seed, "real media");
    let end = scenario.phases.faults;
    let gap = draw.between(4_000, 40_000);
    let mut at = 1_000 + draw.below(gap);
    while at < end.as_millis() as u64 {
        write(&mut Writer::new(scenario, draw, at));
        at += 1 + draw.below(2 * gap);
    }
    scenario.steps.retain(|step| step.at < end);
    scenario.steps.sort_by_key(|step| step.at);
}

fn write(writer: &mut Writer<'_>) {
    let trouble = match writer.draw.below(5) {
        0 | 1 => MediaTrouble::StrayDatagrams,
        2 | 3 => MediaTrouble::Rebound,
        _ => {
            let tone = Duration::from_millis(*writer.draw.pick(&[40, 100, 100, 250]));
            let length = writer.draw.between(1, 8);
            let digits = (0..length).map(|_| char::from(*writer.draw.pick(b"0123456789*#ABCD"))).collect();
            return writer.user(writer.one, 0, UserAction::Digits { digits, path: DtmfPath::Rtp, tone });
        }
    };
    let lasting = writer.lasting(40_000);
    writer.fault(Fault::Media { phone: writer.one, trouble, lasting });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generate::generate;

    #[test]
    fn steps_for_real_media_are_added_to_the_others() {
        let mut text = String::new();
        for seed in 0..40 {
            let mut scenario = generate(seed);
            let before = scenario.steps.clone();
            enliven(&mut scenario);
            assert!(before.iter().all(|step| scenario.steps.contains(step)));
            assert_eq!(scenario.to_string().parse(), Ok(scenario.clone()));
            text += &scenario.to_string();
        }
        assert!(["noisy media", "rebound media", "by rtp"].iter().all(|word| text.contains(word)));
    }
}
