//! A page with the response to each message.

use std::env;
use std::fs;
use std::path::PathBuf;

use crate::case::Case;

/// If set, the pages are written instead of compared.
const WRITE: &str = "OFFHOOK_WRITE_DOCS";

/// Fails unless `docs/RFC.md` is up to date.
pub(crate) fn assert_true(rfc: &str, introduction: &str, cases: &[Case]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(rfc).with_extension("md");
    let text = text(introduction, cases);
    if env::var_os(WRITE).is_some() {
        return fs::write(&path, text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "{} is out of date; {WRITE}=1 has it written:\n{text}", path.display());
}

fn text(introduction: &str, cases: &[Case]) -> String {
    let mut right = 0;
    let mut rows = String::new();
    for case in cases {
        let (expected, actual) = (case.expected(), case.actual());
        let verdict = if expected == actual { "right" } else { "wrong" };
        right += usize::from(expected == actual);
        let Case { name, section, quote, .. } = case;
        let quote = plain(quote);
        rows += &format!("| `{name}` | {section} | {expected} | “{quote}” | {actual} | {verdict} |\n");
    }
    format!(
        "{introduction}\n{right} of {} are right.\n\n\
         | message | section | expected | because the RFC says | actual | verdict |\n|---|---|---|---|---|---|\n{rows}",
        cases.len()
    )
}

/// Escapes Markdown.
fn plain(text: &str) -> String {
    ['\\', '|', '<', '*', '_', '`', '[']
        .iter()
        .fold(text.to_owned(), |text, &special| text.replace(special, &format!("\\{special}")))
}
