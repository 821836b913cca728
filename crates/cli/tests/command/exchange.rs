//! `offhook exchange` and its options.

use super::{BOUND, Offhook};
use std::net::UdpSocket;

/// The answer to one request of alice's by UDP.
fn answer(method: &str, options: &[&str]) -> String {
    let fixed = ["exchange", "--listen", "127.0.0.1:0", "--udp", "127.0.0.1:0", "--realm", "house.test"];
    let exchange = Offhook::start(&[&fixed[..], &["--user", "alice:a-pw"], options].concat());
    let url = exchange.until("listening", |_| true)["udp"].as_str().expect("a URL").to_owned();
    let socket = UdpSocket::bind("127.0.0.1:0").expect("loopback");
    socket.connect(url.trim_start_matches("udp://")).expect("loopback");
    socket.set_read_timeout(Some(BOUND)).expect("not zero");
    let request = format!(
        "{method} sip:house.test SIP/2.0\r\nVia: SIP/2.0/UDP x.invalid;branch=z9hG4bK7;rport\r\n\
         From: <sip:alice@house.test>;tag=1\r\nTo: <sip:alice@house.test>\r\nCall-ID: raw\r\n\
         CSeq: 1 {method}\r\nMax-Forwards: 70\r\nContact: <sip:alice@x.invalid>\r\nContent-Length: 0\r\n\r\n"
    );
    socket.send(request.as_bytes()).expect("sent");
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).expect("answered in time");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

#[test]
fn the_algorithms_that_are_asked_for_are_offered_in_their_order() {
    let offered = |options: &[&str]| {
        let challenge = answer("REGISTER", options);
        let rows = challenge.lines().filter(|line| line.starts_with("WWW-Authenticate: "));
        let algorithm = |row: &str| Some(row.split_once("algorithm=")?.1.split(',').next()?.to_owned());
        rows.map(|row| algorithm(row).expect("named")).collect::<Vec<_>>()
    };
    assert_eq!(offered(&[]), ["SHA-256", "MD5"]);
    assert_eq!(offered(&["--algorithm", "md5"]), ["MD5"]);
    assert_eq!(offered(&["--algorithm", "md5,sha-512-256"]), ["MD5", "SHA-512-256"]);
}
