//! Requests for credentials.

use offhook::{AccountId, Credentials, EffectId};
use std::fmt;
use tokio::sync::mpsc;

/// The answers of the program. Unbounded, but an account has one pending request for credentials.
pub(crate) type Answers = mpsc::UnboundedSender<(EffectId, Option<Credentials>)>;

/// A challenge by the server of an account, or for one of [`Account::realms`](offhook::Account::realms), for which the account has no
/// credentials (RFC 3261 §22). The SIP requests that were challenged are sent again after [`answer`](CredentialsRequest::answer) or
/// [`Phone::set_credentials`](crate::Phone::set_credentials); they fail if this is dropped without an answer. An INVITE, MESSAGE or OPTIONS
/// waits for at most [`Config::no_answer`](offhook::Config::no_answer), a REGISTER without limit.
pub struct CredentialsRequest {
    account: AccountId,
    realm: String,
    effect: EffectId,
    answers: Answers,
    answered: bool,
}

impl CredentialsRequest {
    pub(crate) fn new(account: AccountId, realm: String, effect: EffectId, answers: Answers) -> Self {
        Self { account, realm, effect, answers, answered: false }
    }

    /// The account that was challenged.
    pub fn account(&self) -> AccountId {
        self.account
    }

    /// The realm, to show to the user. Untrusted.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// Answers with credentials. A phone that was stopped ignores them.
    pub fn answer(mut self, credentials: Credentials) {
        self.answered = true;
        let _ = self.answers.send((self.effect, Some(credentials)));
    }
}

impl Drop for CredentialsRequest {
    fn drop(&mut self) {
        if !self.answered {
            let _ = self.answers.send((self.effect, None));
        }
    }
}

impl fmt::Debug for CredentialsRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CredentialsRequest(account {}, realm {:?})", self.account.0, self.realm)
    }
}
