//! A phone: a flow, a user, and text.

use offhook_exchange::{FlowId, Transport};
use offhook_wire::Method;
use offhook_wire::digest::{Challenge, Password, Responder, Secret};

use super::{Dialog, Lab, Sip, reply};

/// A user's phone on one flow.
pub(crate) struct Phone {
    pub(crate) flow: FlowId,
    pub(crate) user: String,
    pub(crate) password: String,
    /// Its Contact URI.
    pub(crate) contact: String,
    pub(crate) tag: String,
    /// The domain of its From.
    pub(crate) domain: &'static str,
    /// The sent-by of its Via values.
    pub(crate) sent_by: String,
    /// Whether it requests responses to its source port (RFC 3581).
    pub(crate) rport: bool,
    transport: Transport,
    cseq: u32,
    branch: u32,
}

impl Phone {
    /// An unregistered phone whose flow is up. Its host is `<user>.invalid`, as in browsers.
    pub(crate) fn new(lab: &mut Lab, flow: u64, transport: Transport, user: &str) -> Self {
        let flow = lab.up(flow, transport);
        Self {
            flow,
            user: user.to_owned(),
            password: format!("{user}-pw"),
            contact: format!("sip:{user}-{}@{user}.invalid;transport=ws", flow.0),
            tag: format!("{user}-tag"),
            domain: "example.com",
            sent_by: format!("{user}.invalid"),
            rport: transport == Transport::Udp,
            transport,
            cseq: 0,
            branch: 0,
        }
    }

    /// A phone of a foreign domain, without a password.
    pub(crate) fn guest(lab: &mut Lab, flow: u64, transport: Transport) -> Self {
        Self { domain: "example.org", ..Self::new(lab, flow, transport, "guest") }
    }

    /// A phone on UDP without a NAT: its Via and Contact have its source address. It sends no `rport`.
    pub(crate) fn desk(lab: &mut Lab, flow: u64, user: &str, address: &str) -> Self {
        let mut desk = Self::new(lab, flow, Transport::Udp, user);
        lab.up_from(flow, Transport::Udp, address.parse().expect("an address"));
        desk.contact = format!("sip:{user}@{address}");
        desk.sent_by = address.to_owned();
        desk.rport = false;
        desk
    }

    /// A registered phone on a WebSocket.
    pub(crate) fn registered(lab: &mut Lab, flow: u64, user: &str) -> Self {
        let mut phone = Self::new(lab, flow, Transport::Ws, user);
        phone.register(lab);
        phone
    }

    pub(crate) fn over(lab: &mut Lab, flow: u64, transport: Transport, user: &str) -> Self {
        let mut phone = Self::new(lab, flow, transport, user);
        phone.register(lab);
        phone
    }

    /// Replaces the flow by a new one.
    pub(crate) fn reconnect(&mut self, lab: &mut Lab, flow: u64) {
        lab.down(self.flow);
        self.flow = lab.up(flow, self.transport);
    }

    /// Registers, answering the challenge.
    #[track_caller]
    pub(crate) fn register(&mut self, lab: &mut Lab) -> Sip {
        let contact = format!("Contact: <{}>;expires=600\n", self.contact);
        let answer = self.register_with(lab, &contact);
        assert!(answer.0.starts_with("SIP/2.0 200 "), "{}", answer.0);
        answer
    }

    /// Registers with these rows, answering the challenge. Returns the second response.
    #[track_caller]
    pub(crate) fn register_with(&mut self, lab: &mut Lab, rows: &str) -> Sip {
        let first =
            self.request("REGISTER", "sip:example.com", &format!("sip:{}@example.com", self.user), rows);
        lab.send(self.flow, &first);
        let challenge = lab.next(self.flow);
        if !challenge.0.starts_with("SIP/2.0 401 ") {
            return challenge;
        }
        let credentials = self.credentials(&challenge, "REGISTER", "sip:example.com");
        let rows = format!("{rows}Authorization: {credentials}\n");
        let second =
            self.request("REGISTER", "sip:example.com", &format!("sip:{}@example.com", self.user), &rows);
        lab.send(self.flow, &second);
        lab.next(self.flow)
    }

    /// The value of an Authorization or Proxy-Authorization row for the first challenge.
    #[track_caller]
    pub(crate) fn credentials(&self, challenge: &Sip, method: &str, uri: &str) -> String {
        let rows = [challenge.rows("WWW-Authenticate"), challenge.rows("Proxy-Authenticate")].concat();
        let challenge = Challenge::parse(rows[0].as_bytes()).expect("a challenge");
        let password = Password::Plain(Secret::new(self.password.clone()));
        let method = Method::from_bytes(method.as_bytes());
        Responder::new()
            .answer(&challenge, &self.user, &password, method, uri.as_bytes(), b"", "c0ffee")
            .expect("credentials")
    }

    /// A request with a new branch and the next CSeq.
    pub(crate) fn request(&mut self, method: &str, uri: &str, to: &str, rows: &str) -> String {
        self.cseq += 1;
        self.request_numbered(method, self.cseq, uri, to, rows)
    }

    pub(crate) fn request_numbered(
        &mut self,
        method: &str,
        cseq: u32,
        uri: &str,
        to: &str,
        rows: &str,
    ) -> String {
        let via = self.via();
        let Self { user, tag, domain, .. } = self;
        let to = if to.contains('<') { to.to_owned() } else { format!("<{to}>") };
        format!(
            "{method} {uri} SIP/2.0\n\
             Via: {via}\n\
             Max-Forwards: 70\n\
             From: <sip:{user}@{domain}>;tag={tag}\n\
             To: {to}\n\
             Call-ID: call-{tag}\n\
             CSeq: {cseq} {method}\n\
             {rows}\
             Content-Length: 0\n\n"
        )
    }

    /// A Via value with a new branch.
    pub(crate) fn via(&mut self) -> String {
        self.branch += 1;
        let transport = String::from_utf8_lossy(self.transport.as_bytes());
        let rport = if self.rport { ";rport" } else { "" };
        let Self { user, sent_by, branch, .. } = self;
        format!("SIP/2.0/{transport} {sent_by}{rport};branch=z9hG4bK{user}{branch}")
    }

    /// Answers an INVITE with 180 and 200 and hears nothing back yet; returns what it received.
    #[track_caller]
    pub(crate) fn answer(&mut self, lab: &mut Lab) -> Sip {
        let invite = lab.expect(self.flow, "INVITE ");
        lab.send(self.flow, &reply(&invite, "180 Ringing", &self.tag, ""));
        lab.send(self.flow, &reply(&invite, "200 OK", &self.tag, &format!("Contact: <{}>\n", self.contact)));
        invite
    }

    /// Calls a phone that answers: the two views of the dialog, the ACK exchanged.
    #[track_caller]
    pub(crate) fn call(&mut self, lab: &mut Lab, callee: &mut Phone) -> (Dialog, Dialog) {
        let sent = self.invite(lab, &format!("sip:{}@example.com", callee.user));
        let received = callee.answer(lab);
        lab.expect(self.flow, "SIP/2.0 180 ");
        let ok = lab.expect(self.flow, "SIP/2.0 200 ");
        let mut near = Dialog::caller(&sent, &ok);
        let far = Dialog::callee(&received, &callee.tag);
        let ack = near.request(self, "ACK", "");
        lab.send(self.flow, &ack);
        lab.expect(callee.flow, "ACK ");
        (near, far)
    }

    /// An INVITE that answers the proxy's challenge; returns what was sent last.
    #[track_caller]
    pub(crate) fn invite(&mut self, lab: &mut Lab, uri: &str) -> Sip {
        let contact = format!("Contact: <{}>\n", self.contact);
        let first = self.request("INVITE", uri, uri, &contact);
        lab.send(self.flow, &first);
        let challenge = lab.expect(self.flow, "SIP/2.0 407 ");
        lab.send(self.flow, &self.ack_refusal(&Sip(first.replace('\n', "\r\n")), &challenge));
        let credentials = self.credentials(&challenge, "INVITE", uri);
        let rows = format!("{contact}Proxy-Authorization: {credentials}\n");
        let second = self.request("INVITE", uri, uri, &rows);
        lab.send(self.flow, &second);
        lab.expect(self.flow, "SIP/2.0 100 ");
        Sip(second.replace('\n', "\r\n"))
    }

    /// The ACK of a refusal: the branch of the INVITE.
    pub(crate) fn ack_refusal(&self, invite: &Sip, refusal: &Sip) -> String {
        self.hop_by_hop("ACK", invite, refusal.row("To"))
    }

    /// The CANCEL of an INVITE.
    pub(crate) fn cancel(&self, invite: &Sip) -> String {
        self.hop_by_hop("CANCEL", invite, invite.row("To"))
    }

    fn hop_by_hop(&self, method: &str, invite: &Sip, to: &str) -> String {
        let cseq = invite.row("CSeq").split(' ').next().unwrap();
        format!(
            "{method} {} SIP/2.0\nVia: {}\nMax-Forwards: 70\nFrom: {}\nTo: {to}\nCall-ID: {}\nCSeq: {cseq} {method}\n\
             Content-Length: 0\n\n",
            invite.uri(),
            invite.row("Via"),
            invite.row("From"),
            invite.row("Call-ID"),
        )
    }
}
