//! SIP as text, read without any of the code under test.

/// A message as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Sip(pub String);

impl Sip {
    /// The values of all rows of this name, as written.
    pub(crate) fn rows(&self, name: &str) -> Vec<&str> {
        self.head()
            .skip(1)
            .filter_map(|line| line.split_once(':'))
            .filter(|(other, _)| other.trim().eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
            .collect()
    }

    /// The value of the only row of this name.
    #[track_caller]
    pub(crate) fn row(&self, name: &str) -> &str {
        let rows = self.rows(name);
        assert_eq!(rows.len(), 1, "{name} in\n{}", self.0);
        rows[0]
    }

    pub(crate) fn start(&self) -> &str {
        self.head().next().unwrap_or_default()
    }

    /// The Request-URI.
    #[track_caller]
    pub(crate) fn uri(&self) -> &str {
        self.start().split(' ').nth(1).expect("a request")
    }

    pub(crate) fn tag(&self, name: &str) -> &str {
        self.row(name).split_once(";tag=").map_or("", |(_, tag)| tag.split(';').next().unwrap())
    }

    pub(crate) fn branch(&self) -> &str {
        let (_, branch) = self.rows("Via")[0].split_once(";branch=").expect("a branch");
        branch.split(';').next().unwrap()
    }

    fn head(&self) -> impl Iterator<Item = &str> {
        self.0.split("\r\n\r\n").next().unwrap_or_default().split("\r\n")
    }
}

/// What the callee answers: all Vias, From, To with a tag, Call-ID, CSeq, Record-Route, and more rows.
pub(crate) fn reply(request: &Sip, status: &str, tag: &str, more: &str) -> String {
    let mut text = format!("SIP/2.0 {status}\n");
    for name in ["Via", "Record-Route", "From"] {
        for row in request.rows(name) {
            text += &format!("{name}: {row}\n");
        }
    }
    let to = request.row("To");
    let tagged = to.contains(";tag=") || tag.is_empty();
    text += &if tagged { format!("To: {to}\n") } else { format!("To: {to};tag={tag}\n") };
    text += &format!("Call-ID: {}\nCSeq: {}\n", request.row("Call-ID"), request.row("CSeq"));
    text + more + "Content-Length: 0\n\n"
}

/// One line of a ladder.
pub(crate) fn summary(message: &str) -> String {
    let sip = Sip(message.to_owned());
    let cseq = sip.rows("CSeq").first().map_or(String::new(), |cseq| format!(" ({cseq})"));
    let start = sip.start();
    if start.starts_with("SIP/2.0") {
        format!("{}{cseq}", &start[8..])
    } else {
        start.replace(" SIP/2.0", "")
    }
}
