use crate::Why;
use crate::machine::words;

words! {
    /// The timers of an account.
    pub enum LineTimer {
        /// The connection attempt took too long.
        Connect = "connect",
        /// The back-off before the next connection attempt is over.
        Reconnect = "reconnect",
        /// The next keep-alive.
        KeepAlive = "keep-alive",
        /// The answer to a keep-alive is missing.
        Pong = "pong",
        /// The next REGISTER: a refresh, or a retry.
        Register = "register",
    }
}

impl LineTimer {
    pub(crate) fn why(self) -> Why {
        match self {
            LineTimer::Register => Why::Registration,
            LineTimer::Connect | LineTimer::Reconnect | LineTimer::KeepAlive | LineTimer::Pong => Why::Flow,
        }
    }
}
