//! How a command ends.

use offhook_sim::oracle::Violation;

/// What was asked for cannot be done, and why.
#[derive(Debug)]
pub(super) struct UsageError(pub(super) String);

impl UsageError {
    #[cfg(not(feature = "planted"))]
    pub(super) fn without_bugs() -> Self {
        Self("built without bugs to plant: `cargo sim` builds with them".to_owned())
    }
}

/// True when nothing failed.
pub(super) type CommandResult = Result<bool, UsageError>;

/// What is wrong, in one line.
pub(super) fn headline(violation: &Violation) -> String {
    violation.to_string().lines().next().unwrap_or_default().to_owned()
}
