//! Attack 7: callers with the identity of another user, and guests that send more than INVITE.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};

use offhook_wire::{Message, Method};
use tokio::sync::mpsc;

use super::Stage;
use crate::exchange::{Exchange, REALM};
use crate::figure::{Figure, Limit, Value};
use crate::peer::{Account, Conduct, Draft, Kind, Phone, Serving, fresh, text};

const NAME: &str = "identity";
/// A header by which a request is known where it arrives.
const MARK: &str = "X-Mark";
/// The exchange's own hosts, and other spellings of them.
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
/// What a guest may not send outside a dialog.
const NOT_FOR_GUESTS: [Method<'static>; 6] =
    [Method::Message, Method::Subscribe, Method::Refer, Method::Bye, Method::Notify, Method::Info];
const ASSERTED: [&str; 2] = ["P-Asserted-Identity", "Remote-Party-ID"];

pub(super) async fn run(stage: Stage) -> io::Result<Vec<Figure>> {
    let mut figures = members(&stage).await?;
    figures.extend(guests(&stage).await?);
    Ok(figures)
}

fn figure(name: &str, (some, of): (u32, u32), limit: Limit) -> Figure {
    Figure::new(NAME, name, Value::share(some, of)).limit(limit)
}

/// Users with credentials, and a guest, at an exchange that takes no guests.
async fn members(stage: &Stage) -> io::Result<Vec<Figure>> {
    let mut scene = Scene::new(stage, false).await?;
    let alice = scene.exchange.account("alice").aor();
    let carol = scene.exchange.account("carol").aor();
    let methods = [Method::Message, Method::Info, Method::Bye, Method::Invite, Method::Refer];
    // Inside a dialog, as it seems, and straight to Bob's contact.
    let forged = methods.map(|method| scene.draft(method, &scene.contact, &alice).tagged()).to_vec();
    let honest = vec![scene.draft(Method::Message, &scene.contact, &carol).tagged()];
    let forged_outside = methods.map(|method| scene.draft(method, &scene.callee(), &alice)).to_vec();
    let forged = scene.forwarded(forged).await?;
    let honest = scene.forwarded(honest).await?;
    let forged_outside = scene.forwarded(forged_outside).await?;
    let asserted = scene.asserted(&alice, &carol).await?;
    let stranger = scene.draft(Method::Invite, &scene.callee(), "sip:dave@elsewhere.example");
    let stranger = scene.by_guest(vec![stranger]).await?;
    scene.exchange.stop().await?;
    Ok(vec![
        figure("From of another user, To tag, Bob's contact: forwarded", forged, Limit::None),
        figure("the same with one's own From: forwarded", honest, Limit::All),
        figure("From of another user, outside a dialog: forwarded", forged_outside, Limit::None),
        figure("P-Asserted-Identity and Remote-Party-ID: forwarded", asserted, Limit::None),
        figure("INVITE of a guest without --guests: forwarded", stranger, Limit::None),
    ])
}

/// Guests at an exchange that takes them.
async fn guests(stage: &Stage) -> io::Result<Vec<Figure>> {
    let mut scene = Scene::new(stage, true).await?;
    let of = |host: &str, scene: &Scene| {
        scene.draft(Method::Invite, &scene.callee(), &format!("sip:alice@{host}"))
    };
    let look_alikes = LOOK_ALIKES.iter().map(|host| of(host, &scene)).collect();
    let look_alikes = scene.by_guest(look_alikes).await?;
    let other = |method| scene.draft(method, &scene.callee(), "sip:dave@elsewhere.example");
    let others = NOT_FOR_GUESTS.map(other).to_vec();
    let others = scene.by_guest(others).await?;
    let genuine = vec![of("elsewhere.example", &scene), of("198.51.100.7", &scene)];
    let genuine = scene.by_guest(genuine).await?;
    scene.exchange.stop().await?;
    Ok(vec![
        figure("look-alikes of our domains as guests: forwarded", look_alikes, Limit::None),
        figure("other than INVITE of guests, outside a dialog: forwarded", others, Limit::None),
        figure("INVITE of guests with --guests: forwarded", genuine, Limit::All),
    ])
}

/// Bob, the target; Carol, with credentials; and a guest, without.
struct Scene {
    exchange: Exchange,
    bob: mpsc::Receiver<Message>,
    _bob: Serving,
    contact: String,
    carol: Phone,
    guest: Phone,
}

impl Scene {
    async fn new(stage: &Stage, guests: bool) -> io::Result<Self> {
        let users = ["alice", "bob", "carol"].map(str::to_owned);
        let exchange = Exchange::start(&stage.program, &users, guests).await?;
        let mut bob = Phone::open(exchange.account("bob"), Kind::Ws, address(1)).await?;
        bob.register().await?;
        let (kept, contact) = (bob.keep(), bob.contact.clone());
        let bob = bob.serve(Conduct::Answer);
        let mut carol = Phone::open(exchange.account("carol"), Kind::Ws, address(2)).await?;
        carol.register().await?;
        let account = Account { password: String::new(), ..exchange.account("guest") };
        let guest = Phone::open(account, Kind::Ws, address(3)).await?;
        Ok(Self { exchange, bob: kept, _bob: bob, contact, carol, guest })
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

    /// Sends these from Carol's phone, which answers challenges: how many of how many arrived at Bob's.
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
        let arrived = self.kept().await?;
        let has = |mark: &str| arrived.iter().any(|request| request.named(MARK) == Some(mark.as_bytes()));
        let marks = drafts.iter().filter_map(|draft| draft.rows.iter().find(|(name, _)| name == MARK));
        let count = marks.filter(|(_, mark)| has(mark)).count();
        Ok((count as u32, drafts.len() as u32))
    }

    /// The requests that arrived at Bob's phone since the last call of this.
    async fn kept(&mut self) -> io::Result<Vec<Message>> {
        // Bob has one connection: once this is answered, all that was forwarded earlier has arrived.
        let callee = self.callee();
        self.carol.reach(&callee).await?;
        let mut requests = Vec::new();
        while let Ok(request) = self.bob.try_recv() {
            requests.push(request);
        }
        Ok(requests)
    }

    /// Carol sends headers that assert Alice's identity, outside a dialog and inside one: how many of how many arrived at Bob's phone.
    async fn asserted(&mut self, alice: &str, carol: &str) -> io::Result<(u32, u32)> {
        let say = |draft: Draft| {
            ASSERTED.iter().fold(draft, |draft, name| draft.with(*name, format!("\"Alice\" <{alice}>")))
        };
        let callee = self.callee();
        let message = say(self.draft(Method::Message, &callee, carol));
        // A name in other letters, and one row more.
        let message = message.with("p-asserted-identity", format!("<{alice}>"));
        let invite = say(self.draft(Method::Invite, &callee, carol));
        let mut of = asserted(&message) + asserted(&invite);
        finished(self.carol.ask(message).await)?;
        let mut dialog = self.carol.invite(invite).await?;
        for routed in [true, false] {
            let info = say(dialog.next(Method::Info, routed));
            of += asserted(&info);
            finished(self.carol.ask(info).await)?;
        }
        let arrived = self.kept().await?;
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

fn address(place: u8) -> IpAddr {
    Ipv4Addr::new(127, 65, 0, place).into()
}

/// Any answer will do, and none: a request that was answered has been forwarded, or will not be.
fn finished(answer: io::Result<Message>) -> io::Result<()> {
    match answer {
        Err(why) if why.kind() != ErrorKind::TimedOut => Err(why),
        _ => Ok(()),
    }
}
