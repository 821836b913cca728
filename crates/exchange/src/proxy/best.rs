//! The choice of the best of several refusals: RFC 3261 §16.7 step 6.

use super::branch::Outcome;

/// The index of the best outcome among the final ones.
pub(super) fn best<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Option<usize> {
    outcomes.enumerate().min_by_key(|(_, outcome)| rank(outcome.status)).map(|(index, _)| index)
}

/// The lowest rank is the best: a 6xx, then the lowest class. Within 4xx, first the responses after which the caller can send a changed
/// request, then decisions of a callee, and last responses that only state that the callee was not available.
fn rank(status: u16) -> (u16, u16, u16) {
    let class = match status / 100 {
        6 => 0,
        class => class,
    };
    let within = match status {
        401 | 407 | 415 | 420 | 484 => 0,
        480 => 2,
        404 | 410 => 3,
        487 => 4,
        408 => 5,
        503 => 6,
        _ => 1,
    };
    (class, within, status)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn winner(statuses: &[u16]) -> u16 {
        let outcomes: Vec<Outcome> =
            statuses.iter().map(|&status| Outcome { status, response: None }).collect();
        outcomes[best(outcomes.iter()).unwrap()].status
    }

    #[test]
    fn best_response_follows_the_rfc() {
        assert_eq!(winner(&[503, 407, 501, 404]), 407, "the example of RFC 3261 §16.7");
        assert_eq!(winner(&[486, 603, 302]), 603, "6xx first");
        assert_eq!(winner(&[486, 302, 500]), 302, "the lowest class");
        assert_eq!(winner(&[408, 486, 480]), 486, "a busy phone rather than an absent one");
        assert_eq!(winner(&[487, 408]), 487);
        assert_eq!(winner(&[503, 500]), 500);
        assert_eq!(best([].iter()), None);
    }
}
