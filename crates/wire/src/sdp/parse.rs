//! From bytes to the model.

use std::borrow::Cow;

use sdp_types::{ParserError, Session};

use super::{MAX_LINES, MAX_MEDIA, MAX_TEXT, Outline, SdpError, SdpFault};

/// Reads a description. Lines may end in LF alone and have another order than that of RFC 8866 §5; unknown kinds of lines are
/// skipped; a line that is not UTF-8 is read as Latin-1, which old gateways use in `s=` and `i=`.
///
/// # Errors
/// [`SdpError`] with the line. Where this succeeds, [`Outline`] succeeds with the same result.
pub fn parse(text: &[u8]) -> Result<Session, SdpError> {
    let too_long = |line| SdpError { kind: SdpFault::TooLong, line };
    if text.len() > MAX_TEXT {
        return Err(too_long(0));
    }
    if memchr::memchr_iter(b'\n', text).count() > MAX_LINES {
        return Err(too_long(MAX_LINES as u32 + 1));
    }
    // The outline is the stricter reader of numbers, and it counts before anything is allocated.
    for (index, media) in Outline::parse(text)?.media().enumerate() {
        media?;
        if index >= MAX_MEDIA {
            return Err(too_long(0));
        }
    }
    Session::parse(&to_utf8(text)).map_err(error)
}

/// Lines that are not UTF-8 are read as Latin-1, the others are left alone.
fn to_utf8(text: &[u8]) -> Cow<'_, [u8]> {
    if std::str::from_utf8(text).is_ok() {
        return Cow::Borrowed(text);
    }
    let mut converted = Vec::with_capacity(text.len() + text.len() / 8);
    for line in text.split_inclusive(|&octet| octet == b'\n') {
        match std::str::from_utf8(line) {
            Ok(_) => converted.extend_from_slice(line),
            Err(_) => line.iter().for_each(|&octet| {
                converted.extend_from_slice(char::from(octet).encode_utf8(&mut [0; 2]).as_bytes());
            }),
        }
    }
    Cow::Owned(converted)
}

/// Keeps the line and the field and drops what the peer wrote.
#[allow(deprecated)] // Two of the variants are no longer made, but the match has to be exhaustive.
fn error(error: ParserError) -> SdpError {
    let (line, kind) = match error {
        ParserError::UnexpectedLine(line, _) | ParserError::InvalidLineFormat(line, _) => {
            (line, SdpFault::Line)
        }
        ParserError::InvalidFieldEncoding(line, field)
        | ParserError::InvalidFieldFormat(line, field)
        | ParserError::MissingField(line, field)
        | ParserError::FieldTrailingData(line, field) => (line, SdpFault::Field(field)),
        ParserError::InvalidVersion(line, _) => (line, SdpFault::Version),
        ParserError::NoVersion => (1, SdpFault::Version),
        ParserError::NoOrigin => (0, SdpFault::Field("origin")),
        ParserError::NoSessionName => (0, SdpFault::Field("session name")),
        ParserError::MultipleVersions(line) => (line, SdpFault::Repeated("version")),
        ParserError::MultipleOrigins(line) => (line, SdpFault::Repeated("origin")),
        ParserError::MultipleSessionNames(line) => (line, SdpFault::Repeated("session name")),
        ParserError::MultipleSessionDescription(line) => (line, SdpFault::Repeated("session information")),
        ParserError::MultipleUris(line) => (line, SdpFault::Repeated("URI")),
        ParserError::MultipleConnections(line) => (line, SdpFault::Repeated("connection")),
        ParserError::MultipleTimeZones(line) => (line, SdpFault::Repeated("time zone")),
        ParserError::MultipleMediaTitles(line) => (line, SdpFault::Repeated("media title")),
        ParserError::MultipleKeys(line) => (line, SdpFault::Repeated("key")),
        ParserError::RepeatWithoutTime(line) => (line, SdpFault::Field("repeat")),
    };
    SdpError { kind, line: line as u32 }
}
