//! Request methods.

use std::fmt;

/// A request method. Methods are case-sensitive (RFC 3261 §7.1), so `invite` is an [`Method::Other`].
#[derive(Copy, Clone, PartialEq, Eq, Hash)]
pub enum Method<'a> {
    /// RFC 3261 §13.
    Invite,
    /// RFC 3261 §17.1.1.3.
    Ack,
    /// RFC 3261 §15.
    Bye,
    /// RFC 3261 §9.
    Cancel,
    /// RFC 3261 §10.
    Register,
    /// RFC 3261 §11.
    Options,
    /// RFC 6086.
    Info,
    /// RFC 3428.
    Message,
    /// RFC 3515.
    Refer,
    /// RFC 6665.
    Notify,
    /// RFC 6665.
    Subscribe,
    /// RFC 3903.
    Publish,
    /// RFC 3262.
    Prack,
    /// RFC 3311.
    Update,
    /// Any other token, as received.
    Other(&'a [u8]),
}

impl<'a> Method<'a> {
    /// Every method that has a name here.
    pub const KNOWN: [Method<'static>; 14] = [
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Register,
        Method::Options,
        Method::Info,
        Method::Message,
        Method::Refer,
        Method::Notify,
        Method::Subscribe,
        Method::Publish,
        Method::Prack,
        Method::Update,
    ];

    /// The method spelt by `token`. What is no token at all is an [`Method::Other`] too.
    pub fn from_bytes(token: &'a [u8]) -> Self {
        match token {
            b"INVITE" => Self::Invite,
            b"ACK" => Self::Ack,
            b"BYE" => Self::Bye,
            b"CANCEL" => Self::Cancel,
            b"REGISTER" => Self::Register,
            b"OPTIONS" => Self::Options,
            b"INFO" => Self::Info,
            b"MESSAGE" => Self::Message,
            b"REFER" => Self::Refer,
            b"NOTIFY" => Self::Notify,
            b"SUBSCRIBE" => Self::Subscribe,
            b"PUBLISH" => Self::Publish,
            b"PRACK" => Self::Prack,
            b"UPDATE" => Self::Update,
            other => Self::Other(other),
        }
    }

    /// The method as it is written.
    pub const fn as_bytes(self) -> &'a [u8] {
        match self {
            Self::Invite => b"INVITE",
            Self::Ack => b"ACK",
            Self::Bye => b"BYE",
            Self::Cancel => b"CANCEL",
            Self::Register => b"REGISTER",
            Self::Options => b"OPTIONS",
            Self::Info => b"INFO",
            Self::Message => b"MESSAGE",
            Self::Refer => b"REFER",
            Self::Notify => b"NOTIFY",
            Self::Subscribe => b"SUBSCRIBE",
            Self::Publish => b"PUBLISH",
            Self::Prack => b"PRACK",
            Self::Update => b"UPDATE",
            Self::Other(other) => other,
        }
    }

    /// Whether a request of this method can create a dialog (RFC 3261 §12, RFC 6665 §4.4.1, RFC 3515).
    pub const fn forms_dialog(self) -> bool {
        matches!(self, Self::Invite | Self::Subscribe | Self::Refer)
    }
}

impl fmt::Display for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.as_bytes().escape_ascii())
    }
}

impl fmt::Debug for Method<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_methods_round_trip_and_case_matters() {
        for method in Method::KNOWN {
            assert_eq!(Method::from_bytes(method.as_bytes()), method);
        }
        assert_eq!(Method::from_bytes(b"invite"), Method::Other(b"invite"));
        assert_eq!(Method::from_bytes(b"RE%47IST%45R").as_bytes(), b"RE%47IST%45R");
    }
}
