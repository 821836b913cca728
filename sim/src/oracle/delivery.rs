//! An exchange delivers a request inside a call to the phone that the call is with, whoever else registered the Contact of that phone
//! (RFC 3261 §16.5), and to no phone a request whose From names a user that did not send it (§22.3).

use std::collections::BTreeMap;

use offhook_wire::unescape;

use super::reading::{DialogId, Reading};
use super::{Observation, Oracle, WorldView};
use crate::node::DOMAIN;
use crate::tape::Node;

#[derive(Default)]
pub(super) struct Delivery {
    /// Which phone made a tag, by the Call-ID and the tag.
    tags: BTreeMap<(u64, u64), usize>,
}

impl Oracle for Delivery {
    fn name(&self) -> &'static str {
        "delivery"
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        match *sight {
            Observation::Sent { phone, message: Some(message), .. }
                if message.dialog.local != DialogId::NO_TAG =>
            {
                // A phone repeats the tags that others made, so the first one that has a tag made it.
                self.tags.entry((message.dialog.call, message.dialog.local)).or_insert(phone);
                Ok(())
            }
            Observation::ExchangeSent { to, message, .. }
                if message.method().is_some() && !view.corrupted_calls.of_call(message.dialog.call) =>
            {
                self.goes_to_its_end(view, to, message)?;
                match to {
                    Node::Phone(_) => self.is_its_senders(view, message),
                    // A rogue that calls itself may write any To, and is that user as the callee.
                    Node::Rogue(_) | Node::Exchange(_) => Ok(()),
                }
            }
            _ => Ok(()),
        }
    }
}

impl Delivery {
    fn maker(&self, call: u64, tag: u64) -> Option<usize> {
        self.tags.get(&(call, tag)).copied()
    }

    /// A request between two phones.
    fn goes_to_its_end(&self, view: &WorldView<'_>, to: Node, message: &Reading<'_>) -> Result<(), String> {
        let (call, local, remote) = (message.dialog.call, message.dialog.local, message.dialog.remote);
        let (Some(peer), Some(sender)) = (self.maker(call, local), self.maker(call, remote)) else {
            return Ok(());
        };
        if to == Node::Phone(peer) {
            return Ok(());
        }
        let [peer, sender] = [peer, sender].map(|phone| &view.phones[phone].setup.name);
        let other = match to {
            Node::Phone(phone) => view.phones[phone].setup.name.as_str(),
            Node::Rogue(_) | Node::Exchange(_) => "a rogue",
        };
        Err(format!("{} of {sender} to {peer} goes to {other}", method(message)))
    }

    fn is_its_senders(&self, view: &WorldView<'_>, message: &Reading<'_>) -> Result<(), String> {
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
        Err(format!("{} passes as that of {user}, which did not send it", method(message)))
    }
}

fn method(message: &Reading<'_>) -> String {
    let method = message.of.method();
    format!("a request ({})", String::from_utf8_lossy(method.as_bytes()))
}
