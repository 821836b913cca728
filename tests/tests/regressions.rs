//! Every failure that the simulator found, as the scenario that showed it. Scenarios are kept and not seeds, because a seed
//! is another story as soon as the generator changes.

use std::path::{Path, PathBuf};

use offhook_sim::run::{replay, run};
use offhook_sim::scenario::Scenario;

#[test]
fn what_was_broken_once_is_not_broken_again() {
    let stories = stories();
    assert!(stories.len() >= 8, "the stories are not where this test looks for them");
    for path in stories {
        let text = std::fs::read_to_string(&path).expect("a story that was just listed");
        let scenario: Scenario = text.parse().unwrap_or_else(|wrong| panic!("{}: {wrong}", path.display()));
        let verdict = run(&scenario);
        if let Some(violation) = &verdict.violation {
            panic!("{}: {violation}\n{}", path.display(), replay(&scenario).1);
        }
        assert_eq!(verdict, run(&scenario), "{}: the second run differs", path.display());
    }
}

fn stories() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("regressions");
    let entries = std::fs::read_dir(&folder).expect("tests/regressions");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "scn"));
    paths.sort();
    paths
}
