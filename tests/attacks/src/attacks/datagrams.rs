//! Attack 2: datagrams of one byte from all ports of one host, to fill the table of datagram flows.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::context::Context;
use crate::capacity::CapacityRun;
use crate::figure::{Figure, Value};

const NAME: &str = "datagrams";
/// One host; the ports of its second address are used after those of the first.
const HOST: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 66, 0, 1), Ipv4Addr::new(127, 66, 0, 2)];
const PORTS: std::ops::RangeInclusive<u16> = 1024..=65_535;
/// The maximum of datagrams in the first wave, and in the whole attack.
const WAVE: u32 = 65_536;
const MOST: u32 = 4 * WAVE;
/// A tick of 1 ms; the first wave takes some 3 s. The rest continues while new phones register.
const TICK: Duration = Duration::from_millis(1);
const WAVE_PER_TICK: u32 = 22;
const AFTER_PER_TICK: u32 = 4;

pub(super) async fn run(context: Context) -> io::Result<Vec<Figure>> {
    let alone = context.alone().await?;
    let run = CapacityRun::start(NAME, &context.program, &[], false).await?;
    let (phase, phases) = watch::channel(Phase::Wave);
    let flood = tokio::spawn(flood(run.exchange.target.udp, phase.clone()));
    let mut followed = phases;
    let start = Instant::now();
    followed.wait_for(|phase| *phase != Phase::Wave).await.map_err(io::Error::other)?;
    let took = start.elapsed();
    let mut figures = run.new_phones(HOST[0].into()).await?;
    phase.send_replace(Phase::Over);
    let sent = flood.await??;
    let flows = run.exchange.load().map_or(Value::Unknown, |load| Value::count(load.flows));
    figures.insert(0, run.figure("datagrams of one byte, each from another port", Value::count(sent.into())));
    figures.insert(1, run.figure("time for the first 65,536", Value::seconds(Some(took))));
    figures.insert(2, run.figure("flows known after them, 1,003 of registered phones", flows));
    let (end_figures, recovery) = run.end_attack().await?;
    drop(alone);
    figures.extend(end_figures);
    figures.extend(recovery.finish().await?);
    Ok(figures)
}

#[derive(Copy, Clone, PartialEq, Eq)]
enum Phase {
    Wave,
    After,
    Over,
}

/// Returns how many were sent.
async fn flood(to: SocketAddr, phase: watch::Sender<Phase>) -> io::Result<u32> {
    let mut sources = HOST.into_iter().cycle().flat_map(|host| PORTS.map(move |port| (host, port)));
    let (mut sent, mut next) = (0, Instant::now());
    while *phase.borrow() != Phase::Over && sent < MOST {
        let wave = sent < WAVE;
        for _ in 0..if wave { WAVE_PER_TICK } else { AFTER_PER_TICK } {
            let Some((host, port)) = sources.next() else { break };
            sent += u32::from(send(host.into(), port, to).is_ok());
        }
        if wave && sent >= WAVE {
            phase.send_replace(Phase::After);
        }
        next += TICK;
        sleep_until(next).await;
    }
    Ok(sent)
}

/// Fails if the port is in use.
fn send(from: IpAddr, port: u16, to: SocketAddr) -> io::Result<()> {
    let socket = UdpSocket::bind((from, port))?;
    socket.set_nonblocking(true)?;
    socket.send_to(&[0], to).map(drop)
}
