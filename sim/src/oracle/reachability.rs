//! A registered phone on a WebSocket can be reached: its exchange has a binding for its connection.
//!
//! Phones on UDP are not checked: an exchange that lost its bindings cannot notify them, and they notice at the next refresh.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook::ConnectionId;
use offhook_wire::{Instant, Method};

use super::{Observation, Oracle, PhaseEnd, WorldView};
use crate::scenario::Transport;

#[derive(Default)]
pub(super) struct Reachability {
    /// By exchange and contact: the phone of the binding, and the time.
    bindings: BTreeMap<(usize, String), (usize, Instant)>,
    /// By phone and connection: the last accepted REGISTER.
    registered: BTreeMap<(usize, ConnectionId), Registered>,
    /// By phone: the connection of the last 2xx to a REGISTER. A REGISTER on an earlier connection may arrive later, and bind a
    /// connection that is closed.
    told: BTreeMap<usize, ConnectionId>,
}

struct Registered {
    exchange: usize,
    at: Instant,
    /// The time on the clock of the phone.
    shown: Instant,
}

impl Oracle for Reachability {
    fn name(&self) -> &'static str {
        "reachability"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::BindingAdded { exchange, phone, connection, contact } => {
                self.bindings.insert((exchange, contact.to_owned()), (phone, view.now));
                let registered = Registered { exchange, at: view.now, shown: view.local(phone) };
                self.registered.insert((phone, connection), registered);
            }
            Observation::Received { phone, connection, message: Some(message), .. }
                if message.of == Method::Register
                    && message.status().is_some_and(|status| (200..300).contains(&status)) =>
            {
                // The removal of another account is answered over its own connection.
                let node = &view.phones[phone];
                if node.account_of.get(&connection).copied() == node.account.id {
                    self.told.insert(phone, connection);
                }
            }
            Observation::BindingRemoved { exchange, contact } => {
                self.bindings.remove(&(exchange, contact.to_owned()));
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end == PhaseEnd::Faults {
            return Ok(());
        }
        for (index, phone) in view.phones.iter().enumerate() {
            let claims = phone.alive && phone.is_registered() && phone.setup.transport == Transport::Ws;
            // A phone notices only at the next refresh that an exchange lost its bindings, that its clock was set, or that a
            // response was corrupted.
            let told = self.told.get(&index);
            let last = told.and_then(|connection| self.registered.get(&(index, *connection)));
            let corrupted = view.corrupted_calls.of_registration(index);
            let is_excused = corrupted.is_some_and(|at| last.is_none_or(|last| at >= last.at))
                || last.is_some_and(|last| {
                    view.exchanges[last.exchange].forgot > last.at || last.lost_time(view, index)
                });
            let is_bound = self.bindings.iter().any(|(&(exchange, _), &(bound, at))| {
                let node = &view.exchanges[exchange];
                bound == index && at >= node.started && node.is_running()
            });
            if claims && !is_bound && !is_excused {
                return Err(format!(
                    "{} is registered, but no exchange has a binding for it",
                    phone.setup.name
                ));
            }
        }
        Ok(())
    }
}

impl Registered {
    /// Whether the clock of the phone was set back or stopped since then, so that it refreshes too late.
    fn lost_time(&self, view: &WorldView<'_>, phone: usize) -> bool {
        let drift = f64::from(view.phones[phone].setup.drift) / 1e6;
        let passed = view.now.saturating_since(self.at).mul_f64(1.0 + drift);
        view.local(phone).saturating_since(self.shown) + Duration::from_secs(1) < passed
    }
}
