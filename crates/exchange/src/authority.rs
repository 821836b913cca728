//! Who is asking: digest for the registrar (401) and for the proxy (407), RFC 3261 §22.

use offhook_wire::digest::Credentials;
use offhook_wire::digest::server::{Authority, Verdict};
use offhook_wire::{HeaderName, Instant, Message};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::Rng;

use crate::answer::Answer;
use crate::config::Config;
use crate::entropy::Entropy;
use crate::users::serving;

/// The authority of the exchange's realm, and the salt of its nonces.
pub(crate) struct Gate {
    authority: Authority,
    salt: ChaCha8Rng,
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
    /// The challenge.
    pub(crate) answer: Answer,
    /// The user name in credentials that were wrong; nothing for a first challenge or a stale nonce.
    pub(crate) wrong: Option<String>,
}

impl Gate {
    pub(crate) fn new(config: &Config, entropy: &Entropy) -> Self {
        // A control character in a realm cannot be written; nothing else can be refused here.
        let realm: String = config.realm.chars().filter(|char| !char.is_control()).collect();
        let authority = Authority::new(realm, entropy.key("nonce"))
            .expect("no control character is left")
            .algorithms(&config.algorithms)
            .lifetime(config.nonce_lifetime);
        Self { authority, salt: entropy.fork("salt") }
    }

    /// The user who proved to be behind a request.
    pub(crate) fn user(
        &mut self,
        now: Instant,
        config: &Config,
        role: Role,
        request: &Message,
    ) -> Result<String, Denied> {
        let own = request
            .rows(role.credentials())
            .filter_map(|row| Credentials::parse(row).ok())
            .find(|credentials| credentials.realm == *self.authority.realm());
        let Some(credentials) = own else { return Err(self.deny(now, role, false, None)) };
        let name = String::from_utf8_lossy(&credentials.username.value()).into_owned();
        let passwords = config.users.get(&name).map(Vec::as_slice).unwrap_or_default();
        let Some(password) = serving(passwords, credentials.algorithm) else {
            return Err(self.deny(now, role, false, Some(name)));
        };
        let method = request.method().expect("only requests are judged");
        let uri = request.request_uri().unwrap_or_default();
        match self.authority.verify(now, &credentials, password, method, uri, request.body_bytes()) {
            Verdict::Good => Ok(name),
            Verdict::Wrong => Err(self.deny(now, role, false, Some(name))),
            Verdict::Stale | Verdict::Replayed => Err(self.deny(now, role, true, None)),
        }
    }

    /// Whether this row holds credentials for our realm, which no further hop may see (RFC 3261 §22.3).
    pub(crate) fn is_own(&self, row: &[u8]) -> bool {
        Credentials::parse(row).is_ok_and(|credentials| credentials.realm == *self.authority.realm())
    }

    fn deny(&mut self, now: Instant, role: Role, stale: bool, wrong: Option<String>) -> Denied {
        let mut answer = Answer::new(role.status());
        for row in self.authority.challenge(now, stale, self.salt.next_u64()) {
            answer = answer.with(role.challenge(), row);
        }
        Denied { answer, wrong }
    }
}
