use super::*;
use std::time::Duration;

/// The transaction and text of a request that was sent.
fn asked(transport: Transport, method: Method<'static>) -> (World, ClientTx, Message) {
    let mut world = World::new(transport);
    let tx = world.ask(method);
    let request = world.bench.sent().remove(0);
    (world, tx, request)
}

fn assert_delivered(routed: Routed, status: u16) {
    match routed {
        Routed::Response { owner, message, .. } => {
            assert_eq!((owner, message.status()), (OWNER, Some(status)));
        }
        other => panic!("{status} was not delivered: {other:?}"),
    }
}

fn names(sent: Vec<(f64, String)>) -> Vec<String> {
    sent.into_iter().map(|(_, word)| word).collect()
}

#[test]
fn via_has_rport_over_udp_only() {
    for (transport, start, end) in [
        (Transport::Udp, "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK", ";rport"),
        (Transport::Ws, "SIP/2.0/WS aa.invalid;branch=z9hG4bK", ""),
    ] {
        let (_, _, request) = asked(transport, Method::Options);
        let via = String::from_utf8(request.header(HeaderName::Via).expect("a Via").to_vec()).expect("ASCII");
        assert!(via.starts_with(start) && via.ends_with(end), "{via}");
    }
}

/// RFC 3261 §17.1.1.2: timer A doubles without a cap, timer B is 64·T1.
#[test]
fn an_invite_over_udp_is_sent_seven_times_in_32_seconds() {
    let mut world = World::new(Transport::Udp);
    let tx = world.ask(Method::Invite);
    let times: Vec<f64> = world.run(31.9).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [0.0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]);
    assert_eq!(world.failed, []);
    assert_eq!(world.run(100.0), []);
    assert_eq!(world.failed, [(at(32.0), TxFailed { owner: OWNER, tx, why: TxFailure::TimedOut })]);
    world.assert_empty();
}

/// RFC 3261 §17.1.2.2: timer E doubles up to T2, timer F is 64·T1.
#[test]
fn another_request_over_udp_is_retransmitted_up_to_every_4_seconds() {
    let mut world = World::new(Transport::Udp);
    world.ask(Method::Register);
    let times: Vec<f64> = world.run(100.0).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [0.0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]);
    assert_eq!(world.failed.len(), 1);
    assert_eq!(world.failed[0].0, at(32.0));
    world.assert_empty();
}

#[test]
fn nothing_is_retransmitted_over_a_websocket() {
    for method in [Method::Invite, Method::Register] {
        let mut world = World::new(Transport::Ws);
        world.ask(method);
        assert_eq!(world.run(100.0).len(), 1);
        assert_eq!(world.failed[0].0, at(32.0));
        world.assert_empty();
    }
}

/// RFC 3261 §17.1.2.2: after a provisional response the interval is T2.
#[test]
fn a_provisional_response_sets_the_interval_of_another_request_to_t2() {
    let (mut world, _, request) = asked(Transport::Udp, Method::Register);
    world.run(0.4);
    assert!(matches!(world.receive(response(&request, 100)), Routed::Absorbed));
    let times: Vec<f64> = world.run(13.0).into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, [0.5, 4.5, 8.5, 12.5]);
    assert_delivered(world.receive(response(&request, 183)), 183);
    world.run(100.0);
    assert_eq!(world.failed[0].0, at(32.0));
}

#[test]
fn a_provisional_response_stops_timers_a_and_b() {
    let (mut world, _, request) = asked(Transport::Udp, Method::Invite);
    assert!(matches!(world.receive(response(&request, 100)), Routed::Absorbed));
    assert_delivered(world.receive(response(&request, 180)), 180);
    assert_delivered(world.receive(response(&request, 180)), 180);
    assert_eq!(world.run(1000.0), []);
    assert_eq!((world.failed.len(), world.txs.len()), (0, 1));
}

/// RFC 6026 §7.2: in Accepted, each 2xx is passed to the owner and nothing else, until timer M.
#[test]
fn every_2xx_to_an_invite_is_delivered_for_32_seconds() {
    for transport in [Transport::Udp, Transport::Ws] {
        let (mut world, _, request) = asked(transport, Method::Invite);
        assert_delivered(world.receive(response(&request, 200)), 200);
        world.run(31.0);
        assert_delivered(world.receive(response(&request, 200)), 200);
        for status in [180, 486] {
            assert!(matches!(world.receive(response(&request, status)), Routed::Absorbed));
        }
        assert_eq!(world.run(31.9), [], "no ACK of ours");
        world.run(32.0);
        world.assert_empty();
        assert!(matches!(world.receive(response(&request, 200)), Routed::Stray));
    }
}

/// RFC 3261 §17.1.1.3.
#[test]
fn the_ack_for_a_refusal_has_the_fields_of_the_invite() {
    for transport in [Transport::Udp, Transport::Ws] {
        let (mut world, _, request) = asked(transport, Method::Invite);
        assert_delivered(world.receive(response(&request, 486)), 486);
        let sent = world.bench.sent();
        assert_eq!(sent.len(), 1);
        let ack = &sent[0];
        assert_eq!(ack.method(), Some(Method::Ack));
        assert_eq!(ack.request_uri(), request.request_uri());
        for header in [HeaderName::Via, HeaderName::From, HeaderName::CallId, HeaderName::MaxForwards] {
            assert_eq!(ack.header(header), request.header(header));
        }
        assert_eq!(ack.header(HeaderName::To), Some(&b"<sip:bob@example.com>;tag=b"[..]));
        assert_eq!(ack.header(HeaderName::CSeq), Some(&b"9 ACK"[..]));
        assert!(ack.rows(HeaderName::Route).eq(request.rows(HeaderName::Route)));
    }
}

/// RFC 3261 §17.1.1.2: timer D is at least 32 s, and each retransmitted refusal gets the ACK again.
#[test]
fn a_retransmitted_refusal_is_acknowledged_again_over_udp() {
    let (mut world, _, request) = asked(Transport::Udp, Method::Invite);
    assert_delivered(world.receive(response(&request, 486)), 486);
    world.run(31.0);
    assert!(matches!(world.receive(response(&request, 486)), Routed::Absorbed));
    assert_eq!(names(world.sent()), ["ACK"]);
    assert!(matches!(world.receive(response(&request, 200)), Routed::Absorbed));
    world.run(32.0);
    world.assert_empty();
}

#[test]
fn timers_d_and_k_are_zero_over_a_websocket() {
    for method in [Method::Invite, Method::Bye] {
        let (mut world, _, request) = asked(Transport::Ws, method);
        assert_delivered(world.receive(response(&request, 486)), 486);
        world.assert_empty();
        assert!(matches!(world.receive(response(&request, 486)), Routed::Stray));
    }
}

/// RFC 3261 §17.1.2.2: timer K is T4, and the response is delivered once.
#[test]
fn a_retransmitted_response_is_absorbed_over_udp() {
    let (mut world, _, request) = asked(Transport::Udp, Method::Bye);
    assert_delivered(world.receive(response(&request, 200)), 200);
    world.run(4.9);
    assert!(matches!(world.receive(response(&request, 200)), Routed::Absorbed));
    assert_eq!(world.run(5.0), []);
    world.assert_empty();
}

#[test]
fn an_unmatched_response_is_stray() {
    let (mut world, _, request) = asked(Transport::Ws, Method::Options);
    let good = String::from_utf8(response(&request, 200).bytes().to_vec()).expect("ASCII");
    let at = good.find("z9hG4bK").expect("a branch") + 7;
    let other = |from: usize, to: &str| {
        let mut text = good.clone();
        text.replace_range(at + from..at + from + to.len(), to);
        assert_ne!(text, good);
        message(text)
    };
    let second_via = good.replacen("Via:", "Via: SIP/2.0/WS proxy;branch=z9hG4bKx\r\nVia:", 1);
    for (wrong, why) in [
        (other(0, "77"), "another index"),
        (other(8, "77"), "another serial number"),
        (other(22, "77"), "other random bits"),
        (message(good.replace("OPTIONS", "INFO")), "another method"),
        (message(second_via), "more than one Via"),
    ] {
        assert!(matches!(world.receive(wrong), Routed::Stray), "{why}");
    }
    world.path.connection = ConnectionId(2);
    assert!(matches!(world.receive(message(good.clone())), Routed::Stray), "another connection");
    world.path.connection = ConnectionId(1);
    assert_delivered(world.receive(message(good)), 200);
}

#[test]
fn the_trace_has_the_transitions_of_client_transactions() {
    let (mut world, _, request) = asked(Transport::Udp, Method::Invite);
    world.run(1.0);
    for status in [180, 200, 200] {
        assert_delivered(world.receive(response(&request, status)), status);
    }
    world.run(60.0);
    assert_eq!(world.bench.moves(Machine::Client(0)), ["timer A", "1xx", "2xx", "2xx", "timer M"]);
}

/// RFC 3261 §9.1: no CANCEL before a provisional response.
#[test]
fn a_cancel_waits_for_a_provisional_response() {
    for transport in [Transport::Udp, Transport::Ws] {
        let (mut world, tx, request) = asked(transport, Method::Invite);
        world.txs.cancel(&mut world.bench.cx(), tx);
        assert_eq!(world.sent(), []);
        assert!(matches!(world.receive(response(&request, 100)), Routed::Absorbed));
        let sent = world.bench.sent();
        assert_eq!(sent.len(), 1);
        let cancel = &sent[0];
        assert_eq!(cancel.method(), Some(Method::Cancel));
        assert_eq!(cancel.request_uri(), request.request_uri());
        for header in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId] {
            assert_eq!(cancel.header(header), request.header(header));
        }
        assert_eq!(cancel.header(HeaderName::CSeq), Some(&b"9 CANCEL"[..]));
        assert!(cancel.rows(HeaderName::Route).eq(request.rows(HeaderName::Route)));
        assert!(matches!(world.receive(response(cancel, 200)), Routed::Absorbed));
        assert_delivered(world.receive(response(&request, 487)), 487);
        assert_eq!(names(world.sent()), ["ACK"]);
        world.run(32.0);
        world.assert_empty();
    }
}

#[test]
fn a_cancel_is_sent_once() {
    let (mut world, tx, request) = asked(Transport::Ws, Method::Invite);
    assert_delivered(world.receive(response(&request, 180)), 180);
    world.txs.cancel(&mut world.bench.cx(), tx);
    world.txs.cancel(&mut world.bench.cx(), tx);
    assert_delivered(world.receive(response(&request, 180)), 180);
    assert_eq!(names(world.sent()), ["CANCEL"]);
}

#[test]
fn a_cancel_is_retransmitted_over_udp_until_its_response() {
    let (mut world, tx, request) = asked(Transport::Udp, Method::Invite);
    assert_delivered(world.receive(response(&request, 180)), 180);
    world.txs.cancel(&mut world.bench.cx(), tx);
    let cancel = world.bench.sent().remove(0);
    let sent = world.run(2.0);
    assert_eq!(sent, [(0.5, "CANCEL".to_owned()), (1.5, "CANCEL".to_owned())]);
    assert!(matches!(world.receive(response(&cancel, 200)), Routed::Absorbed));
    assert_eq!(world.run(31.0), []);
}

/// RFC 3261 §9.1: 64·T1 after the CANCEL the INVITE ends without a final response.
#[test]
fn an_invite_ends_32_seconds_after_its_cancel() {
    for transport in [Transport::Udp, Transport::Ws] {
        let (mut world, tx, request) = asked(transport, Method::Invite);
        assert_delivered(world.receive(response(&request, 180)), 180);
        world.run(60.0);
        world.txs.cancel(&mut world.bench.cx(), tx);
        world.run(91.9);
        assert_eq!(world.failed, []);
        world.run(92.0);
        assert_eq!(world.failed, [(at(92.0), TxFailed { owner: OWNER, tx, why: TxFailure::TimedOut })]);
        world.assert_empty();
    }
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_delivered() {
    let (mut world, tx, request) = asked(Transport::Ws, Method::Invite);
    assert_delivered(world.receive(response(&request, 180)), 180);
    world.txs.cancel(&mut world.bench.cx(), tx);
    assert_delivered(world.receive(response(&request, 200)), 200);
    world.txs.cancel(&mut world.bench.cx(), tx);
    assert_eq!(names(world.run(100.0)), ["CANCEL"]);
    assert_eq!(world.failed, []);
    world.assert_empty();
}

/// RFC 3261 §17.1.4.
#[test]
fn a_lost_flow_fails_only_requests_without_a_final_response() {
    let mut world = World::new(Transport::Ws);
    let waiting = world.ask(Method::Invite);
    let other = world.ask(Method::Bye);
    let disowned = world.ask(Method::Bye);
    world.txs.detach_owner(disowned);
    world.ask(Method::Invite);
    let answered = world.bench.sent().remove(3);
    assert_delivered(world.receive(response(&answered, 200)), 200);
    assert_eq!(world.txs.on_connection_lost(&mut world.bench.cx(), ConnectionId(2)), []);
    let failed = world.txs.on_connection_lost(&mut world.bench.cx(), ConnectionId(1));
    let lost = |tx| TxFailed { owner: OWNER, tx, why: TxFailure::ConnectionLost };
    assert_eq!(failed, [lost(waiting), lost(other)]);
    world.assert_empty();
}

#[test]
fn a_detached_request_reports_nothing() {
    let (mut world, tx, request) = asked(Transport::Ws, Method::Options);
    world.txs.detach_owner(tx);
    assert!(matches!(world.receive(response(&request, 200)), Routed::Absorbed));
    let tx = world.ask(Method::Options);
    world.txs.detach_owner(tx);
    world.run(100.0);
    assert_eq!(world.failed, []);
    world.assert_empty();
}

#[test]
fn base_times_scale_every_timer_but_d() {
    let (mut world, _, _) = asked(Transport::Udp, Method::Invite);
    world.txs.times.t1 = Duration::from_millis(100);
    world.txs.times.t2 = Duration::from_millis(400);
    world.ask(Method::Info);
    let infos = |sent: Vec<(f64, String)>| -> Vec<f64> {
        sent.into_iter().filter(|(_, word)| word == "INFO").map(|(at, _)| at).collect()
    };
    assert_eq!(infos(world.run(1.6)), [0.0, 0.1, 0.3, 0.7, 1.1, 1.5]);
    world.run(6.5);
    assert_eq!(world.failed[0].0, at(6.4));
}

/// RFC 3261 §17.1.1.2: timer D is 64·T1 if that is more than 32 s, as on a slow link (§17.1.1.1).
#[test]
fn timer_d_grows_with_t1() {
    let (mut world, _, request) = asked(Transport::Udp, Method::Invite);
    world.txs.times.t1 = Duration::from_secs(1);
    assert_delivered(world.receive(response(&request, 486)), 486);
    world.run(63.9);
    assert_eq!(world.txs.len(), 1);
    world.run(64.0);
    world.assert_empty();
}

/// RFC 3261 §9.1: a CANCEL is for an INVITE.
#[test]
fn another_request_is_not_cancelled() {
    for transport in [Transport::Udp, Transport::Ws] {
        let (mut world, tx, request) = asked(transport, Method::Bye);
        world.txs.cancel(&mut world.bench.cx(), tx);
        assert_delivered(world.receive(response(&request, 183)), 183);
        world.txs.cancel(&mut world.bench.cx(), tx);
        assert_eq!(world.sent(), []);
    }
}

/// The bound on client transactions.
#[test]
fn a_request_beyond_the_bound_fails_unsent() {
    for method in [Method::Invite, Method::Bye] {
        let mut world = World::new(Transport::Udp);
        let serial = world.txs.next_serial();
        let entry = world.txs.clients.vacant_entry();
        let tx = ClientTx::new(entry.key(), serial);
        let branch = Branch::new(tx, &mut world.bench.entropy);
        let client = entry.insert(Client::new(&world.path, branch, OWNER, method));
        client.refuse(&mut world.bench.cx(), tx);
        assert_eq!(world.run(0.0), []);
        assert_eq!(world.failed, [(at(0.0), TxFailed { owner: OWNER, tx, why: TxFailure::TimedOut })]);
        world.assert_empty();
    }
}
