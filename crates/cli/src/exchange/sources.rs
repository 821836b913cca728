//! The sources of the users of an exchange: arguments, an environment variable, and a file that can be read again.

use super::users::{Fault, Place, Source, Users, Wrong};
use crate::args;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The environment variable with users, in the syntax of the file.
const VARIABLE: &str = "OFFHOOK_USERS";

/// All sources. A user may be in only one of them.
pub(crate) struct Sources {
    arguments: Vec<args::User>,
    variable: Option<Vec<u8>>,
    file: Option<PathBuf>,
    realm: String,
}

/// The users that were read.
pub(crate) struct Loaded {
    pub(crate) users: Users,
    pub(crate) exposed: Option<Exposed>,
}

/// A file that can be read or written by others than its owner.
pub(crate) struct Exposed {
    pub(crate) file: PathBuf,
    /// The permission bits.
    pub(crate) mode: u32,
}

/// The first reading or a later one. A pipe can be read only once: a later reading would return an empty list, or block.
#[derive(Copy, Clone, PartialEq, Eq)]
pub(crate) enum Reading {
    First,
    Again,
}

impl Sources {
    /// The sources of the command line and the environment; none without any.
    pub(crate) fn new(args: &args::Exchange) -> Option<Self> {
        let variable = std::env::var_os(VARIABLE).map(std::ffi::OsString::into_encoded_bytes);
        let sources = Self {
            arguments: args.user.clone(),
            variable: variable.filter(|text| !text.is_empty()),
            file: args.users.clone(),
            realm: args.realm.clone(),
        };
        let any = !sources.arguments.is_empty() || sources.variable.is_some() || sources.file.is_some();
        any.then_some(sources)
    }

    pub(crate) fn load(&self, reading: Reading) -> Result<Loaded, Wrong> {
        let mut users = Users::default();
        for args::User(line) in &self.arguments {
            users.add(Place { source: Source::Argument, line: None }, line, &self.realm)?;
        }
        if let Some(text) = &self.variable {
            users.read(&Source::Variable, text, &self.realm)?;
        }
        let mut exposed = None;
        if let Some(file) = &self.file {
            let source = Source::File(file.clone());
            let (text, metadata) = read(file, reading).map_err(|why| {
                Place { source: source.clone(), line: None }.wrong(Fault::Unreadable(why.to_string()))
            })?;
            users.read(&source, &text, &self.realm)?;
            exposed = mode_if_exposed(&metadata).map(|mode| Exposed { file: file.clone(), mode });
        }
        Ok(Loaded { users, exposed })
    }
}

fn read(path: &Path, reading: Reading) -> io::Result<(Vec<u8>, Metadata)> {
    if reading == Reading::Again && !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a regular file, so it cannot be read again"));
    }
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok((text, metadata))
}

#[cfg(unix)]
fn mode_if_exposed(metadata: &Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then_some(mode)
}

/// Other systems have no permission bits.
#[cfg(not(unix))]
fn mode_if_exposed(_: &Metadata) -> Option<u32> {
    None
}
