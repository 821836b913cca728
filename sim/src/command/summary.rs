//! The last line of a sweep, of one machine or of many.

use std::fmt;
use std::path::Path;

use offhook::Marks;
use offhook_sim::marks;
use serde_json::{Value, json};

use super::seeds::{Seeds, Shard};

/// After so many seeds, the places that none came to are worth a line each.
const ENOUGH: u64 = 5_000;

/// What came of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    /// The seeds of the whole sweep.
    pub(super) run: Seeds,
    /// Which part of it this is.
    pub(super) shard: Option<Shard>,
    /// What was played.
    pub(super) commit: Option<String>,
    /// How many seeds were played.
    pub(super) seeds: u64,
    /// How many of them failed.
    pub(super) failed: u64,
    /// How much virtual time passed.
    pub(super) simulated_hours: f64,
    /// How many messages were sent.
    pub(super) messages: u64,
    /// The places of the core that were reached.
    pub(super) marks: Marks,
}

impl Summary {
    /// Before the first seed.
    pub(super) fn new(run: Seeds, shard: Option<Shard>, commit: Option<String>) -> Self {
        Self {
            run,
            shard,
            commit,
            seeds: 0,
            failed: 0,
            simulated_hours: 0.0,
            messages: 0,
            marks: Marks::default(),
        }
    }

    /// Whether all that was to be played was played, and none of it failed.
    pub(super) fn ok(&self) -> bool {
        let part = self.shard.map_or(self.run, |shard| self.run.part(shard));
        self.failed == 0 && self.seeds == part.count()
    }

    /// How many marks were reached, of those that can be.
    pub(super) fn reached(&self) -> (usize, usize) {
        let all = marks::reachable();
        (all - marks::missing(&self.marks).len(), all)
    }

    pub(super) fn to_json(&self) -> Value {
        let (reached, all) = self.reached();
        let mut line = json!({
            "run": self.run.to_string(), "ok": self.ok(), "seeds": self.seeds, "failed": self.failed,
            "simulated_hours": self.simulated_hours, "messages": self.messages,
            "marks": { "reached": reached, "of": all, "never": marks::missing(&self.marks) },
        });
        if let Some(shard) = self.shard {
            line["shard"] = shard.to_string().into();
        }
        if let Some(commit) = &self.commit {
            line["commit"] = commit.as_str().into();
        }
        line
    }

    /// Reads what [`Summary::to_json`] wrote.
    pub(super) fn from_json(line: &Value) -> Result<Self, String> {
        let number = |key: &str| line[key].as_u64().ok_or(format!("no number `{key}` in its last line"));
        let text = |key: &str| line[key].as_str();
        Ok(Self {
            run: text("run").ok_or("no `run` in its last line")?.parse()?,
            shard: text("shard").map(str::parse).transpose()?,
            commit: text("commit").map(str::to_owned),
            seeds: number("seeds")?,
            failed: number("failed")?,
            simulated_hours: line["simulated_hours"]
                .as_f64()
                .ok_or("no `simulated_hours` in its last line")?,
            messages: number("messages")?,
            marks: marks::all_but(
                line["marks"]["never"]
                    .as_array()
                    .ok_or("no list of marks in its last line")?
                    .iter()
                    .filter_map(Value::as_str),
            )?,
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { run, shard, seeds, failed, simulated_hours, messages, .. } = self;
        let of = shard.map_or(String::new(), |shard| format!(", shard {shard}"));
        write!(f, "{seeds} seeds ({run}{of}), {failed} failed, ")?;
        write!(f, "{simulated_hours:.1} simulated hours, {messages} messages")?;
        let (reached, all) = self.reached();
        write!(f, ", {reached} of {all} marks")?;
        if *seeds >= ENOUGH {
            return marks::missing(&self.marks).iter().try_for_each(|words| write!(f, "\n  never: {words}"));
        }
        Ok(())
    }
}

/// What the sources were that the command was built from. The command line may say it, where there is no git.
pub(super) fn commit(said: Option<String>) -> Option<String> {
    let git = |arguments: &[&str]| {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output =
            std::process::Command::new("git").arg("-C").arg(sources).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    said.or_else(|| {
        let head = git(&["rev-parse", "--short=12", "HEAD"])?;
        let is_changed =
            git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|list| !list.is_empty());
        Some(if is_changed { format!("{head}-changed") } else { head })
    })
}
