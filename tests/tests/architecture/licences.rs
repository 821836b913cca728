//! Checks the licences and bans of deny.toml without cargo-deny and its database.

use std::collections::BTreeSet;

/// The licences and bans in deny.toml.
pub(crate) struct Policy {
    allowed: BTreeSet<String>,
    clarified: BTreeSet<String>,
    banned: BTreeSet<String>,
}

impl Policy {
    /// Reads the parts of deny.toml that are checked here, which have one item per line.
    pub(crate) fn read(text: &str) -> Policy {
        let mut policy =
            Policy { allowed: BTreeSet::new(), clarified: BTreeSet::new(), banned: BTreeSet::new() };
        let (mut section, mut list) = ("", "");
        for line in text.lines().map(str::trim) {
            let value = line.split('"').nth(1).unwrap_or_default().to_owned();
            match line {
                _ if line.starts_with('[') => (section, list) = (line, ""),
                _ if line.ends_with("= [") => list = line.trim_end_matches("= [").trim(),
                "]" => list = "",
                _ if (section, list) == ("[licenses]", "allow") => _ = policy.allowed.insert(value),
                _ if (section, list) == ("[bans]", "deny") => _ = policy.banned.insert(value),
                _ if section == "[[licenses.clarify]]" && line.starts_with("crate") => {
                    policy.clarified.insert(value);
                }
                _ => {}
            }
        }
        policy
    }

    /// A violation if a crate is banned, or its licence is missing or not allowed.
    pub(crate) fn complaint(&self, name: &str, licence: Option<&str>) -> Option<String> {
        if self.banned.contains(name) {
            return Some(format!("{name} is banned"));
        }
        match licence {
            None if self.clarified.contains(name) => None,
            None => Some(format!("{name} has no licence")),
            Some(licence) if self.allows(licence) => None,
            Some(licence) => Some(format!("{name} is under {licence}")),
        }
    }

    /// Whether an SPDX expression (or the older `A/B`) can be satisfied with allowed licences.
    fn allows(&self, expression: &str) -> bool {
        let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
        let words: Vec<_> = spaced.split_whitespace().collect();
        let (satisfied, rest) = self.alternatives(&words);
        satisfied && rest.is_empty()
    }

    /// `alternatives = all { "OR" all }`; returns what is left to read too.
    fn alternatives<'w>(&self, words: &'w [&'w str]) -> (bool, &'w [&'w str]) {
        let (mut satisfied, mut rest) = self.all(words);
        while let ["OR", after @ ..] = rest {
            let (other, after) = self.all(after);
            (satisfied, rest) = (satisfied || other, after);
        }
        (satisfied, rest)
    }

    /// `all = one { "AND" one }`
    fn all<'w>(&self, words: &'w [&'w str]) -> (bool, &'w [&'w str]) {
        let (mut satisfied, mut rest) = self.one(words);
        while let ["AND", after @ ..] = rest {
            let (other, after) = self.one(after);
            (satisfied, rest) = (satisfied && other, after);
        }
        (satisfied, rest)
    }

    /// `one = "(" alternatives ")" | licence [ "WITH" exception ]`; an exception only gives more freedom.
    fn one<'w>(&self, words: &'w [&'w str]) -> (bool, &'w [&'w str]) {
        match words {
            ["(", inner @ ..] => {
                let (satisfied, rest) = self.alternatives(inner);
                (satisfied, rest.strip_prefix(&[")"]).unwrap_or(rest))
            }
            [licence, "WITH", _, rest @ ..] => (self.allowed.contains(*licence), rest),
            [licence, rest @ ..] => (self.allowed.contains(*licence), rest),
            [] => (false, words),
        }
    }
}

#[test]
fn forbidden_licence_is_a_violation() {
    let policy = Policy::read(
        "[licenses]\nallow = [\n  \"MIT\",\n  \"ISC\",\n]\n[[licenses.clarify]]\ncrate = \"silent\"\n\
         [bans]\ndeny = [\n  { crate = \"openssl\" },\n]\n",
    );
    let good =
        ["MIT", "GPL-3.0 OR MIT", "GPL-3.0/MIT", "ISC AND (MIT OR GPL-3.0)", "MIT WITH some-exception"];
    let bad = [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "(MIT OR ISC) AND GPL-3.0",
        "ISC AND (GPL-3.0 OR LGPL-2.1)",
        "MIT MIT",
        "",
    ];
    for licence in good {
        assert_eq!(policy.complaint("x", Some(licence)), None);
    }
    for licence in bad {
        assert!(policy.complaint("x", Some(licence)).is_some(), "{licence}");
    }
    assert_eq!(policy.complaint("silent", None), None);
    assert!(policy.complaint("x", None).is_some());
    assert!(policy.complaint("openssl", Some("MIT")).is_some());
}
