//! What a description decides, read in one pass without an allocation.

use memchr::memchr;

use super::{Direction, MAX_TEXT, SdpError, SdpFault};

/// The session's part of a description; [`media`](Outline::media) reads on.
///
/// It accepts a little more than [`parse`](super::parse()): lines that decide nothing are not looked at.
#[derive(Copy, Clone, Debug)]
pub struct Outline<'a> {
    origin: Option<&'a [u8]>,
    session: Part<'a>,
    /// Everything from the first `m=` on.
    rest: Lines<'a>,
}

/// One `m=` line with its lines.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct MediaOutline<'a> {
    /// `audio`, `video`, `image` …
    pub kind: &'a [u8],
    /// Where to send to; zero refuses the stream (RFC 3264 §6).
    pub port: u16,
    /// `RTP/AVP`, `UDP/TLS/RTP/SAVPF` …
    pub proto: &'a [u8],
    /// The payload types or other formats, separated by spaces, the preferred first.
    pub formats: &'a [u8],
    /// Of the stream, else of the session, else both ways.
    pub direction: Direction,
    /// `c=` is `0.0.0.0`: hold as RFC 2543 did it (RFC 3264 §8.4). Not so with ICE, where that address says that the candidates come
    /// later (RFC 8840 §4.1.1).
    pub held_by_address: bool,
    /// The payload type of the first `telephone-event` among the formats (RFC 4733).
    pub telephone_event: Option<u8>,
}

impl<'a> MediaOutline<'a> {
    /// `m=<media> <port>[/<count>] <proto> <fmt> …` (RFC 8866 §5.14), with defaults for its attributes.
    fn of_line(line: &'a [u8]) -> Option<MediaOutline<'a>> {
        let (kind, rest) = word(line.strip_prefix(b"m=")?)?;
        let (port, rest) = leading_number(rest)?;
        // A number of ports, which only media other than audio have.
        let rest = match rest.strip_prefix(b"/") {
            Some(count) => leading_number(count)?.1,
            None => rest,
        };
        let (proto, formats) = word(rest.strip_prefix(b" ")?)?;
        Some(MediaOutline {
            kind,
            port: u16::try_from(port).ok()?,
            proto,
            formats,
            direction: Direction::default(),
            held_by_address: false,
            telephone_event: None,
        })
    }

    /// Whether the stream is refused or was removed.
    pub fn is_refused(&self) -> bool {
        self.port == 0
    }

    /// The direction, including a hold by address (RFC 2543).
    pub fn effective_direction(&self) -> Direction {
        match self.held_by_address {
            // "Do not send to me" (RFC 3264 §8.4); the peer may go on sending.
            true => self.direction.meet(Direction::SendOnly),
            false => self.direction,
        }
    }
}

impl<'a> Outline<'a> {
    /// Reads up to the first `m=` line.
    ///
    /// # Errors
    /// [`SdpFault::TooLong`] and [`SdpFault::Version`].
    pub fn parse(text: &'a [u8]) -> Result<Outline<'a>, SdpError> {
        if text.len() > MAX_TEXT {
            return Err(SdpError { kind: SdpFault::TooLong, line: 0 });
        }
        let mut lines = Lines { text, at: 0 };
        if lines.next() != Some(b"v=0") {
            return Err(SdpError { kind: SdpFault::Version, line: 1 });
        }
        let (mut origin, mut session, mut start) = (None, Part::default(), lines.at);
        while let Some(line) = lines.next() {
            match line {
                [b'm', b'=', ..] => break,
                [b'o', b'=', value @ ..] => origin = origin.or(Some(value)),
                [b'c', b'=', value @ ..] => session.connection = Some(value),
                [b'a', b'=', attribute @ ..] => session.read(attribute),
                _ => {}
            }
            start = lines.at;
        }
        Ok(Outline { origin, session, rest: Lines { text, at: start } })
    }

    /// The number that `o=` raises by one with each change (RFC 3264 §8). `None` if it is missing or unreadable.
    pub fn version(&self) -> Option<u64> {
        let mut fields = self.origin?.split(|&octet| octet == b' ').filter(|field| !field.is_empty());
        leading_number(fields.nth(2)?).filter(|(_, rest)| rest.is_empty()).map(|(version, _)| version)
    }

    /// The media, in order: an answer has as many (RFC 3264 §6). The iterator ends after an error.
    pub fn media(&self) -> MediaOutlines<'a> {
        MediaOutlines { session: self.session, lines: self.rest }
    }

    /// The first audio that is not refused, else the first audio.
    ///
    /// # Errors
    /// An unreadable `m=` line, wherever it is.
    pub fn audio(&self) -> Result<Option<MediaOutline<'a>>, SdpError> {
        let mut best: Option<MediaOutline<'a>> = None;
        for media in self.media() {
            let media = media?;
            if media.kind == b"audio" && best.is_none_or(|best| best.is_refused() && !media.is_refused()) {
                best = Some(media);
            }
        }
        Ok(best)
    }
}

/// The iterator of [`Outline::media`].
#[derive(Clone, Debug)]
pub struct MediaOutlines<'a> {
    session: Part<'a>,
    lines: Lines<'a>,
}

impl<'a> Iterator for MediaOutlines<'a> {
    type Item = Result<MediaOutline<'a>, SdpError>;

    fn next(&mut self) -> Option<Self::Item> {
        let lines = &mut self.lines;
        let line = lines.next()?;
        let Some(mut media) = MediaOutline::of_line(line) else {
            let line = lines.number();
            lines.at = lines.text.len();
            return Some(Err(SdpError { kind: SdpFault::Field("media"), line }));
        };
        let mut part = Part { direction: None, ..self.session };
        let mut start = lines.at;
        while let Some(line) = lines.next() {
            match line {
                [b'm', b'=', ..] => {
                    lines.at = start;
                    break;
                }
                [b'c', b'=', value @ ..] => part.connection = Some(value),
                [b'a', b'=', b'r', b't', map @ ..] if media.telephone_event.is_none() => {
                    media.telephone_event = telephone_event_of(map, media.formats);
                }
                [b'a', b'=', attribute @ ..] => part.read(attribute),
                _ => {}
            }
            start = lines.at;
        }
        media.direction = part.direction.or(self.session.direction).unwrap_or_default();
        media.held_by_address = !part.ice && part.connection.is_some_and(is_hold);
        Some(Ok(media))
    }
}

/// The attributes that the session and a stream may have.
#[derive(Copy, Clone, Debug, Default)]
struct Part<'a> {
    direction: Option<Direction>,
    connection: Option<&'a [u8]>,
    ice: bool,
}

impl Part<'_> {
    #[inline]
    fn read(&mut self, attribute: &[u8]) {
        if let Some(direction) = Direction::from_name(attribute) {
            self.direction = self.direction.or(Some(direction));
        } else if attribute.starts_with(b"ice-ufrag:") {
            self.ice = true;
        }
    }
}

fn is_hold(connection: &[u8]) -> bool {
    connection.trim_ascii_end().ends_with(b" 0.0.0.0")
}

/// What follows `a=rt`: `pmap:<payload type> <encoding>/<clock>`.
fn telephone_event_of(line: &[u8], formats: &[u8]) -> Option<u8> {
    let map = line.strip_prefix(b"pmap:")?;
    let (payload_type, rest) = leading_number(map)?;
    let encoding = rest.strip_prefix(b" ")?.trim_ascii_start();
    // One octet decides for nearly all other encodings.
    if !matches!(encoding, [b't' | b'T', ..]) {
        return None;
    }
    if !encoding.get(..16)?.eq_ignore_ascii_case(b"telephone-event/") {
        return None;
    }
    let digits = &map[..map.len() - rest.len()];
    let listed = formats.split(|&octet| octet == b' ').any(|format| format == digits);
    u8::try_from(payload_type).ok().filter(|_| listed)
}

/// Up to the first space, and what follows it.
#[inline]
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = text.iter().position(|&octet| octet == b' ')?;
    Some((&text[..end], &text[end + 1..]))
}

/// Decimal digits, at least one and without a sign, and what follows them.
#[inline]
fn leading_number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut value, mut rest) = (0u64, text);
    while let [digit @ b'0'..=b'9', after @ ..] = rest {
        value = value.checked_mul(10)?.checked_add(u64::from(digit - b'0'))?;
        rest = after;
    }
    (rest.len() < text.len()).then_some((value, rest))
}

/// Lines end in CRLF or LF; empty ones are passed over.
#[derive(Copy, Clone, Debug)]
struct Lines<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    #[inline]
    fn next(&mut self) -> Option<&'a [u8]> {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let end = memchr(b'\n', rest).unwrap_or(rest.len());
            self.at += end + 1;
            let line = &rest[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if !line.is_empty() {
                return Some(line);
            }
        }
        None
    }

    /// The number of the line that was read last, counted from one.
    fn number(&self) -> u32 {
        let read = &self.text[..self.text.len().min(self.at.saturating_sub(1))];
        1 + read.iter().filter(|&&octet| octet == b'\n').count() as u32
    }
}
