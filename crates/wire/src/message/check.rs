//! Whether a message means anything.

use super::kept::Kept;
use super::rows::Entry;
use super::typed::{read_call_id, read_max_forwards, read_via};
use super::{HeaderName, Message};
use crate::{CSeq, Fault, FaultKind, NameAddr, Scheme, Uri, ValueError};

impl Message {
    /// Checks the meaning of the whole: the version, the Request-URI, the mandatory headers, each present
    /// once and readable, and a CSeq of the same method as the request (RFC 3261 §8.1.1, §16.3).
    ///
    /// Max-Forwards may be missing and a branch need not have the magic cookie: RFC 2543 had neither, and
    /// §16.3 requires no more.
    ///
    /// It keeps where the parts of the mandatory headers are: their readers parse nothing again afterwards.
    pub fn check(&mut self) -> Result<(), Fault> {
        self.kept = self.read_mandatory()?;
        Ok(())
    }

    fn read_mandatory(&self) -> Result<Option<Kept>, Fault> {
        if !self.start.version_two {
            return Err(FaultKind::Version.at(0));
        }
        if let Some(uri) = self.request_uri() {
            self.check_request_uri(uri)?;
        }
        let rows = self.mandatory_rows()?;
        let (via, _) = self.read(HeaderName::Via, rows.via, read_via)?;
        let (from, _) = self.read(HeaderName::From, rows.from, NameAddr::parse)?;
        let (to, _) = self.read(HeaderName::To, rows.to, NameAddr::parse)?;
        let (call_id, _) = self.read(HeaderName::CallId, rows.call_id, read_call_id)?;
        let (cseq, cseq_row) = self.read(HeaderName::CSeq, rows.cseq, CSeq::parse)?;
        if rows.max_forwards.is_some() {
            self.read(HeaderName::MaxForwards, rows.max_forwards, read_max_forwards)?;
        }
        if self.method().is_some_and(|method| method != cseq.method) {
            return Err(FaultKind::MethodMismatch.at(rows.cseq.map_or(0, |row| row.value as usize)));
        }
        Ok(Kept::new(&self.data, &via, [&from, &to], call_id, (&cseq, cseq_row)))
    }

    fn check_request_uri(&self, uri: &[u8]) -> Result<(), Fault> {
        let offset = self.start.text as usize;
        let parsed =
            Uri::parse(uri).map_err(|error| FaultKind::RequestUri.at(offset + error.offset as usize))?;
        // Headers are not allowed there (RFC 3261 §19.1.1 table 1, RFC 4475 §3.1.2.11).
        if matches!(parsed.scheme, Scheme::Sip | Scheme::Sips) && !parsed.query.is_empty() {
            return Err(FaultKind::RequestUri.at(offset));
        }
        Ok(())
    }

    /// The first row of each header that is checked. All but Via occur at most once (RFC 3261 §7.3.1, §20).
    fn mandatory_rows(&self) -> Result<MandatoryRows<'_>, Fault> {
        let mut rows = MandatoryRows::default();
        for row in &self.rows {
            let place = match row.name {
                HeaderName::Via => {
                    rows.via.get_or_insert(row);
                    continue;
                }
                HeaderName::From => &mut rows.from,
                HeaderName::To => &mut rows.to,
                HeaderName::CallId => &mut rows.call_id,
                HeaderName::CSeq => &mut rows.cseq,
                HeaderName::MaxForwards => &mut rows.max_forwards,
                _ => continue,
            };
            if place.replace(row).is_some() {
                return Err(FaultKind::Repeated(row.name).at(row.start as usize));
            }
        }
        Ok(rows)
    }

    /// What `parse` reads from `row`, and the whole value.
    fn read<'a, T>(
        &'a self,
        header: HeaderName,
        row: Option<&Entry>,
        parse: impl FnOnce(&'a [u8]) -> Result<T, ValueError>,
    ) -> Result<(T, &'a [u8]), Fault> {
        let row = row.ok_or_else(|| FaultKind::Missing(header).at(self.blank_line()))?;
        let value = row.value(&self.data);
        let read = parse(value).map_err(|error| {
            let offset = row.value as usize + error.offset as usize;
            FaultKind::Header(error.of(header)).at(offset)
        })?;
        Ok((read, value))
    }
}

#[derive(Default)]
struct MandatoryRows<'a> {
    via: Option<&'a Entry>,
    from: Option<&'a Entry>,
    to: Option<&'a Entry>,
    call_id: Option<&'a Entry>,
    cseq: Option<&'a Entry>,
    max_forwards: Option<&'a Entry>,
}
