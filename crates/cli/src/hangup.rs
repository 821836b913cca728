//! SIGHUP, which reads a file again.

/// The signal, on Unix and only if requested: without a file to read again it ends the command, as when a terminal is closed.
pub(crate) struct Hangup {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Hangup {
    /// Installs the handler. The error is that of the system.
    #[cfg(unix)]
    pub(crate) fn watch(wanted: bool) -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { signal: if wanted { Some(signal(SignalKind::hangup())?) } else { None } })
    }

    #[cfg(not(unix))]
    pub(crate) fn watch(_: bool) -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the signal. Cancel-safe.
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
