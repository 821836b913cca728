//! Each new request has a new branch (RFC 3261 §8.1.1.7) and a higher CSeq number than earlier requests of its dialog or Call-ID
//! (§12.2.1.1, §10.2); a retransmission is identical.

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
    /// The Call-ID and CSeq number of each branch: a CANCEL, and the ACK of a non-2xx response, have those of their INVITE.
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

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        self.phones.resize_with(view.phones.len(), Phone::default);
        let Observation::Sent { phone, data, message: Some(message), .. } = *observation else {
            return Ok(());
        };
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
        let is_companion = matches!(method, Method::Ack | Method::Cancel);
        let before = self.requests.insert(transaction, data.clone());
        match before {
            // Refusals may have different To tags, and so do their ACKs.
            Some(before) if before == data || is_companion => return Ok(()),
            Some(_) => return Err("has the branch of another request".to_owned()),
            None => {}
        }
        let of = (message.dialog.call, message.number);
        if *self.branches.entry(transaction.branch).or_insert(of) != of {
            return Err("has the branch, but not the CSeq number of its INVITE".to_owned());
        }
        if is_companion {
            return Ok(());
        }
        let highest = self.highest.entry(message.dialog).or_insert(0);
        if message.number <= *highest {
            return Err(format!("has a CSeq number that is not above {highest}"));
        }
        *highest = message.number;
        Ok(())
    }
}
