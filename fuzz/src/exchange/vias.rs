//! Which Via values a response may carry.

use std::collections::BTreeSet;

use offhook_wire::{HeaderName, Message, Via};

/// The Via values of all requests that the exchange was given, and of all responses without their first value, which names the
/// exchange.
#[derive(Default)]
pub(super) struct Vias {
    given: BTreeSet<Vec<Vec<u8>>>,
}

impl Vias {
    /// The exchange is given a message.
    pub(super) fn given(&mut self, message: &Message) {
        let mut vias = vias(message);
        if !message.is_request() && !vias.is_empty() {
            vias.remove(0);
        }
        self.given.insert(vias);
    }

    /// Whether a response carries the values of a message that was given (RFC 3261 §8.2.6.2, §16.7 step 3).
    pub(super) fn know(&self, response: &Message) -> bool {
        self.given.contains(&vias(response))
    }
}

fn vias(message: &Message) -> Vec<Vec<u8>> {
    message.values(HeaderName::Via).map(plain).collect()
}

/// A value without what the exchange writes into it (RFC 3261 §18.2.1, RFC 3581 §4), and without white space and folding.
fn plain(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    match Via::parse(value) {
        Ok(via) => {
            let head = value.iter().position(|&byte| byte == b';').unwrap_or(value.len());
            plain.extend_from_slice(&value[..head]);
            let own = |name: &[u8]| {
                ["received", "rport"].iter().any(|own| name.eq_ignore_ascii_case(own.as_bytes()))
            };
            for (name, value) in via.params.iter().filter(|(name, _)| !own(name)) {
                plain.extend_from_slice(&[b";", name, b"=", value.unwrap_or_default()].concat());
            }
        }
        Err(_) => plain.extend_from_slice(value),
    }
    plain.retain(|byte| !b" \t\r\n\0".contains(byte));
    plain
}
