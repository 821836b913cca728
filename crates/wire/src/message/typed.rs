//! Typed readers. Each reads when it is called, allocates nothing, and names the header in its error.

use super::Message;
use crate::headers::is_sip_date;
use crate::scan::{is_lws, number, skip_lws, trim, value_end};
use crate::{
    Addresses, CSeq, Contact, Contacts, Event, HeaderError, HeaderName, NameAddr, Params, Reason, Replaces,
    SubscriptionState, SyntaxKind, ValueError, Via, Vias,
};

impl Message {
    /// The top Via.
    #[inline]
    pub fn via(&self) -> Result<Via<'_>, HeaderError> {
        match &self.kept {
            Some(kept) => Ok(kept.via(&self.data)),
            None => self.mandatory(HeaderName::Via, read_via),
        }
    }

    /// All Via values, top first.
    pub fn vias(&self) -> Vias<'_> {
        Vias(self.values(HeaderName::Via))
    }

    /// From.
    #[inline]
    pub fn from(&self) -> Result<NameAddr<'_>, HeaderError> {
        match &self.kept {
            Some(kept) => Ok(kept.from(&self.data)),
            None => self.mandatory(HeaderName::From, NameAddr::parse),
        }
    }

    /// To.
    #[inline]
    pub fn to(&self) -> Result<NameAddr<'_>, HeaderError> {
        match &self.kept {
            Some(kept) => Ok(kept.to(&self.data)),
            None => self.mandatory(HeaderName::To, NameAddr::parse),
        }
    }

    /// Call-ID: compared byte by byte (RFC 3261 §20.8).
    #[inline]
    pub fn call_id(&self) -> Result<&[u8], HeaderError> {
        match &self.kept {
            Some(kept) => Ok(kept.call_id(&self.data)),
            None => self.mandatory(HeaderName::CallId, read_call_id),
        }
    }

    /// CSeq.
    #[inline]
    pub fn cseq(&self) -> Result<CSeq<'_>, HeaderError> {
        match &self.kept {
            Some(kept) => Ok(kept.cseq(&self.data)),
            None => self.mandatory(HeaderName::CSeq, CSeq::parse),
        }
    }

    /// The first Contact address; `None` when there is none, or when it is `*`.
    pub fn contact(&self) -> Result<Option<NameAddr<'_>>, HeaderError> {
        let first = self.optional(HeaderName::Contact, |row| Contact::parse(trim(&row[..value_end(row)])))?;
        Ok(first.and_then(|contact| match contact {
            Contact::All => None,
            Contact::Address(address) => Some(address),
        }))
    }

    /// All Contact values.
    pub fn contacts(&self) -> Contacts<'_> {
        Contacts(self.values(HeaderName::Contact))
    }

    /// Max-Forwards, up to 255 (RFC 3261 §20.22).
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        self.optional(HeaderName::MaxForwards, read_max_forwards)
    }

    /// Content-Length, which is the length of [`Message::body`] whenever it is there.
    pub fn content_length(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::ContentLength, |value| whole_number(value, u32::MAX))
    }

    /// Content-Type with its parameters, as it is written.
    pub fn content_type(&self) -> Option<&[u8]> {
        self.header(HeaderName::ContentType)
    }

    /// Whether the body has this media type, for example `application/sdp`; parameters are ignored.
    pub fn has_content_type(&self, media_type: &str) -> bool {
        self.content_type().is_some_and(|value| {
            let end = memchr::memchr(b';', value).unwrap_or(value.len());
            let kind = trim(&value[..end]);
            kind == media_type.as_bytes() || kind.eq_ignore_ascii_case(media_type.as_bytes())
        })
    }

    /// Expires, in seconds.
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::Expires, |value| whole_number(value, u32::MAX))
    }

    /// Min-Expires, in seconds.
    pub fn min_expires(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::MinExpires, |value| whole_number(value, u32::MAX))
    }

    /// Retry-After, in seconds; its comment and parameters are skipped (RFC 3261 §20.33).
    pub fn retry_after(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::RetryAfter, |value| leading_number(value).map(|(seconds, _)| seconds))
    }

    /// Session-Expires: seconds and parameters (RFC 4028 §4).
    pub fn session_expires(&self) -> Result<Option<(u32, Params<'_>)>, HeaderError> {
        self.optional(HeaderName::SessionExpires, seconds_and_params)
    }

    /// Min-SE, in seconds (RFC 4028 §5).
    pub fn min_se(&self) -> Result<Option<u32>, HeaderError> {
        Ok(self.optional(HeaderName::MinSe, seconds_and_params)?.map(|(seconds, _)| seconds))
    }

    /// RSeq (RFC 3262 §7.1).
    pub fn rseq(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::RSeq, |value| whole_number(value, u32::MAX))
    }

    /// RAck: the RSeq and the CSeq of the response (RFC 3262 §7.2).
    pub fn rack(&self) -> Result<Option<(u32, CSeq<'_>)>, HeaderError> {
        self.optional(HeaderName::RAck, |value| {
            let (rseq, end) = leading_number(value)?;
            let start = skip_lws(value, end);
            CSeq::parse(&value[start..]).map(|cseq| (rseq, cseq)).map_err(|error| error.shifted(start))
        })
    }

    /// Date, which must be in GMT (RFC 3261 §20.17), as it is written.
    pub fn date(&self) -> Result<Option<&[u8]>, HeaderError> {
        self.optional(HeaderName::Date, |value| {
            if is_sip_date(value) { Ok(value) } else { Err(SyntaxKind::Unexpected.at(0)) }
        })
    }

    /// The Route values, top first.
    pub fn routes(&self) -> Addresses<'_> {
        self.addresses(HeaderName::Route)
    }

    /// The Record-Route values, top first.
    pub fn record_routes(&self) -> Addresses<'_> {
        self.addresses(HeaderName::RecordRoute)
    }

    /// The addresses of any header that lists them: Path, Service-Route, P-Asserted-Identity, Diversion.
    pub fn addresses(&self, header: HeaderName) -> Addresses<'_> {
        Addresses { header, values: self.values(header) }
    }

    /// Refer-To (RFC 3515 §2.1).
    pub fn refer_to(&self) -> Result<Option<NameAddr<'_>>, HeaderError> {
        self.optional(HeaderName::ReferTo, NameAddr::parse)
    }

    /// Referred-By (RFC 3892).
    pub fn referred_by(&self) -> Result<Option<NameAddr<'_>>, HeaderError> {
        self.optional(HeaderName::ReferredBy, NameAddr::parse)
    }

    /// Replaces (RFC 3891).
    pub fn replaces(&self) -> Result<Option<Replaces<'_>>, HeaderError> {
        self.optional(HeaderName::Replaces, Replaces::parse)
    }

    /// Event (RFC 6665).
    pub fn event(&self) -> Result<Option<Event<'_>>, HeaderError> {
        self.optional(HeaderName::Event, Event::parse)
    }

    /// Subscription-State (RFC 6665).
    pub fn subscription_state(&self) -> Result<Option<SubscriptionState<'_>>, HeaderError> {
        self.optional(HeaderName::SubscriptionState, SubscriptionState::parse)
    }

    /// The first Reason value (RFC 3326).
    pub fn reason_header(&self) -> Result<Option<Reason<'_>>, HeaderError> {
        self.optional(HeaderName::Reason, |row| Reason::parse(trim(&row[..value_end(row)])))
    }

    /// Whether a list of tokens (Require, Supported, Allow, …) contains `token`, case-insensitively.
    pub fn has_token(&self, header: HeaderName, token: &str) -> bool {
        self.values(header).any(|value| value.eq_ignore_ascii_case(token.as_bytes()))
    }

    fn mandatory<'a, T>(
        &'a self,
        header: HeaderName,
        parse: impl FnOnce(&'a [u8]) -> Result<T, ValueError>,
    ) -> Result<T, HeaderError> {
        self.optional(header, parse)?.ok_or(SyntaxKind::Missing.at(0).of(header))
    }

    fn optional<'a, T>(
        &'a self,
        header: HeaderName,
        parse: impl FnOnce(&'a [u8]) -> Result<T, ValueError>,
    ) -> Result<Option<T>, HeaderError> {
        self.header(header).map(|value| parse(value).map_err(|error| error.of(header))).transpose()
    }
}

pub(super) fn read_via(row: &[u8]) -> Result<Via<'_>, ValueError> {
    Via::leading(row).map(|(via, _)| via)
}

pub(super) fn read_call_id(value: &[u8]) -> Result<&[u8], ValueError> {
    match value.iter().position(|&byte| is_lws(byte)) {
        Some(space) => Err(SyntaxKind::Unexpected.at(space)),
        None if value.is_empty() => Err(SyntaxKind::Empty.at(0)),
        None => Ok(value),
    }
}

pub(super) fn read_max_forwards(value: &[u8]) -> Result<u8, ValueError> {
    whole_number(value, u8::MAX.into()).map(|hops| hops as u8)
}

fn whole_number(value: &[u8], max: u32) -> Result<u32, ValueError> {
    number(value, max).map_err(|error| SyntaxKind::from(error).at(0))
}

/// The number at the start of `value`, and where it ends.
fn leading_number(value: &[u8]) -> Result<(u32, usize), ValueError> {
    let end = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    Ok((whole_number(&value[..end], u32::MAX)?, end))
}

fn seconds_and_params(value: &[u8]) -> Result<(u32, Params<'_>), ValueError> {
    let (seconds, end) = leading_number(value)?;
    let (params, length) = Params::leading(&value[end..]).map_err(|error| error.shifted(end))?;
    if end + length == value.len() {
        Ok((seconds, params))
    } else {
        Err(SyntaxKind::Unexpected.at(end + length))
    }
}
