//! Blocks of bytes that are mostly lines of text, as lines of text.
//!
//! `  |text` is a line that ends in CRLF, without control characters or trailing space; `  :text` is any other sequence of bytes, with
//! escapes and without an implied line end.

use bytes::Bytes;
use std::fmt::Write;

/// Ends the present line with the number of bytes, and appends them as lines.
pub(crate) fn write_bytes(out: &mut String, data: &[u8]) {
    let _ = writeln!(out, " {}", data.len());
    write_block(out, data);
}

/// Appends `data` as lines. [`Block`] reads them.
fn write_block(out: &mut String, data: &[u8]) {
    let mut rest = data;
    while !rest.is_empty() {
        let crlf = rest.windows(2).position(|two| two == b"\r\n");
        let line = &rest[..crlf.unwrap_or(rest.len())];
        let plain = std::str::from_utf8(line).ok().filter(|text| is_plain(text));
        match (crlf, plain) {
            (Some(_), Some(text)) => {
                let _ = writeln!(out, "  |{text}");
            }
            (ended, _) => {
                let end = line.len() + if ended.is_some() { 2 } else { 0 };
                out.push_str("  :");
                rest[..end].iter().for_each(|&byte| escape(out, byte));
                out.push('\n');
            }
        }
        rest = &rest[line.len() + if crlf.is_some() { 2 } else { 0 }..];
    }
}

fn is_plain(text: &str) -> bool {
    text.chars().all(|c| !c.is_control()) && !text.ends_with(char::is_whitespace)
}

fn escape(out: &mut String, byte: u8) {
    match byte {
        b'\\' => out.push_str("\\\\"),
        b'\r' => out.push_str("\\r"),
        b'\n' => out.push_str("\\n"),
        b'!'..=b'~' => out.push(char::from(byte)),
        _ => {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
}

/// A block that is being read. Its length precedes it, so that a missing line is detected.
pub(crate) struct Block {
    data: Vec<u8>,
    length: usize,
}

impl Block {
    /// The longest block: far longer than the longest message that any limit allows.
    const MAX_LENGTH: usize = 16 << 20;

    pub(crate) fn of(length: usize) -> Option<Self> {
        (length <= Self::MAX_LENGTH).then(|| Self { data: Vec::new(), length })
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.data.len() >= self.length
    }

    /// Adds the next line, without its line end. `None` if it does not belong to a block, or exceeds its length.
    pub(crate) fn line(&mut self, line: &str) -> Option<()> {
        if let Some(text) = line.strip_prefix("  |") {
            self.data.extend_from_slice(text.as_bytes());
            self.data.extend_from_slice(b"\r\n");
        } else {
            unescape(line.strip_prefix("  :")?, &mut self.data)?;
        }
        (self.data.len() <= self.length).then_some(())
    }

    pub(crate) fn finish(self) -> Bytes {
        self.data.into()
    }
}

fn unescape(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'\\' => match bytes.next()? {
                b'\\' => b'\\',
                b'r' => b'\r',
                b'n' => b'\n',
                b'x' => {
                    let mut digit = || char::from(bytes.next()?).to_digit(16);
                    u8::try_from(digit()? * 16 + digit()?).ok()?
                }
                _ => return None,
            },
            byte => byte,
        });
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(data: &[u8]) -> String {
        let mut text = String::new();
        write_block(&mut text, data);
        text
    }

    fn read(text: &str, length: usize) -> Option<Bytes> {
        let mut block = Block::of(length)?;
        text.lines().try_for_each(|line| block.line(line))?;
        block.is_whole().then(|| block.finish())
    }

    #[test]
    fn messages_stay_readable_and_nothing_is_lost() {
        let data = b"BYE sip:\xc3\xa4 SIP/2.0\r\n\r\nbare\nend \\ \r\n\xff\t\r";
        let text = written(data);
        assert_eq!(
            text,
            "  |BYE sip:\u{e4} SIP/2.0\n  |\n  :bare\\nend\\x20\\\\\\x20\\r\\n\n  :\\xff\\x09\\r\n"
        );
        assert_eq!(read(&text, data.len()).as_deref(), Some(&data[..]));
        assert_eq!(read(&text, data.len() + 1), None);
        assert_eq!(read(&text, data.len() - 1), None);
        for bad in ["  |a\nb", "  :\\", "  :\\q", "  :\\x1", "  :\\xg0"] {
            assert_eq!(read(bad, 3), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(data in proptest::collection::vec(
            prop_oneof![Just(b'\r'), Just(b'\n'), Just(b'\\'), Just(b' '), Just(b'a'), any::<u8>()], 0..40
        )) {
            let text = written(&data);
            prop_assert_eq!(read(&text, data.len()), Some(Bytes::from(data)));
        }
    }
}
