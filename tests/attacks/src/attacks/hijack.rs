//! Attack 1: the user Carol registers the contact of another user's phone whose connection was lost, to receive the requests inside that
//! phone's call.

use std::io::{self, Error, ErrorKind};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use offhook_wire::{Message, Method};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use super::context::Context;
use crate::exchange::Exchange;
use crate::figure::{Figure, Limit, Value};
use crate::peer::{Behaviour, Dialog, Kind, Phone, Serving};

const NAME: &str = "hijack";
/// How long the exchange may take to detect the loss of a connection.
const LOSS_TIMEOUT: Duration = Duration::from_secs(5);
const RETRY_DELAY: Duration = Duration::from_millis(20);
/// A header that marks requests sent with or without the call's route.
const ROUTED: &str = "X-Routed";
const INSTANCE: &str = ";+sip.instance=\"<urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6>\"";

/// A variant of the registration.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
enum Variant {
    /// After the loss of the connection, with the same contact.
    Same,
    /// With the instance of the phone as well (RFC 5626).
    Instance,
    /// With an equivalent URI (RFC 3261 §19.1.4).
    Equivalent,
    /// Before the loss of the connection.
    Before,
    /// While the requests are waiting.
    Waiting,
    /// The contact of the caller.
    Caller,
}

const VARIANTS: [Variant; 6] = [
    Variant::Same,
    Variant::Instance,
    Variant::Equivalent,
    Variant::Before,
    Variant::Waiting,
    Variant::Caller,
];
/// The requests inside the call, sent with and without its route.
const METHODS: [Method<'static>; 3] = [Method::Info, Method::Invite, Method::Bye];

pub(super) async fn run(context: Context) -> io::Result<Vec<Figure>> {
    let names = ["alice", "bob", "carol"];
    let users: Vec<String> =
        (0..=VARIANTS.len()).flat_map(|index| names.map(|name| format!("{name}{index}"))).collect();
    let exchange = Exchange::start(&context.program, &users, false).await?;
    let (mut delivered, mut sent) = ([0, 0], [0, 0]);
    for (index, variant) in VARIANTS.into_iter().enumerate() {
        let received = hijack(&exchange, index, variant).await?;
        for (index, count) in received.into_iter().enumerate() {
            delivered[index] += count;
            sent[index] += METHODS.len() as u32;
        }
    }
    let returned = returned(&exchange, VARIANTS.len()).await?;
    exchange.stop().await?;
    let share = |name: &str, some, of| Figure::new(NAME, name, Value::share(some, of));
    Ok(vec![
        share("requests with the call's route delivered to Carol", delivered[0], sent[0]).limit(Limit::None),
        share("requests without it delivered to Carol", delivered[1], sent[1]).limit(Limit::None),
        share("delivered to the phone itself when it is back", returned, 2).limit(Limit::All),
    ])
}

/// A call from Alice to Bob, both on WebSockets.
struct Setup {
    alice: Phone,
    /// Alice's side of the call.
    dialog: Dialog,
    bob: Serving,
    /// Bob's Contact URI, and the INVITE that arrived there.
    contact: String,
    invite: Message,
}

impl Setup {
    async fn new(exchange: &Exchange, index: usize) -> io::Result<Self> {
        let mut alice = phone(exchange, "alice", index).await?;
        let mut bob = phone(exchange, "bob", index).await?;
        alice.register().await?;
        let contact = bob.contact.clone();
        bob.register_contact(&format!("<{contact}>{INSTANCE}")).await?;
        let mut requests = bob.record_requests();
        let bob = bob.serve(Behaviour::Answer);
        let dialog = alice.call(&aor(exchange, "bob", index)).await?;
        let invite = requests.recv().await.ok_or(ErrorKind::BrokenPipe)?;
        Ok(Self { alice, dialog, bob, contact, invite })
    }
}

/// Carol's phone and the requests it received.
struct Carol {
    received: mpsc::Receiver<Message>,
    _phone: Serving,
}

impl Carol {
    /// Registers two contacts: the phone's own, so that it is reachable in any case, and `contact`.
    async fn register(exchange: &Exchange, index: usize, contact: &str) -> io::Result<Self> {
        let mut carol = phone(exchange, "carol", index).await?;
        carol.register().await?;
        // An exchange may refuse it.
        let _ = carol.register_contact(contact).await;
        let received = carol.record_requests();
        Ok(Self { received, _phone: carol.serve(Behaviour::Answer) })
    }
}

async fn phone(exchange: &Exchange, name: &str, index: usize) -> io::Result<Phone> {
    let address: IpAddr = Ipv4Addr::new(127, 64, name.len() as u8, index as u8 + 1).into();
    Phone::open(exchange.account(&format!("{name}{index}")), Kind::Ws, address).await
}

fn aor(exchange: &Exchange, name: &str, index: usize) -> String {
    exchange.account(&format!("{name}{index}")).aor()
}

/// How many requests Carol's phone received: with the route, and without.
async fn hijack(exchange: &Exchange, index: usize, variant: Variant) -> io::Result<[u32; 2]> {
    let setup = Setup::new(exchange, index).await?;
    if variant == Variant::Caller {
        return hijack_caller(exchange, index, setup).await;
    }
    let Setup { mut alice, mut dialog, bob, contact, .. } = setup;
    let claimed = match variant {
        Variant::Instance => format!("<{contact}>{INSTANCE}"),
        Variant::Equivalent => format!("<{}>", contact.replace(".invalid", ".INVALID")),
        _ => format!("<{contact}>"),
    };
    let mut carol = None;
    if variant == Variant::Before {
        carol = Some(Carol::register(exchange, index, &claimed).await?);
    }
    bob.disconnect();
    gone(&mut alice, &aor(exchange, "bob", index)).await?;
    if matches!(variant, Variant::Same | Variant::Instance | Variant::Equivalent) {
        carol = Some(Carol::register(exchange, index, &claimed).await?);
    }
    send(&mut alice, &mut dialog, &METHODS).await?;
    let mut carol = match carol {
        Some(carol) => carol,
        None => {
            // When this is answered, the exchange has received the requests before it.
            alice.reach(&aor(exchange, "alice", index)).await?;
            Carol::register(exchange, index, &claimed).await?
        }
    };
    alice.reach(&aor(exchange, "carol", index)).await?;
    Ok(count(&mut carol.received))
}

/// The same with the ends exchanged: the caller's connection is lost, and the callee sends.
async fn hijack_caller(exchange: &Exchange, index: usize, setup: Setup) -> io::Result<[u32; 2]> {
    let Setup { alice, bob, invite, .. } = setup;
    let claimed = format!("<{}>", alice.contact);
    let mut bob = bob.stop().await.ok_or(ErrorKind::BrokenPipe)?;
    let mut dialog = Dialog::of_callee(&invite, &bob.tag()).ok_or(ErrorKind::InvalidData)?;
    drop(alice);
    gone(&mut bob, &aor(exchange, "alice", index)).await?;
    let mut carol = Carol::register(exchange, index, &claimed).await?;
    send(&mut bob, &mut dialog, &METHODS).await?;
    bob.reach(&aor(exchange, "carol", index)).await?;
    Ok(count(&mut carol.received))
}

/// The control: Bob's phone reconnects while Carol has its contact. Returns how many of two requests it receives.
async fn returned(exchange: &Exchange, index: usize) -> io::Result<u32> {
    let Setup { mut alice, mut dialog, bob, contact, .. } = Setup::new(exchange, index).await?;
    bob.disconnect();
    gone(&mut alice, &aor(exchange, "bob", index)).await?;
    let _carol = Carol::register(exchange, index, &format!("<{contact}>")).await?;
    let mut bob = phone(exchange, "bob", index).await?;
    bob.register_contact(&format!("<{contact}>{INSTANCE}")).await?;
    let mut received = bob.record_requests();
    let _bob = bob.serve(Behaviour::Answer);
    send(&mut alice, &mut dialog, &METHODS[..1]).await?;
    alice.reach(&aor(exchange, "bob", index)).await?;
    let [routed, unrouted] = count(&mut received);
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
    let end = Instant::now() + LOSS_TIMEOUT;
    while phone.reach(aor).await.is_ok() {
        if Instant::now() > end {
            return Err(Error::other(format!("{aor} is still registered after its connection was lost")));
        }
        sleep(RETRY_DELAY).await;
    }
    Ok(())
}

/// Counts the received requests of the call, with and without its route.
fn count(received: &mut mpsc::Receiver<Message>) -> [u32; 2] {
    let mut counts = [0, 0];
    while let Ok(request) = received.try_recv() {
        match request.named(ROUTED) {
            Some(b"true") => counts[0] += 1,
            Some(b"false") => counts[1] += 1,
            _ => {}
        }
    }
    counts
}
