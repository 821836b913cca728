//! The summary of a sweep, the last line of its output.

use std::fmt;
use std::path::Path;

use offhook::Marks;
use offhook_sim::marks;
use serde_json::{Value, json};

use super::seeds::{Seeds, Shard};

/// The number of seeds from which marks that were not reached are listed.
const ENOUGH: u64 = 5_000;

/// The summary of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Summary {
    /// The range of the whole sweep.
    pub(super) run: Seeds,
    /// The shard, if it is one.
    pub(super) shard: Option<Shard>,
    /// The commit.
    pub(super) commit: Option<String>,
    /// The number of played seeds.
    pub(super) seeds: u64,
    /// The number of failed seeds.
    pub(super) failed: u64,
    /// The virtual time, in hours.
    pub(super) simulated_hours: f64,
    /// The number of sent messages.
    pub(super) messages: u64,
    /// The reached marks of the core.
    pub(super) marks: Marks,
}

impl Summary {
    /// An empty summary.
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

    /// Whether all seeds were played, and none failed.
    pub(super) fn ok(&self) -> bool {
        let part = self.shard.map_or(self.run, |shard| self.run.part(shard));
        self.failed == 0 && self.seeds == part.count()
    }

    /// The numbers of reached and of reachable marks.
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

    /// Parses the output of [`Summary::to_json`].
    pub(super) fn from_json(line: &Value) -> Result<Self, String> {
        let number = |key: &str| line[key].as_u64().ok_or(format!("no number `{key}` in the summary"));
        let text = |key: &str| line[key].as_str();
        Ok(Self {
            run: text("run").ok_or("no `run` in the summary")?.parse()?,
            shard: text("shard").map(str::parse).transpose()?,
            commit: text("commit").map(str::to_owned),
            seeds: number("seeds")?,
            failed: number("failed")?,
            simulated_hours: line["simulated_hours"].as_f64().ok_or("no `simulated_hours` in the summary")?,
            messages: number("messages")?,
            marks: marks::all_but(
                line["marks"]["never"]
                    .as_array()
                    .ok_or("no list of marks in the summary")?
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

/// The commit of the sources. The command line may give it, where there is no git.
pub(super) fn commit(given: Option<String>) -> Option<String> {
    let git = |arguments: &[&str]| {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR"));
        let output =
            std::process::Command::new("git").arg("-C").arg(sources).args(arguments).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    given.or_else(|| {
        let head = git(&["rev-parse", "--short=12", "HEAD"])?;
        let is_changed =
            git(&["status", "--porcelain", "--untracked-files=no"]).is_none_or(|list| !list.is_empty());
        Some(if is_changed { format!("{head}-changed") } else { head })
    })
}
