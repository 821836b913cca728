//! The descriptions (RFC 8866) of the media model. With a parser and writer of its own, so that the SDP code of the wire crate is tested
//! against another implementation.

use std::fmt::Write as _;

use bytes::Bytes;
use offhook::{Direction, MediaFault};

use crate::scenario::Codec;

/// One audio stream, at most one of video, and lines of media that no phone supports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Description {
    /// The address of the sender.
    pub address: Address,
    /// The `o=` session id.
    pub id: u64,
    /// The `o=` version, incremented with each description.
    pub version: u64,
    /// The m-lines; the first open one of audio is the stream.
    pub lines: Vec<Line>,
    /// The codecs with their payload types, in order of preference.
    pub codecs: Vec<(u8, Codec)>,
    /// The payload type of telephone-event, if it has that.
    pub telephone_event: Option<u8>,
    /// The direction, as the sender sees it.
    pub direction: Direction,
}

/// An m-line.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The type of its media.
    pub media: MediaType,
    /// Whether its port is not 0, which rejects or removes the stream (RFC 3264 §6, §8.2).
    pub open: bool,
}

/// The type of the media of a line (RFC 8866 §8.2).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum MediaType {
    /// Audio.
    Audio,
    /// Video.
    Video,
    /// A data channel.
    Application,
}

impl Line {
    /// The line of a stream of video.
    pub const VIDEO: Self = Self { media: MediaType::Video, open: true };

    /// The line of the audio stream.
    pub const AUDIO: Self = Self { media: MediaType::Audio, open: true };
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
    /// Whether it has a stream of video: the first line of video is open.
    pub fn has_video(&self) -> bool {
        first_video(&self.lines) == Some(&Line::VIDEO)
    }

    /// Writes it.
    pub fn write(&self) -> Bytes {
        let host = self.address.phone + 1;
        let mut text = format!(
            "v=0\r\no=- {} {} IN IP4 10.0.0.{host}\r\ns=-\r\nc=IN IP4 10.0.0.{host}\r\nt=0 0\r\n",
            self.id, self.version
        );
        let mut has_stream = false;
        for line in &self.lines {
            match line {
                &Line::AUDIO if !has_stream => {
                    has_stream = true;
                    self.write_stream(&mut text);
                }
                Line { media, open } => {
                    let port = if *open { self.address.port + 1 } else { 0 };
                    text.push_str(&match media {
                        MediaType::Audio => format!("m=audio {port} RTP/AVP 0\r\n"),
                        MediaType::Video => {
                            format!("m=video {port} RTP/AVP 98\r\na=rtpmap:98 VP8/90000\r\na=sendrecv\r\n")
                        }
                        MediaType::Application => {
                            format!("m=application {port} UDP/DTLS/SCTP webrtc-datachannel\r\na=sctp-port:5000\r\n")
                        }
                    });
                }
            }
        }
        Bytes::from(text)
    }

    fn write_stream(&self, text: &mut String) {
        let mut types: Vec<u8> = self.codecs.iter().map(|&(number, _)| number).collect();
        types.extend(self.telephone_event);
        let list: String = types.iter().map(|number| format!(" {number}")).collect();
        let _ = write!(text, "m=audio {} RTP/AVP{list}\r\n", self.address.port);
        for (number, codec) in &self.codecs {
            let _ = write!(text, "a=rtpmap:{number} {}\r\n", encoding(*codec));
        }
        if let Some(number) = self.telephone_event {
            let _ = write!(text, "a=rtpmap:{number} {TELEPHONE_EVENT}\r\na=fmtp:{number} 0-15\r\n");
        }
        let _ = write!(text, "a={}\r\n", name(self.direction));
    }

    /// Parses it.
    ///
    /// # Errors
    /// If it is not of this form, or has no open line of audio.
    pub fn read(data: &[u8]) -> Result<Self, MediaFault> {
        let text = std::str::from_utf8(data).map_err(|_| MediaFault::BadDescription)?;
        Reader::read(text).ok_or(MediaFault::BadDescription)?.finish()
    }
}

/// The line of video that a phone uses.
pub(super) fn first_video(lines: &[Line]) -> Option<&Line> {
    lines.iter().find(|line| line.media == MediaType::Video)
}

/// What was read of a description so far.
#[derive(Default)]
struct Reader {
    origin: Option<(u64, u64)>,
    phone: Option<usize>,
    lines: Vec<Line>,
    /// The port of the stream, once its line was read.
    port: Option<u16>,
    codecs: Vec<(u8, Codec)>,
    telephone_event: Option<u8>,
    direction: Option<Direction>,
}

impl Reader {
    fn read(text: &str) -> Option<Self> {
        let mut lines = text.split("\r\n");
        if lines.next() != Some("v=0") {
            return None;
        }
        let mut reader = Self::default();
        // Attributes of other media are not read.
        let mut in_stream = false;
        for line in lines {
            if let Some(origin) = line.strip_prefix("o=") {
                let mut words = origin.split(' ').skip(1).map(|word| word.parse().ok());
                reader.origin = words.next().flatten().zip(words.next().flatten());
            } else if let Some(host) = line.strip_prefix("c=IN IP4 10.0.0.") {
                reader.phone = host.parse::<usize>().ok().and_then(|host| host.checked_sub(1));
            } else if let Some(media) = line.strip_prefix("m=") {
                in_stream = reader.media(media)?;
            } else if let Some(attribute) = line.strip_prefix("a=").filter(|_| in_stream) {
                reader.attribute(attribute)?;
            }
        }
        Some(reader)
    }

    /// Reads an m-line. Returns whether it is the stream.
    fn media(&mut self, line: &str) -> Option<bool> {
        let mut words = line.split(' ');
        let media = match words.next()? {
            "audio" => MediaType::Audio,
            "video" => MediaType::Video,
            "application" => MediaType::Application,
            _ => return None,
        };
        let port: u16 = words.next()?.parse().ok()?;
        let line = Line { media, open: port != 0 };
        self.lines.push(line);
        let is_stream = line == Line::AUDIO && self.port.is_none();
        if is_stream {
            self.port = Some(port);
        }
        Some(is_stream)
    }

    fn attribute(&mut self, attribute: &str) -> Option<()> {
        let Some(map) = attribute.strip_prefix("rtpmap:") else {
            let known = DIRECTIONS.into_iter().find(|&known| name(known) == attribute);
            self.direction = known.or(self.direction);
            return Some(());
        };
        let (number, format) = map.split_once(' ')?;
        let number = number.parse().ok()?;
        if format == TELEPHONE_EVENT {
            self.telephone_event = Some(number);
        }
        let codec = Codec::ALL.into_iter().find(|&codec| encoding(codec) == format);
        self.codecs.extend(codec.map(|codec| (number, codec)));
        Some(())
    }

    fn finish(self) -> Result<Description, MediaFault> {
        let (Some(phone), Some((id, version))) = (self.phone, self.origin) else {
            return Err(MediaFault::BadDescription);
        };
        let address = Address { phone, port: self.port.ok_or(MediaFault::NoCommonMedia)? };
        let direction = self.direction.unwrap_or(Direction::SendRecv);
        let Self { lines, codecs, telephone_event, .. } = self;
        Ok(Description { address, id, version, lines, codecs, telephone_event, direction })
    }
}

const TELEPHONE_EVENT: &str = "telephone-event/8000";

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

    fn description(lines: Vec<Line>, direction: Direction) -> Description {
        Description {
            address: Address { phone: 3, port: 40_002 },
            id: 77,
            version: 2,
            lines,
            codecs: vec![(8, Codec::Pcma), (96, Codec::Opus)],
            telephone_event: (direction == Direction::SendRecv).then_some(97),
            direction,
        }
    }

    #[test]
    fn descriptions_round_trip() {
        let line = |media, open| Line { media, open };
        let around = |first, last| {
            vec![line(MediaType::Video, first), Line::AUDIO, line(MediaType::Application, last)]
        };
        for direction in DIRECTIONS {
            for lines in [vec![Line::AUDIO], around(true, false), around(false, true)] {
                let description = description(lines, direction);
                assert_eq!(Description::read(&description.write()), Ok(description));
            }
        }
        assert_eq!(Description::read(b"v=1\r\n"), Err(MediaFault::BadDescription));
        assert_eq!(Description::read(b"\xff"), Err(MediaFault::BadDescription));
        for lines in [Vec::new(), vec![line(MediaType::Audio, false)], vec![line(MediaType::Video, true)]] {
            let description = description(lines, Direction::SendRecv);
            assert_eq!(Description::read(&description.write()), Err(MediaFault::NoCommonMedia));
        }
    }
}
