//! What a phone sends is well-formed, and a transaction of its has one final response.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use offhook::FlowId;
use offhook_wire::{Frame, Instant, Limits, Message, datagram};

use super::{Oracle, Scene, Sight};

/// How long a transaction remembers that it answered: timer J, 64·T1, but for a clock that runs fast.
const MEMORY: Duration = Duration::from_secs(31);

#[derive(Default)]
pub(super) struct Wire {
    limits: Limits,
    /// The final response of each server transaction (RFC 3261 §17.2.3), by phone, connection, and what Via says. An
    /// exchange sends what is pending again when a phone comes back; over another connection it is a new transaction.
    finals: BTreeMap<(usize, FlowId, Vec<u8>), (u16, Instant)>,
}

impl Oracle for Wire {
    fn name(&self) -> &'static str {
        "wire"
    }

    fn see(&mut self, scene: &Scene<'_>, sight: &Sight<'_>) -> Result<(), String> {
        let Sight::Sent { phone, flow, data } = *sight else { return Ok(()) };
        self.sent(scene.now, phone, flow, data).map_err(|what| {
            let message = String::from_utf8_lossy(data);
            format!("{} sends a message that {what}:\n{message}", scene.phones[phone].setup.name)
        })
    }
}

impl Wire {
    fn sent(&mut self, now: Instant, phone: usize, flow: FlowId, data: &Bytes) -> Result<(), String> {
        let message = match datagram(data.clone(), &self.limits) {
            Frame::Message(message) => message,
            Frame::KeepAlive(_) => return Ok(()),
            Frame::Faulty { fault, .. } => return Err(format!("is no message: {fault}")),
        };
        message.check().map_err(|fault| format!("means nothing: {fault}"))?;
        let Some(status) = message.status().filter(|&status| status >= 200) else { return Ok(()) };
        let key = transaction(&message).ok_or("names no transaction")?;
        let (before, at) = *self.finals.entry((phone, flow, key)).or_insert((status, now));
        if before != status && now.saturating_since(at) < MEMORY {
            return Err(format!("is a second final response, after a {before}"));
        }
        Ok(())
    }
}

/// The branch, the sent-by and the method.
fn transaction(message: &Message) -> Option<Vec<u8>> {
    let via = message.via().ok()?;
    let mut key = via.branch()?.to_vec();
    key.extend_from_slice(via.host);
    key.extend_from_slice(message.cseq().ok()?.method.as_bytes());
    Some(key)
}
