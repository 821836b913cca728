//! Words that are separated by a space; `"…"` holds what has spaces in it.

use std::borrow::Cow;
use std::fmt::Write;

/// A text as one word: as it is when it is a plain one, else in quotation marks.
pub(crate) fn word(text: &str) -> Cow<'_, str> {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '\\');
    if !text.is_empty() && text.chars().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            ' ' => quoted.push(' '),
            c if c.is_control() || c.is_whitespace() => {
                let _ = write!(quoted, "\\u{{{:x}}}", u32::from(c));
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    Cow::Owned(quoted)
}

/// The words of a line; `None` when a quotation mark or an escape is not ended.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut chars = line.chars().peekable();
    loop {
        while chars.next_if_eq(&' ').is_some() {}
        if chars.peek().is_none() {
            return Some(words);
        }
        let (mut word, mut quoted) = (String::new(), false);
        while let Some(c) = chars.next_if(|&c| quoted || c != ' ') {
            match c {
                '"' => quoted = !quoted,
                '\\' if quoted => word.push(escaped(&mut chars)?),
                c => word.push(c),
            }
        }
        if quoted {
            return None;
        }
        words.push(word);
    }
}

fn escaped(chars: &mut impl Iterator<Item = char>) -> Option<char> {
    match chars.next()? {
        c @ ('"' | '\\') => Some(c),
        'u' if chars.next()? == '{' => {
            let digits: String = chars.take_while(|&c| c != '}').take(7).collect();
            char::from_u32(u32::from_str_radix(&digits, 16).ok()?)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_words_are_left_alone() {
        assert_eq!(word("sip:a@b;c=d"), "sip:a@b;c=d");
        assert_eq!(word("a b\"\\\r\u{a0}"), "\"a b\\\"\\\\\\u{d}\\u{a0}\"");
        assert_eq!(split("a  host=\"b c\"d \"\""), Some(vec!["a".into(), "host=b cd".into(), String::new()]));
        for bad in ["\"", "\"\\", "\"\\x\"", "\"\\u{110000}\"", "\"\\u{", "\"\\u{}\""] {
            assert_eq!(split(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(texts in proptest::collection::vec(any::<String>(), 0..4)) {
            let line = texts.iter().map(|text| word(text)).collect::<Vec<_>>().join(" ");
            prop_assert!(!line.contains(['\n', '\r']));
            prop_assert_eq!(split(&line), Some(texts));
        }
    }
}
