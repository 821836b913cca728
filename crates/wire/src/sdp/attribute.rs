//! The few attributes that a telephone reads. The others, candidates among them, stay the text that they are.

use sdp_types::{Attribute, Media, Session};

use super::Direction;

/// One payload type: `a=rtpmap:<payload type> <encoding>/<clock>[/<channels>]` (RFC 8866 §6.6).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub struct RtpMap<'a> {
    /// The payload type, 0 to 127.
    pub payload_type: u8,
    /// The encoding's name; compare it without regard to case (RFC 4855 §3).
    pub encoding: &'a str,
    /// The clock rate in hertz.
    pub clock: u32,
    /// The channels, one if not said.
    pub channels: u8,
}

impl<'a> RtpMap<'a> {
    /// Reads the value of `rtpmap`.
    pub fn parse(value: &'a str) -> Option<RtpMap<'a>> {
        let (payload_type, encoding) = value.trim().split_once(' ')?;
        let mut fields = encoding.trim_start().split('/');
        Some(RtpMap {
            payload_type: digits(payload_type).filter(|&number| number < 128)? as u8,
            encoding: fields.next().filter(|name| !name.is_empty())?,
            clock: digits(fields.next()?)?,
            channels: match fields.next() {
                Some(count) => u8::try_from(digits(count)?).ok()?,
                None => 1,
            },
        })
    }

    /// The payload types that need no `rtpmap` (RFC 3551 §6), as far as telephones use them.
    pub fn assigned(payload_type: u8) -> Option<RtpMap<'static>> {
        let encoding = match payload_type {
            0 => "PCMU",
            3 => "GSM",
            8 => "PCMA",
            // RFC 3551 §4.5.2: the clock is wrong and stays so.
            9 => "G722",
            13 => "CN",
            18 => "G729",
            _ => return None,
        };
        Some(RtpMap { payload_type, encoding, clock: 8000, channels: 1 })
    }

    /// Whether it is this encoding at this rate.
    pub fn is(&self, encoding: &str, clock: u32) -> bool {
        self.encoding.eq_ignore_ascii_case(encoding) && self.clock == clock
    }
}

/// The payload types of a stream in the order of its `m=` line, the preferred first. Those that nothing describes are left out.
pub fn codecs(media: &Media) -> impl Iterator<Item = RtpMap<'_>> {
    media.fmt.split(' ').filter_map(|format| {
        let payload_type = digits(format).and_then(|number| u8::try_from(number).ok())?;
        values(&media.attributes, "rtpmap")
            .filter_map(RtpMap::parse)
            .find(|map| map.payload_type == payload_type)
            .or_else(|| RtpMap::assigned(payload_type))
    })
}

/// The format parameters of a payload type: `a=fmtp:<payload type> <parameters>` (RFC 8866 §6.15).
pub fn fmtp(media: &Media, payload_type: u8) -> Option<&str> {
    values(&media.attributes, "fmtp").find_map(|value| {
        let (own, parameters) = value.trim().split_once(' ')?;
        (digits(own) == Some(payload_type.into())).then_some(parameters.trim())
    })
}

/// One of `name=value;name=value`, as most encodings write their parameters.
pub fn fmtp_value<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters.split(';').find_map(|parameter| {
        let (own, value) = parameter.split_once('=')?;
        own.trim().eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// The direction of a stream: its own, else the session's, else both ways (RFC 8866 §6.7).
pub fn direction(session: &Session, media: &Media) -> Direction {
    let own = |list: &[Attribute]| {
        let flags = list.iter().filter(|attribute| attribute.value.is_none());
        flags.filter_map(|attribute| Direction::from_name(attribute.attribute.as_bytes())).next()
    };
    own(&media.attributes).or_else(|| own(&session.attributes)).unwrap_or_default()
}

/// Who opens the DTLS connection (RFC 4145 §4, RFC 5763 §5).
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub enum Setup {
    /// This end does.
    Active,
    /// The other end does.
    Passive,
    /// An offer: the other end chooses.
    ActPass,
    /// Nobody, for now.
    HoldConn,
}

impl Setup {
    /// The value of the attribute.
    pub const fn name(self) -> &'static str {
        match self {
            Setup::Active => "active",
            Setup::Passive => "passive",
            Setup::ActPass => "actpass",
            Setup::HoldConn => "holdconn",
        }
    }
}

/// The stream's `a=setup`, else the session's. `None` too if it is unknown.
pub fn setup(session: &Session, media: &Media) -> Option<Setup> {
    let known = [Setup::Active, Setup::Passive, Setup::ActPass, Setup::HoldConn];
    let value = values(&media.attributes, "setup").chain(values(&session.attributes, "setup")).next()?;
    known.into_iter().find(|setup| setup.name() == value.trim())
}

/// The candidates of a stream as they stand: everything after `a=candidate:` (RFC 8839 §5.1).
pub fn candidates(media: &Media) -> impl Iterator<Item = &str> {
    values(&media.attributes, "candidate")
}

fn values<'a>(list: &'a [Attribute], name: &'static str) -> impl Iterator<Item = &'a str> {
    list.iter().filter(move |attribute| attribute.attribute == name).filter_map(|a| a.value.as_deref())
}

/// No sign, no space.
fn digits(text: &str) -> Option<u32> {
    let all = !text.is_empty() && text.bytes().all(|octet| octet.is_ascii_digit());
    all.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::parse;

    #[test]
    fn maps_are_read_strictly() {
        let map = |payload_type, encoding, clock, channels| {
            Some(RtpMap { payload_type, encoding, clock, channels })
        };
        assert_eq!(RtpMap::parse("111 opus/48000/2"), map(111, "opus", 48000, 2));
        assert_eq!(RtpMap::parse(" 0  PCMU/8000 "), map(0, "PCMU", 8000, 1));
        for bad in ["", "0", "0 ", "0 PCMU", "0 /8000", "128 a/1", "+0 a/1", "0 a/+1", "0 a/1/", "0 a/1/300"]
        {
            assert_eq!(RtpMap::parse(bad), None, "{bad}");
        }
        assert!(RtpMap::parse("111 OPUS/48000/2").unwrap().is("opus", 48000));
    }

    #[test]
    fn codecs_come_in_the_order_of_preference() {
        let text = include_bytes!("../../tests/samples/asterisk-answer.sdp");
        let session = parse(text).unwrap();
        let media = &session.medias[0];
        let list: Vec<_> = codecs(media).map(|map| (map.payload_type, map.encoding)).collect();
        let expected = [(0, "PCMU"), (8, "PCMA"), (9, "G722"), (111, "opus")];
        assert_eq!(list[..4], expected);
        assert_eq!(list[4..], [(126, "telephone-event"), (110, "telephone-event")]);
        assert_eq!(fmtp(media, 110), Some("0-16"));
        assert_eq!(fmtp(media, 11), None);
        assert_eq!(setup(&session, media), Some(Setup::Active));
        assert_eq!(candidates(media).next(), Some("H7f000001 1 UDP 2130706431 127.0.0.1 20324 typ host"));
    }

    #[test]
    fn what_the_stream_lacks_the_session_or_the_standard_says() {
        let text = b"v=0\no=- 1 1 IN IP4 1.2.3.4\ns=-\nt=0 0\na=setup:actpass\na=sendonly\nm=audio 9 RTP/AVP 8 18 96 x\n\
            a=fmtp:8 A=1; b = 2\n";
        let session = parse(text).unwrap();
        let media = &session.medias[0];
        let list: Vec<_> = codecs(media).map(|map| map.encoding).collect();
        assert_eq!(list, ["PCMA", "G729"], "96 and x mean nothing");
        assert_eq!(setup(&session, media), Some(Setup::ActPass));
        assert_eq!(direction(&session, media), Direction::SendOnly);
        let parameters = fmtp(media, 8).unwrap();
        assert_eq!((fmtp_value(parameters, "a"), fmtp_value(parameters, "B")), (Some("1"), Some("2")));
        assert_eq!(fmtp_value(parameters, "c"), None);
    }
}
