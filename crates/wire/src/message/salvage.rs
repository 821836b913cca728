//! Reads enough of a refused request to answer it.

use super::parse::{Table, content_length_of, row};
use super::rows::Entry;
use super::start::Start;
use super::{HeaderName, Message};
use crate::scan::skip_token;
use crate::{Limits, Via};
use bytes::Bytes;
use memchr::memmem::find;

impl Message {
    /// Best effort for a request that [`Message::parse`] refused: the rows that can be read and an empty
    /// body, so that a 400 can be written (RFC 3261 §8.2.6.2, §16.3).
    ///
    /// `None` when no reply is possible or allowed: it is no request, it is an ACK, or the top Via has no usable
    /// sender. A reply to a request that lacks other mandatory rows lacks them too: it is matched by its
    /// branch (§17.1.3), and RFC 4475 §3.3.1 prefers it to none.
    pub fn salvage(data: Bytes, limits: &Limits) -> Option<Self> {
        let scanned = &data[..data.len().min(limits.head).min(u32::MAX as usize)];
        let line = find(scanned, b"\r\n")?;
        let start = request_start(&scanned[..line])?;
        let (rows, end) = salvage_rows(scanned, line + 2, limits);
        let body = end as u32;
        let salvaged =
            Self { data: data.slice(..end), rows: without_repetitions(rows), start, body, kept: None };
        // A reply is sent to the sender in the top Via (§18.2.2), whatever its parameters are.
        salvaged.header(HeaderName::Via).is_some_and(Via::has_sender).then_some(salvaged)
    }
}

/// Keeps the first of repeated rows that a reply copies and that may occur once.
fn without_repetitions(rows: Vec<Entry>) -> Vec<Entry> {
    let once = [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq];
    let mut seen = [false; 4];
    let first = |row: &Entry| match once.iter().position(|name| *name == row.name) {
        Some(at) => !std::mem::replace(&mut seen[at], true),
        None => true,
    };
    rows.into_iter().filter(first).collect()
}

/// The Content-Length of a refused head, from the readable rows: `None` when there is none, when it
/// is no number, or when two differ.
pub(crate) fn lenient_content_length(head: &[u8], limits: &Limits) -> Option<usize> {
    let (rows, _) = salvage_rows(head, find(head, b"\r\n")? + 2, limits);
    let mut stated = rows.iter().filter(|row| row.name == HeaderName::ContentLength);
    stated.try_fold(None, |earlier, row| content_length_of(head, row, earlier).map(Some)).ok().flatten()
}

/// A line that starts with a method is a request, whatever follows.
fn request_start(line: &[u8]) -> Option<Start> {
    let method_end = skip_token(line, 0);
    let is_status = line.get(..4).is_some_and(|word| word.eq_ignore_ascii_case(b"SIP/"));
    if method_end == 0 || line.get(method_end) != Some(&b' ') || is_status || &line[..method_end] == b"ACK" {
        return None;
    }
    Start::parse(line).ok().or_else(|| {
        let (method_end, text_end) = (method_end as u32, line.len() as u32);
        Some(Start { status: 0, version_two: true, method_end, text: method_end + 1, text_end })
    })
}

/// The readable rows, and the end of the head. An unreadable line is skipped together
/// with its continuation.
fn salvage_rows(data: &[u8], mut at: usize, limits: &Limits) -> (Vec<Entry>, usize) {
    let mut table = Table::new();
    while at < data.len() && !data[at..].starts_with(b"\r\n") && table.len() < limits.headers {
        match row(data, at) {
            Ok((entry, next)) => {
                table.push(entry, limits.headers);
                at = next;
            }
            Err(_) => match find(&data[at..], b"\r\n") {
                Some(end) => at += end + 2,
                None => return (table.finish(), data.len()),
            },
        }
    }
    let end = if data[at..].starts_with(b"\r\n") { at + 2 } else { at };
    (table.finish(), end)
}
