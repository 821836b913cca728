//! The users of an exchange as text. `offhook exchange --help` has the syntax.
//!
//! Errors have the place and quote nothing: any part of an invalid line may be a password.

use offhook::{Password, Secret};
use offhook_exchange::MissingPassword;
use offhook_wire::digest::Algorithm;
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// A field of at least this many hexadecimal digits is taken for a (truncated) hash, not for the end of a password.
const MIN_HASH_DIGITS: usize = 24;

/// The characters of a user part besides letters and digits (RFC 3261 §25.1: `mark`, `user-unreserved`).
const USER_MARKS: &str = "-_.!~*'()&=+$,;?/";

/// The users, each with its place.
#[derive(Debug, Default)]
pub(crate) struct Users(BTreeMap<String, Listed>);

#[derive(Debug)]
struct Listed {
    at: Place,
    /// One in plaintext, or one hash for each algorithm.
    passwords: Vec<Password>,
}

/// A source of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Argument,
    Variable,
    File(PathBuf),
}

/// A source and a line in it, counted from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) source: Source,
    pub(crate) line: Option<usize>,
}

/// An error and its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {fault}")]
pub(crate) struct Wrong {
    pub(crate) at: Place,
    pub(crate) fault: Fault,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0}")]
    Unreadable(String),
    #[error("not UTF-8")]
    Encoding,
    #[error("expected NAME:PASSWORD or NAME:REALM:HASH")]
    Separator,
    #[error("the name is empty")]
    NoName,
    #[error(
        "the name is the user part of an address, without the domain; write characters other than letters, digits \
         and {USER_MARKS} as %HH"
    )]
    Name,
    #[error("the password is empty")]
    NoPassword,
    #[error("after the realm, expected a hash of 32 (MD5) or 64 (SHA-256) hexadecimal digits")]
    Hash,
    #[error("this looks like a hash, but not for this realm: expected NAME:{realm}:HASH")]
    Realm { realm: String },
    #[error("this user already has a password ({first})")]
    Duplicate { first: Place },
    #[error("no users")]
    NoUsers,
    #[error("{user} has no {missing} hash, and {missing} is offered: {}, or use --algorithm {stored}", remedy(.missing))]
    MissingPassword { user: String, missing: &'static str, stored: String },
}

impl Users {
    /// Reads one user per line.
    pub(crate) fn read(&mut self, source: &Source, text: &[u8], realm: &str) -> Result<(), Wrong> {
        let mut any = false;
        // Some editors begin a file with a byte order mark.
        let text = text.strip_prefix("\u{feff}".as_bytes()).unwrap_or(text);
        for (index, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let at = Place { source: source.clone(), line: Some(index + 1) };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let Ok(line) = std::str::from_utf8(line) else { return Err(at.wrong(Fault::Encoding)) };
            let is_comment = line.trim_start().starts_with('#');
            if !is_comment && !line.trim().is_empty() {
                self.add(at, line, realm)?;
                any = true;
            }
        }
        if any { Ok(()) } else { Err(Place { source: source.clone(), line: None }.wrong(Fault::NoUsers)) }
    }

    /// Adds the user of one line.
    pub(crate) fn add(&mut self, at: Place, line: &str, realm: &str) -> Result<(), Wrong> {
        let read = |line: &str| {
            let (name, rest) = line.split_once(':').ok_or(Fault::Separator)?;
            Ok((user_part(name)?, password(rest, realm)?))
        };
        let (name, password) = read(line).map_err(|fault| at.wrong(fault))?;
        match self.0.get_mut(&name) {
            None => drop(self.0.insert(name, Listed { at, passwords: vec![password] })),
            Some(listed) if listed.takes(&password) => listed.passwords.push(password),
            Some(listed) => return Err(at.wrong(Fault::Duplicate { first: listed.at.clone() })),
        }
        Ok(())
    }

    /// The list for the exchange's configuration.
    pub(crate) fn passwords(&self) -> BTreeMap<String, Vec<Password>> {
        self.0.iter().map(|(name, listed)| (name.clone(), listed.passwords.clone())).collect()
    }

    /// The place of the user without a hash for an offered algorithm, and a remedy.
    pub(crate) fn explain(&self, missing: &MissingPassword) -> Option<Wrong> {
        let listed = self.0.get(&missing.user)?;
        let serves =
            |algorithm: &&Algorithm| listed.passwords.iter().any(|stored| stored.serves(**algorithm));
        let stored: Vec<String> = [Algorithm::Sha256, Algorithm::Md5]
            .iter()
            .filter(serves)
            .map(|algorithm| algorithm.name().to_lowercase())
            .collect();
        Some(listed.at.wrong(Fault::MissingPassword {
            user: missing.user.clone(),
            missing: missing.algorithm.name(),
            stored: stored.join(","),
        }))
    }
}

impl Listed {
    /// Whether this password can be added: a hash for another algorithm, if all others are hashes too.
    fn takes(&self, password: &Password) -> bool {
        let Password::Ha1 { algorithm: new, .. } = password else { return false };
        self.passwords.iter().all(|old| matches!(old, Password::Ha1 { algorithm, .. } if algorithm != new))
    }
}

impl Place {
    pub(crate) fn wrong(&self, fault: Fault) -> Wrong {
        Wrong { at: self.clone(), fault }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Argument => f.write_str("--user"),
            Source::Variable => f.write_str("OFFHOOK_USERS"),
            Source::File(path) => path.display().fmt(f),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}", self.source),
            None => self.source.fmt(f),
        }
    }
}

/// RFC 3261 §19.1.2: characters that are not allowed in a user part, such as the colon, are escaped.
fn user_part(name: &str) -> Result<String, Fault> {
    if name.is_empty() {
        return Err(Fault::NoName);
    }
    let is_plain = |char: char| char.is_alphanumeric() || USER_MARKS.contains(char);
    let mut pieces = name.split('%');
    let head = pieces.next().unwrap_or_default();
    let is_escape = |piece: &str| {
        let digits = piece.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        digits && piece.chars().skip(2).all(is_plain)
    };
    if !head.chars().all(is_plain) || !pieces.all(is_escape) {
        return Err(Fault::Name);
    }
    let plain = offhook_wire::unescape(name.as_bytes()).into_owned();
    String::from_utf8(plain).ok().filter(|name| !name.contains(char::is_control)).ok_or(Fault::Name)
}

/// The text after the first colon: a plaintext password, or exactly this realm, a colon and a hash.
fn password(rest: &str, realm: &str) -> Result<Password, Fault> {
    if rest.is_empty() {
        return Err(Fault::NoPassword);
    }
    if let Some(hash) = rest.strip_prefix(realm).and_then(|rest| rest.strip_prefix(':')) {
        let algorithm = match hash.len() {
            32 => Algorithm::Md5,
            64 => Algorithm::Sha256,
            _ => return Err(Fault::Hash),
        };
        let is_hex = hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let hex = Secret::new(hash.to_ascii_lowercase());
        return is_hex.then_some(Password::Ha1 { algorithm, hex }).ok_or(Fault::Hash);
    }
    if looks_like_hash(rest, realm) {
        return Err(Fault::Realm { realm: realm.to_owned() });
    }
    Ok(Password::plain(rest))
}

/// The realm in another case, or a long hexadecimal field at the end.
fn looks_like_hash(rest: &str, realm: &str) -> bool {
    let rest = rest.trim();
    let same_realm = rest.get(..realm.len()).is_some_and(|start| start.eq_ignore_ascii_case(realm))
        && rest[realm.len()..].trim_start().starts_with(':');
    let last = rest.rsplit_once(':').map_or("", |(_, last)| last.trim());
    let hexadecimal = last.len() >= MIN_HASH_DIGITS && last.bytes().all(|byte| byte.is_ascii_hexdigit());
    same_realm || hexadecimal
}

/// A SHA-512-256 hash cannot be stored: it has the same length as one of SHA-256.
fn remedy(missing: &str) -> String {
    match missing {
        "MD5" | "SHA-256" => "add a line with it".to_owned(),
        _ => "use the plaintext password".to_owned(),
    }
}

#[cfg(test)]
mod tests;
