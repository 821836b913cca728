//! The results of subcommands.

use offhook_sim::oracle::Violation;

/// Invalid usage, with the reason.
#[derive(Debug)]
pub(super) struct UsageError(pub(super) String);

impl UsageError {
    #[cfg(not(feature = "planted"))]
    pub(super) fn without_bugs() -> Self {
        Self("built without the feature `planted`; `cargo sim` has it".to_owned())
    }
}

/// True without a failure.
pub(super) type CommandResult = Result<bool, UsageError>;

/// The first line of a violation.
pub(super) fn headline(violation: &Violation) -> String {
    violation.to_string().lines().next().unwrap_or_default().to_owned()
}
