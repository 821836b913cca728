//! Redacts the configuration of an account: passwords, those in URIs, and the queries of servers' paths, which may be tokens.

use super::mask::masked;
use super::uri;
use offhook::{Account, Credentials, Hop, Password, Secret};

pub(super) fn account(account: &mut Account) {
    account.aor = uri::in_text(&account.aor);
    account.realms.iter_mut().for_each(realm);
    account.password = account.password.as_ref().map(replacement);
    for server in &mut account.servers {
        server.hop = hop(&server.hop);
    }
}

pub(super) fn credentials(credentials: &mut Credentials) {
    credentials.password = replacement(&credentials.password);
}

/// A realm is compared with those of challenges, which are redacted in the same way.
pub(super) fn realm(realm: &mut String) {
    *realm = uri::in_text(realm);
}

/// A server without the query of its path.
pub(crate) fn hop(hop: &Hop) -> Hop {
    let mut hop = hop.clone();
    if let Some((path, query)) = hop.path.split_once('?') {
        hop.path = format!("{path}?{}", masked(query));
    }
    hop
}

/// A replacement that serves the same challenges.
fn replacement(password: &Password) -> Password {
    match password {
        Password::Plain(_) => Password::plain("redacted"),
        Password::Ha1 { algorithm, hex } => {
            Password::Ha1 { algorithm: *algorithm, hex: Secret::new(hex.shape()) }
        }
    }
}
