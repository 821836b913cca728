//! The initial INVITE: sent, and sent again after a challenge, a 422 or a redirection (RFC 3261 §8.1.3, §22).

use super::cx::CallCx;
use super::machine::Trigger;
use super::reasons::not_connected;
use super::session::Session;
use super::session_expires;
use super::states::{Calling, Challenged, Invitation, Invite, State};
use super::tag::LocalTag;
use crate::api::reason::reason_of_final;
use crate::base::name::{ClientTx, Owner};
use crate::capabilities::CAPABILITIES;
use crate::request::headers::{Mandatory, identify};
use crate::request::realm_set::RealmSet;
use crate::request::realms::Credentials;
use crate::request::respond::{SDP, state_info_packages};
use crate::request::restarts::{Next, Restartable};
use crate::transaction::{TxFailed, TxFailure};
use crate::{CallEvent, Cause, EndReason, EndedBy, LegId, SessionId};
use bytes::Bytes;
use offhook_wire::{HeaderName, Message, Method};

impl Invite {
    pub(super) fn new(invitation: Invitation, call_id: [u8; 24], sdp: Bytes) -> Self {
        let to = invitation.uri.clone();
        let (realms, credentials) = (RealmSet::default(), Credentials::new());
        Self { invitation, to, call_id, cseq: 1, sdp, realms, credentials }
    }
}

/// Sends the INVITE of a call. `None`: there is no connection.
pub(super) fn send_invite(
    id: SessionId,
    tag: &LocalTag,
    cx: &mut CallCx<'_, '_>,
    invite: &mut Invite,
) -> Option<ClientTx> {
    cx.account.path()?;
    let uri = &invite.invitation.uri[..];
    invite.credentials = cx.account.credentials(cx.base, invite.realms, Method::Invite, uri, &invite.sdp);
    let path = cx.account.path()?;
    let (contact, config) = (cx.account.contact(), cx.base.config);
    let (from, tag) = (cx.account.from(), tag.as_bytes());
    Some(cx.txs.request(cx.base, path, Owner::Session(id), Method::Invite, |via| {
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
        b.header(HeaderName::Supported, CAPABILITIES.supported);
        state_info_packages(&mut b, config);
        identify(&mut b, config, &invite.credentials);
        for (name, value) in &invite.invitation.headers {
            b.untrusted(name, value).expect("checked when the command came in");
        }
        b.body(SDP, &invite.sdp)
    }))
}

impl Session {
    /// A final response 300–699. It ends the early dialogs of the INVITE (RFC 3261 §13.2.2.3).
    pub(super) fn invite_refused(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        self.leave_branches(cx);
        if let State::Calling(calling) = &mut self.state {
            calling.legs.clear();
            self.invite_not_accepted(cx, code, message);
        }
    }

    /// The credentials may have changed: evaluates again the challenge that the INVITE waits with.
    pub(crate) fn retry_with_credentials(&mut self, cx: &mut CallCx<'_, '_>) {
        if let State::Challenged(Challenged { response, .. }) = &self.state {
            let response = response.clone();
            self.invite_not_accepted(cx, response.status().unwrap_or(0), &response);
        }
    }

    fn calling_mut(&mut self) -> Option<&mut Calling> {
        match &mut self.state {
            State::Calling(calling) | State::Challenged(Challenged { calling, .. }) => Some(calling),
            _ => None,
        }
    }

    fn invite_not_accepted(&mut self, cx: &mut CallCx<'_, '_>, code: u16, message: &Message) {
        let Some(Calling { invite, restarts, .. }) = self.calling_mut() else { return };
        let session_expires = session_expires::requested(&invite.invitation.headers);
        let request = Restartable::Invite { uri: &invite.invitation.uri, session_expires };
        match cx.account.after(cx.base, restarts, request, &mut invite.realms, message) {
            Next::Again => {}
            Next::Interval(least) => session_expires::raise(&mut invite.invitation.headers, least),
            Next::Target(uri) => self.redirect(cx, uri),
            Next::AwaitCredentials(realm) => {
                cx.account.credentials_needed(cx.base, Owner::Session(self.id), realm);
                let response = Box::new(message.clone());
                return self.transition(cx.base, Trigger::Again, |state| match state {
                    State::Calling(calling) | State::Challenged(Challenged { calling, .. }) => {
                        State::Challenged(Challenged { calling, response })
                    }
                    other => other,
                });
            }
            Next::Final | Next::OtherServer => {
                return self.end(cx, Trigger::Refused, reason_of_final(code, message));
            }
        }
        self.send_invite_again(cx);
    }

    fn redirect(&mut self, cx: &mut CallCx<'_, '_>, uri: Bytes) {
        let target = String::from_utf8_lossy(&uri).into_owned();
        if let Some(calling) = self.calling_mut() {
            calling.invite.invitation.uri = uri;
        }
        cx.base.out.call_event(self.id, CallEvent::Redirected { target });
    }

    fn send_invite_again(&mut self, cx: &mut CallCx<'_, '_>) {
        let first = LegId::default();
        // The media session of the offer stays; those of the early dialogs that have ended do not.
        self.release_media(cx.base, Some(first));
        let (State::Calling(calling) | State::Challenged(Challenged { calling, .. })) = &mut self.state
        else {
            return;
        };
        calling.invite.cseq += 1;
        let Some(tx) = send_invite(self.id, &self.tag, cx, &mut calling.invite) else {
            return self.end(cx, Trigger::NoConnection, not_connected());
        };
        self.transition(cx.base, Trigger::Again, |state| match state {
            State::Calling(calling) | State::Challenged(Challenged { calling, .. }) => {
                State::Calling(Calling { tx, ..calling })
            }
            other => other,
        });
    }

    pub(super) fn invite_failed(&mut self, cx: &mut CallCx<'_, '_>, failed: &TxFailed) {
        self.leave_branches(cx);
        let State::Calling(calling) = &mut self.state else { return };
        calling.legs.clear();
        if failed.why == TxFailure::TimedOut
            && let Some(uri) =
                cx.account.after_timeout(cx.base, &mut calling.restarts, &mut calling.invite.realms)
        {
            self.redirect(cx, uri);
            return self.send_invite_again(cx);
        }
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
