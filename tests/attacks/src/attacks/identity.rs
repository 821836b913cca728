//! Attack 7: callers with the identity of another user, and guests that send more than INVITE.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};

use offhook_wire::{Message, Method};
use tokio::sync::mpsc;

use super::context::Context;
use crate::exchange::{Exchange, REALM};
use crate::figure::{Figure, Limit, Value};
use crate::peer::{Account, Behaviour, Draft, Kind, Phone, Serving, fresh, text};

const NAME: &str = "identity";
/// A header that identifies a forwarded request.
const MARK: &str = "X-Mark";
/// The exchange's own hosts in several notations.
const LOOK_ALIKES: [&str; 12] = [
    "offhook.test.",
    "OFFHOOK.TEST",
    "Offhook.Test.",
    "127.0.0.1",
    "127.1",
    "0x7f.0.0.1",
    "0x7f000001",
    "2130706433",
    "0177.0.0.1",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "LOCALHOST.",
];
/// Methods that a guest may not send outside a dialog.
const NOT_FOR_GUESTS: [Method<'static>; 6] =
    [Method::Message, Method::Subscribe, Method::Refer, Method::Bye, Method::Notify, Method::Info];
const ASSERTED: [&str; 2] = ["P-Asserted-Identity", "Remote-Party-ID"];

pub(super) async fn run(context: Context) -> io::Result<Vec<Figure>> {
    let mut figures = members(&context).await?;
    figures.extend(guests(&context).await?);
    Ok(figures)
}

fn figure(name: &str, (some, of): (u32, u32), limit: Limit) -> Figure {
    Figure::new(NAME, name, Value::share(some, of)).limit(limit)
}

/// Users with credentials, and a guest, at an exchange without `--guests`.
async fn members(context: &Context) -> io::Result<Vec<Figure>> {
    let mut setup = Setup::new(context, false).await?;
    let alice = setup.exchange.account("alice").aor();
    let carol = setup.exchange.account("carol").aor();
    let methods = [Method::Message, Method::Info, Method::Bye, Method::Invite, Method::Refer];
    // With a To tag, as if inside a dialog, and directly to Bob's contact.
    let forged = methods.map(|method| setup.draft(method, &setup.contact, &alice).tagged()).to_vec();
    let honest = vec![setup.draft(Method::Message, &setup.contact, &carol).tagged()];
    let forged_outside = methods.map(|method| setup.draft(method, &setup.callee(), &alice)).to_vec();
    let forged = setup.forwarded(forged).await?;
    let honest = setup.forwarded(honest).await?;
    let forged_outside = setup.forwarded(forged_outside).await?;
    let asserted = setup.asserted(&alice, &carol).await?;
    let guest_invite = setup.draft(Method::Invite, &setup.callee(), "sip:dave@elsewhere.example");
    let guest_invite = setup.by_guest(vec![guest_invite]).await?;
    setup.exchange.stop().await?;
    Ok(vec![
        figure("From of another user, To tag, Bob's contact: forwarded", forged, Limit::None),
        figure("the same with one's own From: forwarded", honest, Limit::All),
        figure("From of another user, outside a dialog: forwarded", forged_outside, Limit::None),
        figure("P-Asserted-Identity and Remote-Party-ID: forwarded", asserted, Limit::None),
        figure("INVITE of a guest without --guests: forwarded", guest_invite, Limit::None),
    ])
}

/// Guests at an exchange with `--guests`.
async fn guests(context: &Context) -> io::Result<Vec<Figure>> {
    let mut setup = Setup::new(context, true).await?;
    let of = |host: &str, setup: &Setup| {
        setup.draft(Method::Invite, &setup.callee(), &format!("sip:alice@{host}"))
    };
    let look_alikes = LOOK_ALIKES.iter().map(|host| of(host, &setup)).collect();
    let look_alikes = setup.by_guest(look_alikes).await?;
    let other = |method| setup.draft(method, &setup.callee(), "sip:dave@elsewhere.example");
    let others = NOT_FOR_GUESTS.map(other).to_vec();
    let others = setup.by_guest(others).await?;
    let genuine = vec![of("elsewhere.example", &setup), of("198.51.100.7", &setup)];
    let genuine = setup.by_guest(genuine).await?;
    setup.exchange.stop().await?;
    Ok(vec![
        figure("look-alikes of our domains as guests: forwarded", look_alikes, Limit::None),
        figure("other than INVITE of guests, outside a dialog: forwarded", others, Limit::None),
        figure("INVITE of guests with --guests: forwarded", genuine, Limit::All),
    ])
}

/// Bob, the target; Carol, with credentials; and a guest, without.
struct Setup {
    exchange: Exchange,
    bob: mpsc::Receiver<Message>,
    _bob: Serving,
    contact: String,
    carol: Phone,
    guest: Phone,
}

impl Setup {
    async fn new(context: &Context, guests: bool) -> io::Result<Self> {
        let users = ["alice", "bob", "carol"].map(str::to_owned);
        let exchange = Exchange::start(&context.program, &users, guests).await?;
        let mut bob = Phone::open(exchange.account("bob"), Kind::Ws, address(1)).await?;
        bob.register().await?;
        let (received, contact) = (bob.record_requests(), bob.contact.clone());
        let bob = bob.serve(Behaviour::Answer);
        let mut carol = Phone::open(exchange.account("carol"), Kind::Ws, address(2)).await?;
        carol.register().await?;
        let account = Account { password: String::new(), ..exchange.account("guest") };
        let guest = Phone::open(account, Kind::Ws, address(3)).await?;
        Ok(Self { exchange, bob: received, _bob: bob, contact, carol, guest })
    }

    /// Bob's address-of-record.
    fn callee(&self) -> String {
        format!("sip:bob@{REALM}")
    }

    fn draft(&self, method: Method<'static>, uri: &str, from: &str) -> Draft {
        let draft = Draft::new(method, uri, from, &self.callee()).with(MARK, fresh("mark"));
        match method {
            Method::Invite => draft.with("Contact", "<sip:caller@peer.invalid;transport=ws>"),
            Method::Refer => draft.with("Refer-To", "<sip:alice@offhook.test>"),
            Method::Subscribe | Method::Notify => draft.with("Event", "presence"),
            _ => draft,
        }
    }

    /// Sends requests from Carol's phone, which answers challenges. Returns how many Bob's phone received, and how many were sent.
    async fn forwarded(&mut self, drafts: Vec<Draft>) -> io::Result<(u32, u32)> {
        for draft in &drafts {
            finished(self.carol.ask(draft.clone()).await)?;
        }
        self.arrived(&drafts).await
    }

    /// The same from the guest's phone, without credentials.
    async fn by_guest(&mut self, drafts: Vec<Draft>) -> io::Result<(u32, u32)> {
        for draft in &drafts {
            finished(self.guest.transact(draft).await)?;
        }
        self.arrived(&drafts).await
    }

    async fn arrived(&mut self, drafts: &[Draft]) -> io::Result<(u32, u32)> {
        let arrived = self.received().await?;
        let has = |mark: &str| arrived.iter().any(|request| request.named(MARK) == Some(mark.as_bytes()));
        let marks = drafts.iter().filter_map(|draft| draft.rows.iter().find(|(name, _)| name == MARK));
        let count = marks.filter(|(_, mark)| has(mark)).count();
        Ok((count as u32, drafts.len() as u32))
    }

    /// The requests that Bob's phone received since the last call.
    async fn received(&mut self) -> io::Result<Vec<Message>> {
        // Bob has one connection: when this is answered, all requests forwarded earlier have arrived.
        let callee = self.callee();
        self.carol.reach(&callee).await?;
        let mut requests = Vec::new();
        while let Ok(request) = self.bob.try_recv() {
            requests.push(request);
        }
        Ok(requests)
    }

    /// Carol sends headers that assert Alice's identity, outside and inside a dialog. Returns how many Bob's phone received, and how many were
    /// sent.
    async fn asserted(&mut self, alice: &str, carol: &str) -> io::Result<(u32, u32)> {
        let assert_identity = |draft: Draft| {
            ASSERTED.iter().fold(draft, |draft, name| draft.with(*name, format!("\"Alice\" <{alice}>")))
        };
        let callee = self.callee();
        let message = assert_identity(self.draft(Method::Message, &callee, carol));
        // A name in another case, and one more row.
        let message = message.with("p-asserted-identity", format!("<{alice}>"));
        let invite = assert_identity(self.draft(Method::Invite, &callee, carol));
        let mut of = asserted(&message) + asserted(&invite);
        finished(self.carol.ask(message).await)?;
        let mut dialog = self.carol.invite(invite).await?;
        for routed in [true, false] {
            let info = assert_identity(dialog.next(Method::Info, routed));
            of += asserted(&info);
            finished(self.carol.ask(info).await)?;
        }
        let arrived = self.received().await?;
        let rows = arrived.iter().flat_map(Message::headers);
        let some = rows.filter(|row| is_asserted(&text(row.raw_name))).count();
        Ok((some as u32, of as u32))
    }
}

fn asserted(draft: &Draft) -> usize {
    draft.rows.iter().filter(|(name, _)| is_asserted(name)).count()
}

fn is_asserted(name: &str) -> bool {
    ASSERTED.iter().any(|asserted| asserted.eq_ignore_ascii_case(name))
}

fn address(index: u8) -> IpAddr {
    Ipv4Addr::new(127, 65, 0, index).into()
}

/// Ignores the response and a timeout.
fn finished(answer: io::Result<Message>) -> io::Result<()> {
    match answer {
        Err(why) if why.kind() != ErrorKind::TimedOut => Err(why),
        _ => Ok(()),
    }
}
