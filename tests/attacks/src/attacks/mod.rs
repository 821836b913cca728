//! The attacks, one per file.

mod amplification;
mod context;
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

use crate::figure::Figure;
pub(crate) use context::Context;
use memory::MemoryAttack;
use sockets::SocketAttack;

pub(crate) type Running = Pin<Box<dyn Future<Output = io::Result<Vec<Figure>>> + Send>>;

/// One attack: its name for `--only`, and how it runs.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    pub(crate) run: fn(Context) -> Running,
}

/// The figure of guessing that is compared before and after: its attack and its name.
pub(crate) const GUESSING_TIME: (&str, &str) = (guessing::NAME, guessing::TIME);

/// All attacks, in the order of the report.
pub(crate) const ALL: &[Attack] = &[
    Attack { name: "hijack", run: |context| Box::pin(hijack::run(context)) },
    Attack { name: "datagrams", run: |context| Box::pin(datagrams::run(context)) },
    Attack { name: "idle-sockets", run: |context| Box::pin(sockets::run(context, SocketAttack::Idle)) },
    Attack { name: "slow-upgrades", run: |context| Box::pin(sockets::run(context, SocketAttack::Slow)) },
    Attack { name: "memory-requests", run: |context| Box::pin(memory::run(context, MemoryAttack::Requests)) },
    Attack { name: "memory-guests", run: |context| Box::pin(memory::run(context, MemoryAttack::Guests)) },
    Attack { name: "memory-away", run: |context| Box::pin(memory::run(context, MemoryAttack::Away)) },
    Attack { name: "memory-unread", run: |context| Box::pin(memory::run(context, MemoryAttack::Unread)) },
    Attack { name: "memory-halves", run: |context| Box::pin(memory::run(context, MemoryAttack::Halves)) },
    Attack { name: "amplification", run: |context| Box::pin(amplification::run(context)) },
    Attack { name: "guessing", run: |context| Box::pin(guessing::run(context)) },
    Attack { name: "identity", run: |context| Box::pin(identity::run(context)) },
    Attack { name: "credentials", run: |context| Box::pin(credentials::run(context)) },
];
