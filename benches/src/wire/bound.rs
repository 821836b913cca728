//! The lower bound: offsets over a borrowed buffer, with no check beyond what it takes to split.
//!
//! A SIP parser can hardly do less. It is only a baseline: it accepts a lone LF as a line end, any bytes as a name,
//! and anything as a start line.

use memchr::memchr;

/// The names that the bound distinguishes.
#[allow(missing_docs)] // The names of the headers.
#[derive(Copy, Clone, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Name {
    Via,
    From,
    To,
    CallId,
    CSeq,
    Contact,
    MaxForwards,
    ContentLength,
    ContentType,
    Route,
    RecordRoute,
    Authorization,
    ProxyAuthorization,
    WwwAuthenticate,
    ProxyAuthenticate,
    Allow,
    Supported,
    Require,
    UserAgent,
    Server,
    Expires,
    ReferTo,
    ReferredBy,
    Replaces,
    Event,
    SubscriptionState,
    SessionExpires,
    MinSe,
    Subject,
    RSeq,
    RAck,
    Reason,
    Accept,
    Date,
    Warning,
    Other,
}

/// One row: its name, and where name and value are.
#[derive(Copy, Clone, Debug)]
pub struct Row {
    /// The header.
    pub name: Name,
    /// The range of its name.
    pub raw_name: Range,
    /// The range of its value.
    pub value: Range,
}

/// Start and end.
pub type Range = (u32, u32);

/// The table of a message.
#[derive(Debug, Default)]
pub struct Message {
    /// The rows in order.
    pub rows: Vec<Row>,
    start: Range,
    body: Range,
}

impl Message {
    /// An empty table with room for any of the samples: the one allocation.
    pub fn with_room() -> Self {
        Self { rows: Vec::with_capacity(32), ..Self::default() }
    }

    /// The value of the first row of this name.
    #[inline]
    pub fn value<'b>(&self, data: &'b [u8], name: Name) -> Option<&'b [u8]> {
        self.rows.iter().find(|row| row.name == name).map(|row| slice(data, row.value))
    }
}

#[inline]
fn same(left: &[u8], right: &[u8]) -> bool {
    left.eq_ignore_ascii_case(right)
}

#[inline]
fn intern(name: &[u8]) -> Name {
    use Name::*;
    let pick = |candidates: &[(&[u8], Name)]| {
        candidates.iter().find(|(text, _)| same(name, text)).map_or(Other, |&(_, found)| found)
    };
    match name.len() {
        1 => match name[0] | 0x20 {
            b'v' => Via,
            b'f' => From,
            b't' => To,
            b'i' => CallId,
            b'm' => Contact,
            b'l' => ContentLength,
            b'c' => ContentType,
            b'k' => Supported,
            b'r' => ReferTo,
            b'b' => ReferredBy,
            b'o' => Event,
            b'x' => SessionExpires,
            b's' => Subject,
            _ => Other,
        },
        2 if same(name, b"To") => To,
        3 if same(name, b"Via") => Via,
        4 => match name[0] | 0x20 {
            b'f' if same(name, b"From") => From,
            b'c' if same(name, b"CSeq") => CSeq,
            b'd' if same(name, b"Date") => Date,
            b'r' => pick(&[(b"RSeq", RSeq), (b"RAck", RAck)]),
            _ => Other,
        },
        5 => match name[0] | 0x20 {
            b'a' if same(name, b"Allow") => Allow,
            b'r' if same(name, b"Route") => Route,
            b'e' if same(name, b"Event") => Event,
            _ => Other,
        },
        6 => match name[0] | 0x20 {
            b's' if same(name, b"Server") => Server,
            b'a' if same(name, b"Accept") => Accept,
            b'r' if same(name, b"Reason") => Reason,
            b'm' if same(name, b"Min-SE") => MinSe,
            _ => Other,
        },
        7 => match name[1] | 0x20 {
            b'a' => pick(&[(b"Call-ID", CallId), (b"Warning", Warning)]),
            b'o' if same(name, b"Contact") => Contact,
            b'x' if same(name, b"Expires") => Expires,
            b'e' if same(name, b"Require") => Require,
            b'u' if same(name, b"Subject") => Subject,
            _ => Other,
        },
        8 => pick(&[(b"Refer-To", ReferTo), (b"Replaces", Replaces)]),
        9 if same(name, b"Supported") => Supported,
        10 if same(name, b"User-Agent") => UserAgent,
        11 if same(name, b"Referred-By") => ReferredBy,
        12 => match name[0] | 0x20 {
            b'm' if same(name, b"Max-Forwards") => MaxForwards,
            b'c' if same(name, b"Content-Type") => ContentType,
            b'r' if same(name, b"Record-Route") => RecordRoute,
            _ => Other,
        },
        13 if same(name, b"Authorization") => Authorization,
        14 if same(name, b"Content-Length") => ContentLength,
        15 if same(name, b"Session-Expires") => SessionExpires,
        16 if same(name, b"WWW-Authenticate") => WwwAuthenticate,
        18 => pick(&[(b"Subscription-State", SubscriptionState), (b"Proxy-Authenticate", ProxyAuthenticate)]),
        19 if same(name, b"Proxy-Authorization") => ProxyAuthorization,
        _ => Other,
    }
}

#[inline]
fn trim(data: &[u8], mut start: usize, mut end: usize) -> Range {
    while start < end && matches!(data[start], b' ' | b'\t' | b'\r' | b'\n') {
        start += 1;
    }
    while end > start && matches!(data[end - 1], b' ' | b'\t' | b'\r' | b'\n') {
        end -= 1;
    }
    (start as u32, end as u32)
}

#[inline]
fn slice(data: &[u8], range: Range) -> &[u8] {
    &data[range.0 as usize..range.1 as usize]
}

/// Fills `message`, whose table is reused.
///
/// # Errors
///
/// When the head has no end, a line has no colon, or Content-Length is wrong.
pub fn parse(data: &[u8], message: &mut Message) -> Result<(), &'static str> {
    message.rows.clear();
    if data.len() > u32::MAX as usize {
        return Err("size");
    }
    let mut at = memchr(b'\n', data).ok_or("no start line")?;
    message.start = trim(data, 0, at);
    at += 1;
    loop {
        let line = at;
        let mut from = at;
        let line_feed = loop {
            let found = from + memchr(b'\n', &data[from..]).ok_or("no end of headers")?;
            match data.get(found + 1) {
                Some(b' ' | b'\t') if found > line + 1 || (found == line + 1 && data[line] != b'\r') => {
                    from = found + 1
                }
                _ => break found,
            }
        };
        at = line_feed + 1;
        let end = if line_feed > line && data[line_feed - 1] == b'\r' { line_feed - 1 } else { line_feed };
        if end == line {
            break;
        }
        let colon = line + memchr(b':', &data[line..end]).ok_or("no colon")?;
        let raw_name = trim(data, line, colon);
        if raw_name.0 == raw_name.1 {
            return Err("empty name");
        }
        let name = intern(slice(data, raw_name));
        message.rows.push(Row { name, raw_name, value: trim(data, colon + 1, end) });
    }
    let mut stated = None;
    for row in message.rows.iter().filter(|row| row.name == Name::ContentLength) {
        let length = number(slice(data, row.value)).ok_or("bad Content-Length")?;
        if stated.replace(length).is_some_and(|earlier| earlier != length) {
            return Err("two Content-Lengths");
        }
    }
    let rest = data.len() - at;
    let length = match stated {
        None => rest,
        Some(length) if length <= rest as u64 => length as usize,
        Some(_) => return Err("truncated body"),
    };
    message.body = (at as u32, (at + length) as u32);
    Ok(())
}

/// Up to ten digits.
pub fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || digits.len() > 10 {
        return None;
    }
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + u64::from(digit - b'0')))
}

/// Number and method.
pub fn cseq(value: &[u8]) -> Option<(u64, &[u8])> {
    let space = memchr(b' ', value)?;
    Some((number(&value[..space])?, value[space..].trim_ascii()))
}

/// A parameter after the address, quote-aware, up to a comma.
pub fn param<'a>(value: &'a [u8], key: &[u8]) -> Option<&'a [u8]> {
    let check = |start: usize, end: usize| -> Option<&'a [u8]> {
        let pair = &value[start..end];
        let equals = memchr(b'=', pair);
        let (name, text) = match equals {
            Some(equals) => (&pair[..equals], &pair[equals + 1..]),
            None => (pair, &pair[pair.len()..]),
        };
        name.trim_ascii().eq_ignore_ascii_case(key).then(|| text.trim_ascii())
    };
    let (mut at, mut quoted, mut bracket, mut start) = (0, false, false, None);
    while at < value.len() {
        let byte = value[at];
        if quoted {
            if byte == b'\\' {
                at += 1;
            } else if byte == b'"' {
                quoted = false;
            }
        } else {
            match byte {
                b'"' => quoted = true,
                b'<' => bracket = true,
                b'>' => bracket = false,
                b';' if !bracket => {
                    if let Some(found) = start.and_then(|start| check(start, at)) {
                        return Some(found);
                    }
                    start = Some(at + 1);
                }
                b',' if !bracket => break,
                _ => {}
            }
        }
        at += 1;
    }
    let end = at.min(value.len());
    start.filter(|&start| start <= end).and_then(|start| check(start, end))
}

/// The host of the first address.
pub fn contact_host(value: &[u8]) -> Option<&[u8]> {
    let uri = match angle(value) {
        Some((start, end)) => &value[start..end],
        None => &value[..memchr::memchr2(b';', b',', value).unwrap_or(value.len())],
    };
    let rest = &uri[memchr(b':', uri)? + 1..];
    let rest = memchr(b'@', rest).map_or(rest, |at| &rest[at + 1..]);
    if rest.first() == Some(&b'[') {
        return Some(&rest[..=memchr(b']', rest)?]);
    }
    let end = memchr::memchr3(b':', b';', b'?', rest).unwrap_or(rest.len());
    Some(rest[..end].trim_ascii())
}

fn angle(value: &[u8]) -> Option<(usize, usize)> {
    let (mut at, mut quoted) = (0, false);
    while at < value.len() {
        match value[at] {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'<' if !quoted => return Some((at + 1, at + memchr(b'>', &value[at..])?)),
            _ => {}
        }
        at += 1;
    }
    None
}

/// Writes the message, one row per line, with names and values unchanged.
pub fn serialise(data: &[u8], message: &Message, out: &mut Vec<u8>) {
    out.reserve(message.body.1 as usize + 8);
    out.extend_from_slice(slice(data, message.start));
    out.extend_from_slice(b"\r\n");
    for row in &message.rows {
        out.extend_from_slice(slice(data, row.raw_name));
        out.extend_from_slice(b": ");
        out.extend_from_slice(slice(data, row.value));
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(slice(data, message.body));
}
