use crate::Why;

/// The timers of a line.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) enum LineTimer {
    /// The connection attempt took too long.
    Connect,
    /// The back-off before the next connection attempt is over.
    Reconnect,
    /// The next keep-alive.
    KeepAlive,
    /// The answer to a keep-alive is missing.
    Pong,
    /// The next REGISTER: a refresh, or a retry.
    Register,
}

impl LineTimer {
    pub(crate) fn why(self) -> Why {
        match self {
            LineTimer::Register => Why::Registration,
            LineTimer::Connect | LineTimer::Reconnect | LineTimer::KeepAlive | LineTimer::Pong => Why::Flow,
        }
    }
}
