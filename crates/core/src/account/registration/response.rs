//! The responses to a REGISTER.

use super::{FollowUp, PendingRegister, Registration, RegistrationCx, State, Step, Trigger, request};
use crate::Cause;
use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::entropy::Label;
use crate::base::marks::Mark;
use crate::base::name::{ClientTx, Machine};
use crate::planted::{patched, planted};
use crate::request::realms::is_stale;
use crate::request::restarts::{Next, Restartable, min_expires};
use offhook_wire::Message;
use std::time::Duration;

impl Registration {
    /// A response to a REGISTER.
    pub(in crate::account) fn on_response(
        &mut self,
        cx: &mut RegistrationCx<'_, '_>,
        tx: ClientTx,
        message: &Message,
    ) -> FollowUp {
        if self.pending(tx).is_none() {
            return FollowUp::Nothing;
        }
        match message.status().unwrap_or(0) {
            ..=199 => FollowUp::Nothing,
            200..=299 => {
                cx.realms.registered();
                match self.state {
                    State::Unregistering { .. } => {
                        self.transition(cx.base, Trigger::Done, State::Unregistered);
                    }
                    _ => self.granted(cx, message),
                }
                FollowUp::Nothing
            }
            code => self.not_granted(cx, code, message),
        }
    }

    /// The credentials may have changed: evaluates again the challenge that the attempt waits with.
    pub(in crate::account) fn retry_with_credentials(&mut self, cx: &mut RegistrationCx<'_, '_>) -> FollowUp {
        let State::Registering(Step::NoCredentials(message)) = &self.state else { return FollowUp::Nothing };
        let message = message.clone();
        self.not_granted(cx, message.status().unwrap_or(0), &message)
    }

    /// A final response other than 2xx.
    fn not_granted(&mut self, cx: &mut RegistrationCx<'_, '_>, code: u16, message: &Message) -> FollowUp {
        let removing = matches!(self.state, State::Unregistering { .. });
        let others = cx.base.config.accounts[usize::from(self.account.0)].servers.len().saturating_sub(1);
        let servers = if removing { 0 } else { others.saturating_sub(self.servers_refused as usize) };
        let of = Restartable::Register { expires: self.expires, servers };
        let mut set = cx.realms.of_registers();
        match self.restarts.after(cx.base, cx.realms, of, &mut set, message) {
            Next::Again => {
                let next = self.send(cx, if removing { 0 } else { self.expires });
                self.continue_attempt(cx.base, Trigger::Challenged, next, code);
            }
            Next::Interval(least) if !removing => {
                self.expires = least;
                let next = self.send(cx, least);
                self.continue_attempt(cx.base, Trigger::TooBrief, next, code);
            }
            Next::OtherServer => {
                cx.base.mark(Machine::Registration(self.account), Mark::NextServer);
                self.servers_refused += 1;
                self.transition(cx.base, Trigger::NextServer, State::Registering(Step::NoConnection));
                return FollowUp::NextServer;
            }
            Next::AwaitCredentials(realm) if !removing => {
                let wait = Step::NoCredentials(Box::new(message.clone()));
                match &mut self.state {
                    State::Registering(step) => {
                        *step = wait;
                        self.transition_within(cx.base, Trigger::NoCredentials);
                    }
                    _ => self.transition(cx.base, Trigger::NoCredentials, State::Registering(wait)),
                }
                return FollowUp::AskCredentials(realm);
            }
            _ if removing => self.transition(cx.base, Trigger::Done, State::Unregistered),
            _ => self.refused(cx.base, code, message),
        }
        FollowUp::Nothing
    }

    /// Continues the attempt with another REGISTER; without flood budget the attempt has failed.
    fn continue_attempt(
        &mut self,
        cx: &mut Cx<'_>,
        trigger: Trigger,
        next: Option<PendingRegister>,
        code: u16,
    ) {
        match (next, &mut self.state) {
            (Some(next), State::Refreshing { pending } | State::Unregistering { pending }) => {
                *pending = next;
                self.transition_within(cx, trigger);
            }
            (Some(next), State::Registering(step)) => {
                *step = Step::Sent(next);
                self.transition_within(cx, trigger);
            }
            (_, State::Unregistering { .. }) => self.transition(cx, Trigger::Done, State::Unregistered),
            _ => {
                let least = self.budget.refilled(cx).saturating_since(cx.now);
                let _ = self.fail(cx, Cause::Rejected, Some(code), least);
            }
        }
    }

    fn granted(&mut self, cx: &mut RegistrationCx<'_, '_>, message: &Message) {
        let seconds = request::granted(message, cx.identity.contact()).unwrap_or(self.expires);
        if seconds == 0 {
            // A 2xx without the binding that was requested.
            cx.base.mark(Machine::Registration(self.account), Mark::BindingRemoved);
            let _ = self.fail(cx.base, Cause::OtherFailure, message.status(), Duration::ZERO);
            return;
        }
        let lifetime = Duration::from_secs(seconds.into());
        let until = cx.base.now + lifetime;
        // Before it expires, and not simultaneously with other phones.
        let after = cx.base.entropy.between(Label::Jitter, lifetime * 4 / 5, lifetime * 9 / 10);
        let after = patched!(cx.base.config, RefreshTooLate, after, lifetime.mul_f64(1.25));
        let refresh = self.set(cx.base, cx.base.now + after.max(bounds::SHORTEST_REFRESH));
        if !planted!(cx.base.config, FailuresNotReset) {
            self.failures = 0;
        }
        self.bound = Some(until);
        self.servers_refused = 0;
        self.transition(cx.base, Trigger::Granted, State::Registered { until, refresh });
    }

    /// Whether a refusal is temporary: one about the server itself, or with Retry-After (RFC 3261 §20.33). Others are permanent.
    fn refused(&mut self, cx: &mut Cx<'_>, code: u16, message: &Message) {
        match code {
            // The password is right, but the server does not accept its own nonces: a temporary failure.
            401 | 407 if self.restarts.has_answered() && is_stale(cx.config, message) => {
                let _ = self.fail(cx, Cause::OtherFailure, Some(code), Duration::ZERO);
                return;
            }
            401 | 407 => return self.give_up(cx, Cause::Unauthorized, code),
            // A second 423 is a temporary failure; one without a usable Min-Expires a permanent one (RFC 3261 §10.2.8).
            423 => {
                let Some(least) = min_expires(message, self.expires) else {
                    return self.give_up(cx, Cause::Rejected, code);
                };
                self.expires = least;
                let _ = self.fail(cx, Cause::Rejected, Some(code), Duration::ZERO);
                return;
            }
            _ => {}
        }
        let retry_after = message.retry_after().ok().flatten();
        if retry_after.is_some() {
            cx.mark(Machine::Registration(self.account), Mark::RetryAfter);
        }
        let cause = match Cause::of_final(code) {
            Cause::NoAnswer => Cause::TimedOut,
            cause @ (Cause::NotFound | Cause::Unavailable) => cause,
            _ if (500..600).contains(&code) => Cause::OtherFailure,
            _ => Cause::Rejected,
        };
        if matches!(code, 408 | 480 | 500..=599) || retry_after.is_some() {
            let wait = Duration::from_secs(retry_after.unwrap_or(0).into()).min(bounds::LONGEST_RETRY_AFTER);
            let _ = self.fail(cx, cause, Some(code), wait);
        } else {
            self.give_up(cx, cause, code);
        }
    }
}
