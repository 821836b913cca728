//! What [`Message::check`](super::Message::check) read, kept as ranges: the readers of a checked message parse nothing again.

use crate::{CSeq, Method, NameAddr, Params, Via};

/// The mandatory headers of a checked message.
#[derive(Copy, Clone)]
pub(super) struct Kept {
    via: KeptVia,
    from: KeptAddress,
    to: KeptAddress,
    call_id: Range,
    cseq: KeptCSeq,
}

impl Kept {
    /// Keeps what was read from `data`; `None` if a value is beyond the first 64 KiB. `cseq_row` is the whole value of CSeq.
    pub(super) fn new(
        data: &[u8],
        via: &Via<'_>,
        [from, to]: [&NameAddr<'_>; 2],
        call_id: &[u8],
        (cseq, cseq_row): (&CSeq<'_>, &[u8]),
    ) -> Option<Self> {
        Some(Self {
            via: KeptVia::new(data, via)?,
            from: KeptAddress::new(data, from)?,
            to: KeptAddress::new(data, to)?,
            call_id: Range::new(data, call_id)?,
            cseq: KeptCSeq::new(data, cseq, cseq_row)?,
        })
    }

    #[inline]
    pub(super) fn via<'a>(&self, data: &'a [u8]) -> Via<'a> {
        let KeptVia { transport, host, port, params, branch } = self.via;
        Via {
            transport: transport.of(data),
            host: host.of(data),
            port,
            params: Params::checked(params.of(data)),
            branch: branch.non_empty(data),
        }
    }

    #[inline]
    pub(super) fn from<'a>(&self, data: &'a [u8]) -> NameAddr<'a> {
        self.from.of(data)
    }

    #[inline]
    pub(super) fn to<'a>(&self, data: &'a [u8]) -> NameAddr<'a> {
        self.to.of(data)
    }

    #[inline]
    pub(super) fn call_id<'a>(&self, data: &'a [u8]) -> &'a [u8] {
        self.call_id.of(data)
    }

    #[inline]
    pub(super) fn cseq<'a>(&self, data: &'a [u8]) -> CSeq<'a> {
        CSeq { number: self.cseq.number, method: Method::from_bytes(self.cseq.method.of(data)) }
    }
}

#[derive(Copy, Clone)]
struct KeptVia {
    transport: Range,
    host: Range,
    port: Option<u16>,
    params: Range,
    branch: Range,
}

impl KeptVia {
    fn new(data: &[u8], via: &Via<'_>) -> Option<Self> {
        Some(Self {
            transport: Range::new(data, via.transport)?,
            host: Range::new(data, via.host)?,
            port: via.port,
            params: Range::new(data, via.params.raw())?,
            branch: Range::new(data, via.branch.unwrap_or_default())?,
        })
    }
}

#[derive(Copy, Clone)]
struct KeptAddress {
    uri: Range,
    params: Range,
    display: Range,
    tag: Range,
    raw: Range,
}

impl KeptAddress {
    fn new(data: &[u8], address: &NameAddr<'_>) -> Option<Self> {
        Some(Self {
            uri: Range::new(data, address.uri)?,
            params: Range::new(data, address.params.raw())?,
            display: Range::new(data, address.display)?,
            tag: Range::new(data, address.tag.unwrap_or_default())?,
            raw: Range::new(data, address.raw)?,
        })
    }

    #[inline]
    fn of<'a>(&self, data: &'a [u8]) -> NameAddr<'a> {
        NameAddr {
            uri: self.uri.of(data),
            params: Params::checked(self.params.of(data)),
            display: self.display.of(data),
            tag: self.tag.non_empty(data),
            raw: self.raw.of(data),
        }
    }
}

#[derive(Copy, Clone)]
struct KeptCSeq {
    number: u32,
    method: Range,
}

impl KeptCSeq {
    /// The method is the end of the value.
    fn new(data: &[u8], cseq: &CSeq<'_>, row: &[u8]) -> Option<Self> {
        let method = row.len().checked_sub(cseq.method.as_bytes().len())?;
        Some(Self { number: cseq.number, method: Range::new(data, &row[method..])? })
    }
}

/// Where a part of a message is, within its first 64 KiB.
#[derive(Copy, Clone)]
struct Range {
    start: u16,
    end: u16,
}

impl Range {
    const EMPTY: Self = Self { start: 0, end: 0 };

    /// The range of `part`, a slice of `data` or empty.
    fn new(data: &[u8], part: &[u8]) -> Option<Self> {
        if part.is_empty() {
            return Some(Self::EMPTY);
        }
        let start = part.as_ptr().addr().checked_sub(data.as_ptr().addr())?;
        let (start, end) = (u16::try_from(start).ok()?, u16::try_from(start + part.len()).ok()?);
        Some(Self { start, end })
    }

    /// The part. It does not panic, so that a reader that is inlined costs only the parts that are used.
    #[inline]
    fn of(self, data: &[u8]) -> &[u8] {
        data.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// The part, unless it is empty: for values that are never empty when they are there.
    #[inline]
    fn non_empty(self, data: &[u8]) -> Option<&[u8]> {
        (self.start < self.end).then(|| self.of(data))
    }
}
