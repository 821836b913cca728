//! The scenarios of all failures that the simulator found. They are kept as scenarios, because the scenario of a seed changes with the
//! generator.

use std::path::{Path, PathBuf};

use offhook_sim::run::{replay, run};
use offhook_sim::scenario::Scenario;

#[test]
fn fixed_failures_do_not_recur() {
    let paths = scenarios();
    assert!(paths.len() >= 8, "no scenarios in tests/regressions");
    for path in paths {
        let text = std::fs::read_to_string(&path).expect("a readable scenario");
        let scenario: Scenario = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let verdict = run(&scenario);
        if let Some(violation) = &verdict.violation {
            panic!("{}: {violation}\n{}", path.display(), replay(&scenario).1);
        }
        assert_eq!(verdict, run(&scenario), "{}: the second run differs", path.display());
    }
}

fn scenarios() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let entries = std::fs::read_dir(&folder).expect("tests/regressions");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "scn"));
    paths.sort();
    paths
}
