//! Performing the outputs of the core.

use super::Engine;
use crate::media::{Request, Work};
use crate::{CallEvent, PhoneEvent};
use offhook::{Effect, EffectId, EffectResult, Event, ConnectionState, Input, MediaFault, Output};

impl Engine {
    pub(super) fn perform(&mut self) {
        while let Some(output) = self.core.poll() {
            if let Some(log) = &mut self.log {
                log.on_output(&output);
            }
            match output {
                Output::Transmit { connection, data } => {
                    self.tap(true, connection, &data);
                    self.connections.send(connection, data);
                }
                Output::Open { connection, target, .. } => self.connections.open(connection, target),
                Output::Close { connection } => self.connections.close(connection),
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
            // Neither has a result, and ended media needs neither.
            Effect::Rollback { session } => {
                let _ = self.calls.request_media(session, Request::Rollback);
                return;
            }
            Effect::Release { session } => {
                let _ = self.calls.request_media(session, Request::Release);
                return;
            }
        };
        if !self.calls.request_media(session, Request::Work { id, work }) {
            self.feed(Input::Done { effect: id, result: EffectResult::Failed(MediaFault::Engine) });
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Connection { account, connection, state } => {
                if state == ConnectionState::Up {
                    let local = self.connections.local(connection);
                    if let Some(local_address) = self.local_addresses.get_mut(usize::from(account.0)) {
                        *local_address = local;
                    }
                }
                self.events.push(PhoneEvent::Connection { account, connection, state });
            }
            Event::Registration { account, state } => {
                self.registrations.send_modify(|states| states[usize::from(account.0)] = state);
                self.events.push(PhoneEvent::Registration { account, state });
            }
            Event::Incoming(incoming) => {
                let local_address = self.local_address(incoming.account);
                let call = self.calls.begin(incoming.session, local_address, Some(incoming));
                self.events.push(PhoneEvent::Incoming(call));
            }
            Event::Referred { session, by, target } => {
                self.calls.push_event(by, CallEvent::Referred { session, target: target.clone() });
                let call = self.calls.begin(session, self.calls.signalling(by), None);
                self.events.push(PhoneEvent::Referred { call, by, target });
            }
            Event::TransferRequested { session, request, target, referred_by } => {
                self.calls.push_event(session, CallEvent::TransferRequested { request, target, referred_by });
            }
            Event::TransferRequestEnded { session, request } => {
                self.calls.push_event(session, CallEvent::TransferRequestEnded { request });
            }
            Event::Message { account, from, content_type, body } => {
                self.events.push(PhoneEvent::Message { account, from, content_type, body });
            }
            Event::Status { session, to, .. } => self.calls.push_event(session, CallEvent::Status(to)),
            Event::Progress { session, code } => self.calls.push_event(session, CallEvent::Progress { code }),
            Event::Hold { session, local, remote } => {
                self.calls.push_event(session, CallEvent::Hold { local, remote });
            }
            Event::HoldFailed { session, hold, code } => {
                self.calls.push_event(session, CallEvent::HoldFailed { hold, code });
            }
            Event::Digit { session, digit, duration, path } => {
                self.calls.push_event(session, CallEvent::Digit { digit, duration, path });
            }
            Event::DigitSent { session, digit, path } => {
                self.calls.push_event(session, CallEvent::DigitSent { digit, path });
            }
            Event::DigitFailed { session, digit, why } => {
                self.calls.push_event(session, CallEvent::DigitFailed { digit, why });
            }
            Event::Transfer { session, state } => self.calls.push_event(session, CallEvent::Transfer(state)),
            Event::Media { session, up } => self.calls.push_event(session, CallEvent::Media { up }),
            Event::Info { session, content_type, body } => {
                self.calls.push_event(session, CallEvent::Info { content_type, body });
            }
            Event::Ended { session, why } => self.calls.end(session, CallEvent::Ended(why)),
            // The enum is non-exhaustive.
            _ => {}
        }
    }
}
