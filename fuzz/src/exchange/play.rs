//! Performs operations.

use std::collections::VecDeque;
use std::time::Duration;

use offhook_exchange::{Config, Limits};
use offhook_wire::{Builder, HeaderName, Message, Method};

use super::drive::{Drive, Flow};
use super::op::Op;
use super::phone::{DOMAIN, Dialog, Draft, Phone, USERS, hop_by_hop};
use super::reached::Reached;

/// Slots for flows, and phones: two for each user.
const SLOTS: usize = 6;

/// The most requests and responses that are kept.
const MEMORY: usize = 24;

/// The most operations that are performed.
const OPERATIONS: usize = 400;

/// The methods of requests outside dialogs.
const METHODS: [&str; 8] =
    ["INVITE", "INVITE", "MESSAGE", "OPTIONS", "SUBSCRIBE", "REFER", "BYE", "FROBNICATE"];

/// The methods of requests inside dialogs.
const INSIDE: [&str; 8] = ["BYE", "INVITE", "INFO", "UPDATE", "REFER", "NOTIFY", "ACK", "CANCEL"];

/// An anomaly of a request. Half of the choices are none, so that calls are established.
#[derive(Copy, Clone, PartialEq, Eq)]
enum Odd {
    Nothing,
    /// It has credentials for the last nonce, without a challenge.
    Early,
    /// It does not answer a challenge.
    Silent,
    /// It answers with another password.
    Wrong,
    /// It comes from another domain.
    Guest,
    /// It has a Route that names the exchange.
    Routed,
    /// It requires an extension.
    Extended,
    /// It has a To tag, as if it were inside a dialog.
    Tagged,
}

const ODD: [Odd; 16] = [
    Odd::Nothing,
    Odd::Early,
    Odd::Silent,
    Odd::Wrong,
    Odd::Guest,
    Odd::Routed,
    Odd::Extended,
    Odd::Tagged,
    Odd::Nothing,
    Odd::Nothing,
    Odd::Nothing,
    Odd::Nothing,
    Odd::Nothing,
    Odd::Nothing,
    Odd::Guest,
    Odd::Early,
];

/// The statuses of responses.
const STATUSES: [u16; 12] = [180, 200, 100, 183, 486, 603, 302, 407, 503, 404, 487, 199];

/// The times that pass, in milliseconds: about the timers of RFC 3261 §17 and of the configuration.
const TIMES: [u64; 12] =
    [1, 500, 1_000, 4_000, 5_000, 11_000, 32_000, 33_000, 61_000, 182_000, 301_000, 3_601_000];

struct World {
    drive: Drive,
    slots: [Option<Flow>; SLOTS],
    phones: [Phone; SLOTS],
    /// Requests that the exchange sent, with the flows that they went over, the newest first.
    requests: VecDeque<(Flow, Message)>,
    /// Responses that the exchange sent, likewise.
    responses: VecDeque<(Flow, Message)>,
    dialogs: VecDeque<Dialog>,
    twist: Option<(u8, u8, u8)>,
    /// Tags and seeds that were given out.
    given: u8,
}

pub(super) fn play(data: &[u8]) -> Reached {
    let Some((&choice, mut rest)) = data.split_first() else { return Reached::default() };
    let mut world = World {
        drive: Drive::new(config(choice)),
        slots: [None; SLOTS],
        phones: std::array::from_fn(Phone::new),
        requests: VecDeque::new(),
        responses: VecDeque::new(),
        dialogs: VecDeque::new(),
        twist: None,
        given: 0,
    };
    if choice & 8 == 0 {
        world.assemble(choice >> 4);
    }
    for op in std::iter::from_fn(|| Op::read(&mut rest)).take(OPERATIONS) {
        world.perform(op);
        world.listen();
    }
    world.drive.finish()
}

/// A configuration, by three bits: with bounds that are reached, in two networks, without guests.
fn config(choice: u8) -> Config {
    let mut config = Config::new(DOMAIN);
    for user in USERS {
        config = config.with_user(user, user);
    }
    if choice & 1 != 0 {
        config.limits = Limits {
            connections: 4,
            unauthenticated: 3,
            datagram_flows: 3,
            transactions: 12,
            transactions_per_flow: 5,
            bindings_per_user: 2,
            ..Limits::default()
        };
    }
    config.second_host = (choice & 2 != 0).then(|| "second.example.com".to_owned());
    config.guests = choice & 4 == 0;
    config
}

impl World {
    /// All phones register, each over a flow of its own.
    fn assemble(&mut self, transports: u8) {
        for number in 0..SLOTS as u8 {
            self.perform(Op::Up { slot: number, transport: transports.wrapping_add(number) });
            self.perform(Op::Register { phone: number, slot: number, style: 0 });
        }
    }

    fn perform(&mut self, op: Op<'_>) {
        match op {
            Op::Up { slot, transport } => self.up(slot, transport),
            Op::Down { slot } => {
                if let Some(flow) = self.slot(slot) {
                    self.drive.down(flow);
                }
            }
            Op::Register { phone, slot, style } => self.register(phone, slot, style),
            Op::Request { phone, method, target, style } => self.request(phone, method, target, style),
            Op::Answer { which, status, style } => self.answer(which, status, style),
            Op::Ack { which } => self.ack(which),
            Op::Cancel { phone } => self.cancel(phone),
            Op::Inside { dialog, method } => self.inside(dialog, method),
            Op::Pass { time } => self.drive.pass(Duration::from_millis(choice(&TIMES, time))),
            Op::Raw { slot, data } => self.send(slot, data.to_vec()),
            Op::Twist { kind, at, byte } => self.twist = Some((kind, at, byte)),
            Op::Again { phone, slot } => {
                let last = self.phones[usize::from(phone) % SLOTS].last.clone();
                self.send(slot, last);
            }
            Op::Ping { slot } => self.send(slot, b"\r\n\r\n".to_vec()),
            Op::Forget { what } => {
                self.given = self.given.wrapping_add(1);
                self.drive.forget(what, self.given);
            }
        }
    }

    /// Keeps the messages of the exchange.
    fn listen(&mut self) {
        for (flow, message) in self.drive.heard() {
            let past = if message.is_request() { &mut self.requests } else { &mut self.responses };
            past.push_front((flow, message));
            past.truncate(MEMORY);
        }
    }

    fn slot(&self, slot: u8) -> Option<Flow> {
        self.slots[usize::from(slot) % SLOTS]
    }

    /// A flow that went down is never up again; one that is up may be replaced.
    fn up(&mut self, slot: u8, transport: u8) {
        match self.slot(slot).filter(|flow| self.drive.is_up(*flow)) {
            Some(flow) => self.drive.up(flow, transport),
            None => self.slots[usize::from(slot) % SLOTS] = Some(self.drive.open(transport)),
        }
    }

    fn send(&mut self, slot: u8, data: Vec<u8>) {
        if let Some(flow) = self.slot(slot) {
            self.send_on(flow, data);
        }
    }

    fn send_on(&mut self, flow: Flow, mut data: Vec<u8>) {
        if let Some((kind, at, byte)) = self.twist.take()
            && !data.is_empty()
        {
            let at = data.len() * usize::from(at) / 256;
            match kind % 5 {
                0 => data[at] ^= byte,
                1 => data.insert(at, byte),
                2 => drop(data.drain(at..data.len().min(at + usize::from(byte)))),
                3 => data.truncate(at),
                _ => {
                    let copy = data[at..data.len().min(at + usize::from(byte))].to_vec();
                    data.splice(at..at, copy);
                }
            }
        }
        self.drive.send(flow, &data);
    }

    /// The answer to the request with this branch, if it is a challenge.
    fn challenge(&mut self, request: &[u8]) -> Option<Message> {
        self.listen();
        let branch = String::from_utf8_lossy(request);
        let branch = branch.split_once("branch=")?.1.split(';').next()?.as_bytes().to_vec();
        let is_challenge = |response: &&(Flow, Message)| {
            matches!(response.1.status(), Some(401 | 407))
                && response.1.via().is_ok_and(|via| via.branch() == Some(&branch))
        };
        self.responses.iter().find(is_challenge).map(|(_, response)| response.clone())
    }

    fn register(&mut self, phone: u8, slot: u8, style: u8) {
        let number = usize::from(phone) % SLOTS;
        let phone = &mut self.phones[number];
        phone.slot = usize::from(slot) % SLOTS;
        let contact = &phone.contact;
        let rows = match style % 8 {
            0 => format!("Contact: <{contact}>;expires=600\r\n"),
            1 => format!("Contact: <{contact}>;expires=0\r\n"),
            2 => "Contact: *\r\nExpires: 0\r\n".to_owned(),
            3 => String::new(),
            4 => format!("Contact: <{contact}>;+sip.instance=\"<urn:x:{}>\";reg-id={number}\r\n", number % 3),
            5 => format!("Contact: <{contact}>;q=0.5;expires=60\r\n"),
            6 => format!("Contact: <{contact}>, <sip:{}@10.0.0.{number}?Subject=x>\r\n", phone.user),
            _ => format!("Contact: <{contact}>\r\nExpires: 9\r\n"),
        };
        let uri = format!("sip:{DOMAIN}");
        let address = format!("<sip:{}@{DOMAIN}>", phone.user);
        let odd = choice(&ODD, style / 8);
        self.ask(number, "REGISTER", &uri, (&format!("{address};tag=r"), &address), &rows, odd);
    }

    /// Sends a request outside a dialog, and again if it is challenged.
    fn ask(&mut self, phone: usize, method: &str, uri: &str, ends: (&str, &str), rows: &str, odd: Odd) {
        let (from, to) = ends;
        let slot = self.phones[phone].slot as u8;
        let mut credentials = None;
        if odd == Odd::Early {
            credentials = self.phones[phone].credentials(None, method, uri, false);
        }
        loop {
            let sender = &mut self.phones[phone];
            let again = credentials.is_some();
            let rows = format!("{rows}{}", credentials.take().unwrap_or_default());
            let call_id = format!("{method}-{phone}-{from}").replace(['<', '>', ';'], "");
            let cseq = sender.next_cseq();
            let data = sender.write(&Draft { method, uri, from, to, call_id: &call_id, cseq, rows: &rows });
            sender.last = data.clone();
            self.send(slot, data.clone());
            let Some(challenge) = self.challenge(&data).filter(|_| !again && odd != Odd::Silent) else {
                return;
            };
            if method == "INVITE"
                && let Ok(invite) = Message::parse(data.into(), &offhook_wire::Limits::DEFAULT)
                && let Some(ack) = hop_by_hop(&invite, Method::Ack, challenge.header(HeaderName::To))
            {
                self.send(slot, ack);
            }
            credentials = self.phones[phone].credentials(Some(&challenge), method, uri, odd == Odd::Wrong);
            if credentials.is_none() {
                return;
            }
        }
    }

    fn request(&mut self, phone: u8, method: u8, target: u8, style: u8) {
        let number = usize::from(phone) % SLOTS;
        let user = self.phones[number].user;
        let target = usize::from(target) % 12;
        let uri = match target {
            0..3 => format!("sip:{}@{DOMAIN}", USERS[target]),
            3..9 => self.phones[target - 3].contact.clone(),
            9 => format!("sip:{DOMAIN}"),
            10 => format!("sip:nobody@{DOMAIN}"),
            _ => "tel:+1".to_owned(),
        };
        let odd = choice(&ODD, style);
        let home = if odd == Odd::Guest { "example.org" } else { DOMAIN };
        let more = match odd {
            Odd::Routed => format!("Route: <sip:{DOMAIN};lr>\r\n"),
            Odd::Extended => "Proxy-Require: x\r\n".to_owned(),
            _ => String::new(),
        };
        let rows = format!("Contact: <{}>\r\n{more}", self.phones[number].contact);
        let from = format!("<sip:{user}@{home}>;tag=t{number}");
        let to = if odd == Odd::Tagged { format!("<{uri}>;tag=gone") } else { format!("<{uri}>") };
        self.ask(number, choice(&METHODS, method), &uri, (&from, &to), &rows, odd);
    }

    fn answer(&mut self, which: u8, status: u8, style: u8) {
        let Some(at) = index(which, self.requests.len()) else { return };
        let (flow, request) = self.requests[at].clone();
        if style & 1 == 0 {
            self.requests.remove(at);
        }
        let status = choice(&STATUSES, status);
        self.given = self.given.wrapping_add(u8::from(style & 2 != 0));
        let tag = format!("a{}x{}", self.given, flow_slot(&self.slots, flow).unwrap_or_default());
        let slot = flow_slot(&self.slots, flow).unwrap_or_default();
        let contact = format!("<{}>", self.phones[slot].contact);
        let mut builder = Builder::reply(
            &request,
            status,
            "So",
            (status > 100 && style & 4 == 0).then_some(tag.as_bytes()),
        );
        builder.header(HeaderName::Contact, contact);
        if status == 407 {
            builder.header(HeaderName::ProxyAuthenticate, "Digest realm=\"elsewhere\", nonce=\"1\"");
        }
        let begins = (200..300).contains(&status) && request.method() == Some(Method::Invite);
        if begins && let Some(dialog) = Dialog::callee(slot, &request, &tag) {
            self.dialogs.push_front(dialog);
            self.dialogs.truncate(MEMORY);
        }
        let data = builder.finish().to_vec();
        match style & 8 != 0 {
            true => self.send(slot as u8 + 1, data),
            false => self.send_on(flow, data),
        }
    }

    fn ack(&mut self, which: u8) {
        let finals = |response: &&(Flow, Message)| {
            response.1.status().is_some_and(|status| status >= 200)
                && response.1.cseq().is_ok_and(|cseq| cseq.method == Method::Invite)
        };
        let finals: Vec<_> = self.responses.iter().filter(finals).collect();
        let Some(at) = index(which, finals.len()) else { return };
        let (flow, response) = finals[at].clone();
        let slot = flow_slot(&self.slots, flow).unwrap_or_default();
        if response.status().is_some_and(|status| status < 300) {
            let Some(mut dialog) = Dialog::caller(slot, &response) else { return };
            let ack = dialog.request(&mut self.phones[slot], "ACK");
            self.dialogs.push_front(dialog);
            self.dialogs.truncate(MEMORY);
            return self.send_on(flow, ack);
        }
        let invite = self.phones.iter().find_map(|phone| {
            let last = Message::parse(phone.last.clone().into(), &offhook_wire::Limits::DEFAULT).ok()?;
            let same = last.via().ok()?.branch() == response.via().ok()?.branch();
            same.then_some(last)
        });
        let ack = invite.and_then(|last| hop_by_hop(&last, Method::Ack, response.header(HeaderName::To)));
        if let Some(ack) = ack {
            self.send_on(flow, ack);
        }
    }

    fn cancel(&mut self, phone: u8) {
        let phone = &self.phones[usize::from(phone) % SLOTS];
        let slot = phone.slot as u8;
        let last = Message::parse(phone.last.clone().into(), &offhook_wire::Limits::DEFAULT);
        if let Some(cancel) = last.ok().and_then(|last| hop_by_hop(&last, Method::Cancel, None)) {
            self.send(slot, cancel);
        }
    }

    fn inside(&mut self, dialog: u8, method: u8) {
        let Some(at) = index(dialog, self.dialogs.len()) else { return };
        let dialog = &mut self.dialogs[at];
        let slot = dialog.slot;
        let data = dialog.request(&mut self.phones[slot], choice(&INSIDE, method));
        self.send(slot as u8, data);
    }
}

/// The slot of a flow.
fn flow_slot(slots: &[Option<Flow>; SLOTS], flow: Flow) -> Option<usize> {
    slots.iter().position(|slot| *slot == Some(flow))
}

fn choice<T: Copy>(from: &[T], by: u8) -> T {
    from[usize::from(by) % from.len()]
}

fn index(which: u8, length: usize) -> Option<usize> {
    (length > 0).then(|| usize::from(which) % length)
}
