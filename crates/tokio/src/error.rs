//! Errors, and their remedies.

use crate::TlsError;
use offhook::{Misuse, RegistrationFailure};

/// A phone could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The operating system has no randomness, and [`Options::seed`](crate::Options::seed) is not set.
    #[error("no randomness from the operating system: {0}")]
    Entropy(String),
    /// The trusted certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No DTLS certificate could be created for the media.
    #[error("the cryptographic library could not create a certificate for the media")]
    Certificate,
}

/// A command of a phone or a call failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// A mistake of the caller: nothing was changed and nothing sent.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// The phone was stopped or dropped; start another one.
    #[error("the phone was stopped")]
    Stopped,
}

/// The error of [`Phone::registered`](crate::Phone::registered).
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRegistered {
    /// The phone has given up. [`Phone::register`](crate::Phone::register) tries again, which does not help against a wrong password.
    #[error("registration failed after {} attempts: {}{}", .0.attempts, .0.cause, code(.0.code))]
    Failed(RegistrationFailure),
    /// The phone was stopped or dropped.
    #[error("the phone was stopped")]
    Stopped,
}

fn code(code: Option<u16>) -> String {
    code.map(|code| format!(" ({code})")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_registration_reports_attempts_and_cause() {
        let why = RegistrationFailure::new(offhook::Cause::Unauthorized, Some(401), 1);
        assert_eq!(
            NotRegistered::Failed(why).to_string(),
            "registration failed after 1 attempts: unauthorized (401)"
        );
    }
}
