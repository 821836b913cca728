//! Requests are told apart: each new one has a branch of its own (RFC 3261 §8.1.1.7) and, within its dialog or with its
//! Call-ID, a higher number than those before it (§12.2.1.1, §10.2); one that comes again is the same byte for byte.

use std::collections::BTreeMap;

use bytes::Bytes;
use offhook_wire::Method;

use super::reading::{DialogId, Reading, Transaction};
use super::{Observation, Oracle, WorldView};

#[derive(Default)]
pub(super) struct Sequence {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    requests: BTreeMap<Transaction, Bytes>,
    /// The branches, and of which request: an ACK to a refusal and a CANCEL have that of their INVITE.
    branches: BTreeMap<u64, (u64, u32)>,
    highest: BTreeMap<DialogId, u32>,
}

impl Oracle for Sequence {
    fn name(&self) -> &'static str {
        "sequence"
    }

    fn assumes_correct_peers(&self) -> bool {
        true
    }

    fn observe(&mut self, view: &WorldView<'_>, sight: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        let Observation::Sent { phone, data, message: Some(message), .. } = *sight else { return Ok(()) };
        self.phones[phone].on_sent(data, message).map_err(|what| {
            let name = &view.phones[phone].setup.name;
            format!("{name} sends a request that {what}:\n{}", String::from_utf8_lossy(data))
        })
    }
}

impl Phone {
    fn on_sent(&mut self, data: &Bytes, message: &Reading<'_>) -> Result<(), String> {
        let Some(method) = message.method() else { return Ok(()) };
        let transaction = message.transaction.ok_or("has no branch")?;
        let follows = matches!(method, Method::Ack | Method::Cancel);
        let before = self.requests.insert(transaction, data.clone());
        match before {
            // The To tags of refusals may differ, and with them their ACKs.
            Some(before) if before == data || follows => return Ok(()),
            Some(_) => return Err("has the branch of another one".to_owned()),
            None => {}
        }
        let of = (message.dialog.call, message.number);
        if *self.branches.entry(transaction.branch).or_insert(of) != of {
            return Err("has the branch and not the number of its INVITE".to_owned());
        }
        if follows {
            return Ok(());
        }
        let highest = self.highest.entry(message.dialog).or_insert(0);
        if message.number <= *highest {
            return Err(format!("is not counted: there was a {highest} before"));
        }
        *highest = message.number;
        Ok(())
    }
}
