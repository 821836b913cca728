//! Performing the outputs of the core.

use super::Engine;
use crate::media::{self, Request, Work};
use crate::{CredentialsRequest, PhoneEvent};
use offhook::{
    AccountEffect, AccountEvent, AccountId, CallEffect, CallEvent, ConnectionState, Effect, EffectId,
    EffectResult, Event, Input, LegId, MediaFault, Output, SessionId,
};

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
                Output::Open { connection, hop, .. } => self.connections.open(connection, hop),
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
        match effect {
            Effect::Call { session, leg, effect } => self.call_effect(id, session, leg, effect),
            Effect::Account { account, effect } => self.account_effect(id, account, effect),
            // The enum is non-exhaustive.
            _ => {}
        }
    }

    fn call_effect(&mut self, id: EffectId, session: SessionId, leg: LegId, effect: CallEffect) {
        let request = match effect {
            // The call has no media task yet: the user has not been alerted.
            CallEffect::Check { offer } => {
                return self.done(id, media::check(&self.options.media, &offer));
            }
            effect => request(id, leg, effect),
        };
        let has_result = request.as_ref().is_none_or(|request| matches!(request, Request::Work { .. }));
        let sent = request.is_some_and(|request| self.calls.request_media(session, request));
        if has_result && !sent {
            self.done(id, EffectResult::Failed(MediaFault::Engine));
        }
    }

    fn account_effect(&mut self, id: EffectId, account: AccountId, effect: AccountEffect) {
        match effect {
            // The program of a phone that is being stopped reads no events.
            AccountEffect::Credentials { .. } if self.stopping.is_some() => {
                self.done(id, EffectResult::Credentials(None));
            }
            AccountEffect::Credentials { realm } => {
                let request = CredentialsRequest::new(account, realm, id, self.answers.clone());
                self.events.push(PhoneEvent::Credentials(request));
            }
            // The enum is non-exhaustive.
            _ => {}
        }
    }

    pub(super) fn done(&mut self, effect: EffectId, result: EffectResult) {
        self.feed(Input::Done { effect, result });
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Account { account, event } => self.account_event(account, event),
            Event::Call { session, event } => self.call_event(session, event),
            Event::Request { request, outcome } => {
                if let Some(reply) = self.pending.remove(&request) {
                    // The requester may be gone.
                    let _ = reply.send(Ok(outcome));
                }
            }
            // The enum is non-exhaustive.
            _ => {}
        }
    }

    fn account_event(&mut self, account: AccountId, event: AccountEvent) {
        match &event {
            AccountEvent::Connection { connection, state: ConnectionState::Up } => {
                self.accounts.set_local_address(account, self.connections.local(*connection));
            }
            AccountEvent::Registration(state) => self.accounts.set_state(account, *state),
            AccountEvent::Removed => self.accounts.remove(account),
            _ => {}
        }
        self.events.push(PhoneEvent::Account { account, event });
    }

    fn call_event(&mut self, session: SessionId, event: CallEvent) {
        match event {
            CallEvent::Incoming(incoming) => {
                let local = self.accounts.local_address(incoming.account);
                let call = self.calls.begin(session, local, Some(incoming));
                self.events.push(PhoneEvent::Incoming(call));
            }
            CallEvent::Referred { by, target } => {
                let call = self.calls.begin(session, self.calls.signalling(by), None);
                self.events.push(PhoneEvent::Referred { call, by, target });
            }
            event => self.calls.on_event(session, event),
        }
    }
}

/// The request to the media task for an effect; `None` for one that is not supported: the enum is non-exhaustive.
fn request(id: EffectId, leg: LegId, effect: CallEffect) -> Option<Request> {
    let work = match effect {
        CallEffect::Offer { types, direction, restart } => Work::Offer { types, direction, restart },
        CallEffect::Answer { offer, types, direction } => Work::Answer { offer, types, direction },
        CallEffect::Apply { answer } => Work::Apply { answer },
        CallEffect::Digit { digit, duration } => Work::Digit { digit, duration },
        CallEffect::Mute { types } => return Some(Request::Mute { leg, on: types.audio }),
        CallEffect::Fork { of } => return Some(Request::Fork { leg, of }),
        CallEffect::Rollback => return Some(Request::Rollback { leg }),
        CallEffect::Release => return Some(Request::Release { leg }),
        _ => return None,
    };
    Some(Request::Work { leg, id, work })
}
