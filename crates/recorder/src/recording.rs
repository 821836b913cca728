//! A recording in memory.

use crate::check::Check;
use offhook::{Checkpoint, Config, FlowCheckpoint, FlowId, Input, Instant, Server, Target};
use std::time::Duration;

/// What happened to some phones. [`Recording::read`] reads one, and [`replay`](crate::replay::replay) runs it again.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// The phones, in the order in which they were started.
    pub tracks: Vec<Track>,
    /// Whether it was ended as recordings are. If not, what was written last may be missing.
    pub complete: bool,
}

/// What happened to one phone.
#[derive(Clone, Debug)]
pub struct Track {
    /// Its name.
    pub name: String,
    /// Its configuration, with stand-ins for its secrets.
    pub config: Config,
    /// Its seed.
    pub seed: [u8; 32],
    /// When it was made, by its own clock.
    pub start: Instant,
    /// When it was made, since the recording began: phones may have clocks of their own.
    pub made: Duration,
    /// What it was given, and how far it was then.
    pub entries: Vec<Entry>,
    /// How many of its first inputs were forgotten. If any, what is replayed begins at the first rest.
    pub forgotten: u64,
    /// Why it ends early, if it does.
    pub lost: Option<String>,
}

impl Track {
    /// The connections that there were when it rested, and to which servers: the heaviest is the first.
    pub(crate) fn connections<'t>(
        &'t self,
        at: &'t Checkpoint,
    ) -> impl Iterator<Item = (FlowId, &'t Target)> {
        self.config.accounts.iter().zip(&at.accounts).filter_map(|(account, line)| {
            let FlowCheckpoint::Up { flow, .. } = line.flow else { return None };
            let mut servers: Vec<&Server> = account.servers.iter().collect();
            servers.sort_by_key(|server| std::cmp::Reverse(server.weight));
            let place = (line.next_server as usize).checked_rem(servers.len())?;
            Some((flow, &servers[place].target))
        })
    }

    /// What all phones of the recording call a time of this phone's clock.
    pub fn common(&self, at: Instant) -> Instant {
        Instant::ZERO + self.made + at.saturating_since(self.start)
    }
}

/// A line of a track.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The number of the line in the file.
    pub line: usize,
    /// What it says.
    pub what: What,
}

/// What a line of a track says.
#[derive(Clone, Debug)]
pub enum What {
    /// Something was handed to the phone.
    Input {
        /// When.
        at: Instant,
        /// What, without its secrets.
        input: Input,
    },
    /// The phone had come so far.
    Check(Check),
    /// It had come so far, and rested: another one can go on from here.
    Rest(Check, Box<Checkpoint>),
}
