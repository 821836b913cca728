//! A domain with phones, and the outcome of one message.

use std::fmt;

use offhook_exchange::Config;
use offhook_wire::Method;
use offhook_wire::digest::{Challenge, Password, Responder};

use crate::drive::{Drive, Over, Peer};

/// The domain of most messages.
const DOMAIN: &str = "example.com";

const PASSWORD: &str = "secret";

/// An exchange, a registered phone for each user, and a sender.
pub(crate) struct Bench {
    drive: Drive,
    sender: Peer,
    phone: Peer,
}

/// The responses to a message and the requests forwarded for it, in order.
#[derive(Default)]
pub(crate) struct Outcome {
    steps: Vec<String>,
    /// The responses to the sender.
    pub(crate) responses: Vec<Vec<u8>>,
    /// The requests that the phones received.
    pub(crate) forwarded: Vec<Vec<u8>>,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.steps.is_empty() { f.write_str("no answer") } else { f.write_str(&self.steps.join(", ")) }
    }
}

impl Bench {
    /// An exchange for [`DOMAIN`] and more domains, whose users are these, and a sender at `address`.
    pub(crate) fn new(domains: &[&str], users: &[&str], over: Over, address: &str) -> Self {
        let mut config = Config { guests: true, ..Config::new(DOMAIN) };
        config.domains.extend(domains.iter().map(|&domain| domain.to_owned()));
        let config = users.iter().fold(config, |config, user| config.with_user(*user, PASSWORD));
        let mut drive = Drive::new(config);
        let phone = drive.connect(Over::WebSocket, "198.51.100.1");
        for (number, user) in users.iter().enumerate() {
            register(&mut drive, phone, user, number);
        }
        let sender = drive.connect(over, address);
        Self { drive, sender, phone }
    }

    /// Sends a message, and again with the credentials of `user` if it is challenged.
    pub(crate) fn send(&mut self, message: &[u8], user: &str) -> Outcome {
        let mut outcome = Outcome::default();
        self.step(message, &mut outcome);
        let challenged = outcome.responses.last().filter(|last| matches!(status(last), Some("401" | "407")));
        if let Some(challenge) = challenged
            && let Some(message) = with_credentials(message, challenge, user)
        {
            // A challenge begins no transaction, so the same branch can be used again.
            self.step(&message, &mut outcome);
        }
        outcome
    }

    /// The responses of the phones.
    pub(crate) fn answer(&mut self, message: &[u8]) -> Vec<Vec<u8>> {
        self.drive.send(self.phone, message);
        self.drive.received(self.sender)
    }

    fn step(&mut self, message: &[u8], outcome: &mut Outcome) {
        self.drive.send(self.sender, message);
        for response in self.drive.received(self.sender) {
            let shown = status(&response).expect("a response");
            outcome.steps.push(shown.to_owned());
            outcome.responses.push(response);
        }
        for request in self.drive.received(self.phone) {
            assert_eq!(status(&request), None, "a phone receives requests");
            outcome.steps.push("forwarded".to_owned());
            outcome.forwarded.push(request);
        }
        if self.drive.is_closed(self.sender) {
            outcome.steps.push("closed".to_owned());
        }
    }
}

/// Registers a contact for a user.
fn register(drive: &mut Drive, phone: Peer, user: &str, number: usize) {
    let mut escaped = Vec::new();
    offhook_wire::escape_user(user.as_bytes(), &mut escaped);
    let address = format!("<sip:{}@{DOMAIN}>", String::from_utf8(escaped).unwrap());
    let request = format!(
        "REGISTER sip:{DOMAIN} SIP/2.0\r\nVia: SIP/2.0/WS phone.invalid;branch=z9hG4bKp{number}\r\nMax-Forwards: 70\r\n\
         From: {address};tag=p\r\nTo: {address}\r\nCall-ID: p{number}\r\nCSeq: 1 REGISTER\r\n\
         Contact: <sip:phone{number}@phone.invalid;transport=ws>;expires=3600\r\n\r\n"
    );
    drive.send(phone, request.as_bytes());
    let challenge = drive.received(phone).pop().expect("a challenge");
    let Some(request) = with_credentials(request.as_bytes(), &challenge, user) else { return };
    drive.send(phone, &request);
    let answer = drive.received(phone).pop().expect("an answer");
    assert_eq!(status(&answer), Some("200"), "{user}: {}", answer.escape_ascii());
}

/// The status of a response.
fn status(message: &[u8]) -> Option<&str> {
    message.strip_prefix(b"SIP/2.0 ").map(|rest| std::str::from_utf8(&rest[..3]).unwrap())
}

/// The request with an answer to the first challenge as its first row, its other bytes as they are. None for a user whose name has a
/// control character, which our digest does not write.
fn with_credentials(request: &[u8], challenge: &[u8], user: &str) -> Option<Vec<u8>> {
    let text = String::from_utf8_lossy(challenge);
    let rows = [("WWW-Authenticate: ", "Authorization"), ("Proxy-Authenticate: ", "Proxy-Authorization")];
    let rows = rows.map(|(row, name)| Some((name, text.lines().find_map(|line| line.strip_prefix(row))?)));
    let (name, challenge) = rows.into_iter().flatten().next().expect("a challenge");
    let line = request.iter().position(|&byte| byte == b'\r').expect("a line");
    let mut words = request[..line].split(|&byte| byte == b' ');
    let challenge = Challenge::parse(challenge.as_bytes()).expect("a challenge");
    let (method, uri) = (words.next().expect("a method"), words.next().expect("a Request-URI"));
    let password = Password::plain(PASSWORD);
    let method = Method::from_bytes(method);
    let row = Responder::new().answer(&challenge, user, &password, method, uri, b"", "c0ffee").ok()?;
    let (start, rest) = request.split_at(line + 2);
    Some([start, format!("{name}: {row}\r\n").as_bytes(), rest].concat())
}
