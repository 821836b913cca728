//! The command line.

use std::path::PathBuf;

use crate::attacks::{ALL, Attack};

/// Attacks `offhook exchange` over loopback and prints figures. Exits with 1 if a limit is missed.
#[derive(clap::Parser)]
pub(crate) struct Args {
    /// The `offhook` to attack
    #[arg(long, value_name = "PATH", required_unless_present = "figures")]
    pub(crate) exchange: Option<PathBuf>,
    /// Another `offhook`, attacked first, for the column "before"
    #[arg(long, value_name = "PATH")]
    pub(crate) before_exchange: Option<PathBuf>,
    /// The figures of the column "before", as printed by --json
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/before.jsonl"))]
    pub(crate) before_figures: PathBuf,
    /// Attack nothing; report figures printed by --json
    #[arg(long, value_name = "FILE", conflicts_with_all = ["exchange", "before_exchange", "only"])]
    pub(crate) figures: Option<PathBuf>,
    /// Run only this attack; may be repeated
    #[arg(long, value_name = "NAME", value_parser = attack)]
    only: Vec<&'static Attack>,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
    /// Print the tables in Markdown, or write them between the marks of this file
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub(crate) markdown: Option<Option<PathBuf>>,
}

impl Args {
    pub(crate) fn attacks(&self) -> Vec<&'static Attack> {
        if self.only.is_empty() { ALL.iter().collect() } else { self.only.clone() }
    }
}

fn attack(name: &str) -> Result<&'static Attack, String> {
    let names = || ALL.iter().map(|attack| attack.name).collect::<Vec<_>>().join(", ");
    ALL.iter().find(|attack| attack.name == name).ok_or_else(|| format!("expected one of {}", names()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{CommandFactory, Parser};

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
        let read = |line: &str| Args::try_parse_from(line.split_whitespace());
        let args = read("attacks --exchange x --only hijack --markdown y.md").expect("readable");
        assert_eq!(args.attacks().len(), 1);
        assert_eq!(args.markdown, Some(Some(PathBuf::from("y.md"))));
        assert!(read("attacks --exchange x --only nothing").is_err());
        assert!(read("attacks").is_err());
        assert_eq!(read("attacks --figures z").expect("readable").attacks().len(), ALL.len());
    }
}
