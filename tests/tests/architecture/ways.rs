//! The ways of an INVITE and of a hold through the files, as tables of ARCHITECTURE.md.

use std::collections::BTreeSet;

/// What is wrong with the table after the line that begins with `title`: more than `most` files, a file that does not exist, or one that
/// does not share the named item with the next.
pub(crate) fn broken(
    text: &str,
    title: &str,
    most: usize,
    read: impl Fn(&str) -> Option<String>,
) -> Vec<String> {
    let rows: Vec<(&str, &str)> = rows(text, title);
    let files: BTreeSet<&str> = rows.iter().map(|(file, _)| *file).collect();
    let mut broken = Vec::new();
    if files.is_empty() || files.len() > most {
        broken.push(format!("`{title}`: {} files, at most {most}", files.len()));
    }
    for pair in rows.windows(2) {
        let ((file, item), (next, _)) = (pair[0], pair[1]);
        let (Some(one), Some(other)) = (read(file), read(next)) else {
            broken.push(format!("`{title}`: {file} or {next} does not exist"));
            continue;
        };
        let shares = |definer: &str, user: &str| defines(definer, item) && names(user, item);
        if !shares(&one, &other) && !shares(&other, &one) {
            broken.push(format!("`{title}`: {file} and {next} do not share `{item}`"));
        }
    }
    broken
}

fn rows<'a>(text: &'a str, title: &str) -> Vec<(&'a str, &'a str)> {
    let after = text.lines().skip_while(|line| !line.starts_with(title)).skip(1);
    let table = after.skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = table.skip(2).filter_map(|line| {
        let mut cells = line.split('|').map(|cell| cell.trim().trim_matches('`')).skip(1);
        Some((cells.next()?, cells.next()?))
    });
    cells.collect()
}

fn defines(source: &str, item: &str) -> bool {
    ["fn ", "enum ", "struct "].iter().any(|kind| {
        let declared = format!("{kind}{item}");
        source.match_indices(&declared).any(|(at, _)| ends(&source[at + declared.len()..]))
    })
}

fn names(source: &str, item: &str) -> bool {
    source.match_indices(item).any(|(at, _)| {
        let begins = source[..at].chars().next_back().is_none_or(|before| !is_part(before));
        begins && ends(&source[at + item.len()..])
    })
}

fn ends(rest: &str) -> bool {
    rest.chars().next().is_none_or(|after| !is_part(after))
}

fn is_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[test]
fn broken_ways_are_found() {
    let text =
        "From a:\n\n| file | item |\n|---|---|\n| `a.rs` | `one` |\n| `b.rs` | `two` |\n| `c.rs` | |\n";
    let read = |file: &str| match file {
        "a.rs" => Some("fn main() { one() }".to_owned()),
        "b.rs" => Some("fn one() {} fn twofold() {}".to_owned()),
        "c.rs" => Some("two()".to_owned()),
        _ => None,
    };
    assert_eq!(broken(text, "From a", 3, read), ["`From a`: b.rs and c.rs do not share `two`"]);
    assert_eq!(broken(text, "From a", 2, read).len(), 2);
    assert_eq!(broken(&text.replace("c.rs", "d.rs"), "From a", 3, read).len(), 1);
    assert_eq!(broken(text, "From b", 3, read).len(), 1);
}
