//! A torture message and the expected behaviour of the exchange.

use std::fs;
use std::path::PathBuf;

use crate::bench::{Bench, Outcome};
use crate::drive::Over;

/// The user names in the messages, unescaped.
const USERS: [&str; 17] = [
    "user",
    "j.user",
    "j_user",
    "watson",
    "caller",
    "jdrosen",
    "vivekg",
    "mundane",
    "1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*",
    "I have spaces",
    "sips:user@example.com",
    "null-\0-null",
    "resource",
    "user;par=u@example.net",
    "fluffy",
    "kumiko",
    "UserB",
];

/// A message of an RFC and the expected response.
pub(crate) struct Case {
    pub(crate) rfc: &'static str,
    pub(crate) name: &'static str,
    pub(crate) section: &'static str,
    /// The passage of the section that requires the response.
    pub(crate) quote: &'static str,
    user: &'static str,
    domains: &'static [&'static str],
    /// The source address of the message.
    address: &'static str,
    udp: &'static str,
    web_socket: Option<&'static str>,
    tcp: Option<&'static str>,
}

impl Case {
    pub(crate) fn new(
        rfc: &'static str,
        section: &'static str,
        name: &'static str,
        udp: &'static str,
        quote: &'static str,
    ) -> Self {
        let (user, address) = ("user", "198.51.100.2");
        Self { rfc, name, section, quote, user, domains: &[], address, udp, web_socket: None, tcp: None }
    }

    /// The user whose credentials answer a challenge.
    pub(crate) fn by(self, user: &'static str) -> Self {
        Self { user, ..self }
    }

    /// Further domains of the exchange.
    pub(crate) fn at(self, domains: &'static [&'static str]) -> Self {
        Self { domains, ..self }
    }

    /// The sender's address, an IPv6 address in brackets.
    pub(crate) fn from(self, address: &'static str) -> Self {
        Self { address, ..self }
    }

    /// The response over a WebSocket, if it differs from that over UDP.
    pub(crate) fn web_socket(self, answer: &'static str) -> Self {
        Self { web_socket: Some(answer), ..self }
    }

    /// The response over TCP, if the RFC specifies a different one for a stream.
    pub(crate) fn tcp(self, answer: &'static str) -> Self {
        Self { tcp: Some(answer), ..self }
    }

    pub(crate) fn message(&self) -> Vec<u8> {
        let path = folder(self.rfc).join(self.name).with_extension("dat");
        fs::read(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
    }

    pub(crate) fn bench(&self, over: Over) -> Bench {
        Bench::new(self.domains, &USERS, over, self.address)
    }

    pub(crate) fn run(&self, over: Over) -> Outcome {
        self.bench(over).send(&self.message(), self.user)
    }

    /// The expected responses.
    pub(crate) fn expected(&self) -> String {
        let web_socket = self.web_socket.unwrap_or(self.udp);
        shown(self.udp, web_socket, self.tcp)
    }

    /// The actual responses.
    pub(crate) fn actual(&self) -> String {
        let run = |over| self.run(over).to_string();
        let tcp = self.tcp.map(|_| run(Over::Tcp));
        shown(&run(Over::Udp), &run(Over::WebSocket), tcp.as_deref())
    }
}

fn shown(udp: &str, web_socket: &str, tcp: Option<&str>) -> String {
    let datagrams =
        if udp == web_socket { udp.to_owned() } else { format!("{udp}; WebSocket: {web_socket}") };
    datagrams + &tcp.map(|tcp| format!("; TCP: {tcp}")).unwrap_or_default()
}

/// The case of this name.
pub(crate) fn named(cases: Vec<Case>, name: &str) -> Case {
    cases.into_iter().find(|case| case.name == name).unwrap_or_else(|| panic!("no case {name}"))
}

/// The directory of the messages and quotes of an RFC.
pub(crate) fn folder(rfc: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/torture").join(rfc)
}

/// Fails unless there is one case for each message.
pub(crate) fn assert_complete(rfc: &str, cases: &[Case]) {
    let files = fs::read_dir(folder(rfc)).unwrap().map(|file| file.unwrap().path());
    let mut files: Vec<String> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "dat"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let mut names: Vec<&str> = cases.iter().map(|case| case.name).collect();
    files.sort();
    names.sort();
    assert_eq!(names, files);
}

/// Fails with all differences unless every message gets its expected response.
pub(crate) fn assert_right(cases: &[Case]) {
    let wrong = cases.iter().filter_map(|case| {
        let (expected, actual) = (case.expected(), case.actual());
        (expected != actual).then(|| format!("{}: expected {expected}, got {actual}", case.name))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
