//! A phone that says it is registered over a connection can be reached: its exchange holds a binding that leads to it.
//!
//! Not so over datagrams: who lost the bindings of a phone there cannot tell it, and it learns so when it refreshes.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook::FlowId;
use offhook_wire::{Instant, Method};

use super::{Observation, Oracle, PhaseEnd, WorldView};
use crate::scenario::Transport;

#[derive(Default)]
pub(super) struct Reachability {
    /// By exchange and contact: the phone whose connection it came over, and when.
    bindings: BTreeMap<(usize, String), (usize, Instant)>,
    /// By phone and connection: which exchange took a REGISTER last, and when.
    taken: BTreeMap<(usize, FlowId), Delivered>,
    /// By phone: the connection on which it last heard that it is registered. What it sent on another one before may come later, and
    /// binds it where it does not wait for calls any more.
    told: BTreeMap<usize, FlowId>,
}

struct Delivered {
    exchange: usize,
    at: Instant,
    /// What the phone's clock showed.
    shown: Instant,
}

impl Oracle for Reachability {
    fn name(&self) -> &'static str {
        "reachability"
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        match *sight {
            Observation::BindingAdded { exchange, phone, flow, contact } => {
                self.bindings.insert((exchange, contact.to_owned()), (phone, view.now));
                let taken = Delivered { exchange, at: view.now, shown: view.local(phone) };
                self.taken.insert((phone, flow), taken);
            }
            Observation::Received { phone, flow, message: Some(message), .. }
                if message.of == Method::Register
                    && message.status().is_some_and(|status| (200..300).contains(&status)) =>
            {
                self.told.insert(phone, flow);
            }
            Observation::BindingRemoved { exchange, contact } => {
                self.bindings.remove(&(exchange, contact.to_owned()));
            }
            _ => {}
        }
        Ok(())
    }

    fn check(&mut self, view: &WorldView<'_>, moment: PhaseEnd) -> Result<(), String> {
        if moment == PhaseEnd::Faults {
            return Ok(());
        }
        for (index, phone) in view.phones.iter().enumerate() {
            let claims = phone.alive && phone.is_registered() && phone.setup.transport == Transport::Ws;
            // That an exchange lost its memory, or that its clock was set, is not known before the next refresh; nor what it was told
            // wrongly, such as how long its binding lasts.
            let told = self.told.get(&index);
            let last = told.and_then(|flow| self.taken.get(&(index, *flow)));
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
                    "{} says it is registered, and no exchange knows where",
                    phone.setup.name
                ));
            }
        }
        Ok(())
    }
}

impl Delivered {
    /// Whether the phone's clock was set back since then, or stood still: it takes its binding for younger than it is.
    fn lost_time(&self, view: &WorldView<'_>, phone: usize) -> bool {
        let drift = f64::from(view.phones[phone].setup.drift) / 1e6;
        let passed = view.now.saturating_since(self.at).mul_f64(1.0 + drift);
        view.local(phone).saturating_since(self.shown) + Duration::from_secs(1) < passed
    }
}
