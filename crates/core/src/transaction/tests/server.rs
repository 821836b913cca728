use super::*;

const BRANCH: &str = "z9hG4bKpeer";

/// A request of the peer outside of a dialog, with one Via.
fn request(method: &str, branch: &str) -> Message {
    let text = format!(
        "{method} sip:alice@aa.invalid SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5070;branch={branch}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:bob@example.com>;tag=b\r\n\
         To: <sip:alice@example.com>\r\n\
         Call-ID: peer-call\r\n\
         CSeq: 5 {method}\r\n\
         Content-Length: 0\r\n\r\n"
    );
    message(text)
}

/// The same request, within a dialog.
fn in_dialog(method: &str, branch: &str) -> Message {
    changed(&request(method, branch), "To: <sip:alice@example.com>", "To: <sip:alice@example.com>;tag=ours")
}

fn changed(request: &Message, from: &str, to: &str) -> Message {
    let text = String::from_utf8(request.bytes().to_vec()).expect("ASCII");
    assert!(text.contains(from));
    message(text.replace(from, to))
}

/// An INVITE of another call.
fn another(n: usize) -> Message {
    changed(&request("INVITE", &format!("z9hG4bK{n}")), "peer-call", &format!("call-{n}"))
}

impl World {
    fn accept_request(&mut self, request: &Message) -> ServerTx {
        match self.receive(request.clone()) {
            Routed::Request { tx, .. } => tx,
            other => panic!("not a new request: {other:?}"),
        }
    }

    fn answer(&mut self, tx: ServerTx, request: &Message, status: u16) {
        let response = Builder::reply(request, status, "Reason", Some(b"ours")).finish();
        self.txs.finish(&mut self.bench.cx(), tx, status, response);
    }

    fn ring(&mut self, tx: &ServerTx, request: &Message) {
        let response = Builder::reply(request, 180, "Ringing", Some(b"ours")).finish();
        self.txs.provisional(&mut self.bench.cx(), tx, response);
    }

    fn now_sent(&mut self) -> Vec<String> {
        self.sent().into_iter().map(|(_, word)| word).collect()
    }
}

#[test]
fn only_an_invite_gets_a_100() {
    for (method, expected) in [("INVITE", vec!["100"]), ("OPTIONS", vec![])] {
        let mut world = World::new(Transport::Ws);
        let _tx = world.accept_request(&request(method, BRANCH));
        assert_eq!(world.now_sent(), expected);
    }
}

/// RFC 3261 §17.2.1, §17.2.2: a retransmitted request gets the last response again.
#[test]
fn a_retransmitted_request_gets_the_last_response() {
    for transport in [Transport::Udp, Transport::Ws] {
        let mut world = World::new(transport);
        let invite = request("INVITE", BRANCH);
        let tx = world.accept_request(&invite);
        assert!(matches!(world.receive(invite.clone()), Routed::Absorbed));
        world.ring(&tx, &invite);
        assert!(matches!(world.receive(invite.clone()), Routed::Absorbed));
        assert_eq!(world.now_sent(), ["100", "100", "180", "180"]);
        world.answer(tx, &invite, 486);
        assert!(matches!(world.receive(invite), Routed::Absorbed));
        assert_eq!(world.now_sent(), ["486", "486"]);
    }
}

/// RFC 3261 §17.2.1: timer G doubles up to T2, timer H is 64·T1.
#[test]
fn a_refusal_is_retransmitted_over_udp_until_the_ack() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    world.now_sent();
    world.answer(tx, &invite, 486);
    let times = [0.0, 0.5, 1.5, 3.5, 7.5].map(|at| (at, "486".to_owned()));
    assert_eq!(world.run(9.0), times);
    for _ in 0..2 {
        assert!(matches!(world.receive(request("ACK", BRANCH)), Routed::Absorbed));
    }
    assert_eq!(world.run(13.9), []);
    assert_eq!(world.txs.len(), 1, "timer I is T4");
    assert!(matches!(world.receive(invite), Routed::Absorbed));
    world.run(14.0);
    world.assert_empty();
}

#[test]
fn a_refusal_without_ack_ends_after_32_seconds() {
    for (transport, times) in [(Transport::Udp, 12), (Transport::Ws, 1)] {
        let mut world = World::new(transport);
        let invite = request("INVITE", BRANCH);
        let tx = world.accept_request(&invite);
        world.now_sent();
        world.answer(tx, &invite, 486);
        assert_eq!(world.run(31.9).len(), times.min(11));
        assert_eq!(world.txs.len(), 1);
        world.run(32.0);
        world.assert_empty();
    }
}

#[test]
fn timer_i_is_zero_over_a_websocket() {
    let mut world = World::new(Transport::Ws);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    world.answer(tx, &invite, 603);
    assert!(matches!(world.receive(request("ACK", BRANCH)), Routed::Absorbed));
    world.assert_empty();
}

/// RFC 6026 §7.1.
#[test]
fn a_2xx_is_sent_once_and_retransmitted_invites_are_absorbed() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    world.answer(tx, &invite, 200);
    assert_eq!(world.now_sent(), ["100", "200"]);
    assert!(matches!(world.receive(invite), Routed::Absorbed));
    // The ACK for a 2xx with the branch of its INVITE belongs to the call too.
    assert!(matches!(world.receive(in_dialog("ACK", BRANCH)), Routed::Ack(_)));
    assert!(matches!(world.receive(in_dialog("ACK", "z9hG4bKnew")), Routed::Ack(_)));
    assert_eq!(world.run(31.9), []);
    assert_eq!(world.txs.len(), 1);
    world.run(32.0);
    world.assert_empty();
}

#[test]
fn a_2xx_over_a_websocket_leaves_nothing_behind() {
    let mut world = World::new(Transport::Ws);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    world.answer(tx, &invite, 200);
    world.assert_empty();
    assert!(matches!(world.receive(in_dialog("ACK", "z9hG4bKnew")), Routed::Ack(_)));
}

/// RFC 3261 §13.3.1.4: the call retransmits its 2xx for 64·T1; as long, an INVITE that arrives over another connection, after its
/// transaction was lost with the first one, is a retransmission.
#[test]
fn an_answered_invite_is_recent_for_32_seconds() {
    let mut world = World::new(Transport::Ws);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    world.answer(tx, &invite, 200);
    world.run(31.9);
    assert!(matches!(world.receive(invite.clone()), Routed::Absorbed));
    world.run(32.0);
    let _again = world.accept_request(&invite);
}

#[test]
fn the_trace_has_the_transitions_of_server_transactions() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    assert!(matches!(world.receive(invite.clone()), Routed::Absorbed));
    world.answer(tx, &invite, 486);
    world.run(1.0);
    assert!(matches!(world.receive(request("ACK", BRANCH)), Routed::Absorbed));
    world.run(10.0);
    assert_eq!(
        world.bench.moves(Machine::Server(0)),
        ["1xx sent", "request again", "300-699 sent", "timer G", "ACK", "timer I"]
    );
}

/// RFC 3261 §8.2.2.2: also after the transaction of the first copy was lost with its connection.
#[test]
fn a_retransmitted_merged_request_is_refused_again() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    let fork = request("INVITE", "z9hG4bKfork");
    assert!(matches!(world.receive(fork.clone()), Routed::Absorbed));
    world.answer(tx, &invite, 480);
    assert_eq!(world.txs.on_connection_lost(&mut world.bench.cx(), ConnectionId(1)), []);
    world.now_sent();
    assert!(matches!(world.receive(fork), Routed::Absorbed));
    assert_eq!(world.bench.sent().last().and_then(Message::status), Some(482));
}

/// The list of recent INVITEs has the last 32 of them, and other requests do not displace them.
#[test]
fn the_last_32_answered_invites_are_recent() {
    let mut world = World::new(Transport::Ws);
    for n in 0..33 {
        let tx = world.accept_request(&another(n));
        world.answer(tx, &another(n), 200);
        let options = request("OPTIONS", &format!("z9hG4bKoptions{n}"));
        let tx = world.accept_request(&options);
        world.answer(tx, &options, 200);
        let message = request("MESSAGE", &format!("z9hG4bKmessage{n}"));
        let tx = world.accept_request(&message);
        world.txs.store_message(&world.bench.cx(), &tx);
        world.answer(tx, &message, 200);
    }
    for n in 1..33 {
        assert!(matches!(world.receive(another(n)), Routed::Absorbed), "{n}");
    }
    let _forgotten = world.accept_request(&another(0));
}

#[test]
fn another_request_is_in_trying_until_its_final_response() {
    let mut world = World::new(Transport::Udp);
    let options = request("OPTIONS", BRANCH);
    let tx = world.accept_request(&options);
    assert!(matches!(world.receive(options.clone()), Routed::Absorbed));
    world.ring(&tx, &options);
    world.answer(tx, &options, 200);
    let states: Vec<_> = world.bench.transitions().into_iter().map(|(_, [from, _, to])| (from, to)).collect();
    assert_eq!(states, [("trying", "trying"), ("trying", "proceeding"), ("proceeding", "completed")]);
}

/// RFC 3261 §17.2.1: after its ACK a refusal is forgotten, and a later INVITE is a new one.
#[test]
fn a_refused_invite_is_not_recent() {
    for status in [300, 486] {
        let mut world = World::new(Transport::Ws);
        let invite = request("INVITE", BRANCH);
        let tx = world.accept_request(&invite);
        world.answer(tx, &invite, status);
        assert!(matches!(world.receive(request("ACK", BRANCH)), Routed::Absorbed));
        let _again = world.accept_request(&invite);
    }
}

/// RFC 3261 §17.2.2: timer J is 64·T1 over UDP and zero elsewhere.
#[test]
fn a_response_is_retransmitted_on_request_for_32_seconds_over_udp() {
    let mut world = World::new(Transport::Udp);
    let options = request("OPTIONS", BRANCH);
    let tx = world.accept_request(&options);
    assert!(matches!(world.receive(options.clone()), Routed::Absorbed));
    assert_eq!(world.now_sent(), <[String; 0]>::default());
    world.answer(tx, &options, 200);
    world.run(31.0);
    assert!(matches!(world.receive(options), Routed::Absorbed));
    assert_eq!(world.now_sent(), ["200"]);
    world.run(32.0);
    world.assert_empty();

    let mut world = World::new(Transport::Ws);
    let options = request("OPTIONS", BRANCH);
    let tx = world.accept_request(&options);
    world.answer(tx, &options, 200);
    world.assert_empty();
}

/// RFC 3261 §17.2.3.
#[test]
fn requests_are_matched_by_branch_sent_by_and_method() {
    let mut world = World::new(Transport::Udp);
    let first = in_dialog("INFO", BRANCH);
    let _tx = world.accept_request(&first);
    let other_port = changed(&first, ":5070", ":5071");
    for other in [in_dialog("INFO", "z9hG4bKother"), in_dialog("MESSAGE", BRANCH), other_port] {
        let _tx = world.accept_request(&other);
    }
    assert!(matches!(world.receive(first), Routed::Absorbed));
}

/// A branch without the cookie is not unique (RFC 3261 §17.2.3).
#[test]
fn rfc_2543_requests_are_matched_by_all_their_fields() {
    for branch in ["1", "z9hG4bK"] {
        let mut world = World::new(Transport::Udp);
        let first = in_dialog("INVITE", branch);
        let tx = world.accept_request(&first);
        let _second = world.accept_request(&changed(&first, "CSeq: 5", "CSeq: 6"));
        assert!(matches!(world.receive(first.clone()), Routed::Absorbed));
        world.answer(tx, &first, 486);
        assert!(matches!(world.receive(in_dialog("ACK", branch)), Routed::Absorbed));
    }
}

/// With the cookie the branch is unique (RFC 3261 §17.2.3).
#[test]
fn a_branch_with_the_cookie_matches_alone() {
    let mut world = World::new(Transport::Udp);
    let first = in_dialog("INFO", BRANCH);
    let _tx = world.accept_request(&first);
    for (from, to) in [("sip:alice@aa.invalid", "sip:alice@bb.invalid"), (";tag=b", ";tag=c")] {
        assert!(matches!(world.receive(changed(&first, from, to)), Routed::Absorbed), "{to}");
    }
}

/// RFC 3261 §8.2.2.2.
#[test]
fn a_merged_request_is_refused_with_482() {
    let mut world = World::new(Transport::Ws);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    world.now_sent();
    let fork = request("INVITE", "z9hG4bKfork");
    for _ in 0..2 {
        assert!(matches!(world.receive(fork.clone()), Routed::Absorbed));
    }
    let sent = world.bench.sent();
    assert_eq!(sent.iter().map(Message::status).collect::<Vec<_>>(), [Some(482), Some(482)]);
    assert_eq!(sent[0].bytes(), sent[1].bytes(), "the same To tag");
    assert!(sent[0].to().expect("a To").tag().is_some());
    let _reinvite = world.accept_request(&in_dialog("INVITE", "z9hG4bKreinvite"));
    world.answer(tx, &invite, 486);
    assert!(matches!(world.receive(request("ACK", BRANCH)), Routed::Absorbed));
    let _another = world.accept_request(&request("INVITE", "z9hG4bKlater"));
}

/// RFC 3261 §9.2.
#[test]
fn a_cancel_of_a_pending_invite_gets_200_and_is_reported() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    let session = SessionId::new(3, 1);
    world.txs.set_owner(&tx, session);
    world.ring(&tx, &invite);
    world.now_sent();
    match world.receive(request("CANCEL", BRANCH)) {
        Routed::Cancelled { invite, owner, .. } => assert_eq!((invite, owner), (tx.id(), Some(session))),
        other => panic!("{other:?}"),
    }
    let sent = world.bench.sent();
    assert_eq!((sent.len(), sent[0].status()), (1, Some(200)));
    assert_eq!(sent[0].cseq().expect("a CSeq").method, Method::Cancel);
    assert_eq!(sent[0].to().expect("a To").tag(), Some(&b"ours"[..]), "the tag of the 180");
    world.answer(tx, &invite, 487);
    assert!(matches!(world.receive(request("CANCEL", BRANCH)), Routed::Absorbed));
    assert_eq!(world.now_sent(), ["487", "200"]);
}

/// RFC 3261 §9.2: after a final response a CANCEL has no effect, but it is answered.
#[test]
fn a_cancel_after_the_final_response_gets_200_and_is_not_reported() {
    let mut world = World::new(Transport::Ws);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    world.answer(tx, &invite, 486);
    world.now_sent();
    assert!(matches!(world.receive(request("CANCEL", BRANCH)), Routed::Absorbed));
    assert_eq!(world.now_sent(), ["200"]);
}

#[test]
fn a_retransmitted_cancel_gets_the_same_response_after_its_invite_ended() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    assert!(matches!(world.receive(request("CANCEL", BRANCH)), Routed::Cancelled { .. }));
    world.answer(tx, &invite, 487);
    assert!(matches!(world.receive(request("ACK", BRANCH)), Routed::Absorbed));
    world.run(6.0);
    world.now_sent();
    assert!(matches!(world.receive(request("CANCEL", BRANCH)), Routed::Absorbed));
    assert_eq!(world.now_sent(), ["200"]);
}

#[test]
fn a_cancel_without_an_invite_gets_481() {
    let mut world = World::new(Transport::Ws);
    assert!(matches!(world.receive(request("CANCEL", BRANCH)), Routed::Absorbed));
    assert_eq!(world.now_sent(), ["481"]);
    world.assert_empty();
}

#[test]
fn a_cancel_that_overtook_its_invite_is_refused_again_and_cancels_it() {
    let mut world = World::new(Transport::Udp);
    assert!(matches!(world.receive(request("CANCEL", BRANCH)), Routed::Absorbed));
    let _tx = world.accept_request(&request("INVITE", BRANCH));
    world.now_sent();
    assert!(matches!(world.receive(request("CANCEL", BRANCH)), Routed::Cancelled { .. }));
    assert_eq!(world.now_sent(), ["481"], "a transaction has one final response");
}

/// Over a connection the order is kept: a second CANCEL is not a retransmission.
#[test]
fn a_cancel_without_an_invite_over_a_websocket_is_not_stored() {
    let mut world = World::new(Transport::Ws);
    assert!(matches!(world.receive(request("CANCEL", BRANCH)), Routed::Absorbed));
    let _tx = world.accept_request(&request("INVITE", BRANCH));
    assert!(matches!(world.receive(request("CANCEL", BRANCH)), Routed::Cancelled { .. }));
    assert_eq!(world.now_sent(), ["481", "100", "200"]);
}

#[test]
fn a_stray_ack_is_reported_and_an_early_one_is_not() {
    let mut world = World::new(Transport::Ws);
    assert!(matches!(world.receive(request("ACK", BRANCH)), Routed::Ack(_)));
    let _tx = world.accept_request(&request("INVITE", BRANCH));
    assert!(matches!(world.receive(request("ACK", BRANCH)), Routed::Absorbed));
    assert_eq!(world.txs.len(), 1);
}

#[test]
fn a_request_beyond_the_bound_gets_503_without_a_transaction() {
    let mut world = World::new(Transport::Udp);
    world.bench.config.call_limit = 0;
    let bound = bounds::server_transactions(0);
    for n in 0..bound {
        let info = in_dialog("INFO", &format!("z9hG4bK{n}"));
        let tx = world.accept_request(&info);
        world.answer(tx, &info, 200);
    }
    world.now_sent();
    assert!(matches!(world.receive(in_dialog("INFO", "z9hG4bKlast")), Routed::Absorbed));
    assert_eq!(world.now_sent(), ["503"]);
    assert_eq!(world.txs.len(), bound);
    world.run(32.0);
    world.assert_empty();
}

/// A caller that got 503 has given up: a retransmission that arrives after the overload must not ring.
#[test]
fn a_retransmission_after_the_overload_gets_503_again() {
    let mut world = World::new(Transport::Udp);
    world.bench.config.call_limit = 0;
    for n in 0..bounds::server_transactions(0) {
        let info = in_dialog("INFO", &format!("z9hG4bK{n}"));
        let tx = world.accept_request(&info);
        world.answer(tx, &info, 200);
    }
    world.run(20.0);
    assert!(matches!(world.receive(in_dialog("INFO", "z9hG4bKlast")), Routed::Absorbed));
    world.run(33.0);
    world.assert_empty();
    world.now_sent();
    assert!(matches!(world.receive(in_dialog("INFO", "z9hG4bKlast")), Routed::Absorbed));
    assert_eq!(world.now_sent(), ["503"]);
    assert!(matches!(world.receive(in_dialog("INFO", "z9hG4bKnew")), Routed::Request { .. }));
    world.run(52.0);
    assert!(matches!(world.receive(in_dialog("INFO", "z9hG4bKlast")), Routed::Request { .. }));
}

/// RFC 3261 §17.2.4.
#[test]
fn a_lost_flow_ends_server_transactions_and_late_responses_are_dropped() {
    let mut world = World::new(Transport::Udp);
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    let options = request("OPTIONS", BRANCH);
    let second = world.accept_request(&options);
    world.answer(second, &options, 200);
    world.now_sent();
    assert_eq!(world.txs.on_connection_lost(&mut world.bench.cx(), ConnectionId(1)), []);
    world.assert_empty();
    world.ring(&tx, &invite);
    world.answer(tx, &invite, 200);
    assert_eq!(world.now_sent(), <[String; 0]>::default());
}

/// RFC 3261 §13.3.1.4: the call retransmits its 2xx over the new connection.
#[test]
fn an_answered_invite_over_another_flow_creates_no_second_call() {
    for transport in [Transport::Ws, Transport::Udp] {
        let mut world = World::new(transport);
        let invite = request("INVITE", BRANCH);
        let tx = world.accept_request(&invite);
        world.answer(tx, &invite, 200);
        world.txs.on_connection_lost(&mut world.bench.cx(), ConnectionId(1));
        assert!(matches!(world.receive(invite.clone()), Routed::Absorbed), "{transport:?}");
        world.run(32.0);
        assert!(matches!(world.receive(invite), Routed::Request { .. }), "{transport:?}");
    }
}

/// An idle phone releases the memory of its last calls.
#[test]
fn idle_transactions_hold_no_memory() {
    let mut world = World::new(Transport::Udp);
    assert!(world.txs.is_idle());
    world.ask(Method::Options);
    assert!(!world.txs.is_idle());
    world.run(32.0);
    assert!(world.txs.is_idle());
    let invite = request("INVITE", BRANCH);
    let tx = world.accept_request(&invite);
    assert!(!world.txs.is_idle());
    world.answer(tx, &invite, 200);
    world.run(64.0);
    assert!(world.txs.is_idle());
    world.txs.shrink(world.bench.now);
    let txs = &world.txs;
    assert_eq!((txs.clients.capacity(), txs.servers.capacity(), txs.via.capacity()), (0, 0, 0));
    assert_eq!((txs.by_branch.capacity(), txs.by_origin.capacity()), (0, 0));
}
