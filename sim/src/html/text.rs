//! Escaping and wrapping of text.

use std::fmt;

use offhook_wire::Instant;

use crate::scenario::Seconds;

/// Text with HTML characters escaped.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\r' => {}
                '\n' | '\t' => write!(f, "{character}")?,
                character if character.is_control() => f.write_str("\u{fffd}")?,
                character => write!(f, "{character}")?,
            }
        }
        Ok(())
    }
}

/// Wraps text at spaces to lines of `width` characters; at most `most` lines, the last one with an ellipsis if there is more.
pub(super) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        let mut rest = word;
        loop {
            let length = lines.last().map_or(width, |line| line.chars().count());
            let room = width.saturating_sub(length + 1);
            if rest.chars().count() <= room {
                let line = lines.last_mut().expect("there is room in it");
                line.push(' ');
                line.push_str(rest);
                break;
            }
            let cut = rest.char_indices().nth(width).map_or(rest.len(), |(at, _)| at);
            lines.push(rest[..cut].to_owned());
            rest = &rest[cut..];
            if rest.is_empty() {
                break;
            }
        }
    }
    if lines.len() > most {
        lines.truncate(most);
        let last = lines.last_mut().expect("at least one line");
        let cut = last.char_indices().nth(width - 1).map_or(last.len(), |(at, _)| at);
        last.truncate(cut);
        last.push('…');
    }
    lines
}

/// A time of the world.
pub(super) fn time(at: Instant) -> String {
    Seconds(at.saturating_since(Instant::ZERO)).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn html_is_escaped() {
        let text = Escaped("<a href='x'>&\"\0\r\n").to_string();
        assert_eq!(text, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}\n");
    }

    #[test]
    fn long_text_is_wrapped_and_truncated() {
        assert_eq!(wrap("waits for the peer", 10, 3), ["waits for", "the peer"]);
        assert_eq!(wrap("sip:alice@example.com", 8, 3), ["sip:alic", "e@exampl", "e.com"]);
        assert_eq!(wrap("one two three four", 5, 2), ["one", "two…"]);
        assert_eq!(wrap("abcdefghij", 5, 1), ["abcd…"]);
        assert_eq!(wrap("äöü äöü", 3, 2), ["äöü", "äöü"]);
        assert!(wrap(" ", 5, 2).is_empty());
    }
}
