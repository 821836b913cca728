use super::dtmf;
use super::info_package::Info;
use crate::Config;
use crate::base::decimal::decimal;
use crate::base::name::ClientTx;
use crate::capabilities::CAPABILITIES;
use crate::request::respond::{SDP, state_info_packages};
use crate::request::restarts::Restarts;
use bytes::Bytes;
use offhook_wire::{Builder, HeaderName, Method};
use std::time::Duration;

/// A request within the dialog, with what is needed to send it again with credentials.
pub(super) enum DialogRequest {
    Bye,
    Invite {
        sdp: Bytes,
    },
    /// An UPDATE with an offer (RFC 3311).
    Update {
        sdp: Bytes,
    },
    /// The acknowledgement of a reliable provisional response (RFC 3262).
    Prack {
        rseq: u32,
        /// The CSeq number of the INVITE.
        cseq: u32,
    },
    Refer {
        target: Bytes,
    },
    Info {
        digit: char,
        duration: Duration,
    },
    /// An INFO of the application.
    AppInfo(Box<Info>),
    Notify {
        code: u16,
        id: Option<u32>,
        /// Whether the user has not decided on the REFER (RFC 3515 §2.4.4).
        pending: bool,
        /// The lifetime of the subscription, in seconds.
        expires: u32,
    },
}

/// A pending [`DialogRequest`].
pub(super) struct PendingRequest {
    pub(super) tx: ClientTx,
    pub(super) request: DialogRequest,
    pub(super) cseq: u32,
    pub(super) restarts: Restarts,
}

/// What a final response to a request within a dialog ends (RFC 5057 §5.1).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) enum Ends {
    /// The transaction only.
    Nothing,
    /// The subscription in which the request was sent; the call continues.
    Subscription,
    /// The session, and with it the call.
    Call,
}

impl DialogRequest {
    /// What a final response with this code ends. Of the table of RFC 5057 §5.1 the core leaves out:
    ///
    /// - 405, 480, 489 and 501 to a request of the session. The peer, or a proxy whose connection to it is down, refuses the request
    ///   and has the dialog still; RFC 3261 §12.2.1.2 names 408 and 481 only.
    /// - codes about the Request-URI, in response to a REFER: peers use them about the Refer-To, and a failed transfer keeps the call.
    /// - 408 to a NOTIFY, like its time-out: the outcome of the transfer is still reported.
    /// - a PRACK: the callee ends an INVITE that it cannot complete (RFC 3262 §3).
    pub(super) fn ends(&self, code: u16) -> Ends {
        match (self, code) {
            (DialogRequest::Prack { .. }, _) | (DialogRequest::Notify { .. }, 408) => Ends::Nothing,
            (DialogRequest::Refer { .. }, 404 | 410 | 416 | 484 | 485 | 604) => Ends::Nothing,
            // The remote target, or the way to it, is wrong.
            (_, 404 | 410 | 416 | 482..=485 | 502 | 604) => Ends::Call,
            (DialogRequest::Notify { .. }, 405 | 480 | 481 | 489 | 501) => Ends::Subscription,
            (_, 408 | 481) => Ends::Call,
            _ => Ends::Nothing,
        }
    }

    pub(super) fn method(&self) -> Method<'static> {
        match self {
            DialogRequest::Bye => Method::Bye,
            DialogRequest::Invite { .. } => Method::Invite,
            DialogRequest::Update { .. } => Method::Update,
            DialogRequest::Prack { .. } => Method::Prack,
            DialogRequest::Refer { .. } => Method::Refer,
            DialogRequest::Info { .. } | DialogRequest::AppInfo(_) => Method::Info,
            DialogRequest::Notify { .. } => Method::Notify,
        }
    }

    pub(super) fn body(&self) -> (&str, Bytes) {
        match self {
            DialogRequest::Bye | DialogRequest::Refer { .. } | DialogRequest::Prack { .. } => {
                ("", Bytes::new())
            }
            DialogRequest::Invite { sdp } | DialogRequest::Update { sdp } => (SDP, sdp.clone()),
            DialogRequest::Info { digit, duration } => {
                ("application/dtmf-relay", dtmf::write_info(*digit, *duration))
            }
            DialogRequest::AppInfo(info) if info.body.is_empty() => ("", Bytes::new()),
            DialogRequest::AppInfo(info) => (&info.content_type, info.body.clone()),
            DialogRequest::Notify { code, .. } => {
                let line = format!("SIP/2.0 {code} {}\r\n", offhook_wire::reason_phrase(*code));
                ("message/sipfrag;version=2.0", line.into())
            }
        }
    }

    pub(super) fn write(&self, b: &mut Builder, config: &Config, contact: &[u8]) {
        match self {
            DialogRequest::Bye | DialogRequest::Info { .. } => {}
            DialogRequest::Invite { .. } | DialogRequest::Update { .. } => {
                b.header(HeaderName::Contact, contact);
                b.header(HeaderName::Allow, CAPABILITIES.allow);
                state_info_packages(b, config);
            }
            DialogRequest::Prack { rseq, cseq } => {
                let [mut first, mut second] = [[0; 10]; 2];
                let (rseq, cseq) = (decimal(*rseq, &mut first), decimal(*cseq, &mut second));
                b.parts(HeaderName::RAck, &[rseq, b" ", cseq, b" INVITE"]);
            }
            DialogRequest::AppInfo(info) => {
                if let Some(package) = &info.package {
                    b.header(HeaderName::InfoPackage, package);
                    if !info.body.is_empty() {
                        // RFC 6086 §6.1.2: the body is that of the package.
                        b.header(HeaderName::ContentDisposition, b"Info-Package");
                    }
                }
            }
            DialogRequest::Refer { target } => {
                b.header(HeaderName::Contact, contact);
                b.parts(HeaderName::ReferTo, &[b"<", target, b">"]);
            }
            DialogRequest::Notify { code, id, pending, expires } => {
                b.header(HeaderName::Contact, contact);
                match id {
                    Some(id) => {
                        b.parts(HeaderName::Event, &[b"refer;id=", decimal(*id, &mut [0; 10])]);
                    }
                    None => {
                        b.header(HeaderName::Event, b"refer");
                    }
                }
                let state: &[u8] = match (*code, *pending) {
                    (..200, true) => b"pending;expires=",
                    (..200, false) => b"active;expires=",
                    _ => b"terminated;reason=noresource",
                };
                let mut digits = [0; 10];
                let expires = if *code < 200 { decimal(*expires, &mut digits) } else { b"" };
                b.parts(HeaderName::SubscriptionState, &[state, expires]);
            }
        }
    }
}
