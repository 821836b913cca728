//! Leaving out steps: delta debugging, from halves down to single ones.

use offhook_wire::Instant;

use super::Shrinking;

/// With so few steps, all pairs are tried too: some steps only make sense together.
const FEW: usize = 20;

impl Shrinking<'_> {
    /// What comes after the failure did not bring it about.
    pub(super) fn forget_the_future(&mut self) {
        let failed = self.best.violation.at.saturating_since(Instant::ZERO);
        self.attempt(|scenario| scenario.steps.retain(|step| step.at <= failed));
    }

    /// Half of the steps, a quarter, … and at last each single one.
    pub(super) fn leave_out_steps(&mut self) {
        self.attempt(|scenario| scenario.steps.clear());
        let mut width = self.count().div_ceil(2).max(1);
        loop {
            // From the end, because what comes late needs what comes early more often than the other way round.
            let mut end = self.count();
            while end > 0 {
                let first = end.saturating_sub(width);
                self.attempt(|scenario| drop(scenario.steps.drain(first..end)));
                end = first;
            }
            if width == 1 {
                return;
            }
            width = width.div_ceil(2);
        }
    }

    /// Two steps at once, such as one that unregisters and one that registers.
    pub(super) fn leave_out_pairs(&mut self) {
        if self.count() > FEW {
            return;
        }
        for second in (1..self.count()).rev() {
            for first in (0..second).rev() {
                let left_out = self.attempt(|scenario| {
                    scenario.steps.remove(second);
                    scenario.steps.remove(first);
                });
                if left_out {
                    return;
                }
            }
        }
    }

    fn count(&self) -> usize {
        self.best.scenario.steps.len()
    }
}
