use std::fmt;

/// The public status of every call.
///
/// ```text
/// initial ──► establishing ──► established ──► terminating ──► idle
///    └─────────────┴─────────────────┴───────────────────────────┘
/// ```
///
/// `Idle` is the last status: the call has ended. The effect `Release` and the event [`CallEvent::Ended`](crate::CallEvent::Ended) follow.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Created; nothing was sent yet.
    Initial,
    /// The INVITE is pending, ringing, or answered and not yet acknowledged.
    Establishing,
    /// Established: the caller has received the 2xx, or the callee the ACK.
    Established,
    /// Our CANCEL or BYE is pending.
    Terminating,
    /// Ended.
    Idle,
}

impl Status {
    /// Whether a call may go from `self` to `next`.
    pub fn may_become(self, next: Status) -> bool {
        self < next && (self, next) != (Status::Initial, Status::Established)
    }

    /// The lower-case name: `"initial"`, `"establishing"`, `"established"`, `"terminating"`, `"idle"`.
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
