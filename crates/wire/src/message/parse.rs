//! The scan that fills the table.

use super::rows::Entry;
use super::start::{self, Start};
use crate::scan::{is_lws, number, skip_token};
use crate::{Fault, FaultKind, HeaderName, Limits};
use memchr::memchr3;

/// Rows that are collected on the stack before the table gets its exact size: one allocation for every
/// message of an ordinary length.
const USUAL: usize = 32;

/// A head that was read, with offsets from the start of the message.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) rows: Vec<Entry>,
    pub(crate) start: Start,
    /// Where the body starts.
    pub(crate) body: u32,
    pub(crate) content_length: Option<usize>,
}

impl Head {
    /// The length of the whole message in a datagram of `available` bytes (RFC 3261 §18.3).
    pub(crate) fn datagram_length(&self, available: usize) -> Result<usize, Fault> {
        let body = self.body as usize;
        match self.content_length {
            None => Ok(available),
            Some(length) if length <= available - body => Ok(body + length),
            Some(_) => Err(FaultKind::BodyTruncated.at(available)),
        }
    }
}

/// Reads the head at the start of `data`.
pub(crate) fn parse_head(data: &[u8], limits: &Limits) -> Result<Head, Fault> {
    if data.len() > limits.message.min(u32::MAX as usize) {
        return Err(FaultKind::MessageTooLarge.at(limits.message));
    }
    let (line, _) = line_end(data, 0)?;
    let start = Start::parse(&data[..line]).map_err(|offset| start::FAULT.at(offset))?;
    let mut table = Table::new();
    let mut content_length = None;
    let mut at = line + 2;
    while !data[at..].starts_with(b"\r\n") {
        if at > limits.head {
            return Err(FaultKind::HeadTooLarge.at(at));
        }
        if table.length == limits.headers {
            return Err(FaultKind::TooManyHeaders.at(at));
        }
        let (entry, next) = row(data, at)?;
        if entry.name == HeaderName::ContentLength {
            content_length = Some(content_length_of(data, &entry, content_length)?);
        }
        table.push(entry, limits.headers);
        at = next;
    }
    let body = at + 2;
    if body > limits.head {
        return Err(FaultKind::HeadTooLarge.at(at));
    }
    Ok(Head { rows: table.finish(), start, body: body as u32, content_length })
}

/// The row at `at`, and where the next one starts.
pub(super) fn row(data: &[u8], at: usize) -> Result<(Entry, usize), Fault> {
    let (name, name_length, mut value) = match HeaderName::usual(&data[at..]) {
        Some(name) => {
            let length = name.canonical().len();
            (name, length as u16, at + length + 2)
        }
        None => spelt(data, at)?,
    };
    let (mut end, mut plain) = line_end(data, value)?;
    while matches!(data.get(end + 2), Some(b' ' | b'\t')) {
        (end, plain) = (line_end(data, end + 2)?.0, false);
    }
    let next = end + 2;
    while value < end && is_lws(data[value]) {
        value += 1;
    }
    while end > value && is_lws(data[end - 1]) {
        end -= 1;
    }
    Ok((
        Entry { name, plain, name_length, start: at as u32, value: value as u32, value_end: end as u32 },
        next,
    ))
}

/// The name of the row at `at` in any spelling, its length, and where its value starts.
fn spelt(data: &[u8], at: usize) -> Result<(HeaderName, u16, usize), Fault> {
    let name_end = skip_token(data, at);
    let mut colon = name_end;
    while matches!(data.get(colon), Some(b' ' | b'\t')) {
        colon += 1;
    }
    if name_end == at || data.get(colon) != Some(&b':') {
        let cut = matches!(data.get(colon..), None | Some([] | [b'\r']));
        let kind = if cut { FaultKind::HeadTruncated } else { FaultKind::HeaderName };
        return Err(kind.at(colon));
    }
    let Ok(name_length) = u16::try_from(name_end - at) else {
        return Err(FaultKind::HeaderName.at(name_end));
    };
    Ok((HeaderName::from_bytes(&data[at..name_end]), name_length, colon + 1))
}

/// The index of the CR of the first CRLF at or after `from`, and whether there is no NUL before it.
///
/// A lone CR or LF is refused instead of being read as a line end: implementations that differ in this would read different
/// headers. A NUL is only allowed in a quoted pair (RFC 3261 §25.1).
#[inline]
fn line_end(data: &[u8], from: usize) -> Result<(usize, bool), Fault> {
    let (mut at, mut plain) = (from, true);
    loop {
        let Some(found) = data.get(at..).and_then(|rest| memchr3(b'\r', b'\n', 0, rest)) else {
            return Err(FaultKind::HeadTruncated.at(data.len()));
        };
        at += found;
        match (data[at], data.get(at + 1)) {
            (b'\r', Some(b'\n')) => return Ok((at, plain)),
            (b'\r', None) => return Err(FaultKind::HeadTruncated.at(data.len())),
            (0, _) if at > from && data[at - 1] == b'\\' => (at, plain) = (at + 1, false),
            _ => return Err(FaultKind::ControlCharacter.at(at)),
        }
    }
}

/// The length that `entry` states, unless an earlier row stated another.
pub(super) fn content_length_of(data: &[u8], entry: &Entry, earlier: Option<usize>) -> Result<usize, Fault> {
    let length =
        number(entry.value(data), u32::MAX).map_err(|_| FaultKind::ContentLength.at(entry.value as usize))?;
    let length = length as usize;
    if earlier.is_some_and(|earlier| earlier != length) {
        return Err(FaultKind::ContentLengthConflict.at(entry.value as usize));
    }
    Ok(length)
}

/// The table while it grows.
pub(super) struct Table {
    usual: [Entry; USUAL],
    length: usize,
    spilt: Vec<Entry>,
}

impl Table {
    pub(super) fn new() -> Self {
        Self { usual: [Entry::EMPTY; USUAL], length: 0, spilt: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn push(&mut self, entry: Entry, limit: usize) {
        match self.usual.get_mut(self.length) {
            Some(place) => *place = entry,
            None => {
                if self.spilt.is_empty() {
                    self.spilt.reserve_exact(limit.min(4 * USUAL));
                    self.spilt.extend_from_slice(&self.usual);
                }
                self.spilt.push(entry);
            }
        }
        self.length += 1;
    }

    /// The rows. By reference, because the table is large and would be moved.
    pub(super) fn finish(&mut self) -> Vec<Entry> {
        if self.length <= USUAL {
            self.usual[..self.length].to_vec()
        } else {
            std::mem::take(&mut self.spilt)
        }
    }
}
