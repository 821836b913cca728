//! Redacts secrets without changing what a phone does.
//!
//! Every replacement has the length of the original and does not depend on it, so redaction is idempotent. The core does not read the
//! replaced parts, or only whether they are well formed, which does not change. So a phone with redacted inputs takes the same
//! transitions and has the same outputs, except for their redacted parts: [`Check`](crate::Check) compares redacted outputs.

mod account;
mod body;
mod input;
mod mask;
mod message;
mod output;
mod uri;

pub(crate) use account::hop;
pub use input::input;
pub(crate) use message::message;
pub(crate) use output::{body_of, description, effect, event};

use mask::masked;
use offhook::{AccountCheckpoint, Checkpoint, Config, RealmCheckpoint, ResponderSnapshot};

/// A configuration without its secrets: passwords, those in URIs, and the queries of servers' paths, which may be
/// tokens.
#[must_use]
pub fn config(config: &Config) -> Config {
    let mut config = config.clone();
    config.accounts.iter_mut().for_each(account::account);
    config
}

/// A checkpoint without its secrets: those of the accounts' configurations, and the parts of remembered challenges that an `Authorization`
/// header does not show.
#[must_use]
pub fn checkpoint(at: &Checkpoint) -> Checkpoint {
    let mut at = at.clone();
    for AccountCheckpoint { config, realms, .. } in &mut at.accounts {
        account::account(config);
        for RealmCheckpoint { realm, challenge, .. } in realms {
            account::realm(realm);
            if let Some(ResponderSnapshot { challenge, cnonce, .. }) = challenge {
                *challenge = message::text_of_row("WWW-Authenticate", challenge);
                *cnonce = masked(cnonce);
            }
        }
    }
    at
}
