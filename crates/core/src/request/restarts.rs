//! Whether a final response makes a request of ours be sent again: the one place that decides it, for REGISTER, the initial INVITE,
//! requests within a dialog, and requests outside of dialogs.

use super::realm_set::{Answered, RealmSet};
use super::realms::{Answer, Challenged, Realms};
use super::redirect::Targets;
use crate::AccountId;
use crate::base::bounds;
use crate::base::cx::Cx;
use crate::base::marks::Mark;
use bytes::Bytes;
use offhook_wire::Message;

/// What was tried for one request, so that its restarts end.
#[derive(Default)]
pub(crate) struct Restarts {
    answered: Answered,
    /// Whether it follows a 422 or 423.
    adjusted: bool,
    /// Whether the host was asked for credentials for the last challenge.
    asked: bool,
    /// The targets of redirections, if there were any.
    targets: Option<Box<Targets>>,
}

/// The request, as far as it decides about its restarts.
#[derive(Copy, Clone, Debug)]
pub(crate) enum Restartable<'a> {
    /// A REGISTER for this many seconds. `servers`: how many further servers the account has that were not tried.
    Register { expires: u32, servers: usize },
    /// An initial INVITE to this Request-URI, with the number of seconds in its `Session-Expires`, if it has one.
    Invite { uri: &'a Bytes, session_expires: Option<u32> },
    /// A request within a dialog.
    WithinDialog,
    /// A request outside of a dialog to this Request-URI.
    Outside { uri: &'a Bytes },
}

/// What follows a final response 300–699.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Next {
    /// The response is the outcome.
    Final,
    /// The request is sent again, with credentials for all realms of its Call-ID.
    Again,
    /// There is no password for this realm: the host is asked, and the response evaluated again when it has answered.
    AwaitCredentials(String),
    /// The request is sent again with this Min-SE (422) or lifetime (423), in seconds.
    Interval(u32),
    /// The request is sent again over a connection to the next server.
    OtherServer,
    /// The request is sent again to this Request-URI.
    Target(Bytes),
}

impl Restarts {
    /// Decides on a final response 300–699. `set` has the realms of the Call-ID.
    ///
    /// A 503 to a request other than REGISTER is final: an account has one connection, and its REGISTER decides which server it leads
    /// to (RFC 3263 §4.3 would try the next server for each request).
    pub(crate) fn after(
        &mut self,
        cx: &mut Cx<'_>,
        realms: &mut Realms,
        request: Restartable<'_>,
        set: &mut RealmSet,
        response: &Message,
    ) -> Next {
        let code = response.status().unwrap_or(0);
        match (code, request) {
            (401 | 407, _) => {
                match realms.challenged(cx, request.challenged(), response, &mut self.answered, set) {
                    Answer::Again => {
                        // A further challenge may come after the account has lost its credentials.
                        self.asked = false;
                        return Next::Again;
                    }
                    Answer::Ask(realm) if !std::mem::replace(&mut self.asked, true) => {
                        return Next::AwaitCredentials(realm);
                    }
                    Answer::Ask(_) | Answer::Refused => {}
                }
            }
            (422, Restartable::Invite { session_expires: Some(asked), .. }) => {
                let least = response.min_se().ok().flatten();
                let least = least.filter(|least| asked < *least && *least <= bounds::LONGEST_MIN_SE);
                if let Some(least) = least
                    && !std::mem::replace(&mut self.adjusted, true)
                {
                    cx.mark(None, Mark::IntervalTooSmall);
                    return Next::Interval(least);
                }
            }
            (423, Restartable::Register { expires, .. }) => {
                if let Some(least) = min_expires(response, expires)
                    && !std::mem::replace(&mut self.adjusted, true)
                {
                    // Another registrar may answer now: its challenge is the first one.
                    self.answered = Answered::default();
                    return Next::Interval(least);
                }
            }
            (503, Restartable::Register { servers: 1.., .. }) => return Next::OtherServer,
            (300..=399, Restartable::Invite { uri, .. } | Restartable::Outside { uri }) => {
                self.redirected(cx, realms.account(), uri, response);
            }
            _ => {}
        }
        match self.next_target(cx, realms, set, code) {
            Some(target) => Next::Target(target),
            None => Next::Final,
        }
    }

    /// Whether a request without a final response is sent to another target: a time-out counts as a 408 (RFC 3261 §16.7).
    pub(crate) fn after_timeout(
        &mut self,
        cx: &mut Cx<'_>,
        realms: &Realms,
        set: &mut RealmSet,
    ) -> Option<Bytes> {
        self.next_target(cx, realms, set, 408)
    }

    fn redirected(&mut self, cx: &mut Cx<'_>, account: AccountId, uri: &Bytes, response: &Message) {
        let targets = self.targets.get_or_insert_with(|| Box::new(Targets::new(uri)));
        targets.add(cx, account, response);
    }

    /// The next target of a redirection. A 6xx is of all targets (RFC 3261 §16.7).
    fn next_target(
        &mut self,
        cx: &mut Cx<'_>,
        realms: &Realms,
        set: &mut RealmSet,
        code: u16,
    ) -> Option<Bytes> {
        let target = self.targets.as_mut().filter(|_| code < 600)?.next(cx)?;
        self.answered = Answered::default();
        *set = realms.of_proxies(*set);
        cx.mark(None, Mark::RedirectFollowed);
        Some(target)
    }

    /// Whether credentials for a challenge were sent.
    pub(crate) fn has_answered(&self) -> bool {
        !self.answered.realms.is_empty()
    }
}

impl Restartable<'_> {
    fn challenged(&self) -> Challenged {
        match self {
            Restartable::Register { .. } => Challenged::Register,
            Restartable::Invite { .. } | Restartable::Outside { .. } => Challenged::Patient,
            Restartable::WithinDialog => Challenged::Impatient,
        }
    }
}

/// The Min-Expires of a 423 to a REGISTER for `expires` seconds, if it is usable (RFC 3261 §10.2.8).
pub(crate) fn min_expires(response: &Message, expires: u32) -> Option<u32> {
    let least = response.min_expires().ok().flatten()?;
    (expires < least && least <= bounds::LONGEST_MIN_EXPIRES).then_some(least)
}
