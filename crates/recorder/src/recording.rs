//! A recording in memory.

use crate::check::Check;
use offhook::{Checkpoint, Config, ConnectionCheckpoint, ConnectionId, Hop, Input, Instant, Server};
use std::time::Duration;

/// A recording of phones. [`Recording::read`] reads one, and [`replay`](crate::replay::replay) runs it again.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The phones, in the order in which they were started.
    pub phones: Vec<PhoneRecording>,
    /// Whether it has an end. If not, its last lines may be missing.
    pub complete: bool,
}

/// The recording of one phone.
#[derive(Clone, Debug)]
pub struct PhoneRecording {
    /// Its name.
    pub name: String,
    /// Its configuration, with its secrets replaced.
    pub config: Config,
    /// Its seed.
    pub seed: [u8; 32],
    /// When it was created, by its own clock.
    pub start: Instant,
    /// When it was created, since the recording began: each phone may have its own clock.
    pub made: Duration,
    /// Its inputs, checks and checkpoints.
    pub entries: Vec<Entry>,
    /// The number of its first inputs that were dropped. If any, a replay starts from the first checkpoint.
    pub forgotten: u64,
    /// Why it ends early, if it does.
    pub lost: Option<String>,
}

impl PhoneRecording {
    /// Converts a time of this phone's clock to the time since the recording began.
    pub fn common_time(&self, at: Instant) -> Instant {
        Instant::ZERO + self.made + at.saturating_since(self.start)
    }
}

/// The connections at a checkpoint, and their servers. Servers are used in order of weight.
pub(crate) fn connections(at: &Checkpoint) -> impl Iterator<Item = (ConnectionId, &Hop)> {
    at.accounts.iter().filter_map(|account| {
        let ConnectionCheckpoint::Up { connection, .. } = account.connection else { return None };
        let mut servers: Vec<&Server> = account.config.servers.iter().collect();
        servers.sort_by_key(|server| std::cmp::Reverse(server.weight));
        let place = (account.next_server as usize).checked_rem(servers.len())?;
        Some((connection, &servers[place].hop))
    })
}

/// An entry of the recording of a phone.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The number of the line in the file.
    pub line: usize,
    /// Its content.
    pub kind: EntryKind,
}

/// The content of an entry.
#[derive(Clone, Debug)]
pub enum EntryKind {
    /// An input of the phone.
    Input {
        /// Its time, by the clock of the phone.
        at: Instant,
        /// The input, redacted.
        input: Input,
    },
    /// The progress of the phone.
    Check(Check),
    /// The progress and the state of the idle phone: a replay can start from here.
    Checkpoint(Check, Box<Checkpoint>),
}
