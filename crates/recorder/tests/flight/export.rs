//! Exports of a recording.

use crate::secrets::{agreed, call, describe, done, flight, sdp};
use offhook::{CallCommand, EffectResult, MediaTypes};
use offhook_recorder::replay::{ObservationKind, replay};
use offhook_recorder::{pcap, scenario};

/// The contents of a capture file, read independently of the code that wrote it.
struct Capture {
    names: Vec<(Vec<u8>, String)>,
    datagrams: Vec<Datagram>,
}

struct Datagram {
    nanos: u64,
    from: Vec<u8>,
    to: Vec<u8>,
    ports: [u16; 2],
    data: Vec<u8>,
}

fn read(mut file: &[u8]) -> Capture {
    let le32 = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().expect("four"));
    let le16 = |bytes: &[u8]| u16::from_le_bytes(bytes[..2].try_into().expect("two"));
    let be16 = |bytes: &[u8]| u16::from_be_bytes(bytes[..2].try_into().expect("two"));
    let (mut capture, mut kinds) = (Capture { names: Vec::new(), datagrams: Vec::new() }, Vec::new());
    while !file.is_empty() {
        let (kind, length) = (le32(file), le32(&file[4..]) as usize);
        assert_eq!((length % 4, le32(&file[length - 4..length]) as usize), (0, length));
        let mut body = &file[8..length - 4];
        match kind {
            0x0a0d_0d0a => assert_eq!((le32(body), le16(&body[4..])), (0x1a2b_3c4d, 1)),
            1 => assert_eq!((le16(body), &body[8..13]), (101, &[9, 0, 1, 0, 9][..])),
            4 => {
                while le16(body) == 1 {
                    let length = usize::from(le16(&body[2..]));
                    let name = &body[8..4 + length];
                    assert_eq!(name.last(), Some(&0));
                    let name = String::from_utf8(name[..name.len() - 1].to_vec()).expect("text");
                    capture.names.push((body[4..8].to_vec(), name));
                    body = &body[4 + length.next_multiple_of(4)..];
                }
                assert_eq!(body, [0; 4]);
            }
            6 => {
                let nanos = u64::from(le32(&body[4..])) << 32 | u64::from(le32(&body[8..]));
                let packet = &body[20..20 + le32(&body[12..]) as usize];
                assert_eq!((packet[0], packet[9], usize::from(be16(&packet[2..]))), (0x45, 17, packet.len()));
                let sum = |bytes: &[u8]| {
                    let whole: u32 = bytes
                        .chunks(2)
                        .map(|pair| u32::from(pair[0]) * 256 + u32::from(pair.get(1).copied().unwrap_or(0)))
                        .sum();
                    (whole % 0xffff) as u16
                };
                assert_eq!(sum(&packet[..20]), 0, "the sum over a header with its checksum is minus zero");
                let udp = &packet[20..];
                let pseudo = [&packet[12..20], &[0, 17], &udp[4..6], udp].concat();
                assert_eq!((sum(&pseudo), usize::from(be16(&udp[4..]))), (0, udp.len()));
                let ports = [be16(udp), be16(&udp[2..])];
                let (from, to) = (packet[12..16].to_vec(), packet[16..20].to_vec());
                capture.datagrams.push(Datagram { nanos, from, to, ports, data: udp[8..].to_vec() });
            }
            other => panic!("a block of type {other}"),
        }
        kinds.push(kind);
        file = &file[length..];
    }
    assert_eq!(kinds[..3], [0x0a0d_0d0a, 1, 4]);
    capture
}

#[test]
fn capture_contains_each_message_with_valid_headers() {
    let recording = flight().recording();
    let track = &recording.phones[0];
    let again = replay(track).expect("from its beginning");
    let capture = read(&pcap(&[(track, &again)]));
    assert_eq!(
        capture.names,
        [(vec![10, 0, 0, 1], "alice".to_owned()), (vec![10, 1, 0, 1], "pbx:80".to_owned())]
    );
    let messages: Vec<_> = again
        .observations
        .iter()
        .filter_map(|observation| match &observation.kind {
            ObservationKind::Message { sent, data, .. } => {
                Some((observation.at.as_nanos(), *sent, data.to_vec()))
            }
            _ => None,
        })
        .collect();
    assert!(messages.len() > 30);
    let read: Vec<_> = capture
        .datagrams
        .into_iter()
        .map(|Datagram { nanos, from, to, ports, data }| {
            let sent = from == [10, 0, 0, 1];
            let ends = (vec![10, 0, 0, 1], vec![10, 1, 0, 1]);
            assert_eq!(if sent { (from, to) } else { (to, from) }, ends);
            assert_eq!(if sent { ports } else { [ports[1], ports[0]] }, [40_001, 5060]);
            (nanos, sent, data)
        })
        .collect();
    assert_eq!(read, messages);
}

#[test]
fn scenario_contains_the_peer() {
    let recording = flight().recording();
    let track = &recording.phones[0];
    let again = replay(track).expect("from its beginning");
    let text = scenario(&[(track, &again)]);
    assert!(!text.contains("S3cr3t"), "{text}");
    for line in [
        "exchange pbx",
        "phone alice ws delay=0.005s",
        "phone bob ws delay=0.005s",
        "alice dials bob",
        "bob will answer after 0.02s",
        "alice sends 00000000 by info for 0.1s",
        "bob sends 0 by rtp for 0.16s",
        "bob holds",
        "alice transfers to carol",
        "alice loses its connection",
    ] {
        assert!(
            text.lines().any(|messages| messages == line || messages.ends_with(&format!("s {line}"))),
            "{line} in\n{text}"
        );
    }
}

#[test]
fn scenario_contains_the_types_of_media() {
    let (mut phone, session) = call();
    phone.call_command(session, CallCommand::Mute { types: MediaTypes::AUDIO });
    phone.call_command(session, CallCommand::SetMediaTypes { types: MediaTypes::AUDIO_VIDEO });
    describe(&mut phone);
    phone.reply(200, &[], sdp(2).as_bytes());
    done(&mut phone, EffectResult::Applied(agreed().with_types(MediaTypes::AUDIO_VIDEO)));
    let recording = phone.recording();
    let track = &recording.phones[0];
    let text = scenario(&[(track, &replay(track).expect("from its beginning"))]);
    for line in
        ["alice mutes audio", "alice sets media to audio and video", "bob sets media to audio and video"]
    {
        assert!(text.contains(&format!("s {line}\n")), "{line} in\n{text}");
    }
}
