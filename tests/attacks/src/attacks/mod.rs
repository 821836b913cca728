//! The attacks, one a file.

mod amplification;
mod credentials;
mod datagrams;
mod guessing;
mod hijack;
mod identity;
mod memory;
mod sockets;

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::exchange::Program;
use crate::figure::Figure;
use memory::Burden;
use sockets::Manner;

/// Where an attack takes place.
#[derive(Clone)]
pub(crate) struct Stage {
    pub(crate) program: Program,
    alone: Arc<Semaphore>,
}

impl Stage {
    pub(crate) fn new(program: Program) -> Self {
        Self { program, alone: Arc::new(Semaphore::new(1)) }
    }

    /// Attacks on capacity take place one after the other; their times of recovery overlap.
    async fn alone(&self) -> io::Result<OwnedSemaphorePermit> {
        self.alone.clone().acquire_owned().await.map_err(io::Error::other)
    }
}

pub(crate) type Running = Pin<Box<dyn Future<Output = io::Result<Vec<Figure>>> + Send>>;

/// One attack: its name for `--only`, and how it runs.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Stage) -> Running,
}

/// The figure of guessing that is compared before and after: its attack and its name.
pub(crate) const GUESSING_TIME: (&str, &str) = (guessing::NAME, guessing::TIME);

/// All attacks, in the order of the report.
pub(crate) const ALL: &[Attack] = &[
    Attack { name: "hijack", run: |stage| Box::pin(hijack::run(stage)) },
    Attack { name: "datagrams", run: |stage| Box::pin(datagrams::run(stage)) },
    Attack { name: "idle-sockets", run: |stage| Box::pin(sockets::run(stage, Manner::Idle)) },
    Attack { name: "slow-upgrades", run: |stage| Box::pin(sockets::run(stage, Manner::Slow)) },
    Attack { name: "memory-requests", run: |stage| Box::pin(memory::run(stage, Burden::Requests)) },
    Attack { name: "memory-guests", run: |stage| Box::pin(memory::run(stage, Burden::Guests)) },
    Attack { name: "memory-away", run: |stage| Box::pin(memory::run(stage, Burden::Away)) },
    Attack { name: "memory-unread", run: |stage| Box::pin(memory::run(stage, Burden::Unread)) },
    Attack { name: "memory-halves", run: |stage| Box::pin(memory::run(stage, Burden::Halves)) },
    Attack { name: "amplification", run: |stage| Box::pin(amplification::run(stage)) },
    Attack { name: "guessing", run: |stage| Box::pin(guessing::run(stage)) },
    Attack { name: "identity", run: |stage| Box::pin(identity::run(stage)) },
    Attack { name: "credentials", run: |stage| Box::pin(credentials::run(stage)) },
];
