//! What the core asks for, one arm each.

use super::Engine;
use crate::media::{Request, Work};
use crate::{CallEvent, PhoneEvent};
use offhook::{Effect, EffectId, EffectResult, Event, FlowState, Input, MediaFault, Output};

impl Engine {
    pub(super) fn perform(&mut self) {
        while let Some(output) = self.core.poll() {
            if let Some(log) = &mut self.log {
                log.on_output(&output);
            }
            match output {
                Output::Transmit { flow, data } => {
                    self.show(true, flow, &data);
                    self.flows.send(flow, data);
                }
                Output::Open { flow, target, .. } => self.flows.open(flow, target),
                Output::Close { flow } => self.flows.close(flow),
                Output::Effect { id, effect } => self.effect(id, effect),
                Output::Event(event) => self.event(event),
            }
        }
        if let Some(log) = &mut self.log {
            log.on_idle(&self.core);
        }
    }

    fn effect(&mut self, id: EffectId, effect: Effect) {
        let (session, work) = match effect {
            Effect::Offer { session, direction } => (session, Work::Offer { direction }),
            Effect::Answer { session, offer, direction } => (session, Work::Answer { offer, direction }),
            Effect::Apply { session, answer } => (session, Work::Apply { answer }),
            Effect::Digit { session, digit, duration } => (session, Work::Digit { digit, duration }),
            // Neither has an answer, and media that is gone needs neither.
            Effect::Rollback { session } => {
                let _ = self.calls.ask(session, Request::Rollback);
                return;
            }
            Effect::Release { session } => {
                let _ = self.calls.ask(session, Request::Release);
                return;
            }
        };
        if !self.calls.ask(session, Request::Work { id, work }) {
            self.feed(Input::Done { effect: id, result: EffectResult::Failed(MediaFault::Engine) });
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Flow { account, flow, state } => {
                if state == FlowState::Up {
                    let local = self.flows.local(flow);
                    if let Some(link) = self.links.get_mut(usize::from(account.0)) {
                        *link = local;
                    }
                }
                self.events.push(PhoneEvent::Flow { account, flow, state });
            }
            Event::Registration { account, state } => {
                self.registrations.send_modify(|states| states[usize::from(account.0)] = state);
                self.events.push(PhoneEvent::Registration { account, state });
            }
            Event::Incoming(incoming) => {
                let link = self.link(incoming.account);
                let call = self.calls.begin(incoming.session, link, Some(incoming));
                self.events.push(PhoneEvent::Incoming(call));
            }
            Event::Referred { session, by, target } => {
                self.calls.tell(by, CallEvent::Referred { session, target: target.clone() });
                let call = self.calls.begin(session, self.calls.signalling(by), None);
                self.events.push(PhoneEvent::Referred { call, by, target });
            }
            Event::Message { account, from, content_type, body } => {
                self.events.push(PhoneEvent::Message { account, from, content_type, body });
            }
            Event::Status { session, to, .. } => self.calls.tell(session, CallEvent::Status(to)),
            Event::Progress { session, code } => self.calls.tell(session, CallEvent::Progress { code }),
            Event::Hold { session, local, remote } => {
                self.calls.tell(session, CallEvent::Hold { local, remote });
            }
            Event::HoldFailed { session, hold, code } => {
                self.calls.tell(session, CallEvent::HoldFailed { hold, code });
            }
            Event::Digit { session, digit, duration, path } => {
                self.calls.tell(session, CallEvent::Digit { digit, duration, path });
            }
            Event::DigitSent { session, digit, path } => {
                self.calls.tell(session, CallEvent::DigitSent { digit, path });
            }
            Event::DigitFailed { session, digit, why } => {
                self.calls.tell(session, CallEvent::DigitFailed { digit, why });
            }
            Event::Transfer { session, state } => self.calls.tell(session, CallEvent::Transfer(state)),
            Event::Media { session, up } => self.calls.tell(session, CallEvent::Media { up }),
            Event::Info { session, content_type, body } => {
                self.calls.tell(session, CallEvent::Info { content_type, body });
            }
            Event::Ended { session, why } => self.calls.end(session, CallEvent::Ended(why)),
            // Events that came to the core after this was written are for hosts that know them.
            _ => {}
        }
    }
}
