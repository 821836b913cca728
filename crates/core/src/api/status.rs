use std::fmt;

/// The public status of every call.
///
/// ```text
/// initial ──► establishing ──► established ──► terminating ──► idle
///    └─────────────┴─────────────────┴───────────────────────────┘
/// ```
///
/// `Idle` is the end: the call is over and released, and [`Event::Ended`](crate::Event::Ended) was emitted once.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Asked for; nothing was sent yet.
    Initial,
    /// The INVITE is on its way, ringing, or answered and not yet acknowledged.
    Establishing,
    /// Both ends agreed: the caller has the 2xx, the callee has the ACK.
    Established,
    /// A CANCEL or BYE of ours is on its way.
    Terminating,
    /// Over.
    Idle,
}

impl Status {
    /// Whether a call may go from `self` to `next`.
    pub fn may_become(self, next: Status) -> bool {
        self < next && (self, next) != (Status::Initial, Status::Established)
    }

    /// The lower-case word: `"initial"`, `"establishing"`, `"established"`, `"terminating"`, `"idle"`.
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Initial => "initial",
            Status::Establishing => "establishing",
            Status::Established => "established",
            Status::Terminating => "terminating",
            Status::Idle => "idle",
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Status::{self, *};

    #[test]
    fn edges_are_those_of_the_design() {
        let all = [Initial, Establishing, Established, Terminating, Idle];
        let legal: Vec<(Status, Status)> = all
            .iter()
            .flat_map(|&a| all.iter().map(move |&b| (a, b)))
            .filter(|&(a, b)| a.may_become(b))
            .collect();
        assert_eq!(
            legal,
            [
                (Initial, Establishing),
                (Initial, Terminating),
                (Initial, Idle),
                (Establishing, Established),
                (Establishing, Terminating),
                (Establishing, Idle),
                (Established, Terminating),
                (Established, Idle),
                (Terminating, Idle),
            ]
        );
    }
}
