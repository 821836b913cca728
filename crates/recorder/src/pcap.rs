//! Exports the messages of a recording for Wireshark as pcapng (draft-ietf-opsawg-pcapng), which can contain names and a comment.
//!
//! Every message is shown as a UDP datagram to or from port 5060, whatever its transport, because all tools decode that. Each phone and
//! each server has an invented address with a name.

use crate::recording::{PhoneRecording, connections as connections_of};
use crate::replay::{Observation, ObservationKind, Replay};
use offhook::{ConnectionId, Hop, Instant};
use std::collections::BTreeMap;

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const NAMES: u32 = 4;
const PACKET: u32 = 6;
/// Packets start with their IP header.
const LINKTYPE_RAW: u16 = 101;
const SIP: u16 = 5060;
/// The largest payload of a UDP datagram.
const MAX_PAYLOAD: usize = 65_535 - 28;

type Address = [u8; 4];

/// A capture file of all messages, in order of time.
pub fn pcap(replays: &[(&PhoneRecording, &Replay)]) -> Vec<u8> {
    let mut servers: BTreeMap<String, Address> = BTreeMap::new();
    let mut names: Vec<(Address, String)> = Vec::new();
    let mut packets: Vec<(Instant, Vec<u8>)> = Vec::new();
    for (place, (track, replay)) in replays.iter().enumerate() {
        let phone = address(0, place);
        names.push((phone, track.name.clone()));
        let mut connections: BTreeMap<ConnectionId, Address> = BTreeMap::new();
        let mut open = |connections: &mut BTreeMap<ConnectionId, Address>, connection, hop: &Hop| {
            let next = address(1, servers.len());
            let server = *servers.entry(format!("{}:{}", hop.host, hop.port)).or_insert(next);
            connections.insert(connection, server);
        };
        for Observation { at, kind } in &replay.observations {
            match kind {
                ObservationKind::Restored(at) => {
                    connections_of(at).for_each(|(connection, hop)| open(&mut connections, connection, hop));
                }
                ObservationKind::Open { connection, hop } => open(&mut connections, *connection, hop),
                ObservationKind::Message { sent, connection, data } => {
                    let server = connections.get(connection).copied().unwrap_or([10, 1, 255, 254]);
                    // A different port for each connection.
                    let port = 40_000 + (connection.0 % 20_000) as u16;
                    let (phone, server) = ((phone, port), (server, SIP));
                    let (from, to) = if *sent { (phone, server) } else { (server, phone) };
                    packets.push((*at, datagram(from, to, &data[..data.len().min(MAX_PAYLOAD)])));
                }
                _ => {}
            }
        }
    }
    packets.sort_by_key(|(at, _)| *at);
    names.extend(servers.into_iter().map(|(name, address)| (address, name)));
    file(&names, &packets)
}

fn address(net: u8, place: usize) -> Address {
    let [.., high, low] = (place as u32 + 1).to_be_bytes();
    [10, net, high, low]
}

fn file(names: &[(Address, String)], packets: &[(Instant, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::new();
    block(&mut out, SECTION, |body| {
        body.extend(0x1a2b_3c4d_u32.to_le_bytes());
        body.extend(1_u16.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        body.extend(u64::MAX.to_le_bytes());
        option(body, 1, b"From a recording of Offhook: secrets are redacted, addresses are invented, and every message is shown as UDP.");
        option(body, 4, concat!("Offhook/", env!("CARGO_PKG_VERSION")).as_bytes());
        option(body, 0, b"");
    });
    block(&mut out, INTERFACE, |body| {
        body.extend(LINKTYPE_RAW.to_le_bytes());
        body.extend(0_u16.to_le_bytes());
        body.extend(0_u32.to_le_bytes());
        // Times are in nanoseconds.
        option(body, 9, &[9]);
        option(body, 0, b"");
    });
    block(&mut out, NAMES, |body| {
        for (address, name) in names {
            let name: String = name.chars().map(|c| if c.is_control() { '?' } else { c }).take(255).collect();
            option(body, 1, &[address, name.as_bytes(), b"\0"].concat());
        }
        option(body, 0, b"");
    });
    for (at, data) in packets {
        block(&mut out, PACKET, |body| {
            let nanos = at.as_nanos();
            body.extend(0_u32.to_le_bytes());
            body.extend(((nanos >> 32) as u32).to_le_bytes());
            body.extend((nanos as u32).to_le_bytes());
            body.extend((data.len() as u32).to_le_bytes());
            body.extend((data.len() as u32).to_le_bytes());
            padded(body, data);
        });
    }
    out
}

/// A block: its type, its length, its body, and its length again.
fn block(out: &mut Vec<u8>, kind: u32, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut body = Vec::new();
    fill(&mut body);
    let length = (body.len() as u32 + 12).to_le_bytes();
    out.extend(kind.to_le_bytes());
    out.extend(length);
    out.extend(body);
    out.extend(length);
}

/// An option, or a record of names, which looks the same.
fn option(body: &mut Vec<u8>, code: u16, value: &[u8]) {
    body.extend(code.to_le_bytes());
    body.extend((value.len() as u16).to_le_bytes());
    padded(body, value);
}

fn padded(body: &mut Vec<u8>, data: &[u8]) {
    body.extend_from_slice(data);
    body.resize(body.len().next_multiple_of(4), 0);
}

fn datagram(from: (Address, u16), to: (Address, u16), data: &[u8]) -> Vec<u8> {
    let length = data.len() as u16 + 8;
    let mut udp = Vec::with_capacity(data.len() + 28);
    udp.extend(from.1.to_be_bytes());
    udp.extend(to.1.to_be_bytes());
    udp.extend(length.to_be_bytes());
    udp.extend([0, 0]);
    udp.extend_from_slice(data);
    // RFC 768: includes a pseudo header of addresses, protocol and length.
    let pseudo = [&from.0[..], &to.0, &[0, 17], &length.to_be_bytes()].concat();
    let sum = checksum(&[&pseudo, &udp]);
    udp[6..8].copy_from_slice(&if sum == 0 { u16::MAX } else { sum }.to_be_bytes());
    let mut ip = vec![0x45, 0];
    ip.extend((length + 20).to_be_bytes());
    ip.extend([0, 0, 0x40, 0, 64, 17, 0, 0]);
    ip.extend(from.0);
    ip.extend(to.0);
    let sum = checksum(&[&ip]);
    ip[10..12].copy_from_slice(&sum.to_be_bytes());
    ip.extend(udp);
    ip
}

/// The checksum of RFC 1071. All parts but the last have an even length.
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(pair.get(1).copied().unwrap_or(0));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
