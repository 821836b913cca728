//! Measures time, without valgrind.

use super::work::Work;
use std::time::Instant;

const ROUNDS: usize = 40;
const RUNS: u32 = 200;

/// Nanoseconds of each piece of work: the best of many rounds in which all of them alternate, so that a
/// slower machine affects all of them.
pub(super) fn measure(all: &mut [Work]) -> Vec<f64> {
    let mut best = vec![f64::INFINITY; all.len()];
    for _ in 0..ROUNDS {
        for (work, best) in all.iter_mut().zip(&mut best) {
            let start = Instant::now();
            (0..RUNS).for_each(|_| work());
            *best = best.min(start.elapsed().as_nanos() as f64 / f64::from(RUNS));
        }
    }
    best
}
