//! Removes steps: delta debugging, from halves down to single steps.

use offhook_wire::Instant;

use super::Shrinking;

/// Up to this number of steps, pairs are tried, too: some steps depend on each other.
const FEW: usize = 20;

impl Shrinking<'_> {
    /// Removes the steps after the violation.
    pub(super) fn remove_later_steps(&mut self) {
        let failed = self.best.violation.at.saturating_since(Instant::ZERO);
        self.attempt(|scenario| scenario.steps.retain(|step| step.at <= failed));
    }

    /// Removes half of the steps, a quarter, … and finally single steps.
    pub(super) fn remove_steps(&mut self) {
        self.attempt(|scenario| scenario.steps.clear());
        let mut width = self.count().div_ceil(2).max(1);
        loop {
            // From the end, because later steps depend on earlier ones.
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

    /// Removes two steps together, for example one that unregisters and one that registers.
    pub(super) fn remove_pairs(&mut self) {
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
