//! After the recovery, a phone is registered exactly if its user asked for it.

use offhook::RegistrationState;

use super::{Oracle, PhaseEnd, WorldView};
use crate::node::PhoneNode;
use crate::scenario::Transport;

pub(super) struct Liveness;

impl Oracle for Liveness {
    fn name(&self) -> &'static str {
        "liveness"
    }

    fn check(&mut self, view: &WorldView<'_>, phase_end: PhaseEnd) -> Result<(), String> {
        if phase_end == PhaseEnd::Faults {
            return Ok(());
        }
        // Phones that are dead, or can reach no exchange, are not checked.
        for (index, phone) in
            view.phones.iter().enumerate().filter(|(_, phone)| phone.alive && !phone.all_exchanges_lost)
        {
            if !is_where_it_should_be(phone, view.corrupted_calls.of_registration(index).is_some()) {
                let should = if phone.should_be_registered { "should" } else { "should not" };
                let state = phone.registration.as_ref().map_or("new".to_owned(), ToString::to_string);
                return Err(format!("{} {should} be registered, and is {state}", phone.setup.name));
            }
        }
        Ok(())
    }
}

fn is_where_it_should_be(phone: &PhoneNode, corrupted: bool) -> bool {
    if phone.account.id.is_none() {
        return true;
    }
    let Some(state) = phone.registration else { return false };
    if !phone.should_be_registered {
        return state == RegistrationState::Unregistered;
    }
    match state {
        // Over UDP a phone notices only at a refresh that an exchange is dead.
        RegistrationState::Refreshing
        | RegistrationState::Registering { .. }
        | RegistrationState::Waiting { .. }
            if phone.some_exchange_lost && phone.setup.transport == Transport::Udp =>
        {
            true
        }
        // A corrupted response may have failed it.
        RegistrationState::Failed(_) if corrupted => true,
        // A wrong password fails the registration immediately, a limit of attempts when it is reached.
        RegistrationState::Failed(why) => {
            !phone.account.has_right_password()
                || phone.setup.attempts.is_some_and(|limit| why.attempts >= limit)
        }
        _ => phone.account.has_right_password() && phone.is_registered(),
    }
}
