//! `cargo sim merge`: adds up the results of shards.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;
use serde_json::Value;

use super::seeds::{Seeds, Shard};
use super::summary::Summary;
use super::{CommandResult, UsageError, files};

/// Add up the `--json` output of shards, and check that each shard is there once
#[derive(Args)]
pub(super) struct Merge {
    /// The output of each shard; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Print one JSON object per line: each failed seed, then the sum
    #[arg(long)]
    json: bool,
}

impl Merge {
    /// True if all shards are there and none failed.
    pub(super) fn execute(self) -> CommandResult {
        let mut reports = Vec::new();
        for path in &self.files {
            let name = path.display();
            let report = Report::read(&files::text(path)?);
            reports.push(report.map_err(|wrong| UsageError(format!("{name}: {wrong}")))?);
        }
        let merged = merge(&reports).map_err(UsageError)?;
        for failure in reports.iter().flat_map(|report| &report.failures) {
            if self.json {
                println!("{failure}");
            } else {
                println!(
                    "cargo sim replay {}   # {}",
                    failure["seed"],
                    failure["oracle"].as_str().unwrap_or("?")
                );
            }
        }
        let ok = merged.summary.ok() && merged.complaints.is_empty();
        if self.json {
            let mut line = merged.summary.to_json();
            line["ok"] = ok.into();
            if !merged.complaints.is_empty() {
                line["complaints"] = merged.complaints.into();
            }
            println!("{line}");
        } else {
            merged.complaints.iter().for_each(|complaint| println!("{complaint}"));
            println!("{}", merged.summary);
        }
        Ok(ok)
    }
}

/// The output of one shard.
#[derive(Debug)]
struct Report {
    failures: Vec<Value>,
    summary: Summary,
}

impl Report {
    fn read(text: &str) -> Result<Self, String> {
        let mut failures = Vec::new();
        let mut summary = None;
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let wrong = |error: &dyn std::fmt::Display| format!("line {}: {error}", number + 1);
            let line: Value = serde_json::from_str(line).map_err(|error| wrong(&error))?;
            if summary.is_some() {
                return Err(wrong(&"unexpected line after the summary"));
            }
            if line.get("run").is_some() {
                summary = Some(Summary::from_json(&line).map_err(|error| wrong(&error))?);
            } else if line["seed"].is_u64() {
                failures.push(line);
            } else {
                return Err(wrong(&"neither a failed seed nor a summary"));
            }
        }
        let summary = summary.ok_or("no summary line: the sweep did not end")?;
        if summary.failed != failures.len() as u64 {
            return Err(format!("{} seeds failed, but {} are listed", summary.failed, failures.len()));
        }
        Ok(Self { failures, summary })
    }
}

/// The sum of all shards.
#[derive(Debug)]
struct Merged {
    summary: Summary,
    /// Missing, duplicate and incomplete shards.
    complaints: Vec<String>,
}

/// Adds up the shards of one sweep.
fn merge(reports: &[Report]) -> Result<Merged, String> {
    let first = &reports.first().ok_or("no shards to merge")?.summary;
    let whole = |summary: &Summary| summary.shard.map_or(1, |shard| shard.count);
    let mut merged =
        Merged { summary: Summary::new(first.run, None, first.commit.clone()), complaints: Vec::new() };
    let mut missing: BTreeSet<u64> = (0..whole(first)).collect();
    for Report { summary, .. } in reports {
        let same = |what: &str, one: &dyn ToString, other: &dyn ToString| {
            let (one, other) = (one.to_string(), other.to_string());
            if one == other {
                Ok(())
            } else {
                Err(format!("shards of different sweeps: {what} {one} and {other}"))
            }
        };
        let commit = |summary: &Summary| summary.commit.clone().unwrap_or_else(|| "unknown".to_owned());
        same("seeds", &first.run, &summary.run)?;
        same("shards", &whole(first), &whole(summary))?;
        same("commit", &commit(first), &commit(summary))?;
        let shard = summary.shard.unwrap_or(Shard { index: 0, count: 1 });
        if !missing.remove(&shard.index) {
            merged.complaints.push(format!("duplicate shard {shard}"));
            continue;
        }
        let part: Seeds = summary.run.part(shard);
        if summary.seeds != part.count() {
            merged.complaints.push(format!("shard {shard} has {} seeds of {part}", summary.seeds));
        }
        merged.summary.seeds += summary.seeds;
        merged.summary.failed += summary.failed;
        merged.summary.simulated_hours += summary.simulated_hours;
        merged.summary.messages += summary.messages;
        merged.summary.marks.add(&summary.marks);
    }
    merged.complaints.extend(missing.iter().map(|index| format!("missing shard {index}/{}", whole(first))));
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(index: u64) -> Report {
        let shard = Shard { index, count: 3 };
        let run = Seeds { first: 0, end: 10 };
        let mut summary = Summary::new(run, Some(shard), Some("abc".to_owned()));
        summary.seeds = run.part(shard).count();
        (summary.messages, summary.simulated_hours) = (100, 0.5);
        summary.marks.set(3);
        let text = format!("{}\n", summary.to_json());
        Report::read(&text).expect("what is written is read back")
    }

    #[test]
    fn shards_add_up_in_any_order() {
        let merged = merge(&[part(2), part(0), part(1)]).expect("one sweep");
        let mut line = merged.summary.to_json();
        assert_eq!(line["marks"]["reached"], 1);
        line.as_object_mut().expect("a line is an object").remove("marks");
        let sum = r#"{"commit":"abc","failed":0,"messages":300,"ok":true,"run":"0..10","seeds":10,"simulated_hours":1.5}"#;
        assert_eq!((line.to_string(), merged.complaints), (sum.to_owned(), vec![]));
    }

    #[test]
    fn missing_and_duplicate_shards_are_reported() {
        let merged = merge(&[part(0), part(0), part(2)]).expect("one sweep");
        assert_eq!(merged.complaints, ["duplicate shard 0/3", "missing shard 1/3"]);
        let mut short = part(1);
        short.summary.seeds -= 1;
        let merged = merge(&[part(0), short, part(2)]).expect("one sweep");
        assert_eq!(merged.complaints, ["shard 1/3 has 2 seeds of 3..6"]);
        assert!(!merged.summary.ok());
    }

    #[test]
    fn shards_of_different_sweeps_are_refused() {
        for change in [
            |summary: &mut Summary| summary.run.end += 1,
            |summary: &mut Summary| summary.commit = None,
            |summary: &mut Summary| summary.shard = Some(Shard { index: 1, count: 2 }),
        ] {
            let mut other = part(1);
            change(&mut other.summary);
            assert!(merge(&[part(0), other, part(2)]).is_err());
        }
    }

    #[test]
    fn a_truncated_report_is_refused() {
        let line = part(0).summary.to_json().to_string();
        for (text, why) in [
            ("", "no summary line"),
            (&line[..40], "line 1"),
            (&format!("{line}\n{line}"), "after the summary"),
            ("{\"seed\":7}", "no summary line"),
            ("{\"hash\":\"1\"}", "neither"),
            (&format!("{{\"seed\":7}}\n{line}"), "0 seeds failed, but 1 are listed"),
        ] {
            let refused = Report::read(text).expect_err(text);
            assert!(refused.contains(why), "{text}: {refused}");
        }
    }
}
