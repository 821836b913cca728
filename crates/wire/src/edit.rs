//! Changing a message without touching the rest of it.

use crate::build::{put_content_length, put_start_word, put_value};
use crate::scan::value_end;
use crate::{HeaderName, Message};
use bytes::{BufMut, Bytes};

/// A message with changes laid over it, for proxies: what was not changed is written as it came, byte by
/// byte and in its order.
///
/// Rows that were added are found by later changes like any other. Values are put on one line, so no value
/// can add a header.
#[derive(Clone, Debug)]
pub struct Editor<'m> {
    message: &'m Message,
    start: Option<Vec<u8>>,
    /// The rows as they will be, once one of them has changed.
    rows: Option<Vec<Slot>>,
    body: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Slot {
    /// Row number such of the message, as it is.
    Kept(usize),
    /// An added row. The value may be empty.
    Ours(HeaderName, Vec<u8>),
}

impl<'m> Editor<'m> {
    /// No changes yet.
    pub fn new(message: &'m Message) -> Self {
        Self { message, start: None, rows: None, body: None }
    }

    /// Replaces the Request-URI of a request; a response has none, and stays as it is.
    pub fn request_uri(&mut self, uri: &[u8]) -> &mut Self {
        if let Some(method) = self.message.method() {
            let mut line = Vec::with_capacity(uri.len() + 32);
            put_start_word(&mut line, method.as_bytes());
            line.push(b' ');
            put_start_word(&mut line, uri);
            line.extend_from_slice(b" SIP/2.0\r\n");
            self.start = Some(line);
        }
        self
    }

    /// Adds a row before the first one of its name; where there is none, after the last Via; a first Via goes
    /// to the top.
    pub fn prepend(&mut self, name: HeaderName, value: &[u8]) -> &mut Self {
        let at = self.position(name).unwrap_or_else(|| {
            let names = self.names();
            names
                .iter()
                .rposition(|&other| other == HeaderName::Via && name != HeaderName::Via)
                .map_or(0, |via| via + 1)
        });
        self.rows_mut().insert(at, Slot::Ours(name, value.to_vec()));
        self
    }

    /// Adds a row after the last one of its name, or at the end.
    pub fn append(&mut self, name: HeaderName, value: &[u8]) -> &mut Self {
        let names = self.names();
        let at = names.iter().rposition(|&other| other == name).map_or(names.len(), |last| last + 1);
        self.rows_mut().insert(at, Slot::Ours(name, value.to_vec()));
        self
    }

    /// Leaves exactly one row of this name, where the first one was, or at the end.
    pub fn set(&mut self, name: HeaderName, value: &[u8]) -> &mut Self {
        let at = self.position(name);
        self.remove_all(name);
        let rows = self.rows_mut();
        let at = at.unwrap_or(rows.len());
        rows.insert(at, Slot::Ours(name, value.to_vec()));
        self
    }

    /// Removes all rows of this name.
    pub fn remove_all(&mut self, name: HeaderName) -> &mut Self {
        let message = self.message;
        self.rows_mut().retain(|slot| slot.name(message) != name);
        self
    }

    /// Removes the first value of the first row of this name, and the row when that was its only one.
    pub fn remove_first_value(&mut self, name: HeaderName) -> &mut Self {
        self.change_first_value(name, None)
    }

    /// Replaces the first value of the first row of this name.
    pub fn replace_first_value(&mut self, name: HeaderName, value: &[u8]) -> &mut Self {
        self.change_first_value(name, Some(value))
    }

    /// Replaces the body and Content-Length. An empty body removes the Content-Type.
    pub fn body(&mut self, content_type: &str, body: &[u8]) -> &mut Self {
        self.remove_all(HeaderName::ContentLength);
        if body.is_empty() {
            self.remove_all(HeaderName::ContentType);
        } else {
            self.set(HeaderName::ContentType, content_type.as_bytes());
        }
        self.body = Some(body.to_vec());
        self
    }

    /// The message with its changes.
    pub fn finish(&self) -> Bytes {
        let added = self.rows.iter().flatten().map(|slot| match slot {
            Slot::Kept(_) => 0,
            Slot::Ours(name, value) => name.canonical().len() + value.len() + 4,
        });
        let body = self.body.as_ref().map_or(0, |body| body.len() + 40);
        let start = self.start.as_ref().map_or(0, Vec::len);
        let mut out = Vec::with_capacity(self.message.bytes().len() + added.sum::<usize>() + body + start);
        self.write(&mut out);
        out.into()
    }

    /// Appends the message with its changes to `out`. Allocates nothing when `out` has room.
    pub fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.start.as_deref().unwrap_or(self.message.start_line()));
        match &self.rows {
            None => (0..self.message.entries().len())
                .for_each(|row| out.extend_from_slice(self.message.lines(row))),
            Some(rows) => rows.iter().for_each(|slot| self.write_row(slot, out)),
        }
        match &self.body {
            None => {
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(self.message.body_bytes());
            }
            Some(body) => {
                put_content_length(out, body.len());
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(body);
            }
        }
    }

    fn write_row(&self, slot: &Slot, out: &mut Vec<u8>) {
        match slot {
            Slot::Kept(row) => out.extend_from_slice(self.message.lines(*row)),
            Slot::Ours(name, value) => {
                out.put_slice(name.canonical().as_bytes());
                out.put_slice(b": ");
                put_value(out, value);
                out.put_slice(b"\r\n");
            }
        }
    }

    fn change_first_value(&mut self, name: HeaderName, value: Option<&[u8]>) -> &mut Self {
        let Some(at) = self.position(name) else { return self };
        let message = self.message;
        let rows = self.rows_mut();
        let old = match &rows[at] {
            Slot::Kept(row) => message.entries()[*row].value(message.bytes()),
            Slot::Ours(_, value) => value,
        };
        let rest = old.get(value_end(old) + 1..).map(crate::scan::trim);
        let new = match (value, rest) {
            (Some(value), Some(rest)) => [value, b", ", rest].concat(),
            (Some(only), None) | (None, Some(only)) => only.to_vec(),
            (None, None) => {
                rows.remove(at);
                return self;
            }
        };
        rows[at] = Slot::Ours(name, new);
        self
    }

    fn rows_mut(&mut self) -> &mut Vec<Slot> {
        let count = self.message.entries().len();
        self.rows.get_or_insert_with(|| (0..count).map(Slot::Kept).collect())
    }

    fn names(&mut self) -> Vec<HeaderName> {
        let message = self.message;
        self.rows_mut().iter().map(|slot| slot.name(message)).collect()
    }

    fn position(&mut self, name: HeaderName) -> Option<usize> {
        let message = self.message;
        self.rows_mut().iter().position(|slot| slot.name(message) == name)
    }
}

impl Slot {
    fn name(&self, message: &Message) -> HeaderName {
        match self {
            Self::Kept(row) => message.entries()[*row].name,
            Self::Ours(name, _) => *name,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    const REQUEST: &[u8] =
        b"INVITE sip:bob@b SIP/2.0\r\nVIA : SIP/2.0/UDP p;branch=2 ,\r\n SIP/2.0/UDP a;branch=1\r\n\
        Max-Forwards: 70\r\nroute: <sip:p;lr>\r\nRoute: <sip:q,r;lr>, <sip:s;lr>\r\nTo:<sip:bob@b>\r\n\
        From: <sip:alice@a>;tag=1\r\nX-Odd:\t\xff\xfe \r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nl: 2\r\n\r\nhi";

    fn message() -> Message {
        Message::parse(Bytes::from_static(REQUEST), &Limits::default()).unwrap()
    }

    #[test]
    fn unchanged_message_is_written_as_received() {
        assert_eq!(Editor::new(&message()).finish(), REQUEST);
    }

    #[test]
    fn changes_of_a_proxy_keep_the_rest() {
        let message = message();
        let mut editor = Editor::new(&message);
        editor.request_uri(b"sip:bob@192.0.2.1").prepend(HeaderName::Via, b"SIP/2.0/TCP x;branch=3");
        editor.set(HeaderName::MaxForwards, b"69").remove_first_value(HeaderName::Route);
        editor.prepend(HeaderName::RecordRoute, b"<sip:x;lr>");
        let expected = b"INVITE sip:bob@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/TCP x;branch=3\r\n\
            VIA : SIP/2.0/UDP p;branch=2 ,\r\n SIP/2.0/UDP a;branch=1\r\nRecord-Route: <sip:x;lr>\r\nMax-Forwards: 69\r\n\
            Route: <sip:q,r;lr>, <sip:s;lr>\r\nTo:<sip:bob@b>\r\n\
            From: <sip:alice@a>;tag=1\r\nX-Odd:\t\xff\xfe \r\nCall-ID: x\r\nCSeq: 1 INVITE\r\nl: 2\r\n\r\nhi";
        assert_eq!(editor.finish().escape_ascii().to_string(), expected.escape_ascii().to_string());
    }

    #[test]
    fn values_are_taken_one_by_one() {
        let message = message();
        let mut editor = Editor::new(&message);
        editor.remove_first_value(HeaderName::Via).remove_first_value(HeaderName::Route);
        editor
            .replace_first_value(HeaderName::Route, b"<sip:new;lr>")
            .remove_first_value(HeaderName::Contact);
        let edited = Message::parse(editor.finish(), &Limits::default()).unwrap();
        assert_eq!(
            edited.vias().map(|via| via.unwrap().branch().unwrap().to_vec()).collect::<Vec<_>>(),
            [b"1"]
        );
        let routes: Vec<_> = edited.values(HeaderName::Route).collect();
        assert_eq!(routes, [&b"<sip:new;lr>"[..], b"<sip:s;lr>"]);
        let mut editor = Editor::new(&edited);
        editor.remove_first_value(HeaderName::Via);
        assert_eq!(Message::parse(editor.finish(), &Limits::default()).unwrap().vias().count(), 0);
    }

    #[test]
    fn new_body_sets_content_length() {
        let message = message();
        let edited = Editor::new(&message).body("text/plain", b"longer").finish();
        let edited = Message::parse(edited, &Limits::default()).unwrap();
        assert_eq!((edited.body_bytes(), edited.content_type()), (&b"longer"[..], Some(&b"text/plain"[..])));
        let emptied = Editor::new(&edited).body("text/plain", b"").finish();
        let emptied = Message::parse(emptied, &Limits::default()).unwrap();
        assert_eq!((emptied.content_length(), emptied.content_type()), (Ok(Some(0)), None));
    }

    #[test]
    fn value_cannot_add_a_header() {
        let message = message();
        let edited = Editor::new(&message).append(HeaderName::Subject, b"a\r\nEvil: 1").finish();
        let edited = Message::parse(edited, &Limits::default()).unwrap();
        assert_eq!(edited.header(HeaderName::Subject), Some(&b"a Evil: 1"[..]));
        assert_eq!(edited.headers().count(), message.headers().count() + 1);
    }
}
