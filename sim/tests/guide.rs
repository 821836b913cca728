//! The examples and tables of `docs/simulator.md`: the oracles, the faults, the ladder of the scenario, and the sample of a planted bug.
//! Its code is run by `cargo test --doc`.

use std::collections::BTreeSet;

use offhook_sim::generate::generate;
use offhook_sim::oracle;
use offhook_sim::run::replay;
use offhook_sim::scenario::{Action, Scenario};

const GUIDE: &str = include_str!("../../docs/simulator.md");

/// The first cells of the table with this heading, without backquotes.
fn table(head: &str) -> Vec<&'static str> {
    let rows = GUIDE.lines().skip_while(|line| !line.starts_with(head)).skip(2);
    let cells =
        rows.take_while(|line| line.starts_with('|')).map(|line| line.split('|').nth(1).unwrap_or(""));
    let cells: Vec<&str> = cells.map(|cell| cell.trim().trim_matches('`')).collect();
    assert!(!cells.is_empty(), "no table {head}");
    cells
}

/// The text of the first code block of this language.
fn block(kind: &str) -> &'static str {
    let start = GUIDE.split_once(&format!("```{kind}\n")).expect("there is one").1;
    start.split_once("```").expect("it ends").0
}

#[test]
fn every_oracle_is_in_the_table() {
    let documented: BTreeSet<&str> = table("| oracle |").into_iter().collect();
    let mut known: BTreeSet<&str> = oracle::all().iter().map(|oracle| oracle.name()).collect();
    // These two check whole runs.
    known.extend(["determinism", "panic"]);
    assert_eq!(documented, known, "the table of oracles in docs/simulator.md");
}

/// A step without names, numbers and directions.
fn shape(step: &str) -> String {
    let is_shape = |word: &&str| {
        let filling = ["both", "ways", "to", "from", "the", "network", "ever"].contains(word);
        !filling && !word.starts_with(|character: char| character.is_ascii_digit() || character == '-')
    };
    let names: BTreeSet<&str> =
        ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "pbx", "pbx2"].into();
    step.split_whitespace()
        .filter(|word| is_shape(word) && !names.contains(word))
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn every_fault_is_in_the_table() {
    let mut text = String::from(
        "offhook-scenario 1\nexchange pbx\nexchange pbx2\nphone alice ws\nphone bob ws\nphone carol udp\n",
    );
    let documented = table("| a step |");
    for (second, step) in documented.iter().enumerate() {
        text.push_str(&format!("{second}s {step}\n"));
    }
    let scenario: Scenario = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert!(scenario.steps.iter().all(|step| matches!(step.action, Action::Fault(_))), "{scenario}");
    let shapes: BTreeSet<String> = documented.into_iter().map(shape).collect();
    for seed in 0..2_000 {
        let scenario = generate(seed);
        let text = scenario.to_string();
        let lines = text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit()));
        for (line, step) in lines.zip(&scenario.steps) {
            let missing = matches!(step.action, Action::Fault(_)) && !shapes.contains(&shape(line));
            assert!(!missing, "the table of faults in docs/simulator.md does not have: {line}");
        }
    }
}

#[test]
fn settings_of_phones_and_exchanges_are_valid() {
    for (head, line) in
        [("| in the line of a phone |", "phone alice ws"), ("| in the line of an exchange |", "exchange pbx")]
    {
        for setting in table(head) {
            let text = format!("offhook-scenario 1\n{line} {setting}\n");
            let scenario: Scenario = text.parse().unwrap_or_else(|error| panic!("{setting}: {error}"));
            assert!(scenario.to_string().contains(&format!("{line} {setting}")), "{setting}");
        }
    }
}

#[test]
fn the_syntax_of_a_rogue_is_valid() {
    let shown = |word: &str| {
        let start = GUIDE.find(&format!("`{word}")).unwrap_or_else(|| panic!("no `{word}` in the guide")) + 1;
        GUIDE[start..].split_once('`').expect("it ends").0
    };
    let (rogue, step) = (shown("rogue trudy"), shown("trudy calls"));
    let text = format!("offhook-scenario 1\nphone alice ws\n{rogue}\n1s {step}\n");
    let scenario: Scenario = text.parse().unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!((scenario.rogues.len(), scenario.steps.len()), (1, 1));
}

#[test]
fn the_ladder_belongs_to_the_scenario() {
    let scenario: Scenario = block("scenario").parse().expect("a scenario");
    let (verdict, ladder) = replay(&scenario);
    assert_eq!(verdict.violation, None);
    let shown = block("ladder");
    let (head, rest) = shown.split_once('\n').expect("a head");
    assert!(
        ladder.starts_with(head) && ladder.contains(rest),
        "docs/simulator.md has another ladder than:\n{ladder}"
    );
}
