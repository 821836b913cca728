//! The names of enumerated values in recordings.

use offhook::{
    AccountTimer, Cause, ConnectionFailure, Direction, DtmfPath, MediaFault, MediaTypes, RedirectPolicy,
    ReferPolicy, RenegotiateBy, Transport,
};

pub(crate) const CONNECTION_FAILURES: &[(ConnectionFailure, &str)] = &[
    (ConnectionFailure::Unreachable, "unreachable"),
    (ConnectionFailure::Untrusted, "untrusted"),
    (ConnectionFailure::Refused, "refused"),
    (ConnectionFailure::Closed, "closed"),
    (ConnectionFailure::TimedOut, "timed-out"),
];

pub(crate) const MEDIA_FAULTS: &[(MediaFault, &str)] = &[
    (MediaFault::NoCommonCodec, "no-common-codec"),
    (MediaFault::NoCommonTransport, "no-common-transport"),
    (MediaFault::NoCommonMedia, "no-common-media"),
    (MediaFault::BadDescription, "bad-description"),
    (MediaFault::Engine, "engine"),
];

pub(crate) const DIRECTIONS: &[(Direction, &str)] = &[
    (Direction::SendRecv, "sendrecv"),
    (Direction::SendOnly, "sendonly"),
    (Direction::RecvOnly, "recvonly"),
    (Direction::Inactive, "inactive"),
];

pub(crate) const MEDIA_TYPES: &[(MediaTypes, &str)] = &[
    (MediaTypes::NONE, "none"),
    (MediaTypes::AUDIO, "audio"),
    (MediaTypes::VIDEO, "video"),
    (MediaTypes::AUDIO_VIDEO, "audio-video"),
];

pub(crate) const RENEGOTIATE_BY: &[(RenegotiateBy, &str)] =
    &[(RenegotiateBy::Reinvite, "reinvite"), (RenegotiateBy::Update, "update")];

pub(crate) const PATHS: &[(DtmfPath, &str)] =
    &[(DtmfPath::Auto, "auto"), (DtmfPath::Rtp, "rtp"), (DtmfPath::Info, "info")];

pub(crate) const REFER_POLICIES: &[(ReferPolicy, &str)] =
    &[(ReferPolicy::Reject, "reject"), (ReferPolicy::OwnDomain, "own-domain"), (ReferPolicy::Ask, "ask")];

pub(crate) const REDIRECT_POLICIES: &[(RedirectPolicy, &str)] = &[
    (RedirectPolicy::Report, "report"),
    (RedirectPolicy::OwnDomain, "own-domain"),
    (RedirectPolicy::Follow, "follow"),
];

/// Whether a realm challenged with 407, as a proxy, or with 401.
pub(crate) const CHALLENGERS: &[(bool, &str)] = &[(false, "server"), (true, "proxy")];

pub(crate) const TRANSPORTS: &[(Transport, &str)] =
    &[(Transport::Udp, "udp"), (Transport::Ws, "ws"), (Transport::Wss, "wss")];

pub(crate) const ACCOUNT_TIMERS: &[(AccountTimer, &str)] = &[
    (AccountTimer::Connect, "connect"),
    (AccountTimer::Reconnect, "reconnect"),
    (AccountTimer::KeepAlive, "keep-alive"),
    (AccountTimer::Pong, "pong"),
    (AccountTimer::Register, "register"),
];

/// Causes of failed registrations.
pub(crate) const CAUSES: &[(Cause, &str)] = &[
    (Cause::Unauthorized, "unauthorized"),
    (Cause::NotConnected, "not-connected"),
    (Cause::TimedOut, "timed-out"),
    (Cause::Rejected, "rejected"),
    (Cause::NotFound, "not-found"),
    (Cause::Unavailable, "unavailable"),
    (Cause::OtherFailure, "other-failure"),
];

pub(crate) fn name_of<T: PartialEq>(table: &[(T, &'static str)], value: &T) -> Option<&'static str> {
    table.iter().find(|(known, _)| known == value).map(|(_, name)| *name)
}

pub(crate) fn value_of<T: Copy>(table: &[(T, &'static str)], name: &str) -> Option<T> {
    table.iter().find(|(_, known)| *known == name).map(|(value, _)| *value)
}
