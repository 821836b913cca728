//! A phone limits its calls, its queued digits and its REGISTERs per minute.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use offhook::{CallCommand, Command, Status};
use offhook_wire::{Instant, Method};

use super::reading::{Reading, Transaction};
use super::{Observation, Oracle, WorldView};
use crate::media::End;
use crate::told::{Told, told};

/// The default of [`offhook::Config::call_limit`].
const CALLS: usize = 2;

/// As [`offhook::CallCommand::Digits`] says; one more is being sent.
const DIGITS: usize = 64 + 1;

/// The default of [`offhook::RegistrationPolicy::flood_budget`], and its period.
const REGISTERS: usize = 12;
const MINUTE: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Bounds {
    digits: BTreeMap<End, usize>,
    /// When the REGISTERs of the last minute were sent, by phone and Call-ID: that of an account, until it is replaced.
    registers: BTreeMap<(usize, u64), VecDeque<Instant>>,
    /// Transactions that were counted: over UDP a REGISTER is retransmitted.
    known: BTreeSet<Transaction>,
    /// Calls that a REFER created, in addition to the call in which it came.
    referred: BTreeSet<End>,
}

impl Oracle for Bounds {
    fn name(&self) -> &'static str {
        "bounds"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Command {
                phone,
                command: Command::Call { session, command: CallCommand::Digits { digits, .. } },
                refused: None,
            } => {
                *self.digits.entry((phone, *session)).or_insert(0) += digits.chars().count();
            }
            Observation::Event { phone, event } => {
                if let Some((session, told)) = told(event) {
                    self.on_told((phone, session), told);
                }
            }
            Observation::Sent { phone, message: Some(message), .. }
                if message.method() == Some(Method::Register) && self.is_new(message) =>
            {
                let now = view.local(phone);
                let registers = self.registers.entry((phone, message.dialog.call)).or_default();
                registers.retain(|at| now.saturating_since(*at) < MINUTE);
                registers.push_back(now);
            }
            Observation::PhonePolled { phone, .. } => return self.on_polled(view, phone),
            _ => {}
        }
        Ok(())
    }
}

impl Bounds {
    fn on_told(&mut self, end: End, told: Told<'_>) {
        match told {
            Told::DigitDone { .. } => {
                if let Some(digits) = self.digits.get_mut(&end) {
                    *digits = digits.saturating_sub(1);
                }
            }
            Told::Referred { .. } => drop(self.referred.insert(end)),
            Told::Ended(_) => {
                self.digits.remove(&end);
                self.referred.remove(&end);
            }
            _ => {}
        }
    }

    fn is_new(&mut self, request: &Reading<'_>) -> bool {
        request.transaction.is_some_and(|transaction| self.known.insert(transaction))
    }

    fn on_polled(&self, view: &WorldView<'_>, phone: usize) -> Result<(), String> {
        let node = &view.phones[phone];
        let name = &node.setup.name;
        let calls = node.calls.values().filter(|call| call.status < Status::Terminating).count();
        let referred = self.referred.iter().filter(|end| end.0 == phone).count();
        if calls > CALLS + referred.min(1) {
            return Err(format!("{name} has {calls} calls"));
        }
        let of_phone = |(end, digits): (&End, &usize)| (end.0 == phone).then_some(*digits);
        if let Some(digits) = self.digits.iter().filter_map(of_phone).find(|digits| *digits > DIGITS) {
            return Err(format!("{name} queues {digits} digits"));
        }
        let of_phone = self.registers.iter().filter(|((of, _), _)| *of == phone);
        let registers = of_phone.map(|(_, times)| times.len()).max().unwrap_or(0);
        if registers > REGISTERS {
            return Err(format!("{name} sends {registers} REGISTERs in a minute"));
        }
        Ok(())
    }
}
