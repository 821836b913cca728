//! From the model to bytes.

use sdp_types::{Attribute, Bandwidth, Connection, Key, Media, Session};

/// Writes a description in the order of RFC 8866 §5, so that a description in that order round-trips byte for byte.
///
/// CR, LF and NUL inside a text are left out: no value can add a line. An empty session name becomes `-`, a description without
/// times gets `t=0 0` (RFC 8866 §5.3, §5.9).
pub fn write(session: &Session) -> Vec<u8> {
    // Texts with control characters are next to unknown. So write first, and count afterwards: each line brings exactly
    // two octets below the space, its CR and its LF. One more, and everything is written again with care.
    let mut writer = Writer::<false> { text: Vec::with_capacity(measure(session)), lines: 0 };
    writer.session(session);
    if low_octets(&writer.text) == 2 * writer.lines {
        return writer.text;
    }
    let mut writer = Writer::<true> { text: Vec::with_capacity(writer.text.len()), lines: 0 };
    writer.session(session);
    writer.text
}

/// Octets up to CR. Chunks of less than 256 keep the sums in octets, which the compiler turns into vectors.
fn low_octets(text: &[u8]) -> usize {
    let count = |chunk: &[u8]| chunk.iter().map(|&octet| u8::from(octet <= b'\r')).sum::<u8>();
    text.chunks(192).map(|chunk| usize::from(count(chunk))).sum()
}

/// About how long the text becomes: candidates are longer, flags shorter.
fn measure(session: &Session) -> usize {
    let attributes = session.medias.iter().map(|media| media.attributes.len()).sum::<usize>();
    256 + 128 * session.medias.len() + 64 * (session.attributes.len() + attributes)
}

/// With `STRIP` it leaves out what could end a line.
struct Writer<const STRIP: bool> {
    text: Vec<u8>,
    lines: usize,
}

impl<const STRIP: bool> Writer<STRIP> {
    fn session(&mut self, session: &Session) {
        self.line("v=", "0");
        let origin = &session.origin;
        self.push("o=");
        self.push(origin.username.as_deref().filter(|name| !name.is_empty()).unwrap_or("-"));
        self.spaced(&origin.sess_id);
        self.push(" ");
        self.number(origin.sess_version);
        self.spaced(origin.nettype.as_str());
        self.spaced(origin.addrtype.as_str());
        self.spaced(&origin.unicast_address);
        self.end();
        self.line("s=", if session.session_name.is_empty() { "-" } else { &session.session_name });
        self.lines("i=", session.session_description.as_slice());
        self.lines("u=", session.uri.as_slice());
        self.lines("e=", &session.emails);
        self.lines("p=", &session.phones);
        self.connections(session.connection.as_slice());
        self.bandwidths(&session.bandwidths);
        self.times(session);
        self.keys(session.key.as_slice());
        self.attributes(&session.attributes);
        for media in &session.medias {
            self.media(media);
        }
    }

    fn media(&mut self, media: &Media) {
        self.push("m=");
        self.push(&media.media);
        self.push(" ");
        self.number(media.port.into());
        if let Some(count) = media.num_ports {
            self.push("/");
            self.number(count.into());
        }
        self.spaced(&media.proto);
        self.spaced(&media.fmt);
        self.end();
        self.lines("i=", media.media_title.as_slice());
        self.connections(&media.connections);
        self.bandwidths(&media.bandwidths);
        self.keys(media.key.as_slice());
        self.attributes(&media.attributes);
    }

    fn times(&mut self, session: &Session) {
        if session.times.is_empty() {
            self.line("t=", "0 0");
        }
        for time in &session.times {
            self.push("t=");
            self.number(time.start_time);
            self.push(" ");
            self.number(time.stop_time);
            self.end();
            for repeat in &time.repeats {
                self.push("r=");
                self.duration(repeat.repeat_interval);
                self.push(" ");
                self.duration(repeat.active_duration);
                for offset in &repeat.offsets {
                    self.push(" ");
                    self.duration(*offset);
                }
                self.end();
            }
        }
        if !session.time_zones.is_empty() {
            for (index, zone) in session.time_zones.iter().enumerate() {
                self.push(if index == 0 { "z=" } else { " " });
                self.number(zone.adjustment_time);
                self.push(if zone.offset < 0 { " -" } else { " " });
                self.duration(zone.offset.unsigned_abs());
            }
            self.end();
        }
    }

    fn connections(&mut self, list: &[Connection]) {
        for connection in list {
            self.push("c=");
            self.push(connection.nettype.as_str());
            self.spaced(connection.addrtype.as_str());
            self.spaced(&connection.connection_address);
            self.end();
        }
    }

    fn bandwidths(&mut self, list: &[Bandwidth]) {
        for bandwidth in list {
            self.push("b=");
            self.push(&bandwidth.bwtype);
            self.push(":");
            self.number(bandwidth.bandwidth);
            self.end();
        }
    }

    fn keys(&mut self, list: &[Key]) {
        for key in list {
            self.push("k=");
            self.push(&key.method);
            if let Some(value) = &key.encryption_key {
                self.push(":");
                self.push(value);
            }
            self.end();
        }
    }

    fn attributes(&mut self, list: &[Attribute]) {
        for attribute in list {
            self.push("a=");
            self.push(&attribute.attribute);
            if let Some(value) = &attribute.value {
                self.push(":");
                self.push(value);
            }
            self.end();
        }
    }

    fn lines(&mut self, letter: &str, texts: &[String]) {
        texts.iter().for_each(|text| self.line(letter, text));
    }

    fn line(&mut self, letter: &str, text: &str) {
        self.push(letter);
        self.push(text);
        self.end();
    }

    fn spaced(&mut self, text: &str) {
        self.push(" ");
        self.push(text);
    }

    /// Seconds, or the greatest unit that divides them (RFC 8866 §5.10).
    fn duration(&mut self, seconds: u64) {
        let (count, unit) = match seconds {
            0 => (0, ""),
            _ if seconds.is_multiple_of(86_400) => (seconds / 86_400, "d"),
            _ if seconds.is_multiple_of(3_600) => (seconds / 3_600, "h"),
            _ if seconds.is_multiple_of(60) => (seconds / 60, "m"),
            _ => (seconds, ""),
        };
        self.number(count);
        self.push(unit);
    }

    fn number(&mut self, mut value: u64) {
        let mut digits = [0; 20];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        self.text.extend_from_slice(&digits[at..]);
    }

    #[inline]
    fn push(&mut self, text: &str) {
        if STRIP {
            self.text.extend(text.bytes().filter(|octet| !matches!(octet, 0 | b'\r' | b'\n')));
        } else {
            self.text.extend_from_slice(text.as_bytes());
        }
    }

    #[inline]
    fn end(&mut self) {
        self.text.extend_from_slice(b"\r\n");
        self.lines += 1;
    }
}
