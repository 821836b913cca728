//! Ranges of seeds, and shards.

use std::fmt;
use std::str::FromStr;

/// The argument `--seeds`: `N` is `0..N`; `A..` has no end.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) first: u64,
    pub(super) end: Option<u64>,
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().map_err(|error| format!("`{text}`: {error}"));
        let (first, end) = match text.split_once("..") {
            Some((first, "")) => (number(first)?, None),
            Some((first, end)) => (number(first)?, Some(number(end)?)),
            None => (0, Some(number(text)?)),
        };
        if end.is_some_and(|end| end <= first) {
            return Err(format!("the range `{text}` is empty"));
        }
        Ok(Self { first, end })
    }
}

/// A half-open range of seeds.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(super) struct Seeds {
    pub(super) first: u64,
    pub(super) end: u64,
}

impl Seeds {
    /// The number of seeds.
    pub(super) fn count(self) -> u64 {
        self.end.saturating_sub(self.first)
    }

    /// The part of a shard: all shards together have each seed once.
    pub(super) fn part(self, shard: Shard) -> Self {
        let cut = |index: u64| {
            let before = u128::from(self.count()) * u128::from(index) / u128::from(shard.count);
            self.first + u64::try_from(before).expect("a part is not longer than the range")
        };
        Self { first: cut(shard.index), end: cut(shard.index + 1) }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}..{}", self.first, self.end)
    }
}

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().map_err(|error| format!("`{text}`: {error}"));
        let (first, end) = text.split_once("..").ok_or(format!("`{text}` is not a range"))?;
        Ok(Self { first: number(first)?, end: number(end)? })
    }
}

/// A shard: `0/4` to `3/4`, counted from 0 as by Kubernetes and GitHub.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Shard {
    pub(super) index: u64,
    pub(super) count: u64,
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| text.parse::<u64>().map_err(|error| format!("`{text}`: {error}"));
        let (index, count) = text.split_once('/').ok_or("expected an index and a number of shards: `0/4`")?;
        let (index, count) = (number(index)?, number(count)?);
        match (index, count) {
            (_, 0) => Err("the number of shards must be positive".to_owned()),
            (index, count) if index >= count => {
                Err(format!("shards are counted from 0: the last one of {count} is {}/{count}", count - 1))
            }
            _ => Ok(Self { index, count }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_three_forms() {
        for (text, first, end) in [
            ("7", 0, Some(7)),
            ("3..9", 3, Some(9)),
            ("5..", 5, None),
            ("0..18446744073709551615", 0, Some(u64::MAX)),
        ] {
            assert_eq!(text.parse(), Ok(Wanted { first, end }), "{text}");
        }
        for text in ["", "..", "..4", "4..4", "9..3", "0", "x..", "1..y", "-1..4", "1.5"] {
            assert!(text.parse::<Wanted>().is_err(), "{text}");
        }
    }

    #[test]
    fn shards_partition_the_range() {
        for (first, end) in [(0, 20_000), (7, 8), (0, 3), (0, u64::MAX), (u64::MAX - 10, u64::MAX)] {
            for count in [1, 2, 3, 7, 64] {
                let whole = Seeds { first, end };
                let mut next = first;
                for index in 0..count {
                    let part = whole.part(Shard { index, count });
                    assert_eq!(part.first, next, "{part} of {whole}");
                    let fair = whole.count() / count;
                    assert!(part.count() == fair || part.count() == fair + 1, "{part} of {whole}");
                    next = part.end;
                }
                assert_eq!(next, end, "{whole} in {count}");
            }
        }
    }

    #[test]
    fn invalid_shards_are_refused() {
        assert_eq!("3/4".parse(), Ok(Shard { index: 3, count: 4 }));
        for text in ["4/4", "1/0", "0/0", "1", "a/2", "1/b", "-1/2", "1/2/3", ""] {
            assert!(text.parse::<Shard>().is_err(), "{text}");
        }
    }
}
