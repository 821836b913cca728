//! Attack 8: credentials for the exchange that it forwards, and credentials that were made for another resource.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};

use offhook_wire::{HeaderName, Message, Method};
use tokio::sync::mpsc;

use super::Stage;
use crate::exchange::{Exchange, REALM};
use crate::figure::{Figure, Limit, Value};
use crate::peer::{Conduct, Draft, Kind, Phone, Serving, guess, text};

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

pub(super) async fn run(stage: Stage) -> io::Result<Vec<Figure>> {
    let mut scene = Scene::new(&stage).await?;
    scene.outside().await?;
    scene.inside().await?;
    let callee = scene.callee.clone();
    // Bob has one connection: once this is answered, all that was forwarded earlier has arrived.
    scene.alice.reach(&callee).await?;
    let (own, foreign) = scene.arrived();
    let (refused, tried) = scene.other_resources().await?;
    let figure = |name: &str, some, of| Figure::new(NAME, name, Value::share(some, of));
    let figures = vec![
        figure("rows with credentials for the exchange's realm: forwarded", own, scene.own)
            .limit(Limit::None),
        figure("rows with credentials for another realm: forwarded", foreign, scene.foreign)
            .limit(Limit::All),
        figure("credentials for another resource: answered 400", refused, tried).limit(Limit::All),
        figure("credentials for an equivalent Request-URI: accepted", scene.equivalent().await?, 1)
            .limit(Limit::All),
    ];
    scene.exchange.stop().await?;
    Ok(figures)
}

struct Scene {
    exchange: Exchange,
    alice: Phone,
    kept: mpsc::Receiver<Message>,
    _bob: Serving,
    /// Bob's address-of-record.
    callee: String,
    /// Rows sent.
    own: u32,
    foreign: u32,
}

impl Scene {
    async fn new(stage: &Stage) -> io::Result<Self> {
        let exchange = Exchange::start(&stage.program, &["alice", "bob"].map(str::to_owned), false).await?;
        let address = |place| -> IpAddr { Ipv4Addr::new(127, 72, 0, place).into() };
        let mut bob = Phone::open(exchange.account("bob"), Kind::Ws, address(1)).await?;
        bob.register().await?;
        let (kept, callee) = (bob.keep(), exchange.account("bob").aor());
        let mut alice = Phone::open(exchange.account("alice"), Kind::Ws, address(2)).await?;
        alice.register().await?;
        Ok(Self { exchange, alice, kept, _bob: bob.serve(Conduct::Answer), callee, own: 0, foreign: 0 })
    }

    fn draft(&self, method: Method<'static>) -> Draft {
        let draft = Draft::new(method, &self.callee, &self.alice.account.aor(), &self.callee);
        match method {
            Method::Invite => draft.with("Contact", format!("<{}>", self.alice.contact)),
            _ => draft,
        }
    }

    /// Requests outside a dialog: each with the credentials that it needs, and some more.
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

    /// Requests inside a dialog, which need none, and the ACK, which repeats those of its INVITE (RFC 3261 §22.1).
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

    /// With the credentials that the exchange asks for, as the last row.
    async fn authorised(&mut self, draft: Draft) -> io::Result<Draft> {
        let challenge = self.alice.transact(&draft).await?;
        let account = &self.alice.account;
        let row = guess(&challenge, &account.user, &account.password, &draft);
        let (name, value) = row.ok_or_else(|| io::Error::other("the exchange asked for no credentials"))?;
        let draft = Draft { cseq: draft.cseq + 1, ..draft };
        Ok(draft.with(name, value))
    }

    /// With these rows too, as Authorization and as Proxy-Authorization.
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
        // Those that the exchange asked for are not added by `with`.
        self.own += u32::from(draft.method == Method::Message);
        match self.alice.transact(&draft).await {
            Err(why) if why.kind() != ErrorKind::TimedOut => Err(why),
            _ => Ok(()),
        }
    }

    /// The rows that arrived at Bob's phone: for the exchange's realm, and for the other one.
    fn arrived(&mut self) -> (u32, u32) {
        let (mut own, mut foreign) = (0, 0);
        while let Ok(request) = self.kept.try_recv() {
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

    /// The status of a request whose credentials were made for another Request-URI, with the right password.
    async fn status(&mut self, draft: Draft, resource: &str) -> io::Result<Option<u16>> {
        let challenge = self.alice.transact(&draft).await?;
        let (account, other) = (&self.alice.account, Draft { uri: resource.to_owned(), ..draft.clone() });
        let row = guess(&challenge, &account.user, &account.password, &other);
        let (name, value) = row.ok_or_else(|| io::Error::other("the exchange asked for no credentials"))?;
        let draft = Draft { cseq: draft.cseq + 1, ..draft };
        Ok(self.alice.transact(&draft.with(name, value)).await?.status())
    }

    /// How many of how many are answered with 400 (RFC 7616 §3.4.6).
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
