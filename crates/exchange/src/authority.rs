//! Who is asking: digest for the registrar (401) and for the proxy (407), RFC 3261 §22.

use std::net::SocketAddr;
use std::time::Duration;

use offhook_wire::digest::Credentials;
use offhook_wire::digest::server::{Authority, Verdict};
use offhook_wire::{HeaderName, Instant, Message};

use crate::answer::Answer;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::guessing::{Attempt, Guessing};
use crate::planted::planted;
use crate::users::serving;

/// The authority of the exchange's realm, and how often each sender was wrong.
pub(crate) struct Gate {
    authority: Authority,
    guessing: Guessing,
}

/// Which of the two roles asks.
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

/// Why a request has no user yet.
pub(crate) struct Denied {
    /// The challenge, or another refusal.
    pub(crate) answer: Answer,
    /// The user name in credentials that were wrong; nothing for a first challenge or a stale nonce.
    pub(crate) wrong: Option<String>,
}

impl Denied {
    fn with(answer: Answer) -> Self {
        Self { answer, wrong: None }
    }
}

impl Gate {
    pub(crate) fn new(config: &Config, entropy: &Entropy) -> Self {
        // A control character in a realm cannot be written; nothing else can be refused here.
        let realm: String = config.realm.chars().filter(|char| !char.is_control()).collect();
        let authority = Authority::new(realm, entropy.key("nonce"))
            .expect("no control character is left")
            .algorithms(&config.algorithms)
            .lifetime(config.nonce_lifetime);
        Self { authority, guessing: Guessing::new(config.limits.guessing) }
    }

    /// New nonces; those that were given out are void.
    pub(crate) fn renew(&mut self, config: &Config, entropy: &Entropy) {
        self.authority = Self::new(config, entropy).authority;
    }

    /// The user that the credentials of a request prove. `salt` makes the nonce of a challenge: it is the same for a retransmission, so
    /// that a challenge needs no memory (RFC 3261 §26.3.2.4).
    pub(crate) fn user(
        &mut self,
        now: Instant,
        config: &Config,
        role: Role,
        remote: SocketAddr,
        request: &Message,
        salt: u64,
    ) -> Result<String, Denied> {
        let own = request
            .rows(role.credentials())
            .filter_map(|row| Credentials::parse(row).ok())
            .find(|credentials| credentials.realm == *self.authority.realm());
        let Some(credentials) = own else { return Err(self.challenge(now, role, false, salt)) };
        let name = String::from_utf8_lossy(&credentials.username.value()).into_owned();
        let told_apart = !planted!(config, GuessersNotToldApart);
        let remote = if told_apart { remote } else { ([0; 4], 0).into() };
        let attempt = Attempt { remote, user: &name };
        if !(told_apart && self.authority.is_continued(&credentials))
            && let Some(wait) = self.guessing.wait(now, attempt)
        {
            return Err(Denied::with(not_judged(wait)));
        }
        let method = request.method().expect("only requests are judged");
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
                Err(Denied { wrong: Some(name), ..self.challenge(now, role, false, salt) })
            }
            Verdict::Stale | Verdict::Replayed => Err(self.challenge(now, role, true, salt)),
            Verdict::OtherResource => {
                Err(Denied::with(Answer::because(400, "Credentials For Another Resource")))
            }
        }
    }

    /// Whether this row holds credentials for our realm, which no further hop may see (RFC 3261 §22.3).
    pub(crate) fn is_own(&self, row: &[u8]) -> bool {
        Credentials::names_realm(row, self.authority.realm())
    }

    fn challenge(&self, now: Instant, role: Role, stale: bool, salt: u64) -> Denied {
        let rows = self.authority.challenge(now, stale, salt);
        let answer = Answer::new(role.status());
        Denied::with(rows.into_iter().fold(answer, |answer, row| answer.with(role.challenge(), row)))
    }
}

/// RFC 3261 §21.5.4.
fn not_judged(wait: Duration) -> Answer {
    let seconds = wait.as_secs() + 1;
    Answer::because(503, "Too Many Wrong Credentials").with(HeaderName::RetryAfter, seconds.to_string())
}
