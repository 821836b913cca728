//! The test bench of the machines: everything that a [`Cx`] borrows, on virtual time.

use crate::api::trace::{Record, Traced};
use crate::base::cx::{Cx, Outbox};
use crate::base::entropy::Entropy;
use crate::base::name::{Machine, Timer};
use crate::base::path::Path;
use crate::base::timers::Timers;
use crate::base::trace::Trace;
use crate::{Account, Config, ConnectionId, Output, Password, Transport};
use bytes::Bytes;
use offhook_wire::{Instant, Limits, Message};
use std::time::Duration;

/// A test bench for machines.
pub(crate) struct Bench {
    pub(crate) now: Instant,
    pub(crate) config: Config,
    pub(crate) entropy: Entropy,
    pub(crate) timers: Timers,
    pub(crate) trace: Trace,
    pub(crate) out: Outbox,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let account =
            Account::new("sip:alice@example.com", Some(Password::plain("secret")), "ws://pbx.example.com")
                .expect("a hop");
        Self::with(Config::new(account))
    }

    pub(crate) fn with(config: Config) -> Self {
        Self {
            now: Instant::ZERO,
            config,
            entropy: Entropy::new([42; 32]),
            timers: Timers::new(),
            trace: Trace::new(1000),
            out: Outbox::default(),
        }
    }

    pub(crate) fn cx(&mut self) -> Cx<'_> {
        Cx {
            now: self.now,
            config: &self.config,
            entropy: &mut self.entropy,
            timers: &mut self.timers,
            trace: &mut self.trace,
            out: &mut self.out,
        }
    }

    /// Advances to the next timer, if it is due by `end`; else to `end`.
    pub(crate) fn next_timer(&mut self, end: Instant) -> Option<Timer> {
        let due = self.timers.next().map(|deadline| deadline.at).filter(|at| *at <= end);
        self.now = self.now.max(due.unwrap_or(end));
        self.timers.due(self.now)
    }

    /// The transitions in the trace: machine, from, trigger, to.
    pub(crate) fn transitions(&self) -> Vec<(Machine, [&'static str; 3])> {
        let transition = |record: Record| match record.what {
            Traced::Transition { from, trigger, to } => Some((record.machine?, [from, trigger, to])),
            Traced::Mark(_) => None,
        };
        self.trace.records().filter_map(transition).collect()
    }

    /// The triggers of a machine's transitions.
    pub(crate) fn moves(&self, machine: Machine) -> Vec<&'static str> {
        let moved = self.transitions().into_iter().filter(|(moved, _)| *moved == machine);
        moved.map(|(_, [_, trigger, _])| trigger).collect()
    }

    /// The outputs since the last call of this method.
    pub(crate) fn outputs(&mut self) -> Vec<Output> {
        std::iter::from_fn(|| self.out.pop()).collect()
    }

    /// The messages among the outputs since the last call of this method.
    pub(crate) fn sent(&mut self) -> Vec<Message> {
        let sent = |output| match output {
            Output::Transmit { data, .. } => Some(message(data)),
            _ => None,
        };
        self.outputs().into_iter().filter_map(sent).collect()
    }
}

/// A path over `transport`.
pub(crate) fn path(transport: Transport) -> Path {
    let sent_by = if transport == Transport::Udp { "192.0.2.1:5060" } else { "aa.invalid" };
    Path { connection: ConnectionId(1), transport, sent_by: Bytes::from_static(sent_by.as_bytes()) }
}

/// Parses and checks a message.
pub(crate) fn message(data: impl Into<Bytes>) -> Message {
    let mut message = Message::parse(data.into(), &Limits::default()).expect("a message");
    message.check().expect("a good message");
    message
}

/// Seconds since the start of the test.
pub(crate) fn at(seconds: f64) -> Instant {
    Instant::ZERO + Duration::from_secs_f64(seconds)
}
