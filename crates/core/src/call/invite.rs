//! The initial INVITE: sent, and sent again after a challenge, a 422 or a redirection (RFC 3261 §8.1.3, §22).

use super::cx::CallCx;
use super::machine::{Phase, Trigger};
use super::reasons::not_connected;
use super::session::Session;
use super::session_expires;
use super::states::{Calling, Challenged, EarlyAnswer, Invitation, Invite, State};
use crate::api::reason::reason_of_final;
use crate::base::name::{ClientTx, Owner};
use crate::capabilities::CAPABILITIES;
use crate::request::headers::{Mandatory, identify};
use crate::request::realm_set::RealmSet;
use crate::request::realms::Credentials;
use crate::request::respond::{SDP, state_info_packages};
use crate::request::restarts::{Next, Restartable};
use crate::transaction::{TxFailed, TxFailure};
use crate::{CallEvent, Cause, EndReason, EndedBy};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message, Method};

impl Invite {
    pub(super) fn new(invitation: Invitation, call_id: [u8; 24], sdp: Bytes) -> Self {
        let to = invitation.uri.clone();
        let (realms, credentials) = (RealmSet::default(), Credentials::new());
        Self { invitation, to, call_id, cseq: 1, sdp, realms, credentials }
    }
}

impl Session {
    pub(super) fn send_invite(&mut self, cx: &mut CallCx<'_, '_>, invite: &mut Invite) -> Option<ClientTx> {
        cx.account.path()?;
        let uri = &invite.invitation.uri[..];
        invite.credentials = cx.account.credentials(cx.base, invite.realms, Method::Invite, uri, &invite.sdp);
        let path = cx.account.path()?;
        let (contact, config) = (cx.account.contact(), cx.base.config);
        let (from, tag) = (cx.account.from(), self.tag.as_bytes());
        Some(cx.txs.request(cx.base, path, Owner::Session(self.id), Method::Invite, |via| {
            let mandatory = Mandatory {
                via: &[via],
                routes: [&[], &[]],
                from: &[from, b";tag=", tag],
                to: &[b"<", &invite.to, b">"],
                call_id: &invite.call_id,
                cseq: invite.cseq,
            };
            let mut b = mandatory.begin(Method::Invite, uri);
            b.header(HeaderName::Contact, contact);
            b.header(HeaderName::Allow, CAPABILITIES.allow);
            state_info_packages(&mut b, config);
            identify(&mut b, config, &invite.credentials);
            for (name, value) in &invite.invitation.headers {
                b.untrusted(name, value).expect("checked when the command came in");
            }
            b.body(SDP, &invite.sdp)
        }))
    }

    /// A final response 300–699.
    pub(super) fn invite_refused(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        let State::Calling(calling) = self.take() else { return };
        self.invite_not_accepted(cx, calling, code, message);
    }

    /// The credentials may have changed: evaluates again the challenge that the INVITE waits with.
    pub(crate) fn retry_with_credentials(&mut self, cx: &mut CallCx<'_, '_>) {
        match self.take() {
            State::Challenged(Challenged { calling, response }) => {
                let code = response.status().unwrap_or(0);
                self.invite_not_accepted(cx, calling, code, &response);
            }
            other => self.state = other,
        }
    }

    fn invite_not_accepted(
        &mut self,
        cx: &mut CallCx<'_, '_>,
        mut calling: Calling,
        code: u16,
        message: &Message,
    ) {
        let Calling { invite, restarts, .. } = &mut calling;
        let session_expires = session_expires::requested(&invite.invitation.headers);
        let request = Restartable::Invite { uri: &invite.invitation.uri, session_expires };
        match cx.account.after(cx.base, restarts, request, &mut invite.realms, message) {
            Next::Again => {}
            Next::Interval(least) => session_expires::raise(&mut invite.invitation.headers, least),
            Next::Target(uri) => self.redirect(cx, invite, uri),
            Next::AwaitCredentials(realm) => {
                cx.account.credentials_needed(cx.base, Owner::Session(self.id), realm);
                let state = State::Challenged(Challenged { calling, response: Box::new(message.clone()) });
                return self.transition(cx.base, Trigger::Again, Phase::Challenged, state);
            }
            Next::Final | Next::OtherServer => {
                self.negotiation.withdraw(calling.offer);
                return self.end(cx, Trigger::Refused, reason_of_final(code, message));
            }
        }
        self.send_invite_again(cx, calling);
    }

    fn redirect(&mut self, cx: &mut CallCx<'_, '_>, invite: &mut Invite, uri: Bytes) {
        let target = String::from_utf8_lossy(&uri).into_owned();
        invite.invitation.uri = uri;
        cx.base.out.call_event(self.id, CallEvent::Redirected { target });
    }

    fn send_invite_again(&mut self, cx: &mut CallCx<'_, '_>, mut calling: Calling) {
        calling.invite.cseq += 1;
        // Its final response has ended the early dialogs of the INVITE before.
        calling.early_answer = EarlyAnswer::None;
        let Some(tx) = self.send_invite(cx, &mut calling.invite) else {
            self.negotiation.withdraw(calling.offer);
            return self.end(cx, Trigger::NoConnection, not_connected());
        };
        calling.tx = tx;
        self.transition(cx.base, Trigger::Again, Phase::Calling, State::Calling(calling));
    }

    pub(super) fn invite_failed(&mut self, cx: &mut CallCx<'_, '_>, failed: &TxFailed) {
        let State::Calling(mut calling) = self.take() else { return };
        if failed.why == TxFailure::TimedOut
            && let Some(uri) =
                cx.account.after_timeout(cx.base, &mut calling.restarts, &mut calling.invite.realms)
        {
            self.redirect(cx, &mut calling.invite, uri);
            return self.send_invite_again(cx, calling);
        }
        self.negotiation.withdraw(calling.offer);
        let (trigger, why) = match failed.why {
            TxFailure::TimedOut => (
                Trigger::Timeout,
                EndReason::new(EndedBy::Network, Cause::TimedOut, Some(408), "no response"),
            ),
            TxFailure::ConnectionLost => (Trigger::NoConnection, not_connected()),
        };
        self.end(cx, trigger, why);
    }
}
