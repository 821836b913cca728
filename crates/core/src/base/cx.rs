use super::entropy::Entropy;
use super::marks::Mark;
use super::name::Machine;
use super::timers::Timers;
use super::trace::Trace;
use super::waiter::{CallWaiter, Waiter};
use crate::{
    AccountEffect, AccountEvent, AccountId, CallEffect, CallEvent, Config, ConnectionId, Effect, EffectId,
    Event, LegId, Output, SessionId,
};
use bytes::Bytes;
use offhook_wire::Instant;
use std::collections::VecDeque;

/// The context of every machine: passed down with each call, never stored.
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

/// The queue of outputs. It is not bounded: a host that does not poll makes it grow, although each input adds few outputs.
#[derive(Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Output>,
    effects: u64,
    connections: u32,
}

impl Outbox {
    pub(crate) fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    #[inline]
    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }

    /// Releases the memory of an empty queue.
    pub(crate) fn shrink(&mut self) {
        self.queue.shrink_to_fit();
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    pub(crate) fn event(&mut self, event: Event) {
        self.push(Output::Event(event));
    }

    pub(crate) fn transmit(&mut self, connection: ConnectionId, data: Bytes) {
        self.push(Output::Transmit { connection, data });
    }

    /// The identifier of the next connection.
    pub(crate) fn new_connection(&mut self) -> ConnectionId {
        self.connections += 1;
        ConnectionId(self.connections)
    }

    /// How many identifiers of connections and effects were used.
    pub(crate) fn named(&self) -> (u32, u64) {
        (self.connections, self.effects)
    }

    /// Restores the counts of used identifiers; the queue is empty.
    pub(crate) fn restore(&mut self, connections: u32, effects: u64) {
        *self = Self { queue: VecDeque::new(), effects, connections };
    }

    /// Queues an event of a call.
    pub(crate) fn call_event(&mut self, session: SessionId, event: CallEvent) {
        self.event(Event::Call { session, event });
    }

    /// Queues an event of an account.
    pub(crate) fn account_event(&mut self, account: AccountId, event: AccountEvent) {
        self.event(Event::Account { account, event });
    }

    /// Queues an effect of a call; its result is for `waiter` and will have the returned id.
    pub(crate) fn call_effect(
        &mut self,
        session: SessionId,
        leg: LegId,
        effect: CallEffect,
        waiter: CallWaiter,
    ) -> EffectId {
        self.effect(Waiter::Call(session.slot(), waiter), Effect::Call { session, leg, effect })
    }

    /// Queues an effect of an account; its result will have the returned id.
    pub(crate) fn account_effect(&mut self, account: AccountId, effect: AccountEffect) -> EffectId {
        self.effect(Waiter::Account(account), Effect::Account { account, effect })
    }

    fn effect(&mut self, waiter: Waiter, effect: Effect) -> EffectId {
        self.effects += 1;
        let id = waiter.id(self.effects);
        self.push(Output::Effect { id, effect });
        id
    }
}
