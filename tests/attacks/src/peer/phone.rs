//! A phone: a link, an account, and one request at a time.

use std::io::{self, ErrorKind};
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use offhook_wire::digest::{Challenge, Password, Responder};
use offhook_wire::{HeaderName, Message, Method};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use super::dialog::Dialog;
use super::draft::{Draft, branch, fresh, read};
use super::link::{Kind, Link, Target};

/// RFC 3261 §17.1.1.1 and §17.1.2.2.
const T1: Duration = Duration::from_millis(500);
const T2: Duration = Duration::from_secs(4);
/// How long a phone waits for a final response.
pub(crate) const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// The maximum of recorded requests; further ones are dropped.
const MAX_REQUESTS: usize = 4096;

/// A user's credentials and exchange.
#[derive(Clone)]
pub(crate) struct Account {
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) realm: String,
    pub(crate) target: Target,
}

impl Account {
    /// The address-of-record.
    pub(crate) fn aor(&self) -> String {
        format!("sip:{}@{}", self.user, self.realm)
    }
}

pub(crate) struct Phone {
    pub(crate) link: Link,
    pub(crate) account: Account,
    /// The Contact URI.
    pub(crate) contact: String,
    /// The REGISTER: all registrations of a phone have the same Call-ID (RFC 3261 §10.2).
    registration: Draft,
    pub(super) requests: Option<mpsc::Sender<Message>>,
}

impl Phone {
    /// Connects from `from` without sending anything.
    pub(crate) async fn open(account: Account, kind: Kind, from: IpAddr) -> io::Result<Self> {
        Ok(Self::over(Link::open(kind, from, account.target).await?, account))
    }

    /// A phone on a WebSocket with a small receive buffer.
    pub(crate) async fn open_unread(account: Account, from: IpAddr) -> io::Result<Self> {
        Ok(Self::over(Link::unread(from, account.target).await?, account))
    }

    fn over(link: Link, account: Account) -> Self {
        let contact = format!("sip:{}@{}", account.user, link.host(&account.user));
        let registrar = format!("sip:{}", account.realm);
        let registration = Draft::new(Method::Register, &registrar, &account.aor(), &account.aor());
        Self { link, account, contact, registration, requests: None }
    }

    /// Records a copy of each request from now on.
    pub(crate) fn record_requests(&mut self) -> mpsc::Receiver<Message> {
        let (sender, requests) = mpsc::channel(MAX_REQUESTS);
        self.requests = Some(sender);
        requests
    }

    /// Registers the Contact for an hour.
    ///
    /// # Errors
    /// Those of the link; `PermissionDenied` if the final response is not 200.
    pub(crate) async fn register(&mut self) -> io::Result<()> {
        let contact = format!("<{}>", self.contact);
        self.register_contact(&contact).await
    }

    /// Registers another Contact value.
    pub(crate) async fn register_contact(&mut self, contact: &str) -> io::Result<()> {
        self.registration.cseq += 2;
        let register = self.registration.clone().with("Contact", contact).with("Expires", "3600");
        accepted(&self.ask(register).await?).map(drop)
    }

    /// Sends a request without waiting for a response.
    pub(crate) async fn send(&mut self, draft: &Draft) -> io::Result<()> {
        let data = draft.write(&self.link.via(), &branch());
        self.link.send(data).await
    }

    /// Sends a request, answers one challenge, and returns the final response.
    pub(crate) async fn ask(&mut self, mut draft: Draft) -> io::Result<Message> {
        let first = self.transact(&draft).await?;
        let Some((name, value)) = self.credentials(&first, &draft) else { return Ok(first) };
        draft.cseq += 1;
        self.transact(&draft.with(name, value)).await
    }

    /// Calls an address-of-record and sends the ACK.
    pub(crate) async fn call(&mut self, to: &str) -> io::Result<Dialog> {
        let invite = Draft::new(Method::Invite, to, &self.account.aor(), to);
        self.invite(invite.with("Contact", format!("<{}>", self.contact))).await
    }

    /// Sends this INVITE and the ACK.
    pub(crate) async fn invite(&mut self, invite: Draft) -> io::Result<Dialog> {
        let answer = self.ask(invite.clone()).await?;
        accepted(&answer)?;
        // The INVITE that was accepted may be the second one, whose CSeq is one higher.
        let invite = Draft { cseq: answer.cseq().map_or(invite.cseq, |cseq| cseq.number), ..invite };
        let dialog = Dialog::of_caller(&invite, &answer).ok_or(ErrorKind::InvalidData)?;
        self.send(&dialog.ack()).await?;
        Ok(dialog)
    }

    /// Sends an OPTIONS to an address-of-record through the exchange. After its response, all requests forwarded earlier on the same
    /// connections have arrived.
    pub(crate) async fn reach(&mut self, to: &str) -> io::Result<()> {
        let options = Draft::new(Method::Options, to, &self.account.aor(), to);
        accepted(&self.ask(options).await?).map(drop)
    }

    /// Sends one request and returns its final response; over UDP it is retransmitted (RFC 3261 §17.1). Requests received
    /// meanwhile are answered.
    pub(crate) async fn transact(&mut self, draft: &Draft) -> io::Result<Message> {
        let branch = branch();
        let data = draft.write(&self.link.via(), &branch);
        let deadline = Instant::now() + RESPONSE_TIMEOUT;
        let mut interval = T1;
        let mut retransmit_at = (self.link.kind() == Kind::Udp).then(|| Instant::now() + interval);
        self.link.send(data.clone()).await?;
        loop {
            let wake = retransmit_at.map_or(deadline, |retransmit_at| retransmit_at.min(deadline));
            let Ok(received) = timeout_at(wake, self.link.receive()).await else {
                if Instant::now() >= deadline {
                    return Err(ErrorKind::TimedOut.into());
                }
                interval = (interval * 2).min(T2);
                retransmit_at = Some(Instant::now() + interval);
                self.link.send(data.clone()).await?;
                continue;
            };
            let Some(message) = read(received?) else { continue };
            match message.status() {
                None => self.answer_request(&message).await?,
                Some(_) if !is_for(&message, &branch) => {}
                Some(100..=199) => retransmit_at = retransmit_at.filter(|_| draft.method != Method::Invite),
                Some(status) => {
                    if draft.method == Method::Invite && status >= 300 {
                        self.acknowledge(draft, &message, &branch).await?;
                    }
                    return Ok(message);
                }
            }
        }
    }

    /// RFC 3261 §17.1.1.3.
    async fn acknowledge(&mut self, invite: &Draft, response: &Message, branch: &str) -> io::Result<()> {
        let to = response.header(HeaderName::To).map_or_else(|| invite.to.clone(), super::text);
        let routes = invite.rows.iter().filter(|(name, _)| name == "Route").cloned().collect();
        let ack = Draft { method: Method::Ack, to, rows: routes, body: Bytes::new(), ..invite.clone() };
        let data = ack.write(&self.link.via(), branch);
        self.link.send(data).await
    }

    fn credentials(&self, response: &Message, draft: &Draft) -> Option<(&'static str, String)> {
        guess(response, &self.account.user, &self.account.password, draft)
    }
}

fn is_for(response: &Message, branch: &str) -> bool {
    response.via().is_ok_and(|via| via.branch() == Some(branch.as_bytes()))
}

fn accepted(response: &Message) -> io::Result<&Message> {
    match response.status() {
        Some(200..=299) => Ok(response),
        status => {
            let what = format!("answered {}", status.unwrap_or_default());
            Err(io::Error::new(ErrorKind::PermissionDenied, what))
        }
    }
}

/// The credentials for a challenge with this password. Uses the last challenge, as browsers' libraries do; by default that is MD5, which
/// is the cheapest.
pub(crate) fn guess(
    response: &Message,
    user: &str,
    password: &str,
    draft: &Draft,
) -> Option<(&'static str, String)> {
    let (challenge, name) = match response.status()? {
        401 => (HeaderName::WwwAuthenticate, "Authorization"),
        407 => (HeaderName::ProxyAuthenticate, "Proxy-Authorization"),
        _ => return None,
    };
    let challenge = response.rows(challenge).filter_map(|row| Challenge::parse(row).ok()).last()?;
    let (password, cnonce) = (Password::plain(password), fresh("c"));
    let (uri, method) = (draft.uri.as_bytes(), draft.method);
    let value = Responder::new().answer(&challenge, user, &password, method, uri, &draft.body, &cnonce);
    Some((name, value.ok()?))
}
