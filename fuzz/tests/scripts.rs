//! The scripts of the corpus of the target `exchange`, and their expected results.
//!
//! A fuzzer starts from inputs that reach interesting states. They are written here as operations; `corpus/exchange` contains them as
//! bytes, and more that a fuzzer found. With `OFFHOOK_WRITE_CORPUS` set, the
//! scripts are written there.

use std::env;
use std::fs;
use std::path::Path;

use offhook_fuzz::{Op, Reached, exchange};

// Six phones are registered unless a script changes that: alice has 0 and 3, bob 1 and 4, carol 2 and 5, each over the
// flow in the slot of its number.
const ALICE: u8 = 0;
const BOB: u8 = 1;
const BOB_TOO: u8 = 4;
const CAROL: u8 = 2;

/// The configuration: none of the bits that `play` reads.
const USUAL: u8 = 0;
const SMALL: u8 = 1;
const TWO_NETWORKS: u8 = 2;
const NO_GUESTS: u8 = 4;
const EMPTY: u8 = 8;
/// All flows run over another transport than usual: 0 over UDP, 1 over TCP, and so on.
const SHIFTED: u8 = 1 << 4;

// Indices of statuses.
const RINGING: u8 = 0;
const OK: u8 = 1;
const TRYING: u8 = 2;
const PROGRESS: u8 = 3;
const BUSY: u8 = 4;
const DECLINE: u8 = 5;
const MOVED: u8 = 6;
const CHALLENGE: u8 = 7;
const UNAVAILABLE: u8 = 8;
const TERMINATED: u8 = 10;

// Indices of anomalies of a request.
const EARLY: u8 = 1;
const SILENT: u8 = 2;
const WRONG: u8 = 3;
const GUEST: u8 = 4;
const ROUTED: u8 = 5;
const EXTENDED: u8 = 6;
const TAGGED: u8 = 7;

// Indices of times.
const HALF_A_SECOND: u8 = 1;
const FIVE_SECONDS: u8 = 4;
const ELEVEN_SECONDS: u8 = 5;
const OVER_64_T1: u8 = 7;
const A_MINUTE: u8 = 8;
const TIMER_C: u8 = 9;
const AN_HOUR: u8 = 11;

type Script = (&'static str, u8, Vec<Op<'static>>, fn(&Reached) -> bool);

fn register(phone: u8, slot: u8, style: u8) -> Op<'static> {
    Op::Register { phone, slot, style }
}

/// An INVITE for bob, which is forked to two phones; the request to the second is the newest.
fn invite(phone: u8, style: u8) -> Op<'static> {
    Op::Request { phone, method: 0, target: BOB, style }
}

/// A provisional response to a request.
fn say(which: u8, status: u8) -> Op<'static> {
    Op::Answer { which, status, style: 1 }
}

/// A final response to a request.
fn answer(which: u8, status: u8) -> Op<'static> {
    Op::Answer { which, status, style: 0 }
}

fn inside(dialog: u8, method: u8) -> Op<'static> {
    Op::Inside { dialog, method }
}

fn pass(time: u8) -> Op<'static> {
    Op::Pass { time }
}

/// A call that is up: two phones ring, the second takes it, and the first is cancelled. The views of the dialog are the caller's
/// and the callee's, in this order.
fn call() -> Vec<Op<'static>> {
    let mut ops = vec![invite(ALICE, 0), say(1, RINGING), say(0, RINGING), answer(0, OK)];
    // The CANCEL for the first phone is the newest request, its INVITE the next one.
    ops.extend([answer(0, OK), answer(0, TERMINATED), Op::Ack { which: 0 }]);
    ops
}

/// A call that is up, and more.
fn called(more: &[Op<'static>]) -> Vec<Op<'static>> {
    [&call(), more].concat()
}

fn scripts() -> Vec<Script> {
    [registrations(), calls(), dialogs(), refusals(), losses(), bounds(), noise()]
        .into_iter()
        .flatten()
        .collect()
}

fn registrations() -> Vec<Script> {
    let again = |style| vec![register(BOB, 1, style), invite(ALICE, 0), say(0, RINGING)];
    vec![
        ("register", EMPTY, vec![Op::Up { slot: 0, transport: 0 }, register(0, 0, 0)], |r| r.registered == 1),
        ("register_over_udp", EMPTY, vec![Op::Up { slot: 0, transport: 1 }, register(0, 0, 0)], |r| {
            r.challenged == 1 && r.registered == 1
        }),
        (
            "register_without_answer",
            EMPTY,
            vec![Op::Up { slot: 0, transport: 0 }, register(0, 0, 8 * SILENT)],
            |r| r.challenged == 1 && r.registered == 0,
        ),
        (
            "register_with_a_wrong_password",
            EMPTY,
            vec![Op::Up { slot: 0, transport: 0 }, register(0, 0, 8 * WRONG)],
            |r| r.challenged == 2 && r.registered == 0,
        ),
        ("register_early", USUAL, vec![register(BOB, 1, 8 * EARLY)], |r| {
            r.registered == 7 && r.challenged == 6
        }),
        ("unregister", USUAL, again(1), |r| r.unregistered > 0 && r.forked == 0),
        ("unregister_all", USUAL, again(2), |r| r.unregistered >= 2 && r.rang == 0),
        ("fetch", USUAL, again(3), |r| r.registered == 6 && r.forked == 1),
        // Both flows are of one device, which is called over the newer one (RFC 5626 §5.3).
        ("instances", USUAL, vec![register(BOB, 1, 4), register(BOB_TOO, 4, 4), invite(ALICE, 0)], |r| {
            r.registered == 8 && r.forked == 0
        }),
        ("a_q_value_and_a_minute", USUAL, vec![register(BOB, 1, 5), pass(A_MINUTE), invite(ALICE, 0)], |r| {
            r.unregistered > 0 && r.forked == 0
        }),
        ("two_contacts_with_headers", USUAL, again(6), |r| r.registered == 8 && r.forked == 1),
        ("too_brief", USUAL, again(7), |r| r.registered == 6),
        ("an_hour_later", USUAL, vec![pass(AN_HOUR), invite(ALICE, 0)], |r| {
            r.unregistered == 6 && r.forked == 0
        }),
        ("stale_nonces", USUAL, vec![Op::Forget { what: 1 }, register(BOB, 1, 8 * EARLY)], |r| {
            r.challenged == 7
        }),
    ]
}

fn calls() -> Vec<Script> {
    let refused = |one, other| {
        vec![invite(ALICE, 0), say(1, RINGING), answer(0, one), answer(0, other), Op::Ack { which: 0 }]
    };
    vec![
        ("call", USUAL, called(&[inside(0, 0), answer(0, OK)]), |r| {
            r.forked == 1 && r.answered == 1 && r.cancelled == 1 && r.ended == 1
        }),
        ("call_over_other_transports", SHIFTED, called(&[inside(0, 0), answer(0, OK)]), |r| r.ended == 1),
        ("call_in_two_networks", TWO_NETWORKS, called(&[inside(1, 0), answer(0, OK)]), |r| r.ended == 1),
        (
            "two_phones_answer",
            USUAL,
            vec![invite(ALICE, 0), answer(0, OK), answer(1, OK), Op::Ack { which: 0 }],
            |r| r.forked == 1 && r.answered == 1 && r.inside == 1,
        ),
        (
            "cancel",
            USUAL,
            vec![
                invite(ALICE, 0),
                say(0, RINGING),
                Op::Cancel { phone: ALICE },
                answer(0, OK),
                answer(0, TERMINATED),
            ],
            |r| r.rang == 1 && r.cancelled == 1,
        ),
        (
            "cancel_before_anything_is_heard",
            USUAL,
            vec![invite(ALICE, 0), Op::Cancel { phone: ALICE }, say(0, TRYING), say(2, PROGRESS)],
            |r| r.cancelled >= 2,
        ),
        ("cancel_too_late", USUAL, called(&[Op::Cancel { phone: ALICE }]), |r| r.answered == 1),
        ("busy_and_declined", USUAL, refused(BUSY, DECLINE), |r| r.rang == 1 && r.answered == 0),
        ("moved_and_unavailable", USUAL, refused(MOVED, UNAVAILABLE), |r| r.rang == 1 && r.answered == 0),
        ("both_challenge", USUAL, refused(CHALLENGE, CHALLENGE), |r| r.challenged > 7),
        ("nobody_answers", SHIFTED, vec![invite(ALICE, 0), pass(OVER_64_T1)], |r| {
            r.forked == 1 && r.cancelled == 0
        }),
        (
            "rings_for_ever",
            USUAL,
            vec![invite(ALICE, 0), say(0, RINGING), pass(TIMER_C), pass(OVER_64_T1)],
            |r| r.cancelled == 1,
        ),
        (
            "guest",
            USUAL,
            vec![invite(CAROL, GUEST), say(0, RINGING), answer(0, OK), Op::Ack { which: 0 }],
            |r| r.challenged == 6 && r.answered == 1,
        ),
        (
            "contact",
            USUAL,
            vec![Op::Request { phone: ALICE, method: 0, target: 3 + BOB, style: 0 }, answer(0, OK)],
            |r| r.forked == 0 && r.answered == 1,
        ),
    ]
}

fn dialogs() -> Vec<Script> {
    vec![
        (
            "reinvite_by_the_callee",
            USUAL,
            called(&[inside(1, 1), answer(0, OK), Op::Ack { which: 0 }]),
            |r| r.inside == 4,
        ),
        (
            "info_update_refer",
            USUAL,
            called(&[inside(0, 2), answer(0, OK), inside(1, 3), inside(0, 4)]),
            |r| r.inside == 5,
        ),
        (
            "notify_for_a_subscriber",
            USUAL,
            vec![Op::Request { phone: ALICE, method: 4, target: CAROL, style: 0 }, answer(0, OK)],
            |r| r.answered == 0 && r.inside == 0,
        ),
        ("both_hang_up", USUAL, called(&[inside(0, 0), inside(1, 0), answer(0, OK), answer(0, OK)]), |r| {
            r.ended == 2
        }),
        (
            "unknown_method",
            USUAL,
            vec![Op::Request { phone: ALICE, method: 7, target: CAROL, style: ROUTED }, answer(0, OK)],
            |r| r.inside == 0,
        ),
    ]
}

fn refusals() -> Vec<Script> {
    let ask = |target, style| vec![Op::Request { phone: ALICE, method: 3, target, style }];
    vec![
        ("relaying_denied", NO_GUESTS, vec![invite(CAROL, GUEST)], |r| r.forked == 0),
        ("extension", USUAL, vec![invite(ALICE, EXTENDED)], |r| r.forked == 0),
        ("lost_dialog", USUAL, vec![invite(ALICE, TAGGED)], |r| r.challenged == 7),
        ("options", USUAL, ask(9, 0), |r| r.challenged == 6),
        ("nobody", USUAL, ask(10, 0), |r| r.inside == 0),
        ("telephone", USUAL, ask(11, 0), |r| r.challenged == 6),
    ]
}

fn losses() -> Vec<Script> {
    let down = |slot| Op::Down { slot };
    let up = |slot| Op::Up { slot, transport: 0 };
    let gone =
        [invite(ALICE, 0), say(0, RINGING), down(4), pass(FIVE_SECONDS), up(4), register(BOB_TOO, 4, 0)];
    vec![
        (
            "callee_reconnects_while_it_rings",
            USUAL,
            [&gone[..], &[answer(0, OK), Op::Ack { which: 0 }]].concat(),
            |r| r.registered == 7 && r.answered == 1,
        ),
        ("callee_is_gone", USUAL, [&gone[..4], &[pass(ELEVEN_SECONDS), answer(0, BUSY)]].concat(), |r| {
            r.answered == 0
        }),
        (
            "caller_reconnects",
            USUAL,
            vec![
                invite(ALICE, 0),
                say(0, RINGING),
                down(0),
                up(0),
                register(ALICE, 0, 0),
                answer(0, OK),
                Op::Ack { which: 0 },
            ],
            |r| r.answered == 1 && r.inside == 1,
        ),
        (
            "callee_reconnects_in_a_call",
            USUAL,
            called(&[down(4), up(4), register(BOB_TOO, 4, 0), inside(0, 0), answer(0, OK)]),
            |r| r.ended == 1,
        ),
        (
            "callee_comes_back_for_the_bye",
            USUAL,
            called(&[down(4), inside(0, 0), up(4), register(BOB_TOO, 4, 0), answer(0, OK)]),
            |r| r.ended == 1,
        ),
        (
            "contact_moves_to_another_flow",
            USUAL,
            called(&[register(BOB_TOO, 2, 0), inside(0, 0), answer(0, OK)]),
            |r| r.ended == 1,
        ),
        (
            "transactions_are_forgotten",
            USUAL,
            vec![invite(ALICE, 0), Op::Forget { what: 2 }, answer(0, OK)],
            |r| r.forked == 1,
        ),
        (
            "bindings_are_forgotten",
            USUAL,
            called(&[Op::Forget { what: 0 }, inside(0, 0), register(BOB_TOO, 4, 0)]),
            |r| r.unregistered >= 6,
        ),
        (
            "flow_is_replaced",
            USUAL,
            vec![invite(ALICE, 0), Op::Up { slot: 4, transport: 1 }, Op::Ping { slot: 4 }],
            |r| r.unregistered == 6 && r.forked == 1,
        ),
    ]
}

fn bounds() -> Vec<Script> {
    vec![
        // Of six phones one is on UDP, and four of the other five have room for their connections.
        ("too_many_flows", SMALL, vec![Op::Up { slot: 5, transport: 0 }, invite(ALICE, 0)], |r| {
            r.registered == 5
        }),
        ("too_many_transactions", SMALL | SHIFTED, vec![invite(ALICE, 0); 8], |r| {
            r.registered == 6 && r.full > 0
        }),
        ("too_many_contacts", SMALL, vec![register(BOB, 1, 6), register(BOB, 1, 0)], |r| r.registered > 4),
    ]
}

fn noise() -> Vec<Script> {
    let options: &[u8] = b"OPTIONS sip:example.com SIP/2.0\r\nv:SIP/2.0/WS h;branch=z9hG4bKo\r\nf:<sip:a@b>;tag=1\r\nt:<sip:b>\r\n\
        i:1\r\nCSeq:1 OPTIONS\r\nl:0\r\n\r\n";
    let (one, two) = options.split_at(60);
    let raw = |slot, data| Op::Raw { slot, data };
    let twist = |kind, at, byte| Op::Twist { kind, at, byte };
    vec![
        ("ping", USUAL, vec![Op::Ping { slot: 0 }, Op::Ping { slot: 1 }, Op::Ping { slot: 2 }], |r| {
            r.refused == 0
        }),
        ("pieces_of_a_stream", USUAL, vec![raw(2, one), raw(2, two), raw(2, b"\r\n")], |r| r.refused == 0),
        ("half_a_message", USUAL, vec![raw(0, one), raw(1, two)], |r| r.refused == 0),
        ("without_call_id", USUAL, vec![raw(0, b"X a:b SIP/2.0\r\nv:SIP/2.0/WS h;;,\r\n\r\n")], |r| {
            r.refused == 1
        }),
        (
            "sent_again",
            SHIFTED,
            vec![
                invite(ALICE, 0),
                Op::Again { phone: ALICE, slot: 0 },
                pass(HALF_A_SECOND),
                Op::Again { phone: ALICE, slot: 3 },
                answer(0, BUSY),
                answer(0, BUSY),
                Op::Again { phone: ALICE, slot: 0 },
            ],
            |r| r.forked >= 1,
        ),
        (
            "answer_over_another_flow",
            USUAL,
            vec![invite(ALICE, 0), Op::Answer { which: 0, status: OK, style: 8 }],
            |r| r.forked == 1,
        ),
        (
            "answer_without_a_tag",
            USUAL,
            vec![invite(ALICE, 0), Op::Answer { which: 0, status: OK, style: 4 }, Op::Ack { which: 0 }],
            |r| r.answered == 1,
        ),
        ("damaged_invite", USUAL, vec![twist(0, 20, 0x80), invite(ALICE, 0)], |r| r.forked == 0),
        ("cut_invite", USUAL, vec![twist(3, 200, 0), invite(ALICE, 0)], |r| r.refused == 1),
        ("doubled_rows", USUAL, vec![twist(4, 70, 120), register(BOB, 1, 0)], |r| r.refused == 1),
        (
            "damaged_answer",
            USUAL,
            vec![invite(ALICE, 0), twist(2, 60, 3), answer(0, OK), twist(1, 40, b','), answer(0, OK)],
            |r| r.forked == 1,
        ),
    ]
}

fn bytes(choice: u8, ops: &[Op<'_>]) -> Vec<u8> {
    let mut bytes = vec![choice];
    for op in ops {
        op.write(&mut bytes);
    }
    bytes
}

#[test]
fn every_script_comes_to_where_it_should() {
    let wrong = scripts().into_iter().filter_map(|(name, choice, ops, is_there)| {
        let reached = exchange(&bytes(choice, &ops));
        (!is_there(&reached)).then(|| format!("{name}: {reached:?}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_corpus_holds_every_script() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus/exchange");
    for (name, choice, ops, _) in scripts() {
        let path = folder.join(name);
        if env::var_os("OFFHOOK_WRITE_CORPUS").is_some() {
            fs::create_dir_all(&folder).unwrap();
            fs::write(&path, bytes(choice, &ops)).unwrap();
        }
        assert_eq!(
            fs::read(&path).unwrap_or_default(),
            bytes(choice, &ops),
            "{name}: OFFHOOK_WRITE_CORPUS=1 has it written"
        );
    }
}

#[test]
fn what_is_written_is_read() {
    for (name, choice, ops, _) in scripts() {
        let bytes = bytes(choice, &ops);
        let mut rest = &bytes[1..];
        let read: Vec<Op<'_>> = std::iter::from_fn(|| Op::read(&mut rest)).collect();
        assert_eq!(read, ops, "{name}");
    }
}
