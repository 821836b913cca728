//! When the user wants it to end.

/// Returns at Ctrl-C, and where there is such a thing, at SIGTERM.
pub(crate) async fn wanted() {
    let interrupted = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminated) = signal(SignalKind::terminate()) {
            tokio::select! {
                // A system without signals never asks.
                Ok(()) = interrupted => {}
                _ = terminated.recv() => {}
            }
            return;
        }
    }
    #[cfg(not(unix))]
    if interrupted.await.is_ok() {
        return;
    }
    std::future::pending().await
}
