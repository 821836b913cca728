//! Keep-alives (RFC 5626 §4.4): one is sent in each interval, and once the server has answered one, a missing answer ends the
//! connection.

use std::collections::BTreeMap;
use std::time::Duration;

use offhook::{Event, FlowId, ConnectionState};
use offhook_wire::Instant;

use super::{Observation, Oracle, WorldView};
use crate::scenario::{Seconds, Transport};

/// The default of [`offhook::RegistrationPolicy::keep_alive`], and some slack.
const INTERVAL: Duration = Duration::from_millis(25_100);

/// The default of [`offhook::RegistrationPolicy::pong_timeout`], and some slack.
const ANSWER: Duration = Duration::from_millis(10_100);

#[derive(Default)]
pub(super) struct KeepAlives {
    flows: BTreeMap<(usize, FlowId), Flow>,
}

struct Flow {
    /// The time of the last keep-alive, or when the connection came up.
    sent: Instant,
    /// The time of the first unanswered keep-alive.
    unanswered: Option<Instant>,
    /// Whether a keep-alive was ever answered.
    answers: bool,
    /// Whether data was received since the phone was last polled.
    heard: bool,
}

impl Oracle for KeepAlives {
    fn name(&self) -> &'static str {
        "keep-alive"
    }

    fn observe(&mut self, view: &WorldView<'_>, observation: &Observation<'_>) -> Result<(), String> {
        match *observation {
            Observation::Event { phone, event: Event::Flow { flow, state, .. } } => {
                let now = view.local(phone);
                match state {
                    ConnectionState::Up => {
                        let flow_up = Flow { sent: now, unanswered: None, answers: false, heard: false };
                        self.flows.insert((phone, *flow), flow_up);
                    }
                    ConnectionState::Connecting | ConnectionState::Down(_) => drop(self.flows.remove(&(phone, *flow))),
                }
            }
            Observation::Sent { phone, flow, data, message: None }
                if data[..] == b"\r\n\r\n"[..] || data[..] == b"\r\n"[..] =>
            {
                let now = view.local(phone);
                let ping = view.phones[phone].setup.transport == Transport::Ws && data.len() == 4;
                if let Some(flow) = self.flows.get_mut(&(phone, flow)) {
                    flow.sent = now;
                    if ping && flow.answers {
                        flow.unanswered.get_or_insert(now);
                    }
                }
            }
            Observation::Received { phone, flow, data, .. } => {
                if let Some(flow) = self.flows.get_mut(&(phone, flow)) {
                    flow.heard = true;
                    flow.answers |= data[..] == b"\r\n"[..];
                }
            }
            // Corrupted data shows that the server is alive, too.
            Observation::Corrupted { phone, flow: Some(flow), .. } => {
                if let Some(flow) = self.flows.get_mut(&(phone, flow)) {
                    flow.heard = true;
                }
            }
            Observation::PhonePolled { phone, .. } => {
                let now = view.local(phone);
                let name = &view.phones[phone].setup.name;
                let flows = (phone, FlowId(0))..=(phone, FlowId(u32::MAX));
                for (_, flow) in self.flows.range_mut(flows) {
                    if std::mem::take(&mut flow.heard) {
                        flow.unanswered = None;
                    }
                    let silent = now.saturating_since(flow.sent);
                    if silent > INTERVAL {
                        return Err(format!("{name} sent no keep-alive for {}", Seconds(silent)));
                    }
                    if flow.unanswered.is_some_and(|since| now.saturating_since(since) > ANSWER) {
                        return Err(format!(
                            "{name} keeps a connection on which keep-alives are not answered"
                        ));
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}
