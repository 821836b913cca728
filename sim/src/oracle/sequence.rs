//! Requests are told apart: each new one has a branch of its own (RFC 3261 §8.1.1.7) and, within its dialog or with its
//! Call-ID, a higher number than those before it (§12.2.1.1, §10.2); one that comes again is the same byte for byte.

use std::collections::BTreeMap;

use bytes::Bytes;
use offhook_wire::{Message, Method};

use super::{DialogId, Oracle, Scene, Sight};

#[derive(Default)]
pub(super) struct Sequence {
    phones: Vec<Phone>,
}

#[derive(Default)]
struct Phone {
    /// By branch and method.
    requests: BTreeMap<(Vec<u8>, Vec<u8>), Bytes>,
    /// The branches, and of which request: an ACK to a refusal and a CANCEL have that of their INVITE.
    branches: BTreeMap<Vec<u8>, (Vec<u8>, u32)>,
    highest: BTreeMap<DialogId, u32>,
}

impl Oracle for Sequence {
    fn name(&self) -> &'static str {
        "sequence"
    }

    fn trusts_peers(&self) -> bool {
        true
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        self.phones.resize_with(scene.phones.len(), Phone::default);
        let Sight::Sent { phone, data, message: Some(message), .. } = *sight else { return Ok(()) };
        self.phones[phone].sends(data, message).map_err(|what| {
            let name = &scene.phones[phone].setup.name;
            format!("{name} sends a request that {what}:\n{}", String::from_utf8_lossy(data))
        })
    }
}

impl Phone {
    fn sends(&mut self, data: &Bytes, message: &Message) -> Result<(), String> {
        let Some(method) = message.method() else { return Ok(()) };
        let (Ok(via), Ok(cseq), Some(dialog)) = (message.via(), message.cseq(), DialogId::sent(message))
        else {
            return Ok(());
        };
        let branch = via.branch().ok_or("has no branch")?.to_ascii_lowercase();
        let follows = matches!(method, Method::Ack | Method::Cancel);
        let before = self.requests.insert((branch.clone(), method.as_bytes().to_vec()), data.clone());
        match before {
            // The To tags of refusals may differ, and with them their ACKs.
            Some(before) if before == data || follows => return Ok(()),
            Some(_) => return Err("has the branch of another one".to_owned()),
            None => {}
        }
        let of = (dialog.call.clone(), cseq.number);
        let first = self.branches.entry(branch).or_insert_with(|| of.clone());
        if *first != of {
            return Err("has the branch and not the number of its INVITE".to_owned());
        }
        if follows {
            return Ok(());
        }
        let highest = self.highest.entry(dialog).or_insert(0);
        if cseq.number <= *highest {
            return Err(format!("is not counted: there was a {highest} before"));
        }
        *highest = cseq.number;
        Ok(())
    }
}
