//! Checks that the quoted passages are in the RFC.
//!
//! `RFC/quotes.txt` holds the quoted passages as printed, below the numbers of their sections. The RFCs themselves are not part of this
//! repository; if they exist in `../shared/rfc`, the passages are compared with them.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::case::{Case, folder};

/// The words of each section, by its number.
type Sections = BTreeMap<String, String>;

/// Fails unless each case quotes a passage of its section, and each passage is in the RFC, if that is available.
pub(crate) fn assert_quoted(rfc: &str, cases: &[Case]) {
    let path = folder(rfc).join("quotes.txt");
    let quotes = sections(&fs::read_to_string(&path).unwrap());
    for case in cases {
        let section = quotes.get(case.section).map_or("", String::as_str);
        assert!(section.contains(case.quote), "{}: {} is not in {}", case.name, case.quote, path.display());
    }
    let full = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/rfc").join(rfc);
    let Ok(full) = fs::read_to_string(full.with_extension("txt")) else { return };
    let full = sections(&full);
    for (number, passages) in quotes {
        for passage in passages.split(" […] ") {
            assert!(full[&number].contains(passage), "{rfc} §{number} does not say: {passage}");
        }
    }
}

/// Reads a text whose sections begin with their number and a dot. White space becomes one blank; page headers and footers are
/// left out.
fn sections(text: &str) -> Sections {
    let mut sections = Sections::new();
    let mut words: Vec<&str> = Vec::new();
    let mut number = String::new();
    let is_furniture =
        |line: &str| line.trim_start_matches('\x0c').starts_with("RFC ") || line.contains("[Page ");
    for line in text.lines().filter(|line| !is_furniture(line)) {
        if let Some(next) = heading(line) {
            sections.insert(std::mem::replace(&mut number, next.to_owned()), words.join(" "));
            words.clear();
        } else {
            words.extend(line.split_whitespace());
        }
    }
    sections.insert(number, words.join(" "));
    sections
}

/// The number of the section that this line begins.
fn heading(line: &str) -> Option<&str> {
    let number = line.split_whitespace().next()?.strip_suffix('.')?;
    let is_number = number.split('.').all(|part| part.parse::<u8>().is_ok());
    (is_number && line.starts_with(number)).then_some(number)
}

#[test]
fn sections_are_separated() {
    let text = "3.  Three\n\n   one\n   two\n\nAuthors    [Page 1]\n\x0cRFC 1   May\n\n   three\n3.1. Sub\n   4. four\n";
    let expected = [("", ""), ("3", "one two three"), ("3.1", "4. four")];
    let expected = expected.map(|(number, words)| (number.to_owned(), words.to_owned()));
    assert_eq!(sections(text), Sections::from(expected));
}
