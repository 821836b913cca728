//! The targets that a 3xx names (RFC 3261 §8.1.3.4).

use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::marks::Mark;
use crate::planted::{patched, planted};
use crate::{AccountId, RedirectPolicy};
use bytes::Bytes;
use offhook_wire::{Contact, Message, NameAddr, Scheme, Uri};

/// The targets of one request: those that were tried, and those that wait, in the order of their `q`.
pub(crate) struct Targets {
    tried: Vec<Bytes>,
    waiting: Vec<Target>,
    followed: usize,
}

struct Target {
    uri: Bytes,
    /// In thousandths (RFC 3261 §20.10).
    q: u16,
}

impl Targets {
    /// The targets of a request to `uri`.
    pub(crate) fn new(uri: &Bytes) -> Self {
        Self { tried: vec![uri.clone()], waiting: Vec::new(), followed: 0 }
    }

    /// Adds the Contacts of a 3xx that the policy allows and that are new. Those that cannot be followed are skipped.
    pub(crate) fn add(&mut self, cx: &mut Cx<'_>, account: AccountId, response: &Message) {
        // 305 names a proxy, and 380 needs another kind of request.
        if matches!(response.status(), Some(305 | 380)) {
            return;
        }
        let aor = &cx.config.accounts[usize::from(account.0)].aor;
        let policy = cx.config.redirect_policy;
        let from_sips = self.tried[0].get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"sips:"));
        let mut skipped = false;
        for contact in response.contacts().take(bounds::CONTACTS) {
            let Ok(Contact::Address(address)) = contact else { continue };
            match followable(&address, policy, aor, from_sips) {
                Some(uri) => {
                    if self.is_new(&uri) || planted!(cx.config, RedirectLoop) {
                        self.waiting.push(Target { uri, q: quality(&address) });
                    }
                }
                None => skipped = true,
            }
        }
        if skipped {
            cx.mark(None, Mark::RedirectRefused);
        }
        // Stable: equal ones in the order of the response.
        self.waiting.sort_by_key(|target| std::cmp::Reverse(target.q));
        self.waiting.truncate(bounds::CONTACTS);
    }

    /// The next target.
    pub(crate) fn next(&mut self, cx: &Cx<'_>) -> Option<Bytes> {
        let most = patched!(cx.config, RedirectLimitIgnored, bounds::REDIRECTS, usize::MAX);
        if self.waiting.is_empty() || self.followed >= most {
            return None;
        }
        self.followed += 1;
        let Target { uri, .. } = self.waiting.remove(0);
        self.tried.push(uri.clone());
        Some(uri)
    }

    /// Whether no target is the same resource: each is tried once.
    fn is_new(&self, uri: &Bytes) -> bool {
        let known = self.tried.iter().chain(self.waiting.iter().map(|target| &target.uri));
        Uri::parse(uri).is_ok_and(|new| {
            !known.into_iter().any(|known| Uri::parse(known).is_ok_and(|known| known.equivalent(&new)))
        })
    }
}

/// The Request-URI for a Contact: its URI without a `method` parameter and headers, which would be another request (RFC 3261 §19.1.5).
fn followable(address: &NameAddr<'_>, policy: RedirectPolicy, aor: &str, from_sips: bool) -> Option<Bytes> {
    let uri = Uri::parse(address.uri).ok()?;
    let allowed = match policy {
        RedirectPolicy::Report => false,
        RedirectPolicy::OwnDomain => is_own_domain(aor, &uri),
        RedirectPolicy::Follow => !matches!(uri.scheme, Scheme::Other(_)),
    };
    // The user is shown the target, so it must be text. SIPS is not given up (§8.1.3.4).
    let text = std::str::from_utf8(address.uri).is_ok_and(|text| text.bytes().all(|b| b > b' ' && b != 0x7f));
    if !allowed || !text || from_sips && uri.scheme != Scheme::Sips {
        return None;
    }
    let plain = match uri.query {
        b"" => address.uri,
        query => &address.uri[..address.uri.len() - query.len() - 1],
    };
    if uri.params.get("method").is_none() || uri.scheme == Scheme::Tel {
        return Some(Bytes::copy_from_slice(plain));
    }
    let params = uri.params.raw();
    let mut target = plain[..plain.len() - params.len()].to_vec();
    for (name, value) in uri.params.iter().filter(|(name, _)| !name.eq_ignore_ascii_case(b"method")) {
        target.push(b';');
        target.extend_from_slice(name);
        if let Some(value) = value {
            target.push(b'=');
            target.extend_from_slice(value);
        }
    }
    Some(target.into())
}

/// The `q` of a Contact in thousandths; 1 if it has none. A malformed one is last.
fn quality(address: &NameAddr<'_>) -> u16 {
    let Some(value) = address.param("q").flatten() else { return 1000 };
    let q = std::str::from_utf8(value).ok().and_then(|text| text.parse::<f32>().ok());
    q.filter(|q| (0.0..=1.0).contains(q)).map_or(0, |q| (q * 1000.0) as u16)
}

/// Whether it is a SIP or SIPS URI in the domain of an address of record, and not redirected elsewhere by `maddr`.
pub(crate) fn is_own_domain(aor: &str, uri: &Uri<'_>) -> bool {
    let is_sip = matches!(uri.scheme, Scheme::Sip | Scheme::Sips) && uri.params.get("maddr").is_none();
    is_sip && Uri::parse(aor.as_bytes()).is_ok_and(|own| own.host.eq_ignore_ascii_case(uri.host))
}
