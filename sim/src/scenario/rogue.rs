//! Rogues in a scenario, and their text.

use std::collections::BTreeSet;
use std::fmt;

use super::{RogueAction, Transport};
use crate::node::Breach;

/// A peer that breaks rules of the protocol. Its network has no faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RogueSetup {
    /// Its name in ladders, and its user name.
    pub name: String,
    /// Its transport.
    pub transport: Transport,
    /// The rules that it breaks. If empty, it is a correct phone of another implementation.
    pub breaks: BTreeSet<Breach>,
}

impl RogueSetup {
    /// A rogue that breaks these rules.
    pub fn new(name: impl Into<String>, breaks: impl IntoIterator<Item = Breach>) -> Self {
        Self { name: name.into(), transport: Transport::Ws, breaks: breaks.into_iter().collect() }
    }
}

impl fmt::Display for RogueSetup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rogue {} {}", self.name, self.transport)?;
        for (n, breach) in self.breaks.iter().enumerate() {
            f.write_str(if n == 0 { " breaks=" } else { "," })?;
            write!(f, "{breach}")?;
        }
        Ok(())
    }
}

/// Parses the settings of a rogue.
pub(super) fn read_rogue(
    name: String,
    transport: Transport,
    settings: &[&str],
) -> Result<RogueSetup, String> {
    let mut rogue = RogueSetup { transport, ..RogueSetup::new(name, []) };
    for setting in settings {
        let list = setting.strip_prefix("breaks=").ok_or_else(|| format!("unknown setting `{setting}`"))?;
        rogue.breaks = list.split(',').map(str::parse).collect::<Result<_, _>>()?;
    }
    Ok(rogue)
}

impl fmt::Display for RogueAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RogueAction::Call(user) => write!(f, "calls {user}"),
            RogueAction::HangUp => write!(f, "hangs up"),
            RogueAction::Cancel => write!(f, "cancels"),
            RogueAction::Claim(user) => write!(f, "claims {user}"),
            RogueAction::Flood { user, count, with } => write!(f, "floods {user} with {count} {with}"),
        }
    }
}

/// Parses an action of a rogue.
pub(super) fn read_rogue_action(words: &[&str]) -> Result<RogueAction, String> {
    Ok(match words {
        ["calls", user] => RogueAction::Call((*user).to_owned()),
        ["hangs", "up"] => RogueAction::HangUp,
        ["cancels"] => RogueAction::Cancel,
        ["claims", user] => RogueAction::Claim((*user).to_owned()),
        ["floods", user, "with", count, with] => RogueAction::Flood {
            user: (*user).to_owned(),
            count: super::value::number(count)?,
            with: with.parse()?,
        },
        _ => return Err(format!("unknown rogue action `{}`", words.join(" "))),
    })
}
