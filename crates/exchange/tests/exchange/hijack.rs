//! Contacts of one user that another user registers. Requests of a call go only to the user of the call.

use std::time::Duration;

use offhook_exchange::Transport;

use crate::lab::{Dialog, Lab, Phone, Sip, config, reply};

/// When Carol registers the contact of Bob.
#[derive(Copy, Clone, Debug, PartialEq)]
enum When {
    /// While Bob is registered.
    Before,
    /// After Bob's connection was lost.
    After,
}

const ALWAYS: [When; 2] = [When::Before, When::After];

/// Alice is in a call with Bob, Bob's connection is lost, and Carol has registered Bob's contact.
struct Scene {
    lab: Lab,
    alice: Phone,
    bob: Phone,
    carol: Phone,
    /// Alice's view of the call, if there is one.
    near: Option<Dialog>,
}

impl Scene {
    fn new(when: When) -> Self {
        let mut lab = Lab::new();
        let mut alice = Phone::registered(&mut lab, 1, "alice");
        let mut bob = Phone::registered(&mut lab, 2, "bob");
        let (near, _) = alice.call(&mut lab, &mut bob);
        let mut carol = Phone::new(&mut lab, 3, Transport::Ws, "carol");
        carol.contact = bob.contact.clone();
        if when == When::Before {
            carol.register(&mut lab);
        }
        bob.reconnect(&mut lab, 12);
        if when == When::After {
            carol.register(&mut lab);
        }
        Self { lab, alice, bob, carol, near: Some(near) }
    }

    /// Alice's next request in the call.
    fn request(&mut self, method: &str) -> String {
        self.near.as_mut().expect("a call").request(&mut self.alice, method, "")
    }

    fn lose_route(&mut self) {
        self.near = self.near.take().map(Dialog::routeless);
    }

    /// Restarts the exchange; Carol registers before Bob.
    fn restart(&mut self) {
        self.lab.restart(config(), 43);
        for (phone, flow) in [(&mut self.alice, 21), (&mut self.carol, 23)] {
            phone.flow = self.lab.up(flow, Transport::Ws);
            phone.register(&mut self.lab);
        }
        self.bob.flow = self.lab.up(22, Transport::Ws);
    }

    fn send(&mut self, request: &str) {
        self.lab.send(self.alice.flow, request);
    }

    /// Alice's request waits for Bob and does not reach Carol, even if Carol registers again.
    #[track_caller]
    fn waits_for_bob(&mut self, method: &str) {
        self.lab.silent(self.carol.flow);
        self.carol.register(&mut self.lab);
        self.lab.silent(self.carol.flow);
        self.bob.register(&mut self.lab);
        let received = self.lab.expect(self.bob.flow, &format!("{method} {} ", self.bob.contact));
        self.lab.send(self.bob.flow, &reply(&received, "200 OK", "", ""));
        self.lab.expect(self.alice.flow, "SIP/2.0 200 ");
        self.lab.silent(self.carol.flow);
    }
}

#[test]
fn request_with_a_route_waits_for_its_callee() {
    for when in ALWAYS {
        let mut scene = Scene::new(when);
        let info = scene.request("INFO");
        scene.send(&info);
        scene.waits_for_bob("INFO");
    }
}

#[test]
fn request_without_its_route_waits_for_its_callee() {
    for when in ALWAYS {
        let mut scene = Scene::new(when);
        scene.lose_route();
        let info = scene.request("INFO");
        scene.send(&info);
        scene.waits_for_bob("INFO");
    }
}

#[test]
fn reinvite_and_bye_wait_for_their_callee() {
    let mut scene = Scene::new(When::After);
    let hold = scene.request("INVITE");
    scene.send(&hold);
    scene.lab.expect(scene.alice.flow, "SIP/2.0 100 ");
    scene.waits_for_bob("INVITE");

    let mut scene = Scene::new(When::Before);
    let bye = scene.request("BYE");
    scene.send(&bye);
    scene.waits_for_bob("BYE");
}

#[test]
fn request_after_a_restart_waits_for_its_callee() {
    for routed in [true, false] {
        let mut scene = Scene::new(When::After);
        scene.restart();
        if !routed {
            scene.lose_route();
        }
        let info = scene.request("INFO");
        scene.send(&info);
        scene.waits_for_bob("INFO");
    }
}

#[test]
fn registrations_of_another_user_do_not_prolong_the_wait() {
    for restarted in [false, true] {
        let mut scene = Scene::new(When::After);
        if restarted {
            scene.restart();
        }
        let info = scene.request("INFO");
        scene.send(&info);
        for _ in 0..3 {
            scene.lab.pass(Duration::from_secs(3));
            scene.carol.register(&mut scene.lab);
        }
        scene.lab.silent(scene.alice.flow);
        scene.lab.pass(Duration::from_secs(2));
        scene.lab.expect(scene.alice.flow, "SIP/2.0 480 ");
        scene.lab.silent(scene.carol.flow);
    }
}

#[test]
fn ack_reaches_only_its_callee() {
    for (routed, restarted) in [(true, false), (false, false), (true, true), (false, true)] {
        let mut scene = Scene::new(When::After);
        if restarted {
            scene.restart();
        }
        if !routed {
            scene.lose_route();
        }
        for back in [false, true] {
            if back {
                scene.bob.register(&mut scene.lab);
            }
            let ack = scene.request("ACK");
            scene.send(&ack);
            scene.lab.silent(scene.carol.flow);
            assert_eq!(scene.lab.waiting(scene.bob.flow), usize::from(back));
        }
        scene.lab.expect(scene.bob.flow, &format!("ACK {} ", scene.bob.contact));
    }
}

/// Sends an INVITE to Bob's contact, as a transfer does. Returns the first response.
fn transfer(scene: &mut Scene) -> Sip {
    let uri = scene.bob.contact.clone();
    let rows = format!("Contact: <{}>\nReplaces: call;to-tag=1;from-tag=2\n", scene.alice.contact);
    let first = scene.alice.request("INVITE", &uri, &uri, &rows);
    scene.send(&first);
    let answer = scene.lab.next(scene.alice.flow);
    if !answer.start().starts_with("SIP/2.0 407 ") {
        return answer;
    }
    let credentials = scene.alice.credentials(&answer, "INVITE", &uri);
    let second =
        scene.alice.request("INVITE", &uri, &uri, &format!("{rows}Proxy-Authorization: {credentials}\n"));
    scene.send(&second);
    scene.lab.next(scene.alice.flow)
}

#[test]
fn transfer_to_a_contact_reaches_its_former_user() {
    for when in ALWAYS {
        let mut scene = Scene::new(when);
        assert_eq!(transfer(&mut scene).start(), "SIP/2.0 403 Relaying Denied", "{when:?}: Bob is away");
        scene.lab.silent(scene.carol.flow);
        scene.bob.register(&mut scene.lab);
        assert!(transfer(&mut scene).start().starts_with("SIP/2.0 100 "));
        scene.lab.expect(scene.bob.flow, &format!("INVITE {} ", scene.bob.contact));
        scene.lab.silent(scene.carol.flow);
    }
}

#[test]
fn user_that_registers_again_keeps_its_contact() {
    let mut scene = Scene::new(When::After);
    scene.bob.register(&mut scene.lab);
    for _ in 0..8 {
        scene.lab.pass(Duration::from_secs(500));
        scene.bob.register(&mut scene.lab);
        scene.carol.register(&mut scene.lab);
    }
    transfer(&mut scene);
    scene.lab.expect(scene.bob.flow, "INVITE ");
    scene.lab.silent(scene.carol.flow);
}

#[test]
fn contact_replaced_by_its_device_stays_with_its_user() {
    let mut lab = Lab::new();
    let alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::new(&mut lab, 2, Transport::Ws, "bob");
    let mut carol = Phone::new(&mut lab, 3, Transport::Ws, "carol");
    let left = bob.contact.clone();
    for contact in [left.as_str(), "sip:new@bob.invalid;transport=ws"] {
        bob.register_with(&mut lab, &format!("Contact: <{contact}>;+sip.instance=\"<urn:uuid:b>\"\n"));
    }
    carol.contact = left;
    carol.register(&mut lab);
    let mut scene = Scene { lab, alice, bob, carol, near: None };
    assert_eq!(transfer(&mut scene).start(), "SIP/2.0 403 Relaying Denied");
    scene.lab.silent(scene.carol.flow);
}

/// The oldest registration of a contact decides, not that of the device.
#[test]
fn age_of_a_contact_is_not_that_of_its_device() {
    let mut lab = Lab::new();
    let mut carol = Phone::new(&mut lab, 3, Transport::Ws, "carol");
    let device = ";+sip.instance=\"<urn:uuid:c>\"\n";
    carol.register_with(&mut lab, &format!("Contact: <{}>{device}", carol.contact));
    let alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    carol.register_with(&mut lab, &format!("Contact: <{}>{device}", bob.contact));
    let mut scene = Scene { lab, alice, bob, carol, near: None };
    transfer(&mut scene);
    scene.lab.expect(scene.bob.flow, "INVITE ");
    scene.lab.silent(scene.carol.flow);
}

#[test]
fn removed_contact_has_no_owner() {
    let mut scene = Scene::new(When::After);
    scene.bob.register(&mut scene.lab);
    let gone = format!("Contact: <{}>;expires=0\n", scene.bob.contact);
    scene.bob.register_with(&mut scene.lab, &gone);
    transfer(&mut scene);
    scene.lab.expect(scene.carol.flow, "INVITE ");
}

#[test]
fn pending_invite_of_a_lost_callee_is_not_sent_to_another_user() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    let ringing = lab.expect(bob.flow, "INVITE ");
    bob.reconnect(&mut lab, 12);
    let mut carol = Phone::new(&mut lab, 3, Transport::Ws, "carol");
    carol.contact = bob.contact.clone();
    carol.register(&mut lab);
    lab.silent(carol.flow);
    bob.register(&mut lab);
    assert_eq!(lab.next(bob.flow).0, ringing.0);
    lab.silent(carol.flow);
}

#[test]
fn response_to_a_lost_caller_is_not_sent_to_another_user() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let bob = Phone::registered(&mut lab, 2, "bob");
    alice.invite(&mut lab, "sip:bob@example.com");
    let received = lab.expect(bob.flow, "INVITE ");
    alice.reconnect(&mut lab, 11);
    let mut carol = Phone::new(&mut lab, 3, Transport::Ws, "carol");
    carol.contact = alice.contact.clone();
    carol.register(&mut lab);
    lab.send(bob.flow, &reply(&received, "486 Busy Here", "b", ""));
    lab.expect(bob.flow, "ACK ");
    lab.silent(carol.flow);
    alice.register(&mut lab);
    lab.expect(alice.flow, "SIP/2.0 486 ");
    lab.silent(carol.flow);
}

/// Carol registers a contact at the address of a guest, so that a binding of Carol's uses the guest's flow, and then moves it.
#[test]
fn binding_at_the_address_of_a_guest_does_not_redirect_its_calls() {
    let mut lab = Lab::new();
    let mut alice = Phone::registered(&mut lab, 1, "alice");
    let mut guest = Phone::desk(&mut lab, 5, "guest", "198.51.100.7:5060");
    guest.domain = "example.org";
    let mut carol = Phone::desk(&mut lab, 3, "carol", "192.0.2.3:5060");
    carol.contact = guest.contact.clone();
    carol.register(&mut lab);

    let uri = "sip:alice@example.com";
    let invite = guest.request("INVITE", uri, uri, &format!("Contact: <{}>\n", guest.contact));
    lab.send(guest.flow, &invite);
    lab.expect(guest.flow, "SIP/2.0 100 ");
    let received = alice.answer(&mut lab);
    lab.expect(guest.flow, "SIP/2.0 180 ");
    lab.expect(guest.flow, "SIP/2.0 200 ");
    let mut far = Dialog::callee(&received, &alice.tag);

    let mut elsewhere = Phone::new(&mut lab, 4, Transport::Ws, "carol");
    elsewhere.contact = carol.contact.clone();
    elsewhere.tag = "elsewhere".to_owned();
    elsewhere.register(&mut lab);
    let bye = far.request(&mut alice, "BYE", "");
    lab.send(alice.flow, &bye);
    lab.silent(elsewhere.flow);
    lab.silent(carol.flow);
    lab.expect(guest.flow, "BYE ");
}

/// A port does not change an address-of-record: a phone may include the port of the exchange.
#[test]
fn contact_cannot_capture_an_address_of_record_with_a_port() {
    for own in [true, false] {
        let mut lab = Lab::new();
        let mut alice = Phone::registered(&mut lab, 1, "alice");
        let bob = Phone::registered(&mut lab, 2, "bob");
        let mut carol = Phone::new(&mut lab, 3, Transport::Ws, "carol");
        carol.contact = "sip:bob@example.com:8080".to_owned();
        carol.register(&mut lab);
        if own {
            // Bob may register that contact.
            let mut desk = Phone::new(&mut lab, 4, Transport::Ws, "bob");
            desk.contact = carol.contact.clone();
            desk.tag = "desk".to_owned();
            desk.register(&mut lab);
            alice.invite(&mut lab, &carol.contact);
            lab.expect(desk.flow, "INVITE ");
            lab.silent(bob.flow);
        } else {
            alice.invite(&mut lab, &carol.contact);
            lab.expect(bob.flow, "INVITE ");
        }
        lab.silent(carol.flow);
    }
}
