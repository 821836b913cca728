//! The limit of open files, which the exchange inherits.

use std::fs;
use std::io;

/// For six simultaneous exchanges with 1,003 phones each, and the attackers of one of them.
const NEEDED: u64 = 16_000;

/// # Errors
/// If the limit of open files is too low.
pub(crate) fn check() -> io::Result<()> {
    let limits = fs::read_to_string("/proc/self/limits")?;
    match soft(&limits) {
        Some(limit) if limit < NEEDED => Err(io::Error::other(format!(
            "{NEEDED} open files are needed, and {limit} are allowed; raise the limit: ulimit -n {NEEDED}"
        ))),
        _ => Ok(()),
    }
}

/// None if there is no limit.
fn soft(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn soft_limit_is_parsed() {
        let limits = "Limit   Soft Limit  Hard Limit  Units\nMax open files   1024   20000   files\n";
        assert_eq!(soft(limits), Some(1024));
        assert_eq!(soft("Max open files  unlimited unlimited files"), None);
    }
}
