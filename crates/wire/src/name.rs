//! Header names.

use std::fmt;

macro_rules! header_names {
    ($($variant:ident $canonical:literal,)*) => {
        /// A header name, found whatever its case and whether it is written compactly (RFC 3261 §7.3.3).
        ///
        /// The variants are spelt as the IANA registry spells the names.
        #[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[non_exhaustive]
        pub enum HeaderName {
            $(
                #[doc = concat!("`", $canonical, "`")]
                $variant,
            )*
            /// A name that has no variant; the message keeps how it is written.
            Other,
        }

        impl HeaderName {
            /// Every name that has a variant.
            pub const KNOWN: &[HeaderName] = &[$(HeaderName::$variant,)*];

            /// The name as the RFCs write it; empty for [`HeaderName::Other`].
            pub const fn canonical(self) -> &'static str {
                match self {
                    $(HeaderName::$variant => $canonical,)*
                    HeaderName::Other => "",
                }
            }

            /// The canonical name with the colon and the space that follow it.
            pub(crate) const fn row_start(self) -> &'static str {
                match self {
                    $(HeaderName::$variant => concat!($canonical, ": "),)*
                    HeaderName::Other => "",
                }
            }
        }
    };
}

header_names! {
    Via "Via",
    From "From",
    To "To",
    CallId "Call-ID",
    CSeq "CSeq",
    Contact "Contact",
    MaxForwards "Max-Forwards",
    ContentLength "Content-Length",
    ContentType "Content-Type",
    Route "Route",
    RecordRoute "Record-Route",
    Authorization "Authorization",
    ProxyAuthorization "Proxy-Authorization",
    WwwAuthenticate "WWW-Authenticate",
    ProxyAuthenticate "Proxy-Authenticate",
    AuthenticationInfo "Authentication-Info",
    ProxyAuthenticationInfo "Proxy-Authentication-Info",
    Allow "Allow",
    Supported "Supported",
    Unsupported "Unsupported",
    Require "Require",
    ProxyRequire "Proxy-Require",
    UserAgent "User-Agent",
    Server "Server",
    Expires "Expires",
    MinExpires "Min-Expires",
    RetryAfter "Retry-After",
    ReferTo "Refer-To",
    ReferredBy "Referred-By",
    ReferSub "Refer-Sub",
    Replaces "Replaces",
    Join "Join",
    TargetDialog "Target-Dialog",
    Event "Event",
    AllowEvents "Allow-Events",
    SubscriptionState "Subscription-State",
    SessionExpires "Session-Expires",
    MinSe "Min-SE",
    Subject "Subject",
    RSeq "RSeq",
    RAck "RAck",
    Reason "Reason",
    Accept "Accept",
    AcceptEncoding "Accept-Encoding",
    AcceptLanguage "Accept-Language",
    AcceptContact "Accept-Contact",
    RejectContact "Reject-Contact",
    RequestDisposition "Request-Disposition",
    Date "Date",
    Warning "Warning",
    Timestamp "Timestamp",
    Path "Path",
    ServiceRoute "Service-Route",
    FlowTimer "Flow-Timer",
    PAssertedIdentity "P-Asserted-Identity",
    PPreferredIdentity "P-Preferred-Identity",
    RemotePartyId "Remote-Party-ID",
    Privacy "Privacy",
    Identity "Identity",
    AlertInfo "Alert-Info",
    CallInfo "Call-Info",
    ErrorInfo "Error-Info",
    ContentDisposition "Content-Disposition",
    ContentEncoding "Content-Encoding",
    ContentLanguage "Content-Language",
    MimeVersion "MIME-Version",
    InReplyTo "In-Reply-To",
    Organization "Organization",
    Priority "Priority",
    ReplyTo "Reply-To",
    AnswerMode "Answer-Mode",
    PAnswerState "P-Answer-State",
    HistoryInfo "History-Info",
    Diversion "Diversion",
    SipEtag "SIP-ETag",
    SipIfMatch "SIP-If-Match",
    InfoPackage "Info-Package",
    RecvInfo "Recv-Info",
}

/// Where a name is found by its length and three of its letters: no two names share a place, so there is one
/// candidate and one comparison.
const PLACES: [HeaderName; 256] = {
    let mut places = [HeaderName::Other; 256];
    let mut index = 0;
    while index < HeaderName::KNOWN.len() {
        let name = HeaderName::KNOWN[index];
        let place = place(name.canonical().as_bytes());
        assert!(matches!(places[place], HeaderName::Other), "two names share a place: choose other factors");
        places[place] = name;
        index += 1;
    }
    places
};

/// The place of a name of two letters or more, whatever its case.
const fn place(name: &[u8]) -> usize {
    let length = name.len();
    let (first, middle, last) = (name[0] | 0x20, name[length / 2] | 0x20, name[length - 1] | 0x20);
    (length * 101 + first as usize * 191 + middle as usize * 204 + last as usize * 67) & 255
}

/// Names that most messages have. No two begin with the same four bytes, a colon and a space included.
const USUAL: &[HeaderName] = &[
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::MaxForwards,
    HeaderName::ContentLength,
    HeaderName::Allow,
    HeaderName::Supported,
    HeaderName::UserAgent,
    HeaderName::Server,
    HeaderName::Route,
    HeaderName::RecordRoute,
    HeaderName::Expires,
    HeaderName::Authorization,
    HeaderName::Require,
    HeaderName::RSeq,
    HeaderName::RAck,
    HeaderName::SessionExpires,
    HeaderName::Event,
    HeaderName::Reason,
];

/// Where a usual name is found by the first four bytes of its row.
const USUAL_PLACES: [HeaderName; 64] = {
    let mut places = [HeaderName::Other; 64];
    let mut index = 0;
    while index < USUAL.len() {
        let name = USUAL[index];
        let Some(four) = name.row_start().as_bytes().first_chunk() else { panic!("a name without letters") };
        let place = usual_place(*four);
        assert!(matches!(places[place], HeaderName::Other), "two names share a place: choose another factor");
        places[place] = name;
        index += 1;
    }
    places
};

/// The place of the first four bytes of a row.
const fn usual_place(four: [u8; 4]) -> usize {
    (u32::from_le_bytes(four).wrapping_mul(68_941) >> 26) as usize
}

impl HeaderName {
    /// The name of a row that begins as nearly all do: a usual name, spelt as the RFCs spell it, a colon and a space. Found with one
    /// comparison, and without a search for the end of the name.
    pub(crate) fn usual(row: &[u8]) -> Option<Self> {
        let candidate = USUAL_PLACES[usual_place(*row.first_chunk()?)];
        (candidate != Self::Other && row.starts_with(candidate.row_start().as_bytes())).then_some(candidate)
    }

    /// The name that `bytes` spell, in any case, in full or compactly.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        match bytes {
            [] => Self::Other,
            [letter] => Self::from_compact(*letter),
            _ => {
                let candidate = PLACES[place(bytes)];
                let canonical = candidate.canonical().as_bytes();
                // Nearly everybody writes names as the RFCs do, and equal bytes are compared faster.
                if canonical == bytes || canonical.eq_ignore_ascii_case(bytes) {
                    candidate
                } else {
                    Self::Other
                }
            }
        }
    }

    /// The compact forms of the IANA registry.
    const fn from_compact(letter: u8) -> Self {
        match letter.to_ascii_lowercase() {
            b'a' => Self::AcceptContact,
            b'b' => Self::ReferredBy,
            b'c' => Self::ContentType,
            b'd' => Self::RequestDisposition,
            b'e' => Self::ContentEncoding,
            b'f' => Self::From,
            b'i' => Self::CallId,
            b'j' => Self::RejectContact,
            b'k' => Self::Supported,
            b'l' => Self::ContentLength,
            b'm' => Self::Contact,
            b'o' => Self::Event,
            b'r' => Self::ReferTo,
            b's' => Self::Subject,
            b't' => Self::To,
            b'u' => Self::AllowEvents,
            b'v' => Self::Via,
            b'x' => Self::SessionExpires,
            b'y' => Self::Identity,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Other => "an extension header",
            known => known.canonical(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case() {
        for &name in HeaderName::KNOWN {
            let canonical = name.canonical();
            assert_eq!(HeaderName::from_bytes(canonical.as_bytes()), name);
            assert_eq!(HeaderName::from_bytes(canonical.to_uppercase().as_bytes()), name);
            assert_eq!(HeaderName::from_bytes(canonical.to_lowercase().as_bytes()), name);
        }
        assert_eq!(HeaderName::from_bytes(b"C%6Fntact"), HeaderName::Other);
        assert_eq!(HeaderName::from_bytes(b""), HeaderName::Other);
    }

    #[test]
    fn usual_names_are_found_at_the_start_of_a_row() {
        for &name in HeaderName::KNOWN {
            let row = format!("{}value", name.row_start());
            let expected = USUAL.contains(&name).then_some(name);
            assert_eq!(HeaderName::usual(row.as_bytes()), expected);
            assert_eq!(
                HeaderName::usual(row.to_uppercase().as_bytes()).filter(|_| row.to_uppercase() != row),
                None
            );
        }
        assert_eq!(HeaderName::usual(b"To:value"), None);
        assert_eq!(HeaderName::usual(b"Tok"), None);
    }

    #[test]
    fn compact_forms_are_those_of_the_registry() {
        let compact = "a Accept-Contact,u Allow-Events,i Call-ID,m Contact,e Content-Encoding,l Content-Length,\
            c Content-Type,o Event,f From,y Identity,r Refer-To,b Referred-By,j Reject-Contact,\
            d Request-Disposition,x Session-Expires,s Subject,k Supported,t To,v Via";
        for (short, long) in compact.split(',').map(|pair| pair.split_once(' ').unwrap()) {
            assert_eq!(HeaderName::from_bytes(short.as_bytes()).canonical(), long);
            assert_eq!(HeaderName::from_bytes(short.to_uppercase().as_bytes()).canonical(), long);
        }
    }
}
