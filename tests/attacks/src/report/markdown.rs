//! The tables of `docs/robustness.md`.

/// The lines around the tables in a document.
pub(super) const BEGIN: &str = "<!-- figures: begin -->";
pub(super) const END: &str = "<!-- figures: end -->";

/// One table of the figures that one attack has, and one of those that several have, with a column for each of these.
pub(super) fn tables(lines: &[[String; 5]]) -> String {
    let attacks_with = |name: &str| lines.iter().filter(|line| line[1] == name).count();
    let (shared, own): (Vec<_>, Vec<_>) = lines.iter().partition(|line| attacks_with(&line[1]) > 1);
    [list(&own), matrix(&shared)].join("\n")
}

fn list(lines: &[&[String; 5]]) -> String {
    let mut text = "| attack | figure | before | after | limit |\n|---|---|--:|--:|--:|\n".to_owned();
    let mut last = "";
    for [attack, name, before, after, limit] in lines {
        let shown = if attack == last { "" } else { attack };
        text.push_str(&format!("| {shown} | {name} | {before} | {after} | {limit} |\n"));
        last = attack;
    }
    text
}

/// Each cell has the figure before, and below it the figure after.
fn matrix(lines: &[&[String; 5]]) -> String {
    let (attacks, names) = (distinct(lines, 0), distinct(lines, 1));
    let mut text = format!("| upper: before, lower: after | {} | limit |\n", attacks.join(" | "));
    text.push_str(&format!("|---|{}--:|\n", "--:|".repeat(attacks.len())));
    for name in names {
        let of = |attack: &str| lines.iter().find(|line| line[0] == attack && line[1] == name);
        let cell = |attack: &&str| {
            of(attack).map(|[_, _, before, after, _]| format!("{before}<br>{after}")).unwrap_or_default()
        };
        let cells: Vec<String> = attacks.iter().map(cell).collect();
        let limit = lines.iter().find(|line| line[1] == name).map_or("", |line| line[4].as_str());
        text.push_str(&format!("| {name} | {} | {limit} |\n", cells.join(" | ")));
    }
    text
}

/// The distinct values of a column in order.
fn distinct<'a>(lines: &[&'a [String; 5]], column: usize) -> Vec<&'a str> {
    let mut values: Vec<&str> = Vec::new();
    for line in lines {
        if !values.contains(&line[column].as_str()) {
            values.push(&line[column]);
        }
    }
    values
}

/// The document with new tables; none if it has no marks.
pub(super) fn replaced(text: &str, tables: &str) -> Option<String> {
    let (head, rest) = text.split_once(BEGIN)?;
    let (_, tail) = rest.split_once(END)?;
    Some(format!("{head}{BEGIN}\n\n{tables}\n{END}{tail}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(attack: &str, name: &str, before: &str, after: &str) -> [String; 5] {
        [attack, name, before, after, "none"].map(str::to_owned)
    }

    #[test]
    fn block_between_the_marks_is_replaced() {
        let text = format!("a\n{BEGIN}\nold\n{END}\nb\n");
        assert_eq!(replaced(&text, "new\n"), Some(format!("a\n{BEGIN}\n\nnew\n\n{END}\nb\n")));
        assert_eq!(replaced("a\nb\n", "new\n"), None);
        let once = replaced(&text, "new\n").expect("replaced");
        assert_eq!(replaced(&once, "new\n"), Some(once.clone()));
    }

    #[test]
    fn shared_figures_have_a_column_for_each_attack() {
        let lines = [line("one", "memory", "1", "2"), line("two", "memory", "3", "4")];
        let lines: Vec<_> = lines.iter().collect();
        let expected = "| upper: before, lower: after | one | two | limit |\n|---|--:|--:|--:|\n\
                        | memory | 1<br>2 | 3<br>4 | none |\n";
        assert_eq!(matrix(&lines), expected);
        assert!(list(&lines).contains("| one | memory | 1 | 2 | none |\n| two | memory | 3 | 4 | none |\n"));
    }
}
