//! The users of an exchange, as a file or as arguments.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::peer::fresh;

/// Creates the file, and removes it when dropped.
pub(super) struct Users {
    names: Vec<String>,
    file: PathBuf,
    salt: String,
}

impl Users {
    pub(super) fn new(names: &[String]) -> io::Result<Self> {
        let process = std::process::id();
        let salt = fresh("pw");
        let file = std::env::temp_dir().join(format!("offhook-attacks-{process}-{salt}"));
        let users = Self { names: names.to_vec(), file, salt };
        let mut options = OpenOptions::new();
        let mut out = options.write(true).create_new(true).mode(0o600).open(&users.file)?;
        out.write_all(users.lines().collect::<Vec<_>>().join("\n").as_bytes())?;
        out.write_all(b"\n")?;
        Ok(users)
    }

    pub(super) fn file(&self) -> &Path {
        &self.file
    }

    /// `--user NAME:PASSWORD` for each.
    pub(super) fn arguments(&self) -> Vec<String> {
        self.lines().flat_map(|line| ["--user".to_owned(), line]).collect()
    }

    pub(super) fn password(&self, name: &str) -> String {
        format!("{}-{name}", self.salt)
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.names.iter().map(|name| format!("{name}:{}", self.password(name)))
    }
}

impl Drop for Users {
    fn drop(&mut self) {
        // The file may be gone already.
        let _ = fs::remove_file(&self.file);
    }
}
