//! Numbers identifiers by their first appearance, and shows messages with these numbers.

use offhook_wire::{HeaderName, Limits, Message, NameAddr, Uri};

/// The identifiers so far and their names.
#[derive(Default)]
pub(crate) struct Names {
    known: Vec<(String, String)>,
}

impl Names {
    /// A message as shown in a ladder: all rows, and the direction of its description.
    pub(crate) fn text(&mut self, data: &[u8]) -> String {
        let mut message =
            Message::parse(data.to_vec().into(), &Limits::default()).expect("a well-formed message");
        message.check().expect("a valid message");
        self.learn(&message);
        let text = String::from_utf8(data.to_vec()).expect("ASCII");
        let (head, body) = text.split_once("\r\n\r\n").expect("a head");
        let mut lines: Vec<String> = head.lines().map(str::to_owned).collect();
        match message.content_type() {
            Some(b"application/sdp") => {
                let direction = body.lines().find_map(|line| {
                    let name = line.strip_prefix("a=")?;
                    matches!(name, "sendrecv" | "sendonly" | "recvonly" | "inactive").then_some(name)
                });
                lines.push(format!("[{}{}]", direction.expect("a direction"), streams(body)));
            }
            _ => lines.extend(body.lines().map(str::to_owned)),
        }
        let mut text = lines.join("\n");
        for (id, name) in &self.known {
            text = text.replace(id, name);
        }
        text
    }

    fn learn(&mut self, message: &Message) {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("ASCII");
        if let Ok(via) = message.via()
            && let Some(branch) = via.branch()
        {
            self.name("branch", &text(branch));
        }
        for party in [message.from(), message.to()].into_iter().flatten() {
            if let Some(tag) = party.tag() {
                self.name("tag", &text(tag));
            }
        }
        self.name("call", &text(message.call_id().expect("checked")));
        if let Ok(Some(contact)) = message.contact()
            && let Some(user) = Uri::parse(contact.uri).expect("a URI").user
        {
            self.name("contact", &text(user));
        }
        for route in
            [HeaderName::RecordRoute, HeaderName::Route].into_iter().flat_map(|row| message.values(row))
        {
            let route = NameAddr::parse(route).expect("a route of the exchange");
            if let Some(user) = route.uri_parsed().expect("a URI").user {
                self.name("route", &text(user));
            }
        }
        for row in message.headers() {
            let value = text(row.value);
            for secret in ["nonce", "cnonce", "response"] {
                if let Some(found) = quoted(&value, secret) {
                    self.name(secret, found);
                }
            }
        }
    }

    fn name(&mut self, kind: &str, id: &str) {
        if self.known.iter().any(|(known, _)| known == id) {
            return;
        }
        let start = format!("<{kind} ");
        let n = self.known.iter().filter(|(_, name)| name.starts_with(&start)).count() + 1;
        self.known.push((id.to_owned(), format!("<{kind} {n}>")));
    }
}

/// The value of ` name="…"`.
fn quoted<'v>(value: &'v str, name: &str) -> Option<&'v str> {
    let start = value.find(&format!(" {name}=\""))? + name.len() + 3;
    value[start..].split('"').next()
}

/// The streams of a description, unless it has one of audio only.
fn streams(description: &str) -> String {
    let lines = description.lines().filter_map(|line| line.strip_prefix("m="));
    let stream = |line: &str| {
        let mut words = line.split(' ');
        let (kind, port) = (words.next().expect("a type"), words.next().expect("a port"));
        if port == "0" { format!("{kind} port 0") } else { kind.to_owned() }
    };
    let streams: Vec<String> = lines.map(stream).collect();
    if streams == ["audio"] { String::new() } else { format!("; {}", streams.join(", ")) }
}
