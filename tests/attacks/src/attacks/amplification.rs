//! Attack 5: amplification of one datagram whose source address could be forged.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::context::Context;
use crate::exchange::{Exchange, REALM};
use crate::figure::{Figure, Unit, Value};

const NAME: &str = "amplification";
/// Longer than 64*T1, after which there are no retransmissions (RFC 3261 §17.2.1).
const WINDOW: Duration = Duration::from_secs(35);
const FROM: Ipv4Addr = Ipv4Addr::new(127, 68, 0, 1);

pub(super) async fn run(context: Context) -> io::Result<Vec<Figure>> {
    let exchange = Exchange::start(&context.program, &["bob".to_owned()], false).await?;
    let requests = [
        ("INVITE that is challenged (407)", "INVITE", REALM),
        ("INVITE of a foreign domain", "INVITE", "stranger.example"),
        ("REGISTER that is challenged (401)", "REGISTER", REALM),
        ("OPTIONS", "OPTIONS", REALM),
    ];
    let mut listening = JoinSet::new();
    for (index, (name, method, domain)) in requests.into_iter().enumerate() {
        let to = exchange.target.udp;
        listening.spawn(async move {
            let socket = UdpSocket::bind((FROM, 0)).await?;
            // Without `rport` the response goes to the port of sent-by (RFC 3261 §18.2.2): here, that of the victim.
            let sent = request(method, domain, socket.local_addr()?.port());
            Ok::<_, io::Error>((index, name, sent.len(), send(&socket, to, &sent).await?))
        });
    }
    let mut results = Vec::new();
    while let Some(one) = listening.join_next().await {
        results.push(one??);
    }
    results.sort_by_key(|&(index, ..)| index);
    exchange.stop().await?;
    let figures = results.into_iter().flat_map(|(_, name, sent, answers)| {
        let times = answers.bytes as f64 / sent as f64;
        let datagrams =
            Figure::new(NAME, format!("{name}: datagrams out for one in"), Value::count(answers.datagrams));
        let bytes =
            Figure::new(NAME, format!("{name}: bytes out for {sent} in"), Value::count(answers.bytes));
        let factor =
            Figure::new(NAME, format!("{name}: bytes out for one in"), Value::Number(times, Unit::Times));
        [datagrams.at_most(1.0), bytes, factor]
    });
    Ok(figures.collect())
}

#[derive(Default)]
struct Answers {
    datagrams: u64,
    bytes: u64,
}

/// Sends one datagram and counts all responses.
async fn send(socket: &UdpSocket, to: SocketAddr, data: &[u8]) -> io::Result<Answers> {
    socket.send_to(data, to).await?;
    let (end, mut answers) = (Instant::now() + WINDOW, Answers::default());
    let mut buffer = vec![0; 65_535];
    while let Ok(received) = timeout_at(end, socket.recv_from(&mut buffer)).await {
        answers.bytes += received?.0 as u64;
        answers.datagrams += 1;
    }
    Ok(answers)
}

/// The shortest possible request, as an attacker would send it.
fn request(method: &str, domain: &str, port: u16) -> Bytes {
    let text = format!(
        "{method} sip:{user}{REALM} SIP/2.0\r\nv:SIP/2.0/UDP a:{port};branch=z9hG4bK{method}{domain}\r\n\
         f:<sip:bob@{domain}>;tag=1\r\nt:<sip:bob@{REALM}>\r\ni:1\r\nCSeq:1 {method}\r\n\r\n",
        user = if method == "INVITE" { "bob@" } else { "" },
    );
    Bytes::from(text)
}
