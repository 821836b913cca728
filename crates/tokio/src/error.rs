//! What can go wrong, and what helps.

use crate::TlsError;
use offhook::{Misuse, RegistrationFailure};

/// A phone could not be started.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The operating system gives no randomness, and [`Options::seed`](crate::Options::seed) gives none.
    #[error("no randomness from the operating system: {0}")]
    Entropy(String),
    /// The trusted certificates cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No DTLS certificate could be made for the media.
    #[error("the cryptographic library could not make a certificate for the media")]
    Certificate,
}

/// A phone or a call did not do what it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// The caller's mistake: nothing was changed and nothing sent.
    #[error(transparent)]
    Misuse(#[from] Misuse),
    /// The phone was stopped or dropped; start another one.
    #[error("the phone was stopped")]
    Stopped,
}

/// [`Phone::registered`](crate::Phone::registered) waits in vain.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotRegistered {
    /// Given up. A wrong password needs another one; what did not answer can be tried again with
    /// [`Phone::register`](crate::Phone::register).
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
    fn a_failed_registration_says_how_often_and_why() {
        let why = RegistrationFailure { cause: offhook::Cause::Unauthorized, code: Some(401), attempts: 1 };
        assert_eq!(
            NotRegistered::Failed(why).to_string(),
            "registration failed after 1 attempts: unauthorized (401)"
        );
    }
}
