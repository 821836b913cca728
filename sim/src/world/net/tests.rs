//! Messages arrive complete and in order with any framing and segmentation, up to the point where the stream broke.

use std::time::Duration;

use bytes::Bytes;
use offhook_wire::Instant;
use proptest::collection::vec;
use proptest::prelude::*;
use tungstenite::protocol::Role;

use super::stream::{Delivered, Pipe};
use super::websocket::{Reader, Received, Writer};
use super::{DOWN, UP};
use crate::World;
use crate::hash::Draw;
use crate::scenario::{End, StreamTrouble, Streaming};

/// SIP, other text, multi-byte text, and binary data.
fn any_message() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        Just(Bytes::from_static(b"\r\n\r\n")),
        Just(Bytes::from_static("OPTIONS sip:zoë@größe SIP/2.0\r\nl: 0\r\n\r\n".as_bytes())),
        "[a-zß€😀 ]{0,300}".prop_map(Bytes::from),
        vec(any::<u8>(), 0..300).prop_map(Bytes::from),
        // Lengths of two and of eight bytes in the frame header.
        (prop_oneof![124..128_usize, 65_534..65_537_usize]).prop_map(|length| vec![b'x'; length].into()),
    ]
}

fn any_streaming() -> impl Strategy<Value = Streaming> {
    let per_mille = prop_oneof![Just(0_u16), Just(1000), 0..=1000_u16];
    [per_mille.clone(), per_mille.clone(), per_mille.clone(), per_mille.clone(), per_mille].prop_map(
        |[split, gather, fragment, ping, binary]| Streaming { split, gather, fragment, ping, binary },
    )
}

/// A pipe with all messages in flight.
fn sent(messages: &[Bytes], up: bool, ways: &Streaming, draw: &mut Draw) -> Pipe {
    let mut pipe = Pipe::default();
    for (number, message) in messages.iter().enumerate() {
        let mut writer = Writer::new(up, draw, message.len());
        writer.message(message, ways);
        let at = Instant::ZERO + Duration::from_millis(10 * number as u64);
        pipe.send(at, writer.out.into(), ways, draw);
    }
    pipe
}

/// The messages read to the end, the result, and the number of reads.
fn received(pipe: &mut Pipe, up: bool) -> (Vec<Bytes>, Delivered, usize) {
    let mut reader = Reader::new(if up { Role::Server } else { Role::Client });
    let (mut messages, mut reads) = (Vec::new(), 0);
    while let Some(at) = pipe.wake(Instant::ZERO) {
        assert!(pipe.is_awake(at) && !pipe.is_awake(at), "one scheduled delivery");
        let taken = pipe.take(at, Instant::ZERO, |bytes| reader.push(bytes));
        reads += 1;
        while let Some(received) = reader.next() {
            match received {
                Received::Message(data) => messages.push(data),
                Received::Ping(data) => assert_eq!((&data[..], up), (&b"there?"[..], false)),
                Received::Close(_) | Received::Invalid => panic!("{received:?}"),
            }
        }
        if taken != Delivered::All {
            return (messages, taken, reads);
        }
    }
    (messages, Delivered::All, reads)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn messages_arrive_complete_and_in_order(
        messages in vec(any_message(), 0..8),
        ways in any_streaming(),
        up: bool,
        slow: bool,
        seed: u64,
    ) {
        let draw = &mut Draw::new(seed, "stream");
        let mut pipe = sent(&messages, up, &ways, draw);
        if slow {
            pipe.trickle(Instant::ZERO + Duration::from_secs(2));
        }
        pipe.end(Instant::ZERO);
        let (read, taken, _) = received(&mut pipe, up);
        prop_assert_eq!((read, taken), (messages, Delivered::End));
    }

    #[test]
    fn messages_before_a_break_arrive(
        messages in vec(any_message(), 1..8),
        ways in any_streaming(),
        up: bool,
        after in 1..3_000_usize,
        seed: u64,
    ) {
        let draw = &mut Draw::new(seed, "stream");
        let mut pipe = sent(&messages, up, &ways, draw);
        pipe.break_after(after);
        let (read, taken, _) = received(&mut pipe, up);
        prop_assert_eq!(&read[..], &messages[..read.len()]);
        let length: usize = messages.iter().map(Bytes::len).sum();
        prop_assert!(taken == Delivered::Broken || length < after);
        // Each message has a frame header of at least two bytes.
        let whole = read.iter().map(|message| message.len() + 2).sum::<usize>();
        prop_assert!(taken == Delivered::All || whole <= after, "{whole} of {after}");
    }
}

const SPLIT: Streaming = Streaming { split: 1000, gather: 0, fragment: 0, ping: 0, binary: 0 };

fn three() -> [Bytes; 3] {
    ["one", "two", "three"].map(|text| Bytes::from(text.repeat(100)))
}

#[test]
fn stalled_data_arrives_in_one_read() {
    let mut pipe = sent(&three(), true, &SPLIT, &mut Draw::new(1, "stream"));
    pipe.stall(Instant::ZERO + Duration::from_secs(5));
    assert_eq!(pipe.wake(Instant::ZERO), Some(Instant::ZERO + Duration::from_secs(5)));
    // The delivery is scheduled already.
    assert_eq!(pipe.wake(Instant::ZERO), None);
    let mut arrived = 0;
    pipe.take(Instant::ZERO + Duration::from_secs(5), Instant::ZERO, |bytes| arrived += bytes.len());
    assert!(arrived > 1_100, "{arrived}");
}

#[test]
fn a_trickle_delivers_a_byte_every_4_ms() {
    let mut pipe = sent(&three(), false, &Streaming::default(), &mut Draw::new(1, "stream"));
    pipe.trickle(Instant::ZERO + Duration::from_secs(1));
    let (read, _, reads) = received(&mut pipe, false);
    assert_eq!(read, three());
    // A byte every 4 ms for a second, then the rest.
    assert!((245..=260).contains(&reads), "{reads}");
}

#[test]
fn all_data_arrives_after_healing() {
    let mut pipe = sent(&three(), false, &Streaming::default(), &mut Draw::new(1, "stream"));
    pipe.stall(Instant::ZERO + Duration::from_secs(1000));
    pipe.break_after(10);
    assert_eq!(pipe.wake(Instant::ZERO), Some(Instant::ZERO + Duration::from_secs(1000)));
    pipe.heal();
    // The delivery is earlier than scheduled.
    assert_eq!(received(&mut pipe, false).0, three());
}

#[test]
fn close_codes_are_read_and_oversized_messages_are_invalid() {
    let draw = &mut Draw::new(1, "stream");
    for (up, code) in [(true, None), (false, Some(1001)), (false, Some(1011))] {
        let mut reader = Reader::new(if up { Role::Server } else { Role::Client });
        let mut writer = Writer::new(up, draw, 0);
        writer.close(code);
        reader.push(&writer.out);
        assert_eq!(reader.next(), Some(Received::Close(code)));
        assert_eq!(reader.next(), None);
    }
    let mut reader = Reader::new(Role::Client);
    let mut writer = Writer::new(false, draw, 0);
    writer.message(&vec![b'x'; 65_537].into(), &Streaming::default());
    reader.push(&writer.out);
    assert_eq!(reader.next(), Some(Received::Invalid));
}

#[test]
fn only_a_client_masks_its_frames() {
    for (writes, reads, received) in [
        (true, Role::Server, Received::Message(Bytes::from_static(b"text"))),
        (false, Role::Client, Received::Message(Bytes::from_static(b"text"))),
        (true, Role::Client, Received::Invalid),
        (false, Role::Server, Received::Invalid),
    ] {
        let draw = &mut Draw::new(1, "stream");
        let mut writer = Writer::new(writes, draw, 0);
        writer.message(&Bytes::from_static(b"text"), &Streaming::default());
        let mut reader = Reader::new(reads);
        reader.push(&writer.out);
        assert_eq!(reader.next(), Some(received), "{writes} {reads:?}");
    }
}

#[test]
fn two_closed_ends_do_not_exchange_resets() {
    let mut world = World::builder().phone("alice").start();
    let connection = world.connection_of(0).expect("alice is registered");
    world.stream("alice", StreamTrouble::HalfOpen { lost: End::Far });
    world.stream("alice", StreamTrouble::HalfOpen { lost: End::Near });
    world.end_stream(connection, UP);
    world.end_stream(connection, DOWN);
    world.run_for(Duration::from_secs(1));
    let limit = world.now + Duration::from_secs(5);
    let mut happened = 0;
    while world.advance(limit) {
        happened += 1;
    }
    // Only the phone, which registers again.
    assert!(happened < 50, "{happened}");
}
