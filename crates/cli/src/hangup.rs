//! SIGHUP: a file is to be read again.

/// The signal, where there is such a thing, and only if it is wanted: without a file to read again it ends the command,
/// as it does when a terminal is closed.
pub(crate) struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    /// From here on the signal is caught. An error is that of the system.
    #[cfg(unix)]
    pub(crate) fn watched(wanted: bool) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signal: if wanted { Some(signal(SignalKind::hangup())?) } else { None } })
    }

    #[cfg(not(unix))]
    pub(crate) fn watched(_: bool) -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Returns when it comes. Cancel-safe.
    pub(crate) async fn next(&mut self) {
        #[cfg(unix)]
        if let Some(signal) = &mut self.signal
            && signal.recv().await.is_some()
        {
            return;
        }
        std::future::pending().await
    }
}
