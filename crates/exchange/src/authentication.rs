//! Digest authentication for the registrar (401) and the proxy (407): RFC 3261 §22.

use std::time::Duration;

use offhook_wire::digest::Credentials;
use offhook_wire::digest::server::{Authority, Verdict};
use offhook_wire::{HeaderName, Instant, Message};

use crate::config::Config;
use crate::entropy::Entropy;
use crate::flow::Arrival;
use crate::guessing::{Attempt, Guessing};
use crate::planted::planted;
use crate::response::Response;
use crate::users::serving;

/// Verifies credentials for the exchange's realm, and limits the rate of wrong ones.
pub(crate) struct Authenticator {
    authority: Authority,
    guessing: Guessing,
}

/// The role that challenges.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// 401, WWW-Authenticate, Authorization.
    Registrar,
    /// 407, Proxy-Authenticate, Proxy-Authorization.
    Proxy,
}

impl Role {
    fn status(self) -> u16 {
        match self {
            Role::Registrar => 401,
            Role::Proxy => 407,
        }
    }

    fn challenge(self) -> HeaderName {
        match self {
            Role::Registrar => HeaderName::WwwAuthenticate,
            Role::Proxy => HeaderName::ProxyAuthenticate,
        }
    }

    fn credentials(self) -> HeaderName {
        match self {
            Role::Registrar => HeaderName::Authorization,
            Role::Proxy => HeaderName::ProxyAuthorization,
        }
    }
}

/// Why a request is not authenticated.
pub(crate) struct Failure {
    /// The challenge or another refusal.
    pub(crate) response: Response,
    /// The user name in wrong credentials; none for a first challenge or a stale nonce.
    pub(crate) rejected: Option<String>,
}

impl Failure {
    fn with(response: Response) -> Self {
        Self { response, rejected: None }
    }
}

impl Authenticator {
    pub(crate) fn new(config: &Config, entropy: &Entropy) -> Self {
        // A realm must not contain control characters; `Authority::new` has no other error.
        let realm: String = config.realm.chars().filter(|char| !char.is_control()).collect();
        let authority = Authority::new(realm, entropy.key("nonce"))
            .expect("no control character is left")
            .algorithms(&config.algorithms)
            .lifetime(config.nonce_lifetime);
        Self { authority, guessing: Guessing::new(config.limits.guessing) }
    }

    /// Changes the key of the nonces: all issued nonces become invalid.
    pub(crate) fn renew_nonces(&mut self, config: &Config, entropy: &Entropy) {
        self.authority = Self::new(config, entropy).authority;
    }

    /// The user authenticated by the credentials of a request. `salt` goes into the nonce of a challenge: it is the same for a
    /// retransmission, so that a challenge needs no state (RFC 3261 §26.3.2.4), and its upper half is a hash of the remote address, so that
    /// credentials in a datagram are verified only if the challenge was received there.
    pub(crate) fn authenticate(
        &mut self,
        now: Instant,
        config: &Config,
        role: Role,
        arrival: Arrival,
        request: &Message,
        salt: u64,
    ) -> Result<String, Failure> {
        let own = request
            .rows(role.credentials())
            .filter_map(|row| Credentials::parse(row).ok())
            .find(|credentials| credentials.realm == *self.authority.realm());
        let Some(credentials) = own else { return Err(self.challenge(now, role, false, salt)) };
        let name = String::from_utf8_lossy(&credentials.username.value()).into_owned();
        let told_apart = !planted!(config, GuessersNotToldApart);
        let remote = if told_apart { arrival.remote } else { ([0; 4], 0).into() };
        let attempt = Attempt::new(remote, &name);
        if !(told_apart && self.authority.is_continued(&credentials)) {
            let received = self.authority.salt(&credentials).is_some_and(|given| given >> 32 == salt >> 32);
            if !received && !arrival.transport.is_reliable() {
                return Err(self.challenge(now, role, true, salt));
            }
            if let Some(wait) = self.guessing.wait(now, attempt) {
                return Err(Failure::with(rate_limited(wait)));
            }
        }
        let method = request.method().expect("only requests are authenticated");
        let uri = request.request_uri().unwrap_or_default();
        let passwords = config.users.get(&name).map(Vec::as_slice).unwrap_or_default();
        let verdict = serving(passwords, credentials.algorithm).map_or(Verdict::Wrong, |password| {
            self.authority.verify(now, &credentials, password, method, uri, request.body_bytes())
        });
        match verdict {
            Verdict::Good => {
                self.guessing.succeeded(now, attempt);
                Ok(name)
            }
            Verdict::Wrong => {
                self.guessing.failed(now, attempt);
                Err(Failure { rejected: Some(name), ..self.challenge(now, role, false, salt) })
            }
            Verdict::Stale | Verdict::Replayed => Err(self.challenge(now, role, true, salt)),
            Verdict::OtherResource => {
                Err(Failure::with(Response::with_reason(400, "Credentials For Another Resource")))
            }
        }
    }

    /// Whether this row holds credentials for the exchange's realm, which are not forwarded (RFC 3261 §22.3).
    pub(crate) fn is_own(&self, row: &[u8]) -> bool {
        Credentials::names_realm(row, self.authority.realm())
    }

    fn challenge(&self, now: Instant, role: Role, stale: bool, salt: u64) -> Failure {
        let rows = self.authority.challenge(now, stale, salt);
        let response = Response::new(role.status());
        Failure::with(rows.into_iter().fold(response, |response, row| response.with(role.challenge(), row)))
    }
}

/// RFC 3261 §21.5.4.
fn rate_limited(wait: Duration) -> Response {
    let seconds = wait.as_secs() + 1;
    Response::with_reason(503, "Too Many Wrong Credentials").with(HeaderName::RetryAfter, seconds.to_string())
}
