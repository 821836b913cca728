//! The terminal on standard input, on which a password is typed.

use std::io::{IsTerminal, stdin};

/// Whether a person types the lines of standard input.
pub(crate) fn is_interactive() -> bool {
    stdin().is_terminal()
}

/// Hides what is typed until it is dropped. Without a terminal, or on a system other than Unix, it does nothing.
pub(crate) struct Hidden {
    #[cfg(unix)]
    before: Option<rustix::termios::Termios>,
}

impl Hidden {
    #[cfg(unix)]
    pub(crate) fn new() -> Self {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(stdin()).ok();
        if let Some(before) = &before {
            let mut hidden = before.clone();
            hidden.local_modes.remove(LocalModes::ECHO);
            // A terminal that refuses it shows the password; the user sees that.
            let _ = tcsetattr(stdin(), OptionalActions::Now, &hidden);
        }
        Self { before }
    }

    #[cfg(not(unix))]
    pub(crate) fn new() -> Self {
        Self {}
    }
}

#[cfg(unix)]
impl Drop for Hidden {
    fn drop(&mut self) {
        use rustix::termios::{OptionalActions, tcsetattr};
        if let Some(before) = &self.before {
            let _ = tcsetattr(stdin(), OptionalActions::Now, before);
        }
    }
}
