//! The figures of two exchanges, before and after, in one table.

mod markdown;

use std::fs;
use std::io::{self, Error, ErrorKind};
use std::path::Path;

use serde_json::{Value as Json, json};

use crate::attacks::GUESSING_TIME;
use crate::figure::Figure;

/// The minimum factor by which guessing has become slower.
const SLOWER: f64 = 100.0;

/// The figures of one exchange, as text.
#[derive(Default)]
pub(crate) struct Figures {
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    attack: String,
    name: String,
    number: Option<f64>,
    shown: String,
    limit: String,
    kept: Option<bool>,
}

impl Figures {
    /// Adds the figures of one attack, or its error.
    pub(crate) fn add(&mut self, attack: &str, outcome: io::Result<Vec<Figure>>) {
        match outcome {
            Ok(figures) => self.rows.extend(figures.iter().filter_map(|figure| Row::read(&figure.json()))),
            Err(why) => self.rows.push(Row {
                attack: attack.to_owned(),
                name: "the attack could be carried out".to_owned(),
                number: None,
                shown: format!("no: {why}"),
                limit: String::new(),
                kept: Some(false),
            }),
        }
    }

    /// Reads the output of [`Report::json`].
    pub(crate) fn read(file: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(file).map_err(|why| named(file, &why))?;
        let row = |line: &str| serde_json::from_str(line).ok().and_then(|json| Row::read(&json));
        let rows = text.lines().map(row).collect::<Option<_>>();
        rows.map(|rows| Self { rows }).ok_or_else(|| named(file, &"not the output of --json"))
    }

    /// The same; no figures if the file does not exist.
    pub(crate) fn read_if_exists(file: &Path) -> io::Result<Self> {
        if file.exists() { Self::read(file) } else { Ok(Self::default()) }
    }

    fn has(&self, attack: &str) -> bool {
        self.rows.iter().any(|row| row.attack == attack)
    }

    fn find(&self, attack: &str, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.attack == attack && row.name == name)
    }
}

fn named(file: &Path, why: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidData, format!("{}: {why}", file.display()))
}

impl Row {
    fn read(json: &Json) -> Option<Self> {
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        let (number, kept) = (json["number"].as_f64(), json["kept"].as_bool());
        let (attack, name) = (text("attack")?, text("name")?);
        Some(Self { attack, name, number, shown: text("shown")?, limit: text("limit")?, kept })
    }

    fn json(&self) -> Json {
        let Self { attack, name, number, shown, limit, kept } = self;
        json!({ "attack": attack, "name": name, "number": number, "shown": shown, "limit": limit, "kept": kept })
    }

    fn marked(&self) -> String {
        let mark = if self.kept == Some(false) { " ✗" } else { "" };
        format!("{}{mark}", self.shown)
    }
}

pub(crate) struct Report {
    before: Figures,
    after: Figures,
}

impl Report {
    pub(crate) fn new(before: Figures, after: Figures) -> Self {
        let mut report = Self { before, after };
        report.after.rows.extend(report.slower());
        report
    }

    /// The factor by which guessing has become slower.
    fn slower(&self) -> Option<Row> {
        let (attack, name) = GUESSING_TIME;
        let before = self.before.find(attack, name)?.number?;
        let after = self.after.find(attack, name)?;
        let times = after.number.map(|after| after / before);
        Some(Row {
            attack: attack.to_owned(),
            name: "guessing is slower than before by".to_owned(),
            number: times,
            shown: times.map_or("never ends".to_owned(), |times| format!("{times:.0}×")),
            limit: format!("≥ {SLOWER:.0}×"),
            kept: Some(times.is_none_or(|times| times >= SLOWER)),
        })
    }

    /// Whether all known figures after meet their limits.
    pub(crate) fn is_met(&self) -> bool {
        self.after.rows.iter().all(|row| row.kept != Some(false))
    }

    /// Attack, name, before, after, limit: the figures after, and those only before. Attacks that were not run are left out.
    fn table(&self) -> Vec<[String; 5]> {
        let is_chosen = |row: &Row| self.after.rows.is_empty() || self.after.has(&row.attack);
        let is_gone = |row: &&Row| is_chosen(row) && self.after.find(&row.attack, &row.name).is_none();
        let gone = self.before.rows.iter().filter(is_gone);
        let mut rows: Vec<&Row> = self.after.rows.iter().chain(gone).collect();
        // A stable sort keeps the order of the rows of one attack.
        let order: Vec<&str> = crate::attacks::ALL.iter().map(|attack| attack.name).collect();
        rows.sort_by_key(|row| order.iter().position(|name| *name == row.attack));
        let shown = |figures: &Figures, row: &Row| {
            figures.find(&row.attack, &row.name).map(Row::marked).unwrap_or_default()
        };
        let line = |row: &&Row| {
            let (before, after) = (shown(&self.before, row), shown(&self.after, row));
            [row.attack.clone(), row.name.clone(), before, after, row.limit.clone()]
        };
        rows.iter().map(line).collect()
    }

    /// The figures after, one JSON object per line.
    pub(crate) fn json(&self) -> String {
        self.after.rows.iter().map(|row| format!("{}\n", row.json())).collect()
    }

    /// As text.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        let mut last = String::new();
        for [attack, name, before, after, limit] in self.table() {
            if attack != last {
                text.push_str(&format!("\n{attack:<64}{:>16}{:>16}  limit\n", "before", "after"));
                last = attack;
            }
            text.push_str(&format!("  {name:<62}{before:>16}{after:>16}  {limit}\n"));
        }
        text.push_str(if self.is_met() { "\nall limits are met\n" } else { "\n✗: a limit is missed\n" });
        text
    }

    /// As tables in Markdown.
    pub(crate) fn markdown(&self) -> String {
        markdown::tables(&self.table())
    }

    /// Writes the tables between the marks of a document.
    ///
    /// # Errors
    /// If the file cannot be read or written, or has no marks.
    pub(crate) fn rewrite(&self, file: &Path) -> io::Result<()> {
        let text = fs::read_to_string(file).map_err(|why| named(file, &why))?;
        let text = markdown::replaced(&text, &self.markdown())
            .ok_or_else(|| named(file, &format!("no {} followed by {}", markdown::BEGIN, markdown::END)))?;
        fs::write(file, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::{Limit, Value};

    fn figures(attack: &'static str, name: &str, value: Value, limit: Limit) -> Figures {
        let mut figures = Figures::default();
        figures.add(attack, Ok(vec![Figure::new(attack, name, value).limit(limit)]));
        figures
    }

    #[test]
    fn missed_limit_is_marked() {
        let before = figures("hijack", "delivered", Value::share(3, 3), Limit::None);
        let after = figures("hijack", "delivered", Value::share(0, 3), Limit::None);
        let report = Report::new(before, after);
        assert!(report.is_met());
        assert!(report.text().contains("3 of 3 ✗") && report.text().contains("all limits are met"));
        let missed = Report::new(Figures::default(), figures("hijack", "d", Value::share(1, 3), Limit::None));
        assert!(!missed.is_met());
        let mut failed = Figures::default();
        failed.add("hijack", Err(ErrorKind::TimedOut.into()));
        assert!(!Report::new(Figures::default(), failed).is_met());
    }

    #[test]
    fn guessing_is_compared_with_before() {
        let (attack, name) = GUESSING_TIME;
        let time = |seconds: f64| {
            let value = Value::Number(seconds, crate::figure::Unit::Seconds);
            figures(attack, name, value, Limit::AtMost(1e9))
        };
        assert!(Report::new(time(0.5), time(60.0)).is_met());
        assert!(!Report::new(time(0.5), time(40.0)).is_met());
    }

    #[test]
    fn printed_figures_are_parsed() {
        let figures = figures("hijack", "delivered", Value::share(1, 3), Limit::None);
        let rows = figures.rows.clone();
        let printed = Report::new(Figures::default(), figures).json();
        let read = printed.lines().map(|line| Row::read(&serde_json::from_str(line).expect("an object")));
        assert_eq!(read.collect::<Option<Vec<_>>>(), Some(rows));
    }
}
