//! All response contexts, indexed by transaction, by end and by deadline.

use std::collections::{BTreeMap, BTreeSet};

use offhook_wire::{Instant, Message};

use super::context::{Context, ContextId};
use crate::budget::Sender;
use crate::cx::Cx;
use crate::flow::{Arrival, FlowId, Prefix};
use crate::token::{BindingId, End};
use crate::transaction::ServerKey;

#[derive(Default)]
pub(crate) struct Contexts {
    table: BTreeMap<ContextId, Slot>,
    /// Two flows may use the same key: by chance, by forgery, or because both carry the same request.
    keys: BTreeSet<(ServerKey, ContextId)>,
    deadlines: BTreeSet<(Instant, ContextId)>,
    ends: BTreeSet<(Handle, ContextId)>,
    last: ContextId,
}

struct Slot {
    context: Context,
    /// Its deadline in the index.
    filed: Option<Instant>,
    /// Its handles in the index.
    handles: Vec<Handle>,
    /// Its bytes in the budget.
    bytes: usize,
}

impl Slot {
    /// Updates the budget with the present size of the context.
    fn account(&mut self, cx: &mut Cx) {
        self.account_bytes(cx, self.context.bytes());
    }

    fn account_bytes(&mut self, cx: &mut Cx, bytes: usize) {
        let Context { sender, arrival, .. } = &self.context;
        let before = std::mem::replace(&mut self.bytes, bytes);
        if before == bytes {
            return;
        }
        cx.budget.change(*sender, Prefix::of(arrival.remote.ip()), before, bytes);
        // The flow may have gone down in the meantime, and another one of the same id may have taken its place.
        if let Some(flow) = cx.flows.get_mut(arrival.flow) {
            flow.bytes = (flow.bytes + bytes).saturating_sub(before);
        }
    }
}

/// The flows that a context counts as a transaction of.
fn flows_of(context: &Context) -> impl Iterator<Item = FlowId> + use<> {
    let (flow, reply) = (context.arrival.flow, context.reply);
    std::iter::once(flow).chain((reply != flow).then_some(reply))
}

/// A key of the index of ends.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Handle {
    Flow(FlowId),
    Binding(BindingId),
    /// A contact that a request waits for, by the hash of its URI.
    Awaited(u64),
}

impl Handle {
    fn of(end: End) -> impl Iterator<Item = Handle> {
        [Some(Handle::Flow(end.flow)), end.binding.map(Handle::Binding)].into_iter().flatten()
    }
}

impl Contexts {
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// The context of the transaction with this key that a message on `flow` may belong to.
    pub(crate) fn find(&self, cx: &Cx, key: &ServerKey, flow: FlowId) -> Option<ContextId> {
        let same = self.keys.range((key.clone(), 0)..).take_while(|(other, _)| other == key);
        let own = |id: &ContextId| self.get(*id).is_some_and(|context| context.comes_over(cx, flow));
        same.map(|&(_, id)| id).find(own)
    }

    pub(crate) fn get(&self, id: ContextId) -> Option<&Context> {
        self.table.get(&id).map(|slot| &slot.context)
    }

    /// Begins a server transaction. Responses go to the flow `reply`.
    pub(crate) fn open(
        &mut self,
        cx: &mut Cx,
        key: ServerKey,
        arrival: Arrival,
        reply: FlowId,
        sender: Sender,
        request: Message,
    ) -> ContextId {
        self.last += 1;
        let id = self.last;
        let context = Context::new(id, key.clone(), arrival, reply, sender, request);
        self.keys.insert((key, id));
        for flow in flows_of(&context) {
            if let Some(flow) = cx.flows.get_mut(flow) {
                flow.transactions += 1;
            }
        }
        let mut slot = Slot { context, filed: None, handles: Vec::new(), bytes: 0 };
        slot.account(cx);
        self.table.insert(id, slot);
        id
    }

    /// Applies an action to a context, updates the index of deadlines, and removes the context when it has terminated.
    pub(crate) fn with<T>(
        &mut self,
        cx: &mut Cx,
        id: ContextId,
        action: impl FnOnce(&mut Context, &mut Cx) -> T,
    ) -> Option<T> {
        let slot = self.table.get_mut(&id)?;
        let result = action(&mut slot.context, cx);
        slot.account(cx);
        if slot.context.is_terminated() {
            self.close(cx, id);
            return Some(result);
        }
        let deadline = slot.context.deadline();
        if deadline != slot.filed {
            if let Some(at) = slot.filed {
                self.deadlines.remove(&(at, id));
            }
            if let Some(at) = deadline {
                self.deadlines.insert((at, id));
            }
            slot.filed = deadline;
        }
        Some(result)
    }

    /// Indexes a context under all of its ends, after its branches were created.
    pub(crate) fn file_ends(&mut self, id: ContextId) {
        let Some(slot) = self.table.get(&id) else { return };
        let handles = slot.context.ends().flat_map(Handle::of).collect();
        self.file(id, handles);
    }

    /// Indexes a context under these handles only.
    pub(crate) fn file(&mut self, id: ContextId, handles: Vec<Handle>) {
        let Some(slot) = self.table.get_mut(&id) else { return };
        for handle in std::mem::replace(&mut slot.handles, handles) {
            self.ends.remove(&(handle, id));
        }
        self.ends.extend(slot.handles.iter().map(|&handle| (handle, id)));
    }

    /// The contexts indexed under a handle.
    pub(crate) fn at(&self, handle: Handle) -> Vec<ContextId> {
        let filed = self.ends.range((handle, 0)..).take_while(|(other, _)| *other == handle);
        filed.map(|&(_, id)| id).collect()
    }

    /// Removes all contexts.
    pub(crate) fn clear(&mut self, cx: &mut Cx) {
        let ids: Vec<ContextId> = self.table.keys().copied().collect();
        for id in ids {
            self.close(cx, id);
        }
    }

    fn close(&mut self, cx: &mut Cx, id: ContextId) {
        let Some(mut slot) = self.table.remove(&id) else { return };
        slot.account_bytes(cx, 0);
        for flow in flows_of(&slot.context) {
            if let Some(flow) = cx.flows.get_mut(flow) {
                flow.transactions = flow.transactions.saturating_sub(1);
            }
        }
        self.keys.remove(&(slot.context.key, id));
        if let Some(at) = slot.filed {
            self.deadlines.remove(&(at, id));
        }
        for handle in slot.handles {
            self.ends.remove(&(handle, id));
        }
        let empty = self.keys.is_empty() && self.deadlines.is_empty() && self.ends.is_empty();
        assert!(empty || !self.table.is_empty(), "an index outlived its contexts");
    }

    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    /// Fires the timers of each context that is due, once.
    pub(crate) fn fire(&mut self, cx: &mut Cx) {
        let mut due = Vec::new();
        due.extend(self.deadlines.range(..=(cx.now, ContextId::MAX)).map(|&(_, id)| id));
        for id in due {
            self.with(cx, id, Context::fire);
        }
    }
}
