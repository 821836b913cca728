//! Text on a page: what peers write stays text.

use std::fmt;

use offhook_wire::Instant;

use crate::scenario::Seconds;

/// Text with all that a browser would take for something else written out.
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

/// The lines of a text that is `width` characters wide, broken at spaces where there are some; at most `most`, the last one
/// with an ellipsis if there is more.
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
    fn what_a_peer_writes_stays_text() {
        let text = Escaped("<a href='x'>&\"\0\r\n").to_string();
        assert_eq!(text, "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\u{fffd}\n");
    }

    #[test]
    fn long_notes_are_broken_and_nothing_is_lost_but_what_the_last_line_says() {
        assert_eq!(wrap("waits for the peer", 10, 3), ["waits for", "the peer"]);
        assert_eq!(wrap("sip:alice@example.com", 8, 3), ["sip:alic", "e@exampl", "e.com"]);
        assert_eq!(wrap("one two three four", 5, 2), ["one", "two…"]);
        assert_eq!(wrap("abcdefghij", 5, 1), ["abcd…"]);
        assert_eq!(wrap("äöü äöü", 3, 2), ["äöü", "äöü"]);
        assert!(wrap(" ", 5, 2).is_empty());
    }
}
