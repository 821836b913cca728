//! A phone that wants to be registered is, and one that does not is not, once all had time to settle.

use offhook::RegistrationState;

use super::{Oracle, PhaseEnd, WorldView};
use crate::node::PhoneNode;
use crate::scenario::Transport;

pub(super) struct Liveness;

impl Oracle for Liveness {
    fn name(&self) -> &'static str {
        "liveness"
    }

    fn check(&mut self, view: &WorldView<'_>, moment: PhaseEnd) -> Result<(), String> {
        if moment == PhaseEnd::Faults {
            return Ok(());
        }
        // What is dead for ever, and what only reaches the dead, promises nothing.
        for (index, phone) in
            view.phones.iter().enumerate().filter(|(_, phone)| phone.alive && !phone.all_exchanges_lost)
        {
            if !is_where_it_should_be(phone, view.corrupted_calls.of_registration(index).is_some()) {
                let wish = if phone.should_be_registered { "wants" } else { "does not want" };
                return Err(format!(
                    "{} {wish} to be registered, and is {:?}",
                    phone.setup.name, phone.registration
                ));
            }
        }
        Ok(())
    }
}

fn is_where_it_should_be(phone: &PhoneNode, corrupted: bool) -> bool {
    let Some(state) = phone.registration else { return false };
    if !phone.should_be_registered {
        return state == RegistrationState::Unregistered;
    }
    match state {
        // Over datagrams nobody says that an exchange is gone for ever: a phone learns it when it refreshes.
        RegistrationState::Refreshing
        | RegistrationState::Registering { .. }
        | RegistrationState::Waiting { .. }
            if phone.some_exchange_lost && phone.setup.transport == Transport::Udp =>
        {
            true
        }
        // It was told something that nobody said.
        RegistrationState::Failed(_) if corrupted => true,
        // A wrong password ends the attempts at once, a limit ends them when it is reached.
        RegistrationState::Failed(why) => {
            !phone.setup.right_password || phone.setup.attempts.is_some_and(|limit| why.attempts >= limit)
        }
        _ => phone.setup.right_password && phone.is_registered(),
    }
}
