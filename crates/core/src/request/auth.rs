//! Answering challenges (RFC 3261 §22, RFC 8760).

use crate::api::checkpoint::InvalidCheckpoint;
use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::planted::{patched, planted};
use crate::{AccountId, Config};
use offhook_wire::digest::{Challenge, Responder, ResponderSnapshot, strongest};
use offhook_wire::{HeaderName, Message, Method, Uri};

/// The last `WWW-Authenticate` and `Proxy-Authenticate` challenges of an account.
#[derive(Default)]
pub(crate) struct Auth {
    user: Responder,
    proxy: Responder,
}

impl Auth {
    #[allow(clippy::too_many_arguments, reason = "the inputs of the digest")]
    pub(crate) fn answer(
        &mut self,
        cx: &mut Cx<'_>,
        account: AccountId,
        response: &Message,
        method: Method<'_>,
        uri: &[u8],
        body: &[u8],
        auth_attempts: u8,
    ) -> Option<(HeaderName, String)> {
        let (asks, answers, responder) = match response.status()? {
            401 => (HeaderName::WwwAuthenticate, HeaderName::Authorization, &mut self.user),
            407 => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization, &mut self.proxy),
            _ => return None,
        };
        let account = &cx.config.accounts[usize::from(account.0)];
        let password = account.password.as_ref()?;
        let username = username(account.username.as_deref(), &account.aor)?;
        let ours = |challenge: &Challenge<'_>| {
            let realm_fits = account.realms.is_empty()
                || account.realms.iter().any(|realm| challenge.realm.value() == realm.as_bytes());
            realm_fits && password.serves(challenge.algorithm)
        };
        let challenges = response.rows(asks).filter_map(|row| Challenge::parse(row).ok()).filter(ours);
        // A response may have challenges of several realms; the strongest is chosen within one realm (RFC 8760 §2.4).
        let realm = challenges.clone().next()?.realm;
        let challenge = strongest(challenges.filter(|challenge| challenge.realm == realm))?;
        let most = patched!(cx.config, StaleNonceLoop, bounds::STALE_NONCES, u8::MAX);
        let stale = challenge.stale && !planted!(cx.config, StaleNonceRefused);
        if auth_attempts > 0 && !planted!(cx.config, ChallengeLoop) && !(stale && auth_attempts <= most) {
            cx.mark(None, Mark::ChallengeRefused);
            responder.forget();
            return None;
        }
        if auth_attempts > 0 {
            cx.mark(None, Mark::StaleNonce);
        }
        if answers == HeaderName::ProxyAuthorization {
            cx.mark(None, Mark::ProxyChallenge);
        }
        let cnonce: [u8; 24] = cx.entropy.token(Label::Auth);
        let cnonce = std::str::from_utf8(&cnonce).expect("tokens are ASCII");
        let value = responder.answer(&challenge, &username, password, method, uri, body, cnonce).ok()?;
        Some((answers, value))
    }

    /// Pre-emptive credentials for a REGISTER, with a known nonce (RFC 3261 §22.2).
    pub(crate) fn preemptive_authorization(
        &mut self,
        cx: &Cx<'_>,
        account: AccountId,
        uri: &[u8],
    ) -> Option<String> {
        let account = &cx.config.accounts[usize::from(account.0)];
        let username = username(account.username.as_deref(), &account.aor)?;
        let user = patched!(cx.config, NonceNotCounted, &mut self.user, &mut self.user.clone());
        user.reuse(&username, account.password.as_ref()?, Method::Register, uri, b"")
    }
}

/// Snapshots.
impl Auth {
    /// The snapshots of the last `WWW-Authenticate` and `Proxy-Authenticate` challenges.
    pub(crate) fn snapshot(&self) -> (Option<ResponderSnapshot>, Option<ResponderSnapshot>) {
        (self.user.snapshot(), self.proxy.snapshot())
    }

    /// Restores the challenges of snapshots.
    pub(crate) fn restore(
        &mut self,
        user: Option<&ResponderSnapshot>,
        proxy: Option<&ResponderSnapshot>,
    ) -> Result<(), InvalidCheckpoint> {
        let restore =
            |what: Option<&ResponderSnapshot>| what.map_or(Ok(Responder::new()), Responder::restore);
        let unlike = |_| InvalidCheckpoint("the stored challenge is malformed");
        (self.user, self.proxy) = (restore(user).map_err(unlike)?, restore(proxy).map_err(unlike)?);
        Ok(())
    }
}

/// Whether a challenge has `stale=true`: the credentials were right, but their nonce has expired (RFC 7616 §3.3).
pub(crate) fn is_stale(config: &Config, challenge: &Message) -> bool {
    !planted!(config, StaleNonceRefused)
        && [HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate]
            .into_iter()
            .flat_map(|name| challenge.rows(name))
            .any(|row| Challenge::parse(row).is_ok_and(|challenge| challenge.stale))
}

/// The configured name, or the user part of the AOR.
fn username(configured: Option<&str>, aor: &str) -> Option<String> {
    if let Some(name) = configured {
        return Some(name.to_owned());
    }
    let user = Uri::parse(aor.as_bytes()).ok()?.user?;
    String::from_utf8(offhook_wire::unescape(user).into_owned()).ok()
}
