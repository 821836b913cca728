//! The context of an attack.

use std::io;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::exchange::Program;

/// What an attack runs against.
#[derive(Clone)]
pub(crate) struct Context {
    pub(crate) program: Program,
    alone: Arc<Semaphore>,
}

impl Context {
    pub(crate) fn new(program: Program) -> Self {
        Self { program, alone: Arc::new(Semaphore::new(1)) }
    }

    /// Waits until no other attack on capacity runs. Their recovery times may overlap.
    pub(super) async fn alone(&self) -> io::Result<OwnedSemaphorePermit> {
        self.alone.clone().acquire_owned().await.map_err(io::Error::other)
    }
}
