//! A message: its bytes and a table of offsets.

mod check;
mod kept;
mod parse;
mod rows;
pub(crate) mod salvage;
mod start;
mod typed;

pub use rows::{Row, Rows, Values};

pub(crate) use parse::{Head, parse_head};
pub(crate) use rows::Entry;

use crate::{Fault, HeaderName, Limits, Method};
use bytes::Bytes;
use kept::Kept;
use rows::slice;
use start::Start;
use std::fmt;

/// A request or a response, as it was on the wire.
///
/// It is the bytes plus a table of ranges: nothing is copied, reordered, recased or dropped, and nothing
/// has to be UTF-8. Parsing allocates the table once; reading allocates nothing.
///
/// `Debug` shows the start line and the names of the headers, never their values: they hold credentials.
#[derive(Clone)]
pub struct Message {
    data: Bytes,
    rows: Vec<Entry>,
    start: Start,
    body: u32,
    /// Once it was checked.
    kept: Option<Kept>,
}

impl Message {
    /// Reads one whole message from a datagram (RFC 3261 §18.3): without Content-Length the body is the
    /// rest, a body shorter than Content-Length is a fault, and bytes after the body are dropped.
    pub fn parse(data: Bytes, limits: &Limits) -> Result<Self, Fault> {
        let head = parse_head(&data, limits)?;
        let length = head.datagram_length(data.len())?;
        Ok(Self::assemble(data, head, length))
    }

    /// The message of `length` bytes at the start of `data`.
    pub(crate) fn assemble(mut data: Bytes, head: Head, length: usize) -> Self {
        data.truncate(length);
        Self { data, rows: head.rows, start: head.start, body: head.body, kept: None }
    }

    /// The message as it was on the wire, without bytes after its body.
    pub fn bytes(&self) -> &Bytes {
        &self.data
    }

    /// Whether it is a request.
    pub fn is_request(&self) -> bool {
        self.start.status == 0
    }

    /// The method of a request.
    pub fn method(&self) -> Option<Method<'_>> {
        self.is_request().then(|| Method::from_bytes(slice(&self.data, 0, self.start.method_end)))
    }

    /// The Request-URI of a request.
    pub fn request_uri(&self) -> Option<&[u8]> {
        self.is_request().then(|| slice(&self.data, self.start.text, self.start.text_end))
    }

    /// The status code of a response.
    pub fn status(&self) -> Option<u16> {
        (!self.is_request()).then_some(self.start.status)
    }

    /// The reason phrase of a response; empty for a request.
    pub fn reason(&self) -> &[u8] {
        if self.is_request() { &[] } else { slice(&self.data, self.start.text, self.start.text_end) }
    }

    /// All rows in wire order.
    pub fn headers(&self) -> Rows<'_> {
        Rows { data: &self.data, rows: self.rows.iter() }
    }

    /// The value of the first row called `name`, trimmed; folding is left in.
    pub fn header(&self, name: HeaderName) -> Option<&[u8]> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.value(&self.data))
    }

    /// The values of all rows called `name`, one per row.
    pub fn rows(&self, name: HeaderName) -> impl Iterator<Item = &[u8]> + Clone {
        self.rows.iter().filter(move |row| row.name == name).map(|row| row.value(&self.data))
    }

    /// The comma-separated values of all rows called `name` (RFC 3261 §7.3.1).
    ///
    /// For headers that are lists. Commas in quotes and in angle brackets do not separate. The headers
    /// of challenges and credentials are not lists: use [`Message::rows`].
    pub fn values(&self, name: HeaderName) -> Values<'_> {
        Values { data: &self.data, rows: self.rows.iter(), name, rest: None }
    }

    /// The value of the first row called `name`, case-insensitively: for names without a
    /// [`HeaderName`].
    pub fn named(&self, name: &str) -> Option<&[u8]> {
        let known = HeaderName::from_bytes(name.as_bytes());
        if known != HeaderName::Other {
            return self.header(known);
        }
        self.headers().find(|row| row.raw_name.eq_ignore_ascii_case(name.as_bytes())).map(|row| row.value)
    }

    /// The body, sharing the memory of the message.
    pub fn body(&self) -> Bytes {
        self.data.slice(self.body as usize..)
    }

    /// The body.
    pub fn body_bytes(&self) -> &[u8] {
        &self.data[self.body as usize..]
    }

    /// The start line with its line end.
    pub(crate) fn start_line(&self) -> &[u8] {
        let end = self.rows.first().map_or(self.blank_line(), |row| row.start as usize);
        &self.data[..end]
    }

    /// The lines of row `index`, folding and line end included.
    pub(crate) fn lines(&self, index: usize) -> &[u8] {
        let end = self.rows.get(index + 1).map_or(self.blank_line(), |row| row.start as usize);
        &self.data[self.rows[index].start as usize..end]
    }

    /// Where the empty line starts.
    fn blank_line(&self) -> usize {
        self.body as usize - 2
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.rows
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.headers().map(|row| row.raw_name.escape_ascii().to_string()).collect::<Vec<_>>();
        let mut debug = f.debug_struct("Message");
        match self.status() {
            Some(status) => debug.field("status", &status),
            None => debug.field("method", &self.method()),
        };
        debug.field("headers", &names).field("body", &self.body_bytes().len()).finish()
    }
}

#[cfg(test)]
mod tests;
