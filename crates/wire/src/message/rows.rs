//! The table of rows and the ways to walk it.

use crate::HeaderName;
use crate::scan::{trim, value_end};
use std::slice::Iter;

/// Where one row is. Sixteen bytes; the lines end where the next row starts.
#[derive(Copy, Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: HeaderName,
    /// Whether the value is on one line and has no NUL, not even in a quoted pair.
    pub(crate) plain: bool,
    pub(crate) name_length: u16,
    pub(crate) start: u32,
    pub(crate) value: u32,
    pub(crate) value_end: u32,
}

impl Entry {
    pub(crate) const EMPTY: Self =
        Self { name: HeaderName::Other, plain: true, name_length: 0, start: 0, value: 0, value_end: 0 };

    pub(crate) fn value<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        slice(data, self.value, self.value_end)
    }

    fn raw_name<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        slice(data, self.start, self.start + u32::from(self.name_length))
    }
}

pub(crate) fn slice(data: &[u8], start: u32, end: u32) -> &[u8] {
    &data[start as usize..end as usize]
}

/// One row as it is written.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Row<'a> {
    /// Which header it is.
    pub name: HeaderName,
    /// The name as it is written.
    pub raw_name: &'a [u8],
    /// The value, trimmed; folding is left in.
    pub value: &'a [u8],
}

/// All rows of a message in wire order; from [`Message::headers`](crate::Message::headers).
#[derive(Clone, Debug)]
pub struct Rows<'a> {
    pub(super) data: &'a [u8],
    pub(super) rows: Iter<'a, Entry>,
}

impl<'a> Iterator for Rows<'a> {
    type Item = Row<'a>;

    fn next(&mut self) -> Option<Row<'a>> {
        let row = self.rows.next()?;
        Some(Row { name: row.name, raw_name: row.raw_name(self.data), value: row.value(self.data) })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.rows.size_hint()
    }
}

/// The comma-separated values of all rows of one name; from [`Message::values`](crate::Message::values).
///
/// A row without any value yields nothing; a value missing between two commas is yielded empty.
#[derive(Clone, Debug)]
pub struct Values<'a> {
    pub(super) data: &'a [u8],
    pub(super) rows: Iter<'a, Entry>,
    pub(super) name: HeaderName,
    /// What is left of the row at hand.
    pub(super) rest: Option<&'a [u8]>,
}

impl<'a> Iterator for Values<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let row = match self.rest.take() {
            Some(rest) => rest,
            None => self.next_row()?,
        };
        let end = value_end(row);
        self.rest = row.get(end + 1..);
        Some(trim(&row[..end]))
    }
}

impl<'a> Values<'a> {
    fn next_row(&mut self) -> Option<&'a [u8]> {
        let (name, data) = (self.name, self.data);
        self.rows
            .by_ref()
            .filter(|row| row.name == name)
            .map(|row| row.value(data))
            .find(|value| !value.is_empty())
    }
}
