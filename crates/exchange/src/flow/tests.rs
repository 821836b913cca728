use std::time::Duration;

use super::*;
use offhook_wire::Message;

const NOW: Instant = Instant::ZERO;

fn at(seconds: u64) -> Instant {
    NOW + Duration::from_secs(seconds)
}

fn remote(host: u8, port: u16) -> SocketAddr {
    ([192, 0, 2, host], port).into()
}

fn few() -> Limits {
    Limits {
        connections: 8,
        unauthenticated: 4,
        unauthenticated_per_source: 2,
        connections_per_user: 2,
        datagram_flows: 3,
        ..Limits::default()
    }
}

fn accept(flows: &mut Flows, seconds: u64, id: u64, host: u8) -> Option<Vec<u64>> {
    let evicted = flows.up(at(seconds), FlowId(id), Transport::Ws, remote(host, id as u16))?;
    let evicted: Vec<u64> = evicted.into_iter().map(|id| id.0).collect();
    for id in &evicted {
        assert!(flows.down(FlowId(*id)));
    }
    Some(evicted)
}

#[test]
fn oldest_unauthenticated_connection_of_a_full_source_is_evicted() {
    let mut flows = Flows::new(&few());
    assert_eq!(accept(&mut flows, 0, 1, 1), Some(vec![]));
    assert_eq!(accept(&mut flows, 1, 2, 2), Some(vec![]));
    assert_eq!(accept(&mut flows, 2, 3, 2), Some(vec![]));
    assert_eq!(accept(&mut flows, 3, 4, 2), Some(vec![2]), "not that of another source");
    assert_eq!(accept(&mut flows, 4, 5, 3), Some(vec![]));
    assert_eq!(accept(&mut flows, 5, 6, 4), Some(vec![1]), "too many of all sources");
    assert_eq!(flows.unauthenticated(), 4);
}

#[test]
fn guests_are_evicted_after_unauthenticated_connections_and_users_never() {
    let mut flows = Flows::new(&few());
    for id in 1..=2 {
        accept(&mut flows, id, id, 1);
        flows.mark_guest(at(id), FlowId(id));
    }
    flows.mark_guest(at(3), FlowId(1));
    assert_eq!(accept(&mut flows, 3, 3, 1), Some(vec![2]), "the guest with the oldest call");
    assert_eq!(accept(&mut flows, 3, 4, 1), Some(vec![3]), "an unauthenticated one goes first");
    flows.down(FlowId(4));
    flows.down(FlowId(1));
    accept(&mut flows, 4, 1, 1);
    accept(&mut flows, 4, 2, 1);
    flows.mark_guest(at(4), FlowId(1));
    flows.mark_guest(at(4), FlowId(2));
    for id in 4..=8 {
        assert_eq!(accept(&mut flows, id, id, 2), Some(vec![]));
        assert_eq!(flows.authenticated(FlowId(id), &format!("user{id}"), |_| false), Some(vec![]));
    }
    assert_eq!(flows.unauthenticated(), 0);
    assert_eq!(accept(&mut flows, 9, 9, 3), Some(vec![]));
    assert_eq!(accept(&mut flows, 10, 10, 3), Some(vec![9]), "eight connections in total");
    assert_eq!(flows.next_overdue(at(1000)), Some(FlowId(10)));
    for id in [1, 2, 10] {
        assert_eq!(flows.authenticated(FlowId(id), &format!("user{id}"), |_| false), Some(vec![]));
    }
    assert_eq!(accept(&mut flows, 11, 11, 4), None, "all are users'");
}

#[test]
fn unauthenticated_connection_is_overdue_after_the_timeout() {
    let mut flows = Flows::new(&few());
    accept(&mut flows, 0, 1, 1);
    accept(&mut flows, 1, 2, 1);
    flows.authenticated(FlowId(1), "alice", |_| false);
    assert_eq!((flows.next_overdue(at(32)), flows.deadline()), (None, Some(at(33))));
    assert_eq!(flows.next_overdue(at(33)), Some(FlowId(2)));
}

#[test]
fn connections_of_a_user_are_bounded() {
    let mut flows = Flows::new(&few());
    let registered = |id| id == FlowId(1);
    for id in 1..=3 {
        accept(&mut flows, id, id, id as u8);
        let expected = if id == 3 { vec![FlowId(2)] } else { vec![] };
        assert_eq!(flows.authenticated(FlowId(id), "alice", registered), Some(expected));
    }
    flows.down(FlowId(2));
    accept(&mut flows, 4, 4, 4);
    assert_eq!(flows.authenticated(FlowId(4), "alice", |_| true), None, "all have bindings");
    assert_eq!(flows.authenticated(FlowId(3), "alice", |_| true), Some(vec![]), "authenticated already");
}

#[test]
fn datagram_creates_no_flow() {
    let mut flows = Flows::new(&few());
    let one = flows.arrival(remote(1, 5060));
    assert_eq!(flows.arrival(remote(2, 5060)).flow, one.flow, "no id is reserved");
    assert_eq!((flows.len(), flows.deadline()), (0, None));
}

#[test]
fn idlest_unused_datagram_flow_is_evicted() {
    let mut flows = Flows::new(&few());
    let open = |flows: &mut Flows, seconds: u64, host: u8, kept: &[FlowId]| {
        flows.open(at(seconds), remote(host, 5060), |id| kept.contains(&id))
    };
    let [one, two, three] = [1, 2, 3].map(|host| open(&mut flows, host.into(), host, &[]).unwrap());
    assert_eq!(open(&mut flows, 4, 1, &[]), Some(one), "it exists");
    flows.received(at(5), two);
    let kept = [one];
    let four = open(&mut flows, 6, 4, &kept).unwrap();
    assert!(!flows.contains(three) && flows.contains(one) && flows.contains(two) && flows.contains(four));
    flows.get_mut(two).unwrap().transactions = 1;
    flows.get_mut(four).unwrap().transactions = 1;
    assert_eq!(open(&mut flows, 7, 5, &kept), None, "one has a binding, the others transactions");
}

#[test]
fn idlest_flow_is_the_one_received_on_least_recently() {
    let mut flows = Flows::new(&few());
    let ids = [1, 2, 3].map(|host| flows.open(NOW, remote(host, 5060), |_| false).unwrap());
    for (seconds, id) in [(5, ids[0]), (4, ids[1]), (6, ids[2])] {
        flows.received(at(seconds), id);
    }
    flows.open(at(10), remote(4, 5060), |_| false).unwrap();
    assert_eq!(ids.map(|id| flows.contains(id)), [true, false, true]);
}

#[test]
fn full_table_in_use_is_not_scanned_for_each_new_flow() {
    let capacity = 1000;
    let mut flows = Flows::new(&Limits { datagram_flows: capacity, ..few() });
    let address = |number: usize| ([10, 0, (number >> 8) as u8, number as u8], 5060).into();
    let ids: Vec<FlowId> =
        (0..capacity).map(|number| flows.open(NOW, address(number), |_| true).unwrap()).collect();
    let checks = std::cell::Cell::new(0);
    let open = |flows: &mut Flows, idle: Option<FlowId>| {
        checks.set(0);
        flows.open(at(1), address(capacity), |id| {
            checks.set(checks.get() + 1);
            Some(id) != idle
        })
    };
    assert_eq!(open(&mut flows, None), None);
    assert!(checks.get() < 100, "{} checks", checks.get());
    let idle = ids[capacity / 2];
    let found = (0..capacity).any(|_| open(&mut flows, Some(idle)).is_some());
    assert!(found && !flows.contains(idle), "each is checked eventually");
}

#[test]
fn idle_datagram_flow_times_out_and_active_one_does_not() {
    let mut flows = Flows::new(&few());
    let one = flows.open(NOW, remote(1, 5060), |_| false).unwrap();
    let two = flows.open(NOW, remote(2, 5060), |_| false).unwrap();
    assert_eq!(accept(&mut flows, 0, 3, 3), Some(vec![]));
    flows.authenticated(FlowId(3), "alice", |_| false);
    flows.received(at(10), two);
    assert_eq!(flows.deadline(), Some(at(300)));
    assert_eq!(flows.next_idle(at(300), |_| false), Some(one));
    flows.down(one);
    assert_eq!(flows.next_idle(at(300), |_| false), None);
    assert_eq!(flows.deadline(), Some(at(310)));
}

#[test]
fn idle_flow_in_use_is_kept_and_checked_again() {
    let mut flows = Flows::new(&few());
    let one = flows.open(NOW, remote(1, 5060), |_| false).unwrap();
    assert_eq!(flows.next_idle(at(300), |_| true), None);
    flows.get_mut(one).unwrap().transactions = 1;
    assert_eq!(flows.next_idle(at(600), |_| false), None);
    flows.get_mut(one).unwrap().transactions = 0;
    assert_eq!(flows.next_idle(at(900), |_| false), Some(one));
}

#[test]
fn responses_go_to_the_source_port_with_rport_else_to_sent_by() {
    let target = |via: &str| {
        let text = format!("OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK1\r\n\r\n");
        let request = Message::parse(text.into(), &offhook_wire::Limits::default()).unwrap();
        let arrival = Arrival { flow: FlowId(1), remote: remote(1, 7000), transport: Transport::Udp };
        (arrival.replies_to(&request), arrival.is_translated(&request))
    };
    assert_eq!(target("192.0.2.1:7000;rport"), (remote(1, 7000), false));
    assert_eq!(target("192.0.2.1;rport"), (remote(1, 7000), true), "only the port was changed");
    assert_eq!(target("192.0.2.1:7070"), (remote(1, 7070), false));
    assert_eq!(target("10.0.0.1"), (remote(1, 5060), true));
    assert_eq!(target("phone.invalid:0;maddr=10.0.0.1"), (remote(1, 5060), true));
}
