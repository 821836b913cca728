//! Origins of web pages that may open a WebSocket (RFC 6455 §10.2).

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::Arc;

/// The origin of a web page: scheme, host and port, as in the `Origin` header (RFC 6454 §7), or `null` for an opaque origin, such as a
/// sandboxed page.
///
/// Two are equal if their scheme and host (without case) and port are equal; the default port is 80 for `http` and 443 for `https` (RFC
/// 6454 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin(Option<Tuple>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Tuple {
    scheme: String,
    host: String,
    port: Option<u16>,
}

/// The text is not an origin.
#[derive(Copy, Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected an origin such as https://phone.example.com or http://localhost:8080, without a path, or null"
)]
pub struct OriginError;

/// The web pages that may open a WebSocket.
///
/// A browser sends the origin of the page in each upgrade. Other programs send no `Origin` and are not restricted: they could forge it.
#[derive(Clone, Debug)]
pub struct Origins {
    /// `None`: any origin.
    listed: Option<Arc<Listed>>,
}

#[derive(Clone, Debug, Default)]
struct Listed {
    origins: Vec<Origin>,
    hosts: Vec<String>,
}

impl Origins {
    /// All pages.
    pub fn any() -> Self {
        Self { listed: None }
    }

    /// No pages, until some are added.
    pub fn none() -> Self {
        Self { listed: Some(Arc::default()) }
    }

    /// Adds the pages of one origin.
    #[must_use]
    pub fn with(mut self, origin: Origin) -> Self {
        if let Some(listed) = &mut self.listed {
            Arc::make_mut(listed).origins.push(origin);
        }
        self
    }

    /// Adds the pages of a host by `http` and `https`, on any port. IPv6 addresses are in brackets. A text that
    /// is not a host adds nothing.
    #[must_use]
    pub fn with_host(mut self, host: &str) -> Self {
        if let (Some(listed), Some(host)) = (&mut self.listed, canonical(host)) {
            Arc::make_mut(listed).hosts.push(host);
        }
        self
    }

    /// Whether a page with this value of `Origin` may connect. A malformed value is allowed only by [`Origins::any`].
    pub fn allows(&self, origin: &[u8]) -> bool {
        let Some(listed) = &self.listed else { return true };
        let text = std::str::from_utf8(origin).ok();
        let Some(origin) = text.and_then(|text| text.parse().ok()) else { return false };
        listed.origins.contains(&origin) || origin.is_web_page_of(&listed.hosts)
    }
}

impl Origin {
    fn is_web_page_of(&self, hosts: &[String]) -> bool {
        let Some(Tuple { scheme, host, .. }) = &self.0 else { return false };
        matches!(scheme.as_str(), "http" | "https") && hosts.contains(host)
    }
}

impl FromStr for Origin {
    type Err = OriginError;

    fn from_str(text: &str) -> Result<Self, OriginError> {
        if text == "null" {
            return Ok(Self(None));
        }
        let (scheme, authority) = text.split_once("://").ok_or(OriginError)?;
        let is_scheme = scheme.starts_with(|char: char| char.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
        if !is_scheme {
            return Err(OriginError);
        }
        let scheme = scheme.to_ascii_lowercase();
        let default_port = match scheme.as_str() {
            "http" => Some(80),
            "https" => Some(443),
            _ => None,
        };
        if authority.is_empty() && default_port.is_none() {
            // Such as `file://`.
            return Ok(Self(Some(Tuple { scheme, host: String::new(), port: None })));
        }
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !authority.ends_with(']') => (host, Some(number(port).ok_or(OriginError)?)),
            _ => (authority, default_port),
        };
        let host = canonical(host).ok_or(OriginError)?;
        Ok(Self(Some(Tuple { scheme, host, port })))
    }
}

impl fmt::Display for Origin {
    /// As a browser writes it, but always with the port.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            None => f.write_str("null"),
            Some(Tuple { scheme, host, port: Some(port) }) => write!(f, "{scheme}://{host}:{port}"),
            Some(Tuple { scheme, host, port: None }) => write!(f, "{scheme}://{host}"),
        }
    }
}

/// A host in canonical form: lower-case ASCII, as browsers send internationalized names, or an IPv6 address in brackets.
fn canonical(host: &str) -> Option<String> {
    if let Some(address) = host.strip_prefix('[') {
        let address: Ipv6Addr = address.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{address}]"));
    }
    // A `*` would be a pattern, which is not supported; no browser sends one.
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=%".contains(&byte);
    (!host.is_empty() && host.bytes().all(is_name)).then(|| host.to_ascii_lowercase())
}

/// Digits only: the standard library would accept a sign.
fn number(port: &str) -> Option<u16> {
    port.bytes().all(|byte| byte.is_ascii_digit()).then(|| port.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(text: &str) -> Origin {
        text.parse().unwrap_or_else(|_| panic!("{text}"))
    }

    #[test]
    fn scheme_host_and_port_are_compared() {
        for (one, other) in [
            ("https://phone.example.com", "HTTPS://Phone.Example.COM:443"),
            ("http://localhost", "http://localhost:80"),
            ("http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080"),
            ("null", "null"),
            ("file://", "file://"),
            ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        ] {
            assert_eq!(origin(one), origin(other));
        }
        let base = origin("https://phone.example.com");
        for other in [
            "http://phone.example.com",
            "https://phone.example.com:8443",
            "https://phone.example.com.",
            "https://xphone.example.com",
            "https://phone.example.com.evil.example",
            "http://phone.example.com:443",
            "null",
        ] {
            assert_ne!(base, origin(other), "{other}");
        }
        assert_eq!(origin("HTTP://[::1]").to_string(), "http://[::1]:80");
    }

    #[test]
    fn malformed_origin_is_an_error() {
        for text in [
            "",
            "*",
            "Null",
            "phone.example.com",
            "://x",
            "https://",
            "http://:80",
            "https://phone.example.com/",
            "https://user@phone.example.com",
            "http://x:+80",
            "http://x:65536",
            "http://x:",
            "http://::1",
            "http://[::1",
            "http://[x]",
            "http://ph\u{f6}ne.example",
            "http://a http://b",
            "1http://x",
            "https://*.example.com",
        ] {
            assert_eq!(text.parse::<Origin>(), Err(OriginError), "{text}");
        }
    }

    #[test]
    fn list_allows_its_origins_and_pages_of_its_hosts() {
        let origins = Origins::none()
            .with(origin("https://phone.example.com:8443"))
            .with(origin("null"))
            .with_host("House.test")
            .with_host("[::1]")
            .with_host("::1")
            .with_host("");
        for good in [
            "https://phone.example.com:8443",
            "null",
            "http://house.test",
            "https://HOUSE.test:9999",
            "http://[::1]:5173",
        ] {
            assert!(origins.allows(good.as_bytes()), "{good}");
        }
        for bad in [
            "https://phone.example.com",
            "http://evil.example",
            "http://house.test.evil.example",
            "http://sub.house.test",
            "ftp://house.test",
            "file://",
            "",
        ] {
            assert!(!origins.allows(bad.as_bytes()), "{bad}");
        }
        assert!(!origins.allows(b"http://house.test\xff") && !Origins::none().allows(b"null"));
        let any = Origins::any().with_host("house.test");
        assert!(any.allows(b"http://evil.example") && any.allows(b"\xff"));
    }
}
