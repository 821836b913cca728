//! The descriptions (RFC 8866) of the media model. With a parser and writer of its own, so that the SDP code of the core is tested against
//! another implementation.

use std::fmt::Write as _;

use bytes::Bytes;
use offhook::Direction;

use crate::scenario::Codec;

/// The payload type of telephone-event (RFC 4733).
const TELEPHONE_EVENT: u8 = 101;

/// One audio stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The address of the sender.
    pub address: Address,
    /// The `o=` session id.
    pub id: u64,
    /// The `o=` version, incremented with each description.
    pub version: u64,
    /// In order of preference.
    pub codecs: Vec<Codec>,
    /// Whether it has telephone-event.
    pub telephone_event: bool,
    /// The direction, as the sender sees it.
    pub direction: Direction,
}

/// The address of a media engine: the host is the phone, each call has a port.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Address {
    /// The phone, by its index in the scenario.
    pub phone: usize,
    /// The port.
    pub port: u16,
}

impl Address {
    /// The first host number of rogues.
    pub const STRANGERS: usize = 199;

    /// Whether it belongs to a rogue.
    pub fn is_strange(self) -> bool {
        self.phone >= Self::STRANGERS
    }
}

impl Description {
    /// Writes it.
    pub fn write(&self) -> Bytes {
        let host = self.address.phone + 1;
        let mut types: Vec<u8> = self.codecs.iter().map(|&codec| payload_type(codec)).collect();
        types.extend(self.telephone_event.then_some(TELEPHONE_EVENT));
        let list: String = types.iter().map(|number| format!(" {number}")).collect();
        let mut text = format!(
            "v=0\r\no=- {} {} IN IP4 10.0.0.{host}\r\ns=-\r\nc=IN IP4 10.0.0.{host}\r\nt=0 0\r\nm=audio {} RTP/AVP{list}\r\n",
            self.id, self.version, self.address.port
        );
        for &codec in &self.codecs {
            let _ = write!(text, "a=rtpmap:{} {}\r\n", payload_type(codec), encoding(codec));
        }
        if self.telephone_event {
            let _ = write!(
                text,
                "a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000\r\na=fmtp:{TELEPHONE_EVENT} 0-15\r\n"
            );
        }
        let _ = write!(text, "a={}\r\n", name(self.direction));
        Bytes::from(text)
    }

    /// Parses it. `None` if it is not of this form.
    pub fn read(data: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(data).ok()?;
        let mut lines = text.split("\r\n");
        if lines.next() != Some("v=0") {
            return None;
        }
        let (mut id, mut version, mut phone, mut port) = (None, None, None, None);
        let (mut codecs, mut telephone_event, mut direction) = (Vec::new(), false, Direction::SendRecv);
        for line in lines {
            if let Some(origin) = line.strip_prefix("o=") {
                let mut words = origin.split(' ').skip(1);
                id = words.next().and_then(|word| word.parse().ok());
                version = words.next().and_then(|word| word.parse().ok());
            } else if let Some(host) = line.strip_prefix("c=IN IP4 10.0.0.") {
                phone = host.parse::<usize>().ok().and_then(|host| host.checked_sub(1));
            } else if let Some(media) = line.strip_prefix("m=audio ") {
                port = media.split(' ').next().and_then(|word| word.parse().ok());
            } else if let Some(map) = line.strip_prefix("a=rtpmap:") {
                let name = map.split_once(' ')?.1;
                codecs.extend(Codec::ALL.into_iter().find(|&codec| encoding(codec) == name));
                telephone_event |= name == "telephone-event/8000";
            } else if let Some(attribute) = line.strip_prefix("a=") {
                direction =
                    DIRECTIONS.into_iter().find(|&known| name(known) == attribute).unwrap_or(direction);
            }
        }
        let address = Address { phone: phone?, port: port? };
        Some(Self { address, id: id?, version: version?, codecs, telephone_event, direction })
    }
}

const DIRECTIONS: [Direction; 4] =
    [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];

fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::SendRecv => "sendrecv",
        Direction::SendOnly => "sendonly",
        Direction::RecvOnly => "recvonly",
        Direction::Inactive => "inactive",
    }
}

fn payload_type(codec: Codec) -> u8 {
    match codec {
        Codec::Opus => 111,
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
    }
}

fn encoding(codec: Codec) -> &'static str {
    match codec {
        Codec::Opus => "opus/48000/2",
        Codec::Pcmu => "PCMU/8000",
        Codec::Pcma => "PCMA/8000",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptions_round_trip() {
        for direction in DIRECTIONS {
            let description = Description {
                address: Address { phone: 3, port: 40_002 },
                id: 77,
                version: 2,
                codecs: vec![Codec::Pcma, Codec::Opus],
                telephone_event: direction == Direction::SendRecv,
                direction,
            };
            assert_eq!(Description::read(&description.write()), Some(description));
        }
        assert_eq!(Description::read(b"v=1\r\n"), None);
        assert_eq!(Description::read(b"\xff"), None);
    }
}
