//! An exchange delivers an in-dialog request to the phone of the dialog, even if another user registered the same Contact
//! (RFC 3261 §16.5), and delivers no request with the From of another user than the sender (§22.3).

use std::collections::BTreeMap;

use offhook_wire::{Instant, NameAddr, unescape};

use super::reading::{DialogId, Reading};
use super::{Observation, Oracle, WorldView};
use crate::node::DOMAIN;
use crate::tape::Node;

#[derive(Default)]
pub(super) struct Delivery {
    /// The phone that created a tag, by Call-ID and tag; `None`: a rogue.
    tags: BTreeMap<(u64, u64), Option<usize>>,
}

impl Oracle for Delivery {
    fn name(&self) -> &'static str {
        "delivery"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Sent { phone, message: Some(message), .. }
                if message.dialog.local != DialogId::NO_TAG =>
            {
                // Phones copy the tags of their peers: the first phone that sends a tag created it.
                self.tags.entry((message.dialog.call, message.dialog.local)).or_insert(Some(phone));
                Ok(())
            }
            // A tag that no phone has sent. A phone that refuses this request with 481 copies it.
            Observation::Received { message: Some(message), .. }
                if message.method().is_some() && message.dialog.local != DialogId::NO_TAG =>
            {
                self.tags.entry((message.dialog.call, message.dialog.local)).or_insert(None);
                Ok(())
            }
            Observation::ExchangeSent { exchange, to, message }
                if message.method().is_some() && !view.corrupted_calls.of_call(message.dialog.call) =>
            {
                self.check_receiver(view, exchange, to, message)?;
                match to {
                    Node::Phone(_) => self.check_sender(view, message),
                    // A rogue that calls itself may write any To, and then is that user.
                    Node::Rogue(_) | Node::Exchange(_) => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl Delivery {
    fn maker(&self, call: u64, tag: u64) -> Option<usize> {
        self.tags.get(&(call, tag)).copied().flatten()
    }

    /// Checks the receiver of a request between two phones.
    fn check_receiver(
        &self,
        view: &WorldView<'_>,
        exchange: usize,
        to: Node,
        message: &Reading<'_>,
    ) -> Result<(), String> {
        let (call, local, remote) = (message.dialog.call, message.dialog.local, message.dialog.remote);
        let (Some(peer), Some(sender)) = (self.maker(call, local), self.maker(call, remote)) else {
            return Ok(());
        };
        // An exchange that lost its keys knows only the user in To, which is another one in a redirected call.
        let restarted = view.exchanges[exchange].started > Instant::ZERO;
        let redirected =
            user_of(message.to()).is_some_and(|user| user != view.phones[peer].setup.user.as_bytes());
        if to == Node::Phone(peer) || restarted && redirected {
            return Ok(());
        }
        let [peer, sender] = [peer, sender].map(|phone| &view.phones[phone].setup.name);
        let other = match to {
            Node::Phone(phone) => view.phones[phone].setup.name.as_str(),
            Node::Rogue(_) | Node::Exchange(_) => "a rogue",
        };
        Err(format!("{} from {sender} to {peer} is delivered to {other}", method(message)))
    }

    fn check_sender(&self, view: &WorldView<'_>, message: &Reading<'_>) -> Result<(), String> {
        let Ok(from) = message.from() else { return Ok(()) };
        let Ok(uri) = from.uri_parsed() else { return Ok(()) };
        let Some(user) = uri.user.filter(|_| uri.host.eq_ignore_ascii_case(DOMAIN.as_bytes())) else {
            return Ok(());
        };
        let user = unescape(user);
        let is = |phone: usize| view.phones[phone].setup.user.as_bytes() == &*user;
        let sender = self.maker(message.dialog.call, message.dialog.remote);
        if sender.is_some_and(is) || !(0..view.phones.len()).any(is) {
            return Ok(());
        }
        let user = String::from_utf8_lossy(&user);
        Err(format!("{} with the From of {user} is delivered, but another user sent it", method(message)))
    }
}

/// The user in To or From.
fn user_of<E>(address: Result<NameAddr<'_>, E>) -> Option<Vec<u8>> {
    Some(unescape(address.ok()?.uri_parsed().ok()?.user?).into_owned())
}

fn method(message: &Reading<'_>) -> String {
    let method = message.of.method();
    format!("a request ({})", String::from_utf8_lossy(method.as_bytes()))
}
