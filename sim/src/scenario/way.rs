//! Directions of a network, seen from a phone.

use std::fmt;

/// A direction of a network, or both.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// From the network to the phone.
    Down,
    /// From the phone to the network.
    Up,
    /// Both directions.
    Both,
}

impl Way {
    /// The directions as indexes: up is 0, down is 1.
    pub(crate) fn directions(self) -> impl Iterator<Item = usize> {
        match self {
            Way::Up => 0..1,
            Way::Down => 1..2,
            Way::Both => 0..2,
        }
    }

    pub(super) fn read(words: &[&str]) -> Result<Self, String> {
        Ok(match words {
            ["from", "the", "network"] => Way::Down,
            ["to", "the", "network"] => Way::Up,
            ["both", "ways"] => Way::Both,
            _ => return Err("expected `from the network`, `to the network` or `both ways`".to_owned()),
        })
    }
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Way::Down => "from the network",
            Way::Up => "to the network",
            Way::Both => "both ways",
        })
    }
}
