//! The command: its output, files and exit status.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

/// The result of the command.
struct Done {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Done {
    fn lines(&self) -> Vec<&str> {
        self.out.lines().collect()
    }

    /// The lines as JSON.
    fn json(&self) -> Vec<Value> {
        let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        self.out.lines().map(line).collect()
    }
}

fn sim(arguments: &[&str]) -> Done {
    let output = Command::new(env!("CARGO_BIN_EXE_offhook-sim")).args(arguments).output().expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("it writes UTF-8");
    Done { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
}

/// An empty folder for one test.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).expect("a writable folder");
    folder
}

#[expect(clippy::disallowed_methods, reason = "tests write files for the command")]
fn save(path: &Path, text: &str) {
    std::fs::write(path, text).expect("it can be written");
}

fn shown(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn a_clean_sweep_prints_one_line() {
    let done = sim(&["run", "--seeds", "3..9", "--jobs", "2"]);
    assert_eq!((done.code, done.lines().len(), done.err.as_str()), (Some(0), 1, ""), "{}", done.out);
    assert!(done.out.starts_with("6 seeds (3..9), 0 failed, "), "{}", done.out);

    let done = sim(&["run", "--seeds", "3..9", "--jobs", "2", "--json", "--commit", "abc"]);
    let lines = done.json();
    let [line] = lines.as_slice() else { panic!("{}", done.out) };
    assert_eq!(done.code, Some(0));
    for (key, value) in [
        ("run", json!("3..9")),
        ("ok", json!(true)),
        ("seeds", json!(6)),
        ("failed", json!(0)),
        ("commit", json!("abc")),
    ] {
        assert_eq!(line[key], value, "{line}");
    }
    let hours = line["simulated_hours"].as_f64().expect("a number");
    assert!(hours > 0.5 && line["messages"].as_u64() > Some(100), "{line}");
}

#[test]
fn a_sweep_by_time_reports_its_range() {
    let done = sim(&["run", "--seeds", "50..", "--minutes", "0.005", "--json"]);
    let line = &done.json()[0];
    let seeds = line["seeds"].as_u64().expect("a number");
    assert!(done.code == Some(0) && seeds > 0, "{line}");
    assert_eq!(line["run"], format!("50..{}", 50 + seeds), "{line}");
}

#[test]
fn merged_shards_equal_the_sweep() {
    let folder = folder("shards");
    let whole = &sim(&["run", "--seeds", "10..30", "--json", "--commit", "abc"]).json()[0];
    let files: Vec<PathBuf> = (0..3).map(|index| folder.join(format!("{index}.json"))).collect();
    for (index, file) in files.iter().enumerate() {
        let done =
            sim(&["run", "--seeds", "10..30", "--shard", &format!("{index}/3"), "--json", "--commit", "abc"]);
        assert_eq!((done.code, &done.json()[0]["shard"]), (Some(0), &json!(format!("{index}/3"))));
        save(file, &done.out);
    }
    let [one, two, three] = [&files[0], &files[1], &files[2]].map(|file| shown(file));
    let done = sim(&["merge", "--json", two, three, one]);
    let merged = &done.json()[0];
    assert_eq!(done.code, Some(0));
    for key in ["run", "ok", "seeds", "failed", "messages", "commit"] {
        assert_eq!(merged[key], whole[key], "{key}: {merged}");
    }
    let hours = |line: &Value| line["simulated_hours"].as_f64().expect("a number");
    assert!((hours(merged) - hours(whole)).abs() < 1e-6, "{merged}");

    let done = sim(&["merge", one, two]);
    assert_eq!((done.code, done.lines()[0]), (Some(1), "missing shard 2/3"));
    let done = sim(&["merge", "--json", one, two, three, three]);
    assert_eq!(done.json()[0]["complaints"], json!(["duplicate shard 2/3"]));
    assert_eq!((done.code, &done.json()[0]["ok"]), (Some(1), &json!(false)));
    let other = folder.join("other.json");
    save(&other, &sim(&["run", "--seeds", "10..31", "--shard", "2/3", "--json", "--commit", "abc"]).out);
    let done = sim(&["merge", one, two, shown(&other)]);
    assert!(
        done.code == Some(2) && done.err.contains("different sweeps: seeds 10..30 and 10..31"),
        "{}",
        done.err
    );
}

#[test]
fn merge_fails_if_a_shard_failed() {
    let folder = folder("failing-shard");
    let line = |shard: &str, failed: u64| {
        json!({ "run": "0..4", "ok": failed == 0, "seeds": 2, "failed": failed, "simulated_hours": 1.0,
                "messages": 10, "shard": shard, "marks": { "never": [] } })
    };
    let failure = json!({ "seed": 3, "oracle": "grammar", "scenario": {} });
    let [one, two] = ["one", "two"].map(|name| folder.join(name));
    save(&one, &line("0/2", 0).to_string());
    save(&two, &format!("{failure}\n{}\n", line("1/2", 1)));
    let done = sim(&["merge", "--json", shown(&one), shown(&two)]);
    assert_eq!((done.code, &done.json()[0]), (Some(1), &failure));
    assert_eq!((&done.json()[1]["ok"], &done.json()[1]["failed"]), (&json!(false), &json!(1)));
    let done = sim(&["merge", shown(&one), shown(&two)]);
    assert_eq!((done.code, done.lines()[0]), (Some(1), "cargo sim replay 3   # grammar"));
}

#[test]
fn a_replay_is_deterministic() {
    let replay = |extra: &[&str]| sim(&[&["replay", "11"], extra].concat());
    let (one, two) = (replay(&["--json"]), replay(&["--json"]));
    assert_eq!((one.code, &one.out), (Some(0), &two.out));
    let line = &one.json()[0];
    let hash = line["hash"].as_str().expect("text");
    assert_eq!((hash.len(), &line["ok"]), (16, &json!(true)));
    let told = replay(&[]).out;
    assert!(told.starts_with("offhook-scenario 1\nseed 11\n"), "{told}");
    assert!(told.ends_with(&format!("\nhash {hash}: clean\n")), "{told}");
    let page = folder("replay").join("page.html");
    assert_eq!(replay(&["--json", "--html", shown(&page)]).out, one.out, "the page does not change the run");
    assert!(page.is_file());
}

#[test]
fn hashes_do_not_depend_on_the_number_of_threads() {
    let done = sim(&["hash", "--seeds", "3..9"]);
    assert_eq!((done.code, done.lines().len()), (Some(0), 7), "{}", done.out);
    assert_eq!(sim(&["hash", "--seeds", "3..9", "--jobs", "3"]).out, done.out);
    let json = sim(&["hash", "--seeds", "3..9", "--json"]).json();
    let line = format!("5 {}", json[2]["hash"].as_str().expect("text"));
    assert_eq!((done.lines()[2], &json[2]["seed"]), (&line[..], &json!(5)));
    assert_eq!((&json[6]["run"], &json[6]["failed"]), (&json!("3..9"), &json!(0)));
    let part = sim(&["hash", "--seeds", "3..8"]);
    assert_eq!(part.lines()[..5], done.lines()[..5]);
    assert_ne!(part.lines()[5], done.lines()[6], "the last line is a hash over all of them");
    assert_eq!(sim(&["hash", "--seeds", "3.."]).code, Some(2));
}

#[test]
fn marks_fails_if_a_mark_is_not_reached() {
    let done = sim(&["marks", "--seeds", "3..9", "--jobs", "2"]);
    let last = done.lines().last().copied().unwrap_or_default();
    assert!(done.code == Some(1) && last.contains(" marks reached in 6 seeds; "), "{}", done.out);
    let up = "Connection: connecting --connected--> up   # cargo sim replay 3";
    assert!(done.lines().contains(&&*format!("{:7} {up}", 6)), "{}", done.out);
    let done = sim(&["marks", "--seeds", "3..9", "--json"]);
    let lines = done.json();
    let never = lines.last().and_then(|line| line["never"].as_array()).map_or(0, Vec::len);
    let unreached = |line: &&Value| line["seeds"] == json!(0) && line["unreachable"] == Value::Null;
    assert_eq!(lines.iter().filter(unreached).count(), never, "{}", done.out);
    assert_eq!(sim(&["marks", "--seeds", "3.."]).code, Some(2));
}

#[test]
fn invalid_usage_exits_with_2() {
    for (arguments, why) in [
        (&["run", "--seeds", "9..3"][..], "the range `9..3` is empty"),
        (&["run", "--seeds", "many"], "invalid value 'many'"),
        (&["run", "--seeds", "4.."], "`--seeds 4..` has no end"),
        (&["run", "--shard", "4/4"], "the last one of 4 is 3/4"),
        (&["run", "--shard", "1/0"], "the number of shards must be positive"),
        (&["run", "--shard", "1"], "`0/4`"),
        (&["run", "--minutes", "0"], "the time must be positive"),
        (&["run", "--minutes=-1"], "--minutes"),
        (&["run", "--minutes", "soon"], "invalid float"),
        (&["run", "--minutes", "1", "--shard", "0/2"], "cannot be used with"),
        (&["run", "--jobs", "0"], "0 is not in 1..=65535"),
        (&["run", "--plant", "Daisies"], "Daisies"),
        (&["replay", "no/such/file.scn"], "no/such/file.scn: "),
        (&["replay", "src/main.rs"], "src/main.rs: line 1"),
        (&["shrink", "-3"], "-3"),
        (&["merge"], "<FILE>"),
        (&["merge", "no/such/file"], "no/such/file: "),
        (&["dance"], "dance"),
        (&[], "Usage"),
    ] {
        let done = sim(arguments);
        if !(arguments.contains(&"--plant") && cfg!(not(feature = "planted"))) {
            assert!(done.err.contains(why), "{arguments:?}: {}", done.err);
        }
        assert_eq!((done.code, done.out.as_str()), (Some(2), ""), "{arguments:?}: {}", done.err);
    }
}

#[test]
fn a_clean_scenario_is_not_shrunk() {
    let done = sim(&["shrink", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/canary.scn")]);
    assert_eq!((done.code, done.out.as_str()), (Some(0), ""), "{}", done.out);
}

/// With a planted bug the canary fails.
#[cfg(feature = "planted")]
mod canary {
    use super::*;
    use offhook_sim::scenario::Scenario;

    const CANARY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/canary.scn");
    const BUG: [&str; 2] = ["--plant", "EndedTwice"];

    #[expect(clippy::disallowed_methods, reason = "tests read files of the command")]
    fn load(path: &Path) -> (String, Scenario) {
        let text = std::fs::read_to_string(path).expect("it was written");
        let scenario = text.parse().expect("it is a scenario");
        (text, scenario)
    }

    #[test]
    fn the_canary_fails_only_with_the_bug() {
        let done = sim(&["replay", CANARY, "--json"]);
        assert_eq!((done.code, &done.json()[0]["ok"]), (Some(0), &json!(true)), "{}", done.out);
        let done = sim(&[&["replay", CANARY, "--json"], &BUG[..]].concat());
        let line = &done.json()[0];
        assert_eq!((done.code, &line["ok"], &line["oracle"]), (Some(1), &json!(false), &json!("grammar")));
        let done = sim(&[&["replay", CANARY], &BUG[..]].concat());
        assert!(done.code == Some(1) && done.out.ends_with(": failed\n"), "{}", done.out);
    }

    #[test]
    fn the_canary_is_shrunk() {
        let out = folder("shrunk").join("small.scn");
        let shrink =
            |extra: &[&str]| sim(&[&["shrink", CANARY, "--out", shown(&out)], &BUG[..], extra].concat());
        let done = shrink(&[]);
        assert!(done.code == Some(1) && done.out.contains("shrunk from 8 to "), "{}{}", done.out, done.err);
        let (text, small) = load(&out);
        assert!(text.starts_with("# grammar at ") && small.steps.len() <= 2, "{text}");
        let line = &shrink(&["--json"]).json()[0];
        assert_eq!((&line["oracle"], &line["steps_before"]), (&json!("grammar"), &json!(8)));
        assert_eq!(Scenario::from_json(&line["scenario"]).as_ref(), Ok(&small), "{line}");
        let again = sim(&[&["replay", shown(&out), "--json"], &BUG[..]].concat());
        assert_eq!((again.code, &again.json()[0]["oracle"]), (Some(1), &json!("grammar")));
    }

    #[test]
    fn a_sweep_prints_replay_commands_and_keeps_failures() {
        let out = folder("failures");
        let done =
            sim(&[&["run", "--seeds", "0..6", "--jobs", "2", "--out", shown(&out)], &BUG[..]].concat());
        assert_eq!(done.code, Some(1), "{}", done.out);
        let lines = done.lines();
        let is_seed = |line: &&&str| line.contains("--plant EndedTwice   # grammar at ");
        let seeds: Vec<&&str> = lines.iter().filter(is_seed).collect();
        assert!(!seeds.is_empty() && seeds[0].starts_with("cargo sim replay "), "{}", done.out);
        let last = lines.last().expect("the sum");
        assert!(last.contains(&format!(", {} failed, ", seeds.len())), "{last}");
        let kept: Vec<PathBuf> = std::fs::read_dir(&out)
            .expect("it is there")
            .map(|entry| entry.expect("it can be read").path())
            .collect();
        assert_eq!(kept.len(), seeds.len(), "each is kept, shrunk or not");
        let mut small = 0;
        for path in kept {
            assert!(done.out.contains(shown(&path)), "{}", done.out);
            let (text, scenario) = load(&path);
            assert!(text.starts_with("# grammar at ") && text.contains("\n# cargo sim replay "), "{text}");
            small += usize::from(scenario.steps.len() <= 3);
            let again = sim(&[&["replay", shown(&path), "--json"], &BUG[..]].concat());
            assert_eq!((again.code, &again.json()[0]["oracle"]), (Some(1), &json!("grammar")));
        }
        assert!((1..=3).contains(&small), "the first few are shrunk: {small}");
    }

    /// Names of files have a hash of the commit.
    fn without_hashes(line: &str) -> String {
        let (start, end) = line.split_once(".scn").unwrap_or((line, ""));
        let name = start.trim_end_matches(|c: char| c.is_ascii_hexdigit());
        if end.is_empty() { line.to_owned() } else { format!("{name}*.scn{end}") }
    }

    /// The section on failures in `docs/simulator.md` shows a command and the start of its output.
    #[test]
    fn the_sample_of_the_guide_is_the_output_of_its_command() {
        let guide = include_str!("../../docs/simulator.md");
        let section = guide.split_once("## From a failure to a fix\n").expect("the section").1;
        let block = section.split_once("```console\n$ cargo sim ").expect("a command").1;
        let (command, shown) =
            block.split_once("```").expect("its end").0.split_once('\n').expect("its output");
        let output = Command::new(env!("CARGO_BIN_EXE_offhook-sim"))
            .args(command.split_whitespace())
            // A debug build may take longer than the default.
            .args(["--shrink-seconds", "600"])
            .current_dir(folder("guide"))
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(1));
        let output = String::from_utf8(output.stdout).expect("it writes UTF-8");
        let output: Vec<String> = output.lines().map(without_hashes).collect();
        let shown: Vec<String> = shown.lines().map(without_hashes).collect();
        let (last, shown) = shown.split_last().expect("output");
        assert_eq!(
            (shown, last.as_str()),
            (&output[..shown.len()], "…"),
            "docs/simulator.md shows another output"
        );
        assert!(shown.len() == 2, "the replays of the seed and of the shrunk scenario");
    }

    #[test]
    fn json_of_a_sweep_has_the_scenarios() {
        let run = |extra: &[&str]| {
            sim(&[&["run", "--seeds", "0..2", "--jobs", "1", "--json"], &BUG[..], extra].concat())
        };
        let (long, short) = (run(&[]), run(&["--shrink"]));
        let steps = |done: &Done| {
            let lines = done.json();
            let (last, failures) = lines.split_last().expect("there is a last line");
            assert_eq!((done.code, &last["ok"]), (Some(1), &json!(false)), "{last}");
            assert_eq!(last["failed"], failures.len(), "{last}");
            let scenario = |line: &Value| Scenario::from_json(&line["scenario"]).expect("a scenario");
            assert!(failures.iter().all(|line| line["oracle"] == "grammar" && line["seed"].is_u64()));
            failures.iter().map(|line| scenario(line).steps.len()).collect::<Vec<_>>()
        };
        let (long, short) = (steps(&long), steps(&short));
        assert!(!short.is_empty() && short.len() == long.len(), "{short:?} {long:?}");
        assert!(
            short.iter().all(|steps| *steps <= 3) && long.iter().any(|steps| *steps > 10),
            "{short:?} {long:?}"
        );
    }
}
