//! Exit codes.

use std::process::ExitCode;

/// The exit codes, as listed by `--help`.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Done,
    Failed,
    /// Also clap's code for an invalid command line.
    Unreadable,
    NotRegistered,
    CallFailed,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Unreadable => 2,
            Exit::NotRegistered => 3,
            Exit::CallFailed => 4,
        })
    }
}
