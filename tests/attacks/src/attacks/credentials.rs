//! Attack 8: forwarding of credentials for the exchange, and credentials for another resource.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};

use offhook_wire::{HeaderName, Message, Method};
use tokio::sync::mpsc;

use super::context::Context;
use crate::exchange::{Exchange, REALM};
use crate::figure::{Figure, Limit, Value};
use crate::peer::{Behaviour, Draft, Kind, Phone, Serving, guess, text};

const NAME: &str = "credentials";
/// Malformed rows with the exchange's realm.
const MALFORMED: [&str; 6] = [
    "Digest username=\"alice\", realm=\"offhook.test\", nonce=\"unterminated",
    "Digest username=\"alice\", realm=\"offhook.test\"",
    "Digest username=alice, realm=offhook.test, nonce=n, uri=x, response=00",
    "digest  REALM = \"offhook.test\" , response=\"00\"",
    "Digest username=\"alice\", realm=\"offhook\\.test\", nonce=\"n\", uri=\"sip:x\", response=\"00\"",
    "Digest username=\"alice\",, realm=\"offhook.test\", nonce=\"n\", nonce=\"m\"",
];
/// For another proxy: to be forwarded (RFC 3261 §22.3).
const FOREIGN: &str = "Digest username=\"alice\", realm=\"elsewhere.example\", nonce=\"n\", \
    uri=\"sip:bob@elsewhere.example\", response=\"00000000000000000000000000000000\"";
const BOTH: [&str; 2] = ["Authorization", "Proxy-Authorization"];

pub(super) async fn run(context: Context) -> io::Result<Vec<Figure>> {
    let mut setup = Setup::new(&context).await?;
    setup.outside().await?;
    setup.inside().await?;
    let callee = setup.callee.clone();
    // Bob has one connection: when this is answered, all requests forwarded earlier have arrived.
    setup.alice.reach(&callee).await?;
    let (own, foreign) = setup.arrived();
    let (refused, tried) = setup.other_resources().await?;
    let figure = |name: &str, some, of| Figure::new(NAME, name, Value::share(some, of));
    let figures = vec![
        figure("rows with credentials for the exchange's realm: forwarded", own, setup.own)
            .limit(Limit::None),
        figure("rows with credentials for another realm: forwarded", foreign, setup.foreign)
            .limit(Limit::All),
        figure("credentials for another resource: answered 400", refused, tried).limit(Limit::All),
        figure("credentials for an equivalent Request-URI: accepted", setup.equivalent().await?, 1)
            .limit(Limit::All),
    ];
    setup.exchange.stop().await?;
    Ok(figures)
}

struct Setup {
    exchange: Exchange,
    alice: Phone,
    received: mpsc::Receiver<Message>,
    _bob: Serving,
    /// Bob's address-of-record.
    callee: String,
    /// Rows sent.
    own: u32,
    foreign: u32,
}

impl Setup {
    async fn new(context: &Context) -> io::Result<Self> {
        let exchange = Exchange::start(&context.program, &["alice", "bob"].map(str::to_owned), false).await?;
        let address = |index| -> IpAddr { Ipv4Addr::new(127, 72, 0, index).into() };
        let mut bob = Phone::open(exchange.account("bob"), Kind::Ws, address(1)).await?;
        bob.register().await?;
        let (received, callee) = (bob.record_requests(), exchange.account("bob").aor());
        let mut alice = Phone::open(exchange.account("alice"), Kind::Ws, address(2)).await?;
        alice.register().await?;
        Ok(Self { exchange, alice, received, _bob: bob.serve(Behaviour::Answer), callee, own: 0, foreign: 0 })
    }

    fn draft(&self, method: Method<'static>) -> Draft {
        let draft = Draft::new(method, &self.callee, &self.alice.account.aor(), &self.callee);
        match method {
            Method::Invite => draft.with("Contact", format!("<{}>", self.alice.contact)),
            _ => draft,
        }
    }

    /// Requests outside a dialog, each with the required credentials and some more.
    async fn outside(&mut self) -> io::Result<()> {
        let mut additions: Vec<Vec<&str>> = MALFORMED.iter().map(|row| vec![*row]).collect();
        additions.push(vec![FOREIGN]);
        additions.push([&MALFORMED[..], &[FOREIGN]].concat());
        for more in additions {
            let draft = self.draft(Method::Message);
            let draft = self.authorised(draft).await?;
            let draft = self.with(draft, &more);
            self.send(draft).await?;
        }
        Ok(())
    }

    /// Requests inside a dialog, which need no credentials, and the ACK, which repeats those of its INVITE (RFC 3261 §22.1).
    async fn inside(&mut self) -> io::Result<()> {
        let invite = self.draft(Method::Invite);
        let invite = self.authorised(invite).await?;
        let (name, own) = invite.rows.last().cloned().ok_or(ErrorKind::InvalidData)?;
        self.own += 1;
        let mut dialog = self.alice.invite(invite).await?;
        let ack = dialog.ack().with(name, own.clone());
        self.own += 1;
        self.alice.send(&ack).await?;
        for (method, routed) in [(Method::Info, true), (Method::Info, false), (Method::Bye, true)] {
            let draft = self.with(dialog.next(method, routed), &[&own, MALFORMED[0], FOREIGN]);
            self.send(draft).await?;
        }
        Ok(())
    }

    /// Adds the credentials for the exchange's challenge as the last row.
    async fn authorised(&mut self, draft: Draft) -> io::Result<Draft> {
        let challenge = self.alice.transact(&draft).await?;
        let account = &self.alice.account;
        let row = guess(&challenge, &account.user, &account.password, &draft);
        let (name, value) = row.ok_or_else(|| io::Error::other("the exchange sent no challenge"))?;
        let draft = Draft { cseq: draft.cseq + 1, ..draft };
        Ok(draft.with(name, value))
    }

    /// Adds these rows as Authorization and as Proxy-Authorization.
    fn with(&mut self, draft: Draft, rows: &[&str]) -> Draft {
        let mut draft = draft;
        for row in rows {
            for name in BOTH {
                draft = draft.with(name, *row);
                let count = if *row == FOREIGN { &mut self.foreign } else { &mut self.own };
                *count += 1;
            }
        }
        draft
    }

    async fn send(&mut self, draft: Draft) -> io::Result<()> {
        // The required credentials are not counted by `with`.
        self.own += u32::from(draft.method == Method::Message);
        match self.alice.transact(&draft).await {
            Err(why) if why.kind() != ErrorKind::TimedOut => Err(why),
            _ => Ok(()),
        }
    }

    /// The rows received by Bob's phone: for the exchange's realm, and for the other one.
    fn arrived(&mut self) -> (u32, u32) {
        let (mut own, mut foreign) = (0, 0);
        while let Ok(request) = self.received.try_recv() {
            let names = [HeaderName::Authorization, HeaderName::ProxyAuthorization];
            for row in names.iter().flat_map(|name| request.rows(*name)) {
                match text(row) == FOREIGN {
                    true => foreign += 1,
                    false => own += 1,
                }
            }
        }
        (own, foreign)
    }

    /// The status of a request with credentials for another Request-URI and the right password.
    async fn status(&mut self, draft: Draft, resource: &str) -> io::Result<Option<u16>> {
        let challenge = self.alice.transact(&draft).await?;
        let (account, other) = (&self.alice.account, Draft { uri: resource.to_owned(), ..draft.clone() });
        let row = guess(&challenge, &account.user, &account.password, &other);
        let (name, value) = row.ok_or_else(|| io::Error::other("the exchange sent no challenge"))?;
        let draft = Draft { cseq: draft.cseq + 1, ..draft };
        Ok(self.alice.transact(&draft.with(name, value)).await?.status())
    }

    /// How many are answered with 400 (RFC 7616 §3.4.6), and how many were sent.
    async fn other_resources(&mut self) -> io::Result<(u32, u32)> {
        let registrar = format!("sip:{REALM}");
        let register =
            Draft::new(Method::Register, &registrar, &self.alice.account.aor(), &self.alice.account.aor());
        let tried = [
            (register, "sip:elsewhere.example".to_owned()),
            (self.draft(Method::Invite), registrar),
            (self.draft(Method::Message), self.alice.account.aor()),
        ];
        let (mut refused, of) = (0, tried.len() as u32);
        for (draft, resource) in tried {
            refused += u32::from(self.status(draft, &resource).await? == Some(400));
        }
        Ok((refused, of))
    }

    /// 1 if credentials for an equivalent URI (RFC 3261 §19.1.4) are accepted.
    async fn equivalent(&mut self) -> io::Result<u32> {
        let aor = self.alice.account.aor();
        let register = Draft::new(Method::Register, &format!("sip:{REALM}"), &aor, &aor);
        let status = self.status(register, &format!("sip:{}", REALM.to_uppercase())).await?;
        Ok(u32::from(status == Some(200)))
    }
}
