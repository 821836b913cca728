//! A minimal lexer for Rust: comments are removed, strings are one token each.

/// A word, a punctuation character, or a whole literal, and the line (from 1) on which it starts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) line: usize,
}

impl Token<'_> {
    /// The content of a plain string literal.
    pub(crate) fn literal(&self) -> Option<&str> {
        self.text.strip_prefix('"')?.strip_suffix('"')
    }
}

/// The tokens of a source text.
pub(crate) fn tokens(text: &str) -> Vec<Token<'_>> {
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (length, kept) = if rest.starts_with("//") {
            (rest.find('\n').unwrap_or(rest.len()), false)
        } else if rest.starts_with("/*") {
            (block_comment(rest), false)
        } else if let Some(length) = string(rest) {
            (length, true)
        } else if first == '_' || first.is_alphanumeric() {
            let is_word = |c: char| c == '_' || c.is_alphanumeric();
            (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        if kept {
            tokens.push(Token { text: &rest[..length], line });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    tokens
}

/// The length of the block comment that `text` starts with; they nest.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if text[at..].starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

/// The length of the string or character literal that `text` starts with, if it starts with one.
fn string(text: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        let after = text.strip_prefix(prefix).unwrap_or_default();
        after.starts_with('"') || after.starts_with('\'') || (prefix.ends_with('r') && after.starts_with('#'))
    })?;
    let body = &text[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = body.len() - body.trim_start_matches('#').len();
        let open = body[hashes..].strip_prefix('"')?;
        let close = format!("\"{}", "#".repeat(hashes));
        let inner = open.find(&close).unwrap_or(open.len().saturating_sub(close.len()));
        return Some(prefix.len() + hashes + 1 + inner + close.len());
    }
    let quote = body.chars().next()?;
    if quote == '\'' && is_lifetime(body) {
        return None;
    }
    let mut escaped = false;
    for (at, c) in body.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(prefix.len() + at + 1),
            _ => {}
        }
    }
    Some(text.len())
}

/// Distinguishes `'a` from `'a'`.
fn is_lifetime(text: &str) -> bool {
    let mut after = text.chars().skip(1);
    let (first, second) = (after.next(), after.next());
    first.is_some_and(|c| c == '_' || c.is_alphabetic()) && second != Some('\'')
}

/// Half-open ranges of token indices that hold test-only items, attributes included.
pub(crate) fn test_items(tokens: &[Token<'_>]) -> Vec<(usize, usize)> {
    let mut items = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if !is_test_attribute(&tokens[at..]) {
            at += 1;
            continue;
        }
        let end = end_of_item(tokens, at);
        items.push((at, end));
        at = end;
    }
    items
}

/// The tokens without test-only items.
pub(crate) fn without_tests<'a>(tokens: &[Token<'a>]) -> Vec<Token<'a>> {
    let items = test_items(tokens);
    let is_kept = |at: usize| !items.iter().any(|(start, end)| (*start..*end).contains(&at));
    (0..tokens.len()).filter(|at| is_kept(*at)).map(|at| tokens[at]).collect()
}

/// Whether `tokens` start with the words of `pattern`.
pub(crate) fn starts_with(tokens: &[Token<'_>], pattern: &[&str]) -> bool {
    tokens.len() >= pattern.len() && tokens.iter().zip(pattern).all(|(token, word)| token.text == *word)
}

fn is_test_attribute(tokens: &[Token<'_>]) -> bool {
    starts_with(tokens, &["#", "[", "cfg", "(", "test", ")", "]"])
        || starts_with(tokens, &["#", "[", "cfg", "(", "all", "(", "test", ","])
        || starts_with(tokens, &["#", "[", "test", "]"])
}

/// The index after the item whose first attribute starts at `start`: past its braces, or its semicolon.
fn end_of_item(tokens: &[Token<'_>], start: usize) -> usize {
    let mut depth = 0_i32;
    for (at, token) in tokens.iter().enumerate().skip(start) {
        match token.text {
            "{" | "(" | "[" => depth += 1,
            ")" | "]" => depth -= 1,
            "}" => {
                depth -= 1;
                if depth <= 0 {
                    let is_ended = tokens.get(at + 1).is_some_and(|next| next.text == ";");
                    return at + 1 + usize::from(is_ended);
                }
            }
            ";" if depth == 0 => return at + 1,
            _ => {}
        }
    }
    tokens.len()
}

#[test]
fn comments_are_removed_and_literals_are_single_tokens() {
    let text = "a // b\n/* c /* d */ e */ f(\"g \\\" h\", 'i', '\\'', b'\"', r#\"j \" k\"#, 'l) n\n::o";
    let read: Vec<_> = tokens(text).iter().map(|token| (token.text, token.line)).collect();
    let words: Vec<_> = read.iter().map(|(word, _)| *word).collect();
    assert_eq!(
        words,
        [
            "a",
            "f",
            "(",
            "\"g \\\" h\"",
            ",",
            "'i'",
            ",",
            "'\\''",
            ",",
            "b'\"'",
            ",",
            "r#\"j \" k\"#",
            ",",
            "'",
            "l",
            ")",
            "n",
            ":",
            ":",
            "o"
        ]
    );
    assert_eq!(read.first(), Some(&("a", 1)));
    assert_eq!(read.last(), Some(&("o", 3)));
}

#[test]
fn test_items_are_removed() {
    let text = "a();\n#[cfg(test)]\nmod tests { fn b() { c(); } }\n#[cfg(test)]\nuse x::{d, e};\nf();";
    let all = tokens(text);
    let words: String = without_tests(&all).iter().map(|token| token.text).collect();
    assert_eq!(words, "a();f();");
}
