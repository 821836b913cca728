use super::entropy::Entropy;
use super::marks::Mark;
use super::name::Machine;
use super::timers::Timers;
use super::trace::Trace;
use crate::{Config, Effect, EffectId, Event, FlowId, Output, SessionId};
use bytes::Bytes;
use offhook_wire::Instant;
use std::collections::VecDeque;

/// What every machine may touch besides itself: handed down with each call, never kept.
pub(crate) struct Cx<'a> {
    pub(crate) now: Instant,
    pub(crate) config: &'a Config,
    pub(crate) entropy: &'a mut Entropy,
    pub(crate) timers: &'a mut Timers,
    pub(crate) trace: &'a mut Trace,
    pub(crate) out: &'a mut Outbox,
}

impl Cx<'_> {
    /// Records a rare decision of a machine, or of the phone as a whole.
    pub(crate) fn mark(&mut self, machine: impl Into<Option<Machine>>, mark: Mark) {
        self.trace.mark(self.now, machine.into(), mark);
    }
}

/// The one queue of outputs.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Output>,
    effects: u64,
    flows: u32,
}

impl Outbox {
    pub(crate) fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }

    /// Gives back the room of an empty queue.
    pub(crate) fn shrink(&mut self) {
        self.queue.shrink_to_fit();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.push(Output::Event(event));
    }

    pub(crate) fn transmit(&mut self, flow: FlowId, data: Bytes) {
        self.push(Output::Transmit { flow, data });
    }

    /// The name of the next connection.
    pub(crate) fn new_flow(&mut self) -> FlowId {
        self.flows += 1;
        FlowId(self.flows)
    }

    /// How many connections and effects were named.
    pub(crate) fn named(&self) -> (u32, u64) {
        (self.flows, self.effects)
    }

    /// Goes on where so many were named and all was taken.
    pub(crate) fn restore(&mut self, flows: u32, effects: u64) {
        *self = Self { queue: VecDeque::new(), effects, flows };
    }

    /// Asks the host for something for a call; the id is what its answer will carry.
    pub(crate) fn effect(&mut self, session: SessionId, effect: Effect) -> EffectId {
        self.effects += 1;
        let id = EffectId::new(session, self.effects);
        self.push(Output::Effect { id, effect });
        id
    }
}
