//! Via.

use super::{HeaderError, Params, SyntaxKind, ValueError};
use crate::scan::{number, skip_lws, skip_token};
use crate::{HeaderName, Values};

/// One Via value (RFC 3261 §20.42).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Via<'a> {
    /// The transport as it is written: `UDP`, `WSS`, or an unknown name.
    pub transport: &'a [u8],
    /// The host of sent-by. An IPv6 literal includes its brackets.
    pub host: &'a [u8],
    /// The port of sent-by.
    pub port: Option<u16>,
    /// The parameters.
    pub params: Params<'a>,
    pub(crate) branch: Option<&'a [u8]>,
}

impl<'a> Via<'a> {
    /// Reads exactly one value.
    pub fn parse(value: &'a [u8]) -> Result<Self, ValueError> {
        let (via, end) = Self::leading(value)?;
        if end == value.len() { Ok(via) } else { Err(SyntaxKind::Unexpected.at(end)) }
    }

    /// Reads the first value of `row`. Returns its end: at a comma or at the end.
    pub(crate) fn leading(row: &'a [u8]) -> Result<(Self, usize), ValueError> {
        let (via, at) = Self::sender(row)?;
        let (params, length, branch) =
            Params::leading_with(&row[at..], "branch").map_err(|error| error.shifted(at))?;
        Ok((Self { params, branch, ..via }, at + length))
    }

    /// Reads the transport and the sent-by at the start of `row`. Returns their end.
    fn sender(row: &'a [u8]) -> Result<(Self, usize), ValueError> {
        let transport = skip_protocol(row)?;
        let transport_end = skip_token(row, transport);
        let host = skip_lws(row, transport_end);
        if transport == transport_end || host == transport_end {
            return Err(SyntaxKind::Unexpected.at(transport_end));
        }
        let host_end = host_end(row, host)?;
        let (port, at) = port(row, host_end)?;
        let (transport, host) = (&row[transport..transport_end], &row[host..host_end]);
        Ok((Self { transport, host, port, params: Params::default(), branch: None }, at))
    }

    /// Whether `row` begins with a transport and a sent-by, whatever follows them.
    pub(crate) fn has_sender(row: &[u8]) -> bool {
        Via::sender(row).is_ok()
    }

    /// The branch (RFC 3261 §8.1.1.7).
    pub fn branch(&self) -> Option<&'a [u8]> {
        self.branch
    }

    /// The source address of the request, as added by the server (RFC 3261 §18.2.1).
    pub fn received(&self) -> Option<&'a [u8]> {
        self.params.get("received").flatten()
    }

    /// RFC 3581: `None` without the parameter, `Some(None)` when the client requests it, `Some(Some(port))`
    /// when a server filled it in. A value that is no port counts as asking.
    pub fn rport(&self) -> Option<Option<u16>> {
        let value = self.params.get("rport")?;
        Some(value.and_then(|digits| number(digits, u16::MAX.into()).ok()).map(|port| port as u16))
    }
}

/// `SIP / 2.0 /` with any white space, up to the transport. The version is the message's business: a Via
/// of another version is still a Via (RFC 4475 §3.1.2.16).
fn skip_protocol(row: &[u8]) -> Result<usize, ValueError> {
    if row.starts_with(b"SIP/2.0/") {
        return Ok(skip_lws(row, 8));
    }
    let mut at = 0;
    for _ in 0..2 {
        let end = skip_token(row, at);
        let slash = skip_lws(row, end);
        if end == at || row.get(slash) != Some(&b'/') {
            return Err(SyntaxKind::Unexpected.at(slash));
        }
        at = skip_lws(row, slash + 1);
    }
    Ok(at)
}

/// Where the host ends that starts at `host`. Not the grammar of a host name: names with underscores
/// are common, and the host is only ever compared and copied.
fn host_end(row: &[u8], host: usize) -> Result<usize, ValueError> {
    if row.get(host) == Some(&b'[') {
        let inner = row[host + 1..].iter().take_while(|&&byte| is_ipv6_byte(byte)).count();
        let close = host + 1 + inner;
        return if row.get(close) == Some(&b']') { Ok(close + 1) } else { Err(SyntaxKind::Bracket.at(host)) };
    }
    let end = skip_token(row, host);
    if end == host { Err(SyntaxKind::Unexpected.at(host)) } else { Ok(end) }
}

pub(crate) fn is_ipv6_byte(byte: u8) -> bool {
    byte.is_ascii_hexdigit() || matches!(byte, b':' | b'.')
}

fn port(row: &[u8], host_end: usize) -> Result<(Option<u16>, usize), ValueError> {
    let colon = skip_lws(row, host_end);
    if row.get(colon) != Some(&b':') {
        return Ok((None, host_end));
    }
    let start = skip_lws(row, colon + 1);
    let end = start + row[start..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    match number(&row[start..end], u16::MAX.into()) {
        Ok(port) => Ok((Some(port as u16), end)),
        Err(error) => Err(SyntaxKind::from(error).at(start)),
    }
}

/// The Via values of a message, top first; from [`Message::vias`](crate::Message::vias).
#[derive(Clone, Debug)]
pub struct Vias<'a>(pub(crate) Values<'a>);

impl<'a> Iterator for Vias<'a> {
    type Item = Result<Via<'a>, HeaderError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|value| Via::parse(value).map_err(|error| error.of(HeaderName::Via)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typical_via_is_read() {
        let via = Via::parse(b"SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK56;rport;received=192.0.2.1")
            .unwrap();
        assert_eq!((via.transport, via.host, via.port), (&b"WSS"[..], &b"df7jal23ls0d.invalid"[..], None));
        assert_eq!(via.branch(), Some(&b"z9hG4bK56"[..]));
        assert_eq!(via.received(), Some(&b"192.0.2.1"[..]));
        assert_eq!(via.rport(), Some(None));
    }

    #[test]
    fn white_space_and_folding_are_skipped() {
        let row = b"SIP  / 2.0\r\n /UDP\r\n    192.0.2.2 : 5060 ;branch\t= 390skdjuw";
        let via = Via::parse(row).unwrap();
        assert_eq!((via.transport, via.host, via.port), (&b"UDP"[..], &b"192.0.2.2"[..], Some(5060)));
        assert_eq!(via.branch(), Some(&b"390skdjuw"[..]));
    }

    #[test]
    fn ipv6_and_unknown_transports_are_read() {
        let via =
            Via::parse(b"SIP/2.0/UNKNOWN [2001:db8::9:1]:5061;branch=b;received=2001:db8::9:255;rport=4")
                .unwrap();
        assert_eq!(
            (via.transport, via.host, via.port),
            (&b"UNKNOWN"[..], &b"[2001:db8::9:1]"[..], Some(5061))
        );
        assert_eq!(via.received(), Some(&b"2001:db8::9:255"[..]));
        assert_eq!(via.rport(), Some(Some(4)));
    }

    #[test]
    fn branch_ends_at_the_next_value() {
        let row = b"SIP/2.0/TCP a;branch=z9hG4bKa,SIP/2.0/UDP b;branch=z9hG4bKb";
        let (via, end) = Via::leading(row).unwrap();
        assert_eq!((via.branch(), end), (Some(&b"z9hG4bKa"[..]), 29));
        assert_eq!(Via::parse(row), Err(SyntaxKind::Unexpected.at(29)));
    }

    #[test]
    fn malformed_vias_are_refused() {
        for bad in [
            &b""[..],
            b"SIP/2.0 host",
            b"SIP/2.0/UDP",
            b"SIP/2.0/UDP ",
            b"SIP/2.0/UDP ;branch=x",
            b"SIP/2.0/UDP [::1",
            b"SIP/2.0/UDP [host]",
            b"SIP/2.0/UDP host:70000",
            b"SIP/2.0/UDP host:",
            b"SIP/2.0/UDP 192.0.2.15;;,;,,",
        ] {
            assert!(Via::parse(bad).is_err(), "{}", bad.escape_ascii());
        }
    }
}
