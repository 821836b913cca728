//! Whether a message means anything.

use super::Message;
use crate::{Fault, FaultKind, HeaderError, HeaderName, Scheme, Uri};

impl Message {
    /// Checks the meaning of the whole: the version, the Request-URI, the mandatory headers, each present
    /// once and readable, and a CSeq of the same method as the request (RFC 3261 §8.1.1, §16.3).
    ///
    /// Max-Forwards may be missing and a branch need not have the magic cookie: RFC 2543 had neither, and
    /// §16.3 requires no more.
    pub fn check(&self) -> Result<(), Fault> {
        if !self.start.version_two {
            return Err(FaultKind::Version.at(0));
        }
        if let Some(uri) = self.request_uri() {
            self.check_request_uri(uri)?;
        }
        self.check_repetition()?;
        self.via().map_err(|error| self.fault(error))?;
        self.from().map_err(|error| self.fault(error))?;
        self.to().map_err(|error| self.fault(error))?;
        self.call_id().map_err(|error| self.fault(error))?;
        let cseq = self.cseq().map_err(|error| self.fault(error))?;
        self.max_forwards().map_err(|error| self.fault(error))?;
        if self.method().is_some_and(|method| method != cseq.method) {
            return Err(FaultKind::MethodMismatch.at(self.offset_of(HeaderName::CSeq)));
        }
        Ok(())
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

    /// These occur at most once (RFC 3261 §7.3.1, §20).
    fn check_repetition(&self) -> Result<(), Fault> {
        let mut seen = 0u8;
        for row in &self.rows {
            let bit = match row.name {
                HeaderName::From => 1,
                HeaderName::To => 2,
                HeaderName::CallId => 4,
                HeaderName::CSeq => 8,
                HeaderName::MaxForwards => 16,
                _ => continue,
            };
            if seen & bit != 0 {
                return Err(FaultKind::Repeated(row.name).at(row.start as usize));
            }
            seen |= bit;
        }
        Ok(())
    }

    fn fault(&self, error: HeaderError) -> Fault {
        match error.kind {
            crate::SyntaxKind::Missing if self.header(error.header).is_none() => {
                FaultKind::Missing(error.header).at(self.blank_line())
            }
            _ => FaultKind::Header(error).at(self.offset_of(error.header) + error.offset as usize),
        }
    }

    fn offset_of(&self, header: HeaderName) -> usize {
        self.rows.iter().find(|row| row.name == header).map_or(0, |row| row.value as usize)
    }
}
