//! A phone holds no more transactions and timers than its calls and the messages of the last minute need.

use std::collections::VecDeque;
use std::time::Duration;

use offhook_wire::{Instant, Method};

use super::{Observation, Oracle, PhaseEnd, WorldView};
use crate::node::PhoneNode;

/// The longest that a transaction outlives its last message: 64·T1 until it has a response or times out, and 64·T1 to absorb
/// retransmissions.
const MEMORY: Duration = Duration::from_secs(64 + 6);

/// Timers of an account: connection, keep-alive and its answer, registration, back-off.
const OF_ACCOUNT: usize = 5;

/// Timers of a call, of a request outside of a dialog, and of a transaction.
const OF_CALL: usize = 7;
const OF_REQUEST: usize = 1;
const OF_TRANSACTION: usize = 2;

#[derive(Default)]
pub(super) struct Leaks {
    /// The times of sent and received requests, by phone.
    messages: Vec<VecDeque<Instant>>,
}

impl Oracle for Leaks {
    fn name(&self) -> &'static str {
        "leaks"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.messages.resize_with(view.phones.len(), VecDeque::new);
        match *observation {
            Observation::Sent { phone, message: Some(message), .. }
            | Observation::Received { phone, message: Some(message), .. }
                if message.method().is_some_and(|method| method != Method::Ack) =>
            {
                self.message(phone, view.local(phone));
                Ok(())
            }
            // It may have been a request.
            Observation::Corrupted { phone, .. } | Observation::Exempted { phone, .. } => {
                self.message(phone, view.local(phone));
                Ok(())
            }
            Observation::PhonePolled { phone, .. } => timers(&view.phones[phone]),
            _ => Ok(()),
        }
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end != PhaseEnd::Drain {
            return Ok(());
        }
        self.messages.resize_with(view.phones.len(), VecDeque::new);
        for (index, node) in view.phones.iter().enumerate().filter(|(_, node)| node.alive) {
            let name = &node.setup.name;
            let holds = node.holdings();
            let now = view.local(index);
            let lately =
                self.messages[index].iter().filter(|at| now.saturating_since(**at) <= MEMORY).count();
            let transactions = holds.client_transactions + holds.server_transactions;
            if transactions > lately {
                return Err(format!("{name} holds {transactions} transactions for {lately} requests"));
            }
            if holds.calls > 0 {
                return Err(format!("{name} holds {} calls", holds.calls));
            }
            if node.connections.len() > usize::from(node.account.id.is_some()) {
                return Err(format!("{name} holds {} connections", node.connections.len()));
            }
        }
        Ok(())
    }
}

impl Leaks {
    fn message(&mut self, phone: usize, now: Instant) {
        let messages = &mut self.messages[phone];
        messages.push_back(now);
        while messages.front().is_some_and(|at| now.saturating_since(*at) > MEMORY) {
            messages.pop_front();
        }
    }
}

fn timers(node: &PhoneNode) -> Result<(), String> {
    let holds = node.holdings();
    let transactions = holds.client_transactions + holds.server_transactions;
    // An account that is removed may have timers beside the one that was added after it.
    let accounts = usize::from(node.next_account().0);
    let of_requests = OF_REQUEST * holds.requests + OF_TRANSACTION * transactions;
    let most = OF_ACCOUNT * accounts + OF_CALL * holds.calls + of_requests;
    let name = &node.setup.name;
    if holds.call_timers > OF_CALL * holds.calls {
        return Err(format!("{name} has {} calls and {} timers for them", holds.calls, holds.call_timers));
    }
    if holds.timers > most {
        return Err(format!(
            "{name} has {} timers for {} calls, {} requests and {transactions} transactions",
            holds.timers, holds.calls, holds.requests
        ));
    }
    Ok(())
}
