//! Event and Subscription-State.

use super::{Params, SyntaxKind, ValueError};
use crate::scan::{number, skip_token};

/// An Event value (RFC 6665 §8.2.1).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The package with its templates: `refer`, `message-summary`, `presence.winfo`.
    pub package: &'a [u8],
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> Event<'a> {
    /// Reads exactly one value.
    pub fn parse(value: &'a [u8]) -> Result<Self, ValueError> {
        let (package, params) = token_and_params(value)?;
        Ok(Self { package, params })
    }

    /// The id that distinguishes the subscriptions of a dialog.
    pub fn id(&self) -> Option<&'a [u8]> {
        self.params.get("id").flatten()
    }
}

/// A Subscription-State value (RFC 6665 §8.2.3).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionState<'a> {
    /// `active`, `pending`, `terminated`, or an extension.
    pub state: &'a [u8],
    /// The parameters.
    pub params: Params<'a>,
}

impl<'a> SubscriptionState<'a> {
    /// Reads exactly one value.
    pub fn parse(value: &'a [u8]) -> Result<Self, ValueError> {
        let (state, params) = token_and_params(value)?;
        Ok(Self { state, params })
    }

    /// Whether the subscription is over.
    pub fn is_terminated(&self) -> bool {
        self.state.eq_ignore_ascii_case(b"terminated")
    }

    /// Why it is over.
    pub fn reason(&self) -> Option<&'a [u8]> {
        self.params.get("reason").flatten()
    }

    /// Seconds that it has left.
    pub fn expires(&self) -> Option<u32> {
        self.seconds("expires")
    }

    /// Seconds to wait before subscribing again.
    pub fn retry_after(&self) -> Option<u32> {
        self.seconds("retry-after")
    }

    fn seconds(&self, name: &str) -> Option<u32> {
        self.params.get(name).flatten().and_then(|digits| number(digits, u32::MAX).ok())
    }
}

pub(super) fn token_and_params(value: &[u8]) -> Result<(&[u8], Params<'_>), ValueError> {
    let end = skip_token(value, 0);
    if end == 0 {
        return Err(if value.is_empty() { SyntaxKind::Empty } else { SyntaxKind::Unexpected }.at(0));
    }
    let (params, length) = Params::leading(&value[end..]).map_err(|error| error.shifted(end))?;
    if end + length != value.len() {
        return Err(SyntaxKind::Unexpected.at(end + length));
    }
    Ok((&value[..end], params))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_with_id() {
        let read = Event::parse(b"refer;id=93809824").unwrap();
        assert_eq!((read.package, read.id()), (&b"refer"[..], Some(&b"93809824"[..])));
        assert!(Event::parse(b"").is_err());
        assert!(Event::parse(b"refer, x").is_err());
    }

    #[test]
    fn subscription_state_with_reason() {
        let read = SubscriptionState::parse(b"Terminated;reason=noresource;retry-after=5").unwrap();
        assert!(read.is_terminated());
        assert_eq!(
            (read.reason(), read.retry_after(), read.expires()),
            (Some(&b"noresource"[..]), Some(5), None)
        );
        assert_eq!(SubscriptionState::parse(b"active;expires=60").unwrap().expires(), Some(60));
    }
}
